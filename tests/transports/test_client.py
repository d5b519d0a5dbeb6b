"""The client for people, on loopback sockets and in virtual time: what it does is judged from the server's side."""

from __future__ import annotations

import ast
import inspect
import json
import os
import textwrap
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event

import pytest
import requests

import bide
from bide import Every, Patience
from bide.document import JSON
from bide.errors import (
    InvalidHandle,
    InvalidKey,
    InvalidOrder,
    JobAbandoned,
    JobCancelled,
    JobError,
    JobExpired,
    JobFailed,
    JobLost,
    JobUnfinished,
    PollingAdvice,
    SaveError,
)
from bide.secret import Secret
from bide_transports import requests as transport
from bide_transports.clock import SystemClock
from bide_transports.emulator import (
    Drop,
    Fault,
    Limit,
    Variants,
    VirtualClock,
    html,
    png,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.faults import Kind
from bide_transports.emulator.replies import invalid, problem
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client, Interrupted
from tests.hostile import Server, field_of, head, read, reply, send, stall, tell
from tests.transports.clients import FOX, KEY, service
from tests.transports.disk import file_size_limit


@contextmanager
def house(
    *faults: Fault,
    variants: Variants = Variants(),
    limit: Limit = Limit(),
    clock: VirtualClock | None = None,
    pace: bide.Pace = Every(2.0),
    patience: Patience = Patience(),
    session: requests.Session | None = None,
) -> Generator[tuple[Emulator, Client]]:
    """An emulator on loopback and a client of it; both live in the time of `clock`, so nobody waits."""
    clock = clock or VirtualClock()
    with (
        serve(service(*faults, variants=variants, limit=limit), clock=clock.now) as emulator,
        Client(
            emulator.key,
            dialect=bide.ModelRoute(emulator.base_url),
            pace=pace,
            patience=patience,
            session=session,
            clock=clock,
        ) as client,
    ):
        yield emulator, client


# -- the scenario of the first issue -----------------------------------------------------------------------------------


def test_four_ends_under_a_tight_limit_with_trouble_on_the_way(tmp_path: Path) -> None:
    trouble = [
        Fault("submit", Drop("after"), nth=1),  # the job is made, its acknowledgement lost
        Fault("submit", Drop("head"), nth=4),
        Fault("poll", too_many(7), nth=5, times=2),
        Fault("poll", Drop("body", reset=True), nth=30),
        Fault("poll", unavailable(), nth=60),
        Fault("result", too_many("11"), nth=1),
        Fault("storage", too_many(3), nth=1),
    ]
    ends: dict[str, type[JobError]] = {"bad": JobFailed, "stopped": JobCancelled, "late": JobExpired}
    with house(*trouble, variants=Variants(download="url"), pace=Every(0.25)) as (emulator, client):
        result = client.run("good", FOX)
        paths = client.save(result, tmp_path)
        for model, error in ends.items():
            with pytest.raises(error):
                client.run(model, FOX)
    account = emulator.account
    assert account.requests > 4 * 60  # more than fit into the first windows, so the limit was felt
    assert account.limited == 4  # those injected: the limit itself was never overrun
    assert account.early == ()
    assert account.credentials_at_storage == 0
    assert account.executions == 4
    assert account.duplicates == 2
    assert [path.read_bytes() for path in paths] == [png(file, 64, 48) for file in result.files]


def test_the_client_keeps_to_the_limit_from_one_job_to_the_next() -> None:
    with house(limit=Limit(2, 60)) as (emulator, client):
        for _ in range(4):  # submit, result: each job uses the window up
            client.run("quick", FOX)
    assert emulator.account.limited == 0
    assert emulator.account.early == ()


def test_a_download_keeps_to_the_limit_that_the_job_has_used_up(tmp_path: Path) -> None:
    with house(limit=Limit(2, 60), variants=Variants(download="url")) as (emulator, client):
        client.save(client.run("quick", FOX), tmp_path)
    assert emulator.account.limited == 0
    assert emulator.account.early == ()


@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
@pytest.mark.parametrize("reset", [False, True])
def test_one_submission_makes_one_execution(when: str, reset: bool) -> None:
    drop = Drop(when, reset)  # type: ignore[arg-type]
    with house(Fault("submit", drop, times=3)) as (emulator, client):
        client.run("good", FOX)
    submissions = [seen for seen in emulator.account.seen if seen.kind == "submit"]
    assert emulator.account.executions == 1
    assert len(submissions) == 4
    assert len({seen.key for seen in submissions}) == 1
    assert emulator.account.duplicates == (0 if when == "before" else 3)


def test_two_submissions_make_two_executions() -> None:
    with house() as (emulator, client):
        assert client.run("good", FOX).handle != client.run("good", FOX).handle
    assert emulator.account.executions == 2


# -- what each method does ---------------------------------------------------------------------------------------------


def test_run() -> None:
    with house() as (_, client):
        result = client.run("good", FOX)
    assert result.handle.startswith("exec_")
    assert len(result.files) == 1
    assert str(result.cost) == "0.040"
    assert client.quota is not None
    assert client.quota.limit == 60


def test_submit_returns_before_the_job_is_over_and_wait_goes_on() -> None:
    with house() as (emulator, client):
        job = client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        assert emulator.account.requests == 1
        assert client.wait(job).handle == job.handle
        assert client.wait(job.handle).handle == job.handle
    assert emulator.account.executions == 1


def test_submit_says_what_the_service_refused() -> None:
    refused = problem(invalid("input.prompt", "TOO_LONG", "at most 1000 characters"))
    with house(Fault("submit", refused)) as (emulator, client):
        job = client.submit("good", FOX)
    assert isinstance(job, bide.Failed)
    assert "input.prompt (TOO_LONG) at most 1000 characters" in str(job.problem)
    assert emulator.account.requests == 1


def test_follow_shows_every_state() -> None:
    with house(pace=Every(10)) as (_, client):
        states = list(client.follow(client.prepare("good", FOX)))
    assert isinstance(states[0], bide.Submitting)
    assert isinstance(states[-2], bide.Fetching)
    assert isinstance(states[-1], bide.Completed)
    heard = [state.past.status for state in states[1:-2]]
    assert heard == ["PENDING"] + ["AWAITING_WEBHOOK"] * 9


def test_prepare_sends_nothing_and_keeps_the_key_it_is_given() -> None:
    with house() as (emulator, client):
        job = client.prepare("good", FOX, metadata={"page": 3}, key="order-17")
        assert emulator.account.requests == 0
        client.wait(job)
        client.wait(bide.load(bide.dump(job), dialect=bide.ModelRoute(emulator.base_url)))
    assert {seen.key for seen in emulator.account.seen if seen.kind == "submit"} == {"order-17"}
    assert emulator.account.executions == 1


def test_cancel_in_time() -> None:
    with house() as (emulator, client):
        job = client.submit("good", FOX)
        assert isinstance(client.cancel(job), bide.Cancelled)
        with pytest.raises(JobCancelled, match="was cancelled: submit again"):
            client.wait(job)
    assert [seen.status for seen in emulator.account.seen if seen.kind == "cancel"] == [200]


def test_cancel_too_late_yields_the_result() -> None:
    clock = VirtualClock()
    with house(clock=clock) as (_, client):
        job = client.submit("good", FOX)
        clock.sleep_until(clock.now() + 100)
        ended = client.cancel(job)
    assert isinstance(ended, bide.Completed)
    assert ended.result.files


def test_cancel_by_id_and_of_a_job_that_is_over() -> None:
    with house() as (emulator, client):
        job = client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        ended = client.cancel(job.handle)
        asked = emulator.account.requests
        assert client.cancel(ended) is ended
    assert emulator.account.requests == asked


def test_result_of_a_job_that_is_over_and_of_one_that_is_not() -> None:
    clock = VirtualClock()
    with house(clock=clock) as (emulator, client):
        job = client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        asked = emulator.account.requests
        with pytest.raises(JobUnfinished, match="wait for it") as caught:
            client.result(job.handle)
        assert emulator.account.requests == asked + 1
        assert caught.value.job.past.status == "PENDING"
        clock.sleep_until(clock.now() + 100)
        assert client.result(job.handle).handle == job.handle


def test_a_second_client_resumes_what_the_first_has_left() -> None:
    with house() as (emulator, client):
        token = bide.dump(client.submit("good", FOX))
        assert emulator.key not in token
        with Client(emulator.key, dialect=bide.ModelRoute(emulator.base_url), clock=client.clock) as other:
            assert other.wait(other.resume(token)).files
    assert emulator.account.executions == 1


# -- how it can end ----------------------------------------------------------------------------------------------------


def test_a_wrong_key() -> None:
    with house() as (emulator, _):
        wrong = Client(KEY[:-1] + "1", dialect=bide.ModelRoute(emulator.base_url), clock=VirtualClock())
        with wrong, pytest.raises(JobAbandoned, match="check the key") as caught:
            wrong.run("good", FOX)
    assert isinstance(caught.value.job, bide.Abandoned)
    assert caught.value.job.reason is bide.Reason.UNAUTHORISED
    assert emulator.account.requests == 1
    assert KEY[:-1] not in str(caught.value) + repr(caught.value.job) + bide.dump(caught.value.job)


def test_a_key_that_is_revoked_on_the_way_can_be_followed_by_a_new_one() -> None:
    with house(Fault("poll", unauthorised(), nth=3)) as (emulator, client):
        with pytest.raises(JobAbandoned) as caught:
            client.run("good", FOX)
        assert client.wait(client.resume(bide.dump(caught.value.job))).files
    assert emulator.account.executions == 1


def test_an_id_that_nobody_knows() -> None:
    with house() as (emulator, client), pytest.raises(JobLost, match="check the id"):
        client.wait("exec_00000000-0000-4000-8000-000000000000")
    assert emulator.account.requests == 1


@pytest.mark.parametrize("method", ["run", "wait"])
def test_a_host_that_is_not_there(method: str) -> None:
    with serve() as gone:
        pass
    clock = VirtualClock()
    began = clock.now()
    client = Client(KEY, dialect=bide.ModelRoute(gone.base_url), clock=clock)
    with client, pytest.raises(JobAbandoned, match="check the base URL") as caught:
        client.run("good", FOX) if method == "run" else client.wait("exec_1")
    job = caught.value.job
    assert isinstance(job, bide.Abandoned)
    assert job.reason is bide.Reason.UNREACHABLE
    assert job.past.requests == Patience().first_contact
    assert clock.now() - began < 60


def test_a_portal_in_place_of_the_service() -> None:
    patience, advice = Patience(failures=5), "a proxy may answer in its place"
    with house(Fault("any", html(), times=99), patience=patience) as (emulator, client):
        with pytest.raises(JobAbandoned, match=r"sign in to use this network.*look for the job"):
            client.run("good", FOX)
        assert emulator.account.requests == 1, "what was answered is not sent again"
        with pytest.raises(JobAbandoned, match=advice):
            client.wait("exec_1")
        assert emulator.account.requests == 6


def test_a_deadline_is_exact_and_the_last_look_counts() -> None:
    clock = VirtualClock()
    began = clock.now()
    with house(clock=clock, patience=Patience(deadline=95.0), pace=Every(60)) as (_, client):
        client.run("good", FOX)  # ends at its 95th second
    assert clock.now() == began + 95
    with house(clock=clock, patience=Patience(deadline=94.0), pace=Every(60)) as (emulator, client):
        began = clock.now()
        with pytest.raises(JobAbandoned, match="resume it with a later deadline") as caught:
            client.run("good", FOX)
        assert clock.now() == began + 94
        assert client.wait(client.resume(bide.dump(caught.value.job), patience=Patience())).files
    assert emulator.account.executions == 1


def test_what_cannot_be_sent_is_refused_before_anything_is() -> None:
    with house() as (emulator, client):
        with pytest.raises(InvalidHandle):
            client.wait("../account")
        with pytest.raises(InvalidOrder):
            client.run("good", {"prompt": float("nan")})
        with pytest.raises(InvalidKey):
            Client("sk_1\r\nX-Evil: 1")
    assert emulator.account.requests == 0


# -- interrupts --------------------------------------------------------------------------------------------------------


class Impatient(VirtualClock):
    """A clock that is interrupted from the keyboard while it sleeps for the `nth` time."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.left = nth

    def sleep_until(self, due: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        super().sleep_until(due)


@pytest.mark.parametrize("nth", [1, 2, 3, 10])
def test_an_interrupt_loses_nothing(nth: int) -> None:
    with house(Fault("submit", Drop("after")), clock=Impatient(nth)) as (emulator, client):
        with pytest.raises(Interrupted) as caught:
            client.run("good", FOX)
        job = caught.value.job
        assert isinstance(job, bide.Submitting if nth <= 2 else bide.Polling)
        assert emulator.account.requests == nth - 1
        assert "bide.dump" in str(caught.value)
        assert (job.handle or "the submission") in str(caught.value)
        with Client(emulator.key, dialect=bide.ModelRoute(emulator.base_url), clock=client.clock) as other:
            assert other.wait(other.resume(bide.dump(job))).files
    assert emulator.account.executions == 1


def test_an_interrupt_is_one_to_whoever_knows_no_bide() -> None:
    with house(clock=Impatient(3)) as (_, client), pytest.raises(KeyboardInterrupt):
        client.run("good", FOX)


# -- the vendor's advice -----------------------------------------------------------------------------------------------


def test_the_advice_comes_once_with_the_hundred_and_first_job_of_a_day() -> None:
    with house() as (_, client), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(100):
            client.run("short", FOX)
        assert caught == []
        for _ in range(102):
            client.run("short", FOX)
    assert [warning.category for warning in caught] == [PollingAdvice]
    assert "webhook" in str(caught[0].message)


def test_a_job_counts_once_however_often_it_is_looked_at() -> None:
    with house() as (_, client):
        for _ in range(60):
            client.wait(client.submit("short", FOX))


@pytest.mark.parametrize("method", ["run", "result"])
def test_the_advice_points_at_the_line_that_started_the_job(method: str) -> None:
    with house() as (_, client):
        for _ in range(100):
            client.run("short", FOX)
        job = client.submit("short", FOX)
        with pytest.warns(PollingAdvice) as caught, suppress(JobUnfinished):
            client.run("short", FOX) if method == "run" else client.result(str(job.handle))
    assert caught[0].filename == __file__


def test_a_job_that_is_only_submitted_is_not_polled() -> None:
    with house() as (_, client):
        for _ in range(150):  # a warning would be an error here
            client.submit("short", FOX, webhook_url="https://example.com/hook")


def test_no_advice_for_a_hundred_jobs_a_day() -> None:
    clock = VirtualClock()
    with house(clock=clock) as (_, client):
        for _ in range(2):  # a warning would be an error here
            for _ in range(100):
                client.run("short", FOX)
            clock.sleep_until(clock.now() + 86400)


# -- sessions, and what never leaves for the storage host --------------------------------------------------------------


def test_the_own_session_is_closed_and_only_that() -> None:
    closed = Event()
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')
    with Server((read, send(pending), stall, tell(closed))) as server:
        with Client(KEY, dialect=bide.ModelRoute(server.url)) as client:
            client.submit("good", FOX)
            assert not closed.is_set()
        assert closed.wait(10)


def test_a_callers_session_is_left_open() -> None:
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')
    with Server((read, send(pending)) * 2) as server, requests.Session() as session:
        with Client(KEY, dialect=bide.ModelRoute(server.url), session=session) as client:
            client.submit("good", FOX)
        session.get(server.url, timeout=10)
    assert server.connections == 1


@contextmanager
def two_hosts(*, cookie: str = "") -> Generator[tuple[Server, Server]]:
    """An API whose file is at another host; it sets `cookie` with every reply."""
    lines = [f"Set-Cookie: {cookie}"] if cookie else []
    with Server((read, send(reply(png("file_1", 8, 8), *lines)))) as storage:
        place: dict[str, JSON] = {"url": f"{storage.url}/f?sig=secret", "expires_at": "2030-01-05T09:00:00Z"}
        api = [
            reply(b'{"id":"exec_1","status":"PENDING"}', *lines),
            reply(b'{"id":"exec_1","status":"COMPLETED","output":{"image":"file_1"}}', *lines),
            reply(json.dumps(place).encode(), *lines),
        ]
        with Server([step for one in api for step in (read, send(one))]) as server:
            yield server, storage


def visitor(server: Server, session: requests.Session | None = None) -> Client:
    return Client(KEY, dialect=bide.ModelRoute(server.url), session=session, clock=VirtualClock())


def test_what_a_caller_adds_to_the_session_goes_to_the_api_only(tmp_path: Path) -> None:
    with two_hosts() as (server, storage), requests.Session() as session:
        session.headers["X-Api-Key"] = "mine"
        session.cookies.update({"id": "me"})  # pyright: ignore[reportUnknownMemberType]
        session.auth = ("someone", "else")
        client = visitor(server, session)
        client.save(client.run("good", FOX), tmp_path)
    (fetched,) = storage.received
    assert fetched.startswith(b"GET /f?sig=secret HTTP/1.1\r\n")
    assert [field_of(fetched, name) for name in ("x-api-key", "cookie", "authorization")] == [None] * 3
    for request in server.received:
        assert field_of(request, "x-api-key") == "mine"
        assert field_of(request, "cookie") == "id=me"
        assert field_of(request, "authorization") == f"Bearer {KEY}"


def test_netrc_is_never_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with two_hosts() as (server, storage), visitor(server) as client:
        client.save(client.run("good", FOX), tmp_path)
    assert field_of(storage.received[0], "authorization") is None
    assert {field_of(request, "authorization") for request in server.received} == {f"Bearer {KEY}"}


def test_the_own_session_keeps_no_cookies(tmp_path: Path) -> None:
    with two_hosts(cookie="track=1; Path=/") as (server, storage), visitor(server) as client:
        client.save(client.run("good", FOX), tmp_path)
    asked = [*server.received, *storage.received]
    assert len(asked) == 4
    assert {field_of(request, "cookie") for request in asked} == {None}
    assert {(field_of(request, "user-agent") or "").split()[0] for request in asked} == {"bide"}


@pytest.mark.parametrize("trusting", [True, False])
def test_the_proxies_of_the_environment_serve_both_hosts_or_neither(
    trusting: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = reply(b'{"id":"exec_1","status":"COMPLETED","output":"file_1"}')
    place = reply(b'{"url":"http://127.0.0.1:9/f","expires_at":"2030-01-05T09:00:00Z"}')
    with (
        Server((read, send(pending), read, send(place)), (read, send(reply(png("file_1", 8, 8))))) as proxy,
        requests.Session() as session,
    ):
        monkeypatch.setenv("http_proxy", proxy.url)
        session.trust_env = trusting
        client = Client(KEY, dialect=bide.ModelRoute("http://127.0.0.1:9"), session=session, clock=VirtualClock())
        if trusting:
            client.save(client.run("good", FOX), tmp_path)
        else:
            with pytest.raises(JobAbandoned):
                client.run("good", FOX)
    targets = [request.split(b" ")[1] for request in proxy.received]
    api = [b"http://127.0.0.1:9/v1/executions", b"http://127.0.0.1:9/v1/files/file_1/download"]
    assert targets == ([*api, b"http://127.0.0.1:9/f"] if trusting else [])


def test_a_presigned_address_elsewhere_is_not_followed(tmp_path: Path) -> None:
    place = b'{"url":"https://storage.evil.example/f?sig=secret","expires_at":"2030-01-05T09:00:00Z"}'
    with (
        Server((read, send(reply(place)))) as server,
        visitor(server) as client,
        pytest.raises(SaveError, match=r"storage\.evil\.example") as caught,
    ):
        client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
    assert "sig=" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_key_shows_nowhere() -> None:
    client = Client(Secret(KEY))
    job = client.prepare("good", FOX)
    shown = f"{client!r} {vars(client)!r} {job!r} {job.request!r} {bide.dump(job)}"
    client.close()
    assert KEY not in shown


# -- files -------------------------------------------------------------------------------------------------------------


@contextmanager
def finished(*faults: Fault, variants: Variants = Variants()) -> Generator[tuple[Emulator, Client, bide.Result]]:
    with house(*faults, variants=variants) as (emulator, client):
        yield emulator, client, client.run("good", FOX)


@pytest.mark.parametrize("download", ["bytes", "url"])
def test_save(download: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "pictures"
    with finished(variants=Variants(download=download)) as (_, client, result):  # type: ignore[arg-type]
        (path,) = client.save(result, target)
    assert path == target / f"{result.files[0]}.png"
    assert path.read_bytes() == png(result.files[0], 64, 48)
    assert list(target.iterdir()) == [path]


@pytest.mark.parametrize("at", ["download", "storage"])
@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
def test_a_transfer_that_is_cut_begins_anew(at: Kind, when: str, tmp_path: Path) -> None:
    variants = Variants(download="url" if at == "storage" else "bytes")
    drop = Fault(at, Drop(when, reset=when == "after"), times=2)  # type: ignore[arg-type]
    with finished(drop, variants=variants) as (_, client, result):
        (path,) = client.save(result, str(tmp_path))
    assert path.read_bytes() == png(result.files[0], 64, 48)


def test_nothing_of_a_cut_transfer_is_left_in_the_file(tmp_path: Path) -> None:
    first, second = b"\x89PNG\r\n\x1a\n" + bytes(300_000), b"\xff\xd8\xff" + b"a" * 100_000
    cut = head(f"Content-Length: {len(first)}") + first[:200_000]
    whole = head(f"Content-Length: {len(second)}") + second
    with Server((read, send(cut)), (read, send(whole))) as server, visitor(server) as client:
        (path,) = client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
    assert path.name == "file_1.jpg"
    assert path.read_bytes() == second


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with (
        finished(variants=Variants(retention=0)) as (_, client, result),
        pytest.raises(SaveError, match="could not be had"),
    ):
        client.save(result, tmp_path)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def unsaved(directory: Path, match: str, under: AbstractContextManager[None] = nullcontext()) -> Generator[str]:
    """Saving into `directory` is refused with `match`, and leaves nothing behind that was not there."""
    with finished() as (_, client, result):
        name = result.files[0]
        yield name
        before = {path: path.lstat().st_size for path in directory.parent.rglob("*")}
        with pytest.raises(SaveError, match=match) as caught, under:
            client.save(result, directory)
        assert {path: path.lstat().st_size for path in directory.parent.rglob("*")} == before
    assert name in str(caught.value)
    assert "save again" in str(caught.value)
    assert "stays at the service" in str(caught.value)


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    with finished() as (emulator, client, result):
        (there,) = (tmp_path / f"{name}.png" for name in result.files)
        there.write_bytes(b"mine")
        with pytest.raises(SaveError, match="already there: move it away"):
            client.save(result, tmp_path)
        assert there.read_bytes() == b"mine"
        there.unlink()
        sent = emulator.account.sent["storage"]
        assert client.save(result, tmp_path) == [there]  # what came the first time was kept
    assert there.read_bytes() == png(result.files[0], 64, 48)
    assert list(tmp_path.iterdir()) == [there]
    assert emulator.account.sent["storage"] == sent


def test_a_leftover_of_an_earlier_try_is_written_over(tmp_path: Path) -> None:
    with finished() as (_, client, result):
        (tmp_path / f"{result.files[0]}.part").write_bytes(bytes(1_000_000))
        (path,) = client.save(result, tmp_path)
    assert path.read_bytes() == png(result.files[0], 64, 48)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with unsaved(pictures, "symbolic link") as name:
        (pictures / f"{name}.part").symlink_to(precious)
    assert precious.read_bytes() == b"mine"


def test_a_pipe_in_place_of_the_part_does_not_hold_us(tmp_path: Path) -> None:
    with unsaved(tmp_path, "could not be saved") as name:
        os.mkfifo(tmp_path / f"{name}.part")


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(b"mine")
    with unsaved(tmp_path / "pictures", "move it away|choose another"):
        pass
    with unsaved(tmp_path / "pictures" / "today", "not a directory: choose another"):
        pass


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a place where not even root may write")
def test_a_directory_that_may_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "pictures").symlink_to("/sys/kernel", target_is_directory=True)
    with unsaved(tmp_path / "pictures", "choose another"):
        pass


@pytest.mark.parametrize("size", [0, 100])
def test_a_disk_that_takes_no_more(size: int, tmp_path: Path) -> None:
    with unsaved(tmp_path, "the disk refused", under=file_size_limit(size)):
        pass


# -- thin drivers, a true clock ----------------------------------------------------------------------------------------


def lines_of_code(function: Callable[..., object]) -> int:
    """The lines of a function without its docstring, comments and empty lines."""
    source = textwrap.dedent(inspect.getsource(function))
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.FunctionDef)
    text = tree.body[0]
    docstring = range(text.lineno, (text.end_lineno or text.lineno) + 1) if ast.get_docstring(tree) else ()
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for at, line in lines if at not in docstring)


def test_the_drivers_are_thin() -> None:
    assert lines_of_code(transport.follow) + lines_of_code(transport.run) <= 12
    assert lines_of_code(transport.exchange) <= 40


def test_the_clock_sleeps_until_due_and_no_less() -> None:
    clock = SystemClock()
    due = clock.now() + 0.005
    clock.sleep_until(due)
    assert clock.now() >= due


def test_the_clock_does_not_sleep_for_what_is_past() -> None:
    clock = SystemClock()
    began = time.monotonic()
    for due in (clock.now(), clock.now() - 3600, 0.0):
        clock.sleep_until(due)
    assert time.monotonic() - began < 60


def test_the_clock_tells_whole_milliseconds_near_the_wall_clocks() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 60
    assert all(at == round(at, 3) for at in (clock.now() for _ in range(100)))
