"""Files on a tape: what either client fetched or sent is recorded, and replayed through both without a network."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
import trio

import bide
from bide.download import Download
from bide.errors import InvalidSetting, SaveError, UploadError
from bide.messages import Cause, Headers, NoResponse, Request
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load, loads, text_of
from bide_transports.cassette.lines import event_members
from bide_transports.cassette.recording import record
from bide_transports.cassette.redaction import Rules, scan
from bide_transports.cassette.replaying.far_end import UnfaithfulReplay
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Event, Heard, InvalidCassette, Omitted, Open, Send
from bide_transports.cassette.verify import verify
from bide_transports.emulator import Drop, Fault, Limit, Plan, Service, Variants, VirtualClock, too_many
from bide_transports.emulator.faults import Garbage
from bide_transports.emulator.server import Emulator, serve
from bide_transports.emulator.storage import denied, picture
from bide_transports.tapes import Tape
from bide_transports.testing.fake_server import FakeServer
from tests.drivers import TrioVirtualClock
from tests.sampling import WHOLE

KEY = Service.key
FOX = {"prompt": "a fox"}
SIDE = 900
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(251)) * 400

#: What a caller does with either client; `do` calls a method, and awaits what is to be awaited.
Do: TypeAlias = Callable[..., Awaitable[Any]]
Story: TypeAlias = Callable[[Any, Do, Path], Awaitable[object]]
Play: TypeAlias = Callable[..., object]


async def save(client: Any, do: Do, directory: Path) -> object:
    result = await do(client.run, "flux-1.1-pro", FOX)
    return await saved(client, do, directory, result)


async def saved(client: Any, do: Do, directory: Path, result: bide.Result) -> object:
    paths: list[Path] = await do(client.save, result, directory)
    return [(path.name, path.read_bytes()) for path in paths]


async def save_what_is_not_there(client: Any, do: Do, directory: Path) -> object:
    with pytest.raises(SaveError):
        await saved(client, do, directory, bide.Result("exec_1", ("file_other",)))
    return "nothing"


async def save_several(client: Any, do: Do, directory: Path) -> object:
    results: list[bide.Result] = [await do(client.run, "flux-1.1-pro", {"seed": number}) for number in range(5)]
    files = tuple(file for result in results for file in result.files)
    return await saved(client, do, directory, bide.Result("exec_1", (*files, files[3])))


async def save_twice(client: Any, do: Do, directory: Path) -> object:
    result = await do(client.run, "flux-1.1-pro", FOX)
    return [await saved(client, do, directory / place, result) for place in ("one", "two")]


async def save_in_vain(client: Any, do: Do, directory: Path) -> object:
    result = await do(client.run, "flux-1.1-pro", FOX)
    with pytest.raises(SaveError) as caught:
        await saved(client, do, directory, result)
    return str(caught.value).replace(str(directory), "")


async def upload(client: Any, do: Do, directory: Path) -> object:
    directory.mkdir(exist_ok=True)
    (directory / "a photo.png").write_bytes(PHOTO)
    file = await do(client.upload, directory / "a photo.png")
    result = await do(client.run, "flux-1.1-pro", {"image": file})
    return file, result.raw


async def upload_in_vain(client: Any, do: Do, directory: Path) -> object:
    directory.mkdir(exist_ok=True)
    (directory / "photo.png").write_bytes(PHOTO)
    with pytest.raises(UploadError) as caught:
        await do(client.upload, directory / "photo.png")
    return str(caught.value).replace(str(directory), "")


def by_requests(story: Story, directory: Path, tape: Tape, clock: VirtualClock | None = None, **how: Any) -> object:
    async def do(method: Callable[..., object], *given: object) -> object:
        return method(*given)

    async def main() -> object:
        with over_requests.Client(KEY, tape=tape, clock=clock, **how) as client:
            return await story(client, do, directory)

    return trio.run(main)


def by_trio(story: Story, directory: Path, tape: Tape, clock: VirtualClock | None = None, **how: Any) -> object:
    async def do(method: Callable[..., Awaitable[object]], *given: object) -> object:
        return await method(*given)

    async def main() -> object:
        virtual = None if clock is None else TrioVirtualClock(clock)
        async with over_trio.Client(KEY, tape=tape, clock=virtual, **how) as client:
            return await story(client, do, directory)

    return trio.run(main)


CLIENTS: dict[str, Play] = {"requests": by_requests, "trio": by_trio}
BY_EACH = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, nothing can be connected to, or looked up."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a replay wants to reach the network")

    def go() -> None:
        monkeypatch.setattr(socket.socket, "connect", forbidden)
        monkeypatch.setattr(socket, "getaddrinfo", forbidden)

    return go


def recorded(
    client: str,
    story: Story,
    path: Path,
    *faults: Fault,
    variants: Variants = Variants(download="url"),
    plan: Plan = Plan(width=SIDE, height=SIDE),
    **how: Any,
) -> tuple[object, Emulator]:
    """What the story comes to with a live service, which is gone afterwards."""
    clock = VirtualClock()
    service = Service(default=plan, variants=variants, faults=faults, limit=Limit(10**9, 60))
    with serve(service, clock=clock.now) as emulator, record(path, **how) as tape:
        answer = CLIENTS[client](story, path.parent / "live", tape, clock, dialect=emulator.dialect)
    return answer, emulator


def replayed(story: Story, cassette: Cassette, directory: Path, emulator: Emulator) -> list[object]:
    """What it comes to without one, with each client."""
    answers: list[object] = []
    for name, play in CLIENTS.items():
        with replay(cassette) as tape:
            answers.append(play(story, directory / f"by {name}", tape, dialect=emulator.dialect))
    return answers


def files_of(cassette: Cassette) -> list[str]:
    return sorted(lane for lane in cassette.lanes if lane.startswith("file-"))


def of_files(cassette: Cassette, kind: type[Heard | Send]) -> list[Any]:
    return [event for event in cassette.events if event.lane in files_of(cassette) and isinstance(event, kind)]


STORIES: dict[str, tuple[Story, Variants, tuple[Fault, ...]]] = {
    "by an address": (save, Variants(download="url"), ()),
    "in the reply": (save, Variants(download="bytes"), ()),
    "the second way": (save, Variants(download="url"), (Fault("download", bide.Response(404)),)),
    "cut": (save, Variants(download="url"), (Fault("storage", Drop("body", after=2000), times=9),)),
    "cut at home": (save, Variants(download="bytes"), (Fault("download", Drop("body", after=2000), times=9),)),
    "cut in the head": (save, Variants(download="url"), (Fault("storage", Drop("head")),)),
    "reset": (save, Variants(download="url"), (Fault("storage", Drop("body", reset=True, after=2000)),)),
    "no HTTP": (save, Variants(download="url"), (Fault("storage", Garbage()),)),
    "expired": (save, Variants(download="url"), (Fault("storage", denied()),)),
    "limited": (save, Variants(download="url"), (Fault("download", too_many(7)), Fault("storage", too_many(3)))),
    "several": (save_several, Variants(download="url"), (Fault("download", too_many(2), nth=4),)),
    "of no job": (save_what_is_not_there, Variants(download="url"), ()),
    "twice": (save_twice, Variants(download="url"), ()),
    "in vain": (save_in_vain, Variants(download="url"), (Fault("download", bide.Response(410), times=9),)),
    "upload": (upload, Variants(), ()),
    "upload, the other way": (upload, Variants(upload="particulars", confirm=False), ()),
    "upload, cut": (upload, Variants(), (Fault("put", Drop("after")), Fault("confirm", Drop("before")))),
    "upload, refused": (upload_in_vain, Variants(), (Fault("put", bide.Response(413)),)),
}


@BY_EACH
@pytest.mark.parametrize("name", STORIES)
def test_what_one_client_recorded_both_replay(
    name: str, client: str, tmp_path: Path, offline: Callable[[], None]
) -> None:
    story, variants, faults = STORIES[name]
    path = tmp_path / "job.cassette.jsonl"
    answer, emulator = recorded(client, story, path, *faults, variants=variants)
    cassette = load(path)
    assert verify(cassette).exchanges == sum(isinstance(event, Heard) for event in cassette.events)
    assert len(of_files(cassette, Send)) >= 1
    assert all(not event.lane.startswith("file-") or event.token is None for event in opens(cassette))
    offline()
    assert replayed(story, cassette, tmp_path, emulator) == [answer, answer]


def opens(cassette: Cassette) -> list[Open]:
    return [event for event in cassette.events if isinstance(event, Open)]


@BY_EACH
def test_no_secret_of_a_file_is_on_the_cassette(client: str, tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    for story in (save, upload):
        path.unlink(missing_ok=True)
        recorded(client, story, path)
        text = path.read_text("utf-8")
        assert KEY not in text
        assert re.search(r"sig=(?!redacted-)", text) is None
        assert "sig=redacted-sig-1" in text
        assert scan(text) == []


@BY_EACH
def test_time_passes_as_it_did(client: str, tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    _, emulator = recorded(client, save, path, Fault("storage", too_many(3)))
    cassette, told = load(path), list[tuple[float, float]]()

    async def story(client: Any, do: Do, directory: Path) -> object:
        result = await do(client.run, "flux-1.1-pro", FOX)

        def note(state: Download) -> None:
            trace = state.past.trace
            told.append((state.past.since, trace[-1].at if trace else 0.0))

        return await do(partial(client.save, note=note), result, directory)

    replayed(story, cassette, tmp_path, emulator)
    (lane,) = files_of(cassette)
    began = cassette.head.now(cassette.lanes[lane][0].t)
    last = cassette.head.now(cassette.lanes[lane][-1].t)
    assert {since for since, _ in told} == {began}
    assert max(at for _, at in told) == last
    assert last - began >= 3


@BY_EACH
def test_a_file_above_the_bound_is_left_out_and_cannot_be_replayed(client: str, tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    answer, emulator = recorded(client, save, path, inline=2000)
    cassette = load(path)
    ((_, content),) = cast("list[tuple[str, bytes]]", answer)
    assert [heard.omitted.length for heard in of_files(cassette, Heard) if heard.omitted] == [len(content)]
    verify(cassette)
    for play in CLIENTS.values():
        with pytest.raises(InvalidCassette, match=rf"reply of {len(content)} bytes was too large .* a larger `inline`"):
            play(save, tmp_path / "again", replay(cassette), dialect=emulator.dialect)
    answer, emulator = recorded(client, save, tmp_path / "larger.cassette.jsonl", inline=200_000)
    assert replayed(save, load(tmp_path / "larger.cassette.jsonl"), tmp_path, emulator) == [answer, answer]


@BY_EACH
def test_what_a_cut_leaves_above_the_bound_is_left_out_too(client: str, tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    recorded(client, save, path, Fault("storage", Drop("body", after=3000)), inline=2000)
    cassette = load(path)
    cut = next(heard for heard in of_files(cassette, Heard) if heard.begun is not None)
    assert (cut.reply, cut.omitted.length, cut.begun.status) == (NoResponse(Cause.RESET, sent=True), 3000, 200)
    assert cut.begun.headers.get("content-length") is not None
    assert loads(text_of(cassette)).events == cassette.events


@BY_EACH
def test_a_file_that_holds_a_secret_is_left_out(client: str, tmp_path: Path) -> None:
    class Telling(Service):
        def handle(self, request: Request, *, now: float) -> Any:
            reply = super().handle(request, now=now)
            if isinstance(reply, bide.Response) and reply.headers.get("content-type") == "image/png":
                said = b"the password is hush-hush-4711, and the key " + KEY.encode()
                lines = [("content-type", "image/png"), ("content-length", str(len(said)))]
                return bide.Response(200, Headers.of(lines), said)
            return reply

    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    rules = Rules(secrets=("hush-hush-4711",))
    with serve(Telling(), clock=clock.now) as emulator, record(path, rules=rules) as tape:
        CLIENTS[client](save, tmp_path, tape, clock, dialect=emulator.dialect)
    text = path.read_text("utf-8")
    assert "hush" not in text
    assert KEY not in text
    (heard,) = of_files(load(path), Heard)
    assert heard.omitted == Omitted(120, heard.omitted.digest)


def test_several_files_at_once_have_the_same_lanes_each_time(tmp_path: Path) -> None:
    cassettes: list[Cassette] = []
    for number in range(4 if WHOLE else 2):
        path = tmp_path / str(number) / "job.cassette.jsonl"
        recorded("trio", save_several, path, variants=Variants(download="bytes"))
        cassettes.append(load(path))
    files = sorted({lane.rpartition("#")[0] for lane in files_of(cassettes[0])})
    assert len(files) == 5
    twice = sum(lane.endswith("#2") for lane in files_of(cassettes[0]))
    assert (len(files_of(cassettes[0])), twice) == (6, 1)
    for cassette in cassettes:
        assert {lane: list(map(essence, cassette.lanes[lane])) for lane in files_of(cassette)} == {
            lane: list(map(essence, cassettes[0].lanes[lane])) for lane in files_of(cassettes[0])
        }


def essence(event: Event) -> dict[str, object]:
    """What of an event does not depend on the port, the time and the quota of the recording."""
    members = event_members(event)
    return {name: re.sub(r"127\.0\.0\.1:[0-9]+", "here", json.dumps(members.get(name))) for name in "kmusb"}


def recorded_once(tmp_path: Path, story: Story = save, **how: Any) -> tuple[Cassette, Emulator]:
    path = tmp_path / "job.cassette.jsonl"
    _, emulator = recorded("requests", story, path, **how)
    return load(path), emulator


@BY_EACH
def test_another_file_than_the_recorded_one_is_no_lane_of_the_cassette(client: str, tmp_path: Path) -> None:
    cassette, emulator = recorded_once(tmp_path)
    with pytest.raises(ReplayDiverged, match=r"no lane file-file_other#1 .*not played: file-\S+#1\. Nothing was sent"):
        CLIENTS[client](save_what_is_not_there, tmp_path / "x", replay(cassette), dialect=emulator.dialect)


@BY_EACH
def test_a_file_that_is_not_saved_any_more_is_missed(client: str, tmp_path: Path) -> None:
    async def run(client: Any, do: Do, _: Path) -> object:
        return await do(client.run, "flux-1.1-pro", FOX)

    cassette, emulator = recorded_once(tmp_path)
    with pytest.raises(ReplayDiverged, match=r"not played: file-"), replay(cassette) as tape:
        CLIENTS[client](run, tmp_path / "x", tape, dialect=emulator.dialect)


@BY_EACH
def test_a_file_is_not_saved_more_often_than_it_was(client: str, tmp_path: Path) -> None:
    cassette, emulator = recorded_once(tmp_path)
    with pytest.raises(ReplayDiverged, match=r"no lane file-\S+#2 is there .*not played: none"):
        CLIENTS[client](save_twice, tmp_path / "x", replay(cassette), dialect=emulator.dialect)


@BY_EACH
def test_the_rest_of_a_file_is_asked_for_as_it_was(client: str, tmp_path: Path) -> None:
    faults = Fault("storage", Drop("body", after=2000))
    path = tmp_path / "job.cassette.jsonl"
    _, emulator = recorded(client, save, path, faults)
    cassette = load(path)
    index, sent = next(
        (n, event)
        for n, event in enumerate(cassette.events)
        if isinstance(event, Send) and dict(event.request.headers).get("range") == "bytes=2000-"
    )
    headers = tuple((name, value) for name, value in sent.request.headers if name != "range")
    changed = replace(sent, request=replace(sent.request, headers=headers))
    events = (*cassette.events[:index], changed, *cassette.events[index + 1 :])
    with pytest.raises(ReplayDiverged, match="differs in: h") as caught:
        CLIENTS[client](save, tmp_path / "x", replay(replace(cassette, events=events)), dialect=emulator.dialect)
    assert '"range": "bytes=2000-"' in str(caught.value)


@BY_EACH
@pytest.mark.parametrize("content", [PHOTO[:-1], PHOTO[:-1] + b"x", b""])
def test_another_file_that_is_sent_is_told(client: str, content: bytes, tmp_path: Path) -> None:
    async def other(client: Any, do: Do, directory: Path) -> object:
        directory.mkdir()
        (directory / "a photo.png").write_bytes(content)
        return await do(client.upload, directory / "a photo.png")

    cassette, emulator = recorded_once(tmp_path, upload)
    (put,) = (sent for sent in of_files(cassette, Send) if sent.omitted)
    assert put.omitted.length == len(PHOTO)
    assert put.request.body == b""
    with pytest.raises(ReplayDiverged, match=r"with a file of|size|differs in: b"):
        CLIENTS[client](other, tmp_path / "x", replay(cassette), dialect=emulator.dialect)


@BY_EACH
def test_a_body_that_was_changed_by_hand_is_the_cassettes_fault(client: str, tmp_path: Path) -> None:
    cassette, emulator = recorded_once(tmp_path)
    events = [
        replace(event, reply=replace(event.reply, body=event.reply.body[:-9]))
        if isinstance(event, Heard)
        and isinstance(event.reply, bide.Response)
        and event.reply.headers.get("content-type") == "image/png"
        else event
        for event in cassette.events
    ]
    with pytest.raises(UnfaithfulReplay, match="changed by hand"):
        CLIENTS[client](save, tmp_path / "x", replay(replace(cassette, events=tuple(events))), dialect=emulator.dialect)


@BY_EACH
def test_a_recording_that_was_cut_while_a_file_came_says_so(client: str, tmp_path: Path) -> None:
    cassette, emulator = recorded_once(tmp_path)
    last = of_files(cassette, Heard)[-1]
    shorter = replace(cassette, events=tuple(event for event in cassette.events if event is not last))
    with pytest.raises(ReplayDiverged, match="the recording was cut here"):
        CLIENTS[client](save, tmp_path / "x", replay(shorter), dialect=emulator.dialect)


@BY_EACH
def test_whatever_is_asked_beside_the_lanes_is_never_sent(
    client: str, tmp_path: Path, offline: Callable[[], None]
) -> None:
    async def ask(client: Any, do: Do, _: Path) -> object:
        return await do(
            client.exchange, Request("GET", "https://api.modelroute.ai/v1/models?key=hush", credential=True)
        )

    cassette, emulator = recorded_once(tmp_path)
    offline()
    with pytest.raises(ReplayDiverged, match=r"GET https://api\.modelroute\.ai/v1/models is asked beside all jobs"):
        CLIENTS[client](ask, tmp_path / "x", replay(cassette), dialect=emulator.dialect)
    with pytest.raises(
        InvalidSetting, match=r"no answer to GET https://api\.modelroute\.ai/v1/models, .*nothing was sent"
    ):
        CLIENTS[client](ask, tmp_path / "x", FakeServer(Script().state(3, "COMPLETED")))


@BY_EACH
def test_what_is_asked_beside_the_lanes_of_a_recording_goes_out_and_is_not_on_it(client: str, tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    with serve(Service(), clock=clock.now) as emulator, record(path) as tape:

        async def ask(client: Any, do: Do, _: Path) -> object:
            reply = await do(client.exchange, emulator.dialect.locate("file_1"))
            await do(client.submit, "flux-1.1-pro", FOX)
            return reply.status

        status = CLIENTS[client](ask, tmp_path, tape, clock, dialect=emulator.dialect)
    assert status == 400
    assert "file_1" not in path.read_text("utf-8")


@BY_EACH
def test_a_service_of_its_own_serves_the_file_of_its_job(
    client: str, tmp_path: Path, offline: Callable[[], None]
) -> None:
    offline()
    fake = FakeServer(Script().state(5, "COMPLETED").result("a fox in words"))
    answer = CLIENTS[client](save, tmp_path, fake)
    ((name, content),) = cast("list[tuple[str, bytes]]", answer)
    assert name.startswith("file_1.")
    assert content
    with pytest.raises(InvalidSetting, match=r"no answer to POST \S+/files"):
        CLIENTS[client](upload, tmp_path, FakeServer(Script().state(5, "COMPLETED")))


@BY_EACH
def test_a_job_and_its_file_are_shown_settled_and_followed_by_the_core(client: str, tmp_path: Path) -> None:
    from bide_transports.cassette.shown.picture import picture as drawn
    from bide_transports.cassette.shown.transcript import by_time, transcript

    path = tmp_path / "job.cassette.jsonl"
    recorded(client, save, path, Fault("storage", Drop("body", after=2000)))
    cassette = load(path)
    told = transcript(cassette)
    assert "! 200 with 2000 bytes, then the connection was cut (may have arrived)" in told
    assert "lane file-" in told
    assert "lane file-" not in by_time(cassette)
    assert "file-" in drawn(cassette)
    again = settle(cassette)
    assert again.events == cassette.events
    recorded(client, upload, tmp_path / "upload.cassette.jsonl")
    assert f"with a file of {len(PHOTO)} bytes" in transcript(load(tmp_path / "upload.cassette.jsonl"))


def test_the_file_of_a_picture_is_what_the_service_has(tmp_path: Path) -> None:
    cassette, _ = recorded_once(tmp_path)
    bodies = [heard.reply.body for heard in of_files(cassette, Heard)]
    (lane,) = files_of(cassette)
    file = lane.removeprefix("file-").removesuffix("#1")
    assert bodies[-1] == picture(file, SIDE, SIDE)
    lines = [json.loads(line) for line in (tmp_path / "job.cassette.jsonl").read_text("utf-8").splitlines()]
    assert [line["k"] for line in lines if line.get("o") == lane] == ["open", "send", "recv", "send", "recv"]
