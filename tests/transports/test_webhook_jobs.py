"""Poll and webhook for one job, whichever comes first: over real sockets, and to the instant in trio's own time."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

import bide
from bide import Every, Sparse
from bide.errors import Flaw, JobCancelled, JobFailed
from bide_transports.emulator import Fault, Hang, Late, Limit, Lost, Plan, Repeated, Service, Status, Variants
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client as BlockingClient
from bide_transports.trio import Client, Pool, TrioClock
from bide_transports.trio_webhooks import listen
from bide_transports.webhook_server import listening
from bide_transports.webhooks import Answer, Mailbox
from tests.memory_streams import cancelled_at, emulated, network

T = TypeVar("T")
START = 1_893_830_400.0
HOOK = "https://hooks.example/"
PLANS = {
    "bad": Plan(duration=20, outcome=Status.FAILED),
    "long": Plan(duration=7200, expires_after=9000),
    "late": Plan(duration=7200, dispatched=7199, handed_over=7199.5, expires_after=9000),
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# Over real sockets


@pytest.mark.parametrize("shape", ["overview", "short"])
@pytest.mark.parametrize("registered", [False, True], ids=["webhook_url", "endpoint"])
def test_a_job_is_over_when_its_webhook_comes_though_its_next_look_is_an_hour_away(
    shape: Any, registered: bool
) -> None:
    service = Service(default=Plan(duration=0.4, dispatched=0.1), variants=Variants(webhook_payload=shape))

    async def main(emulator: Emulator) -> bide.Result:
        pace = Sparse(Every(3600), cap=3600)
        async with Client(emulator.key, dialect=emulator.dialect, pace=pace) as client, trio.open_nursery() as nursery:
            secrets = [service.webhooks.secret]
            box = Mailbox(secrets, dialect=emulator.dialect)

            def receive(method: str, headers: bide.Headers, body: bytes) -> Answer:
                return box.receive(method, headers, body)

            url = await nursery.start(partial(listen, receive, client.notify))
            if registered:
                secret = register(emulator, url)
                box = Mailbox([*secrets, secret], dialect=emulator.dialect)
            with trio.fail_after(60):
                job = await client.submit("flux", {}, webhook_url=None if registered else url)
                result = await client.wait(job)
            nursery.cancel_scope.cancel()
        return result

    with serve(service) as emulator:
        result = trio.run(main, emulator)
    assert len(result.files) == 1
    polls = [seen for seen in service.account.seen if seen.kind == "poll"]
    assert len(polls) <= 2, "one for each notice"
    assert [sent.status for sent in service.webhooks.sent] == [200, 200]


def wait_for(condition: Callable[[], bool]) -> None:
    """The emulator's postman goes his own ways."""
    never = threading.Event()
    while not condition():
        never.wait(0.005)


def register(emulator: Emulator, url: str) -> str:
    """An endpoint made as an application would."""
    body = b'{"url": "%s", "events": ["execution.started", "execution.completed"]}' % url.encode()
    request = bide.Request("POST", f"{emulator.base_url}/v1/webhooks/endpoints", body=body, credential=True)
    with BlockingClient(emulator.key, dialect=emulator.dialect) as client:
        reply = client.exchange(request)
    assert isinstance(reply, bide.Response)
    return str(json.loads(reply.body)["secret"])


def test_a_blocking_driver_waits_for_both() -> None:
    """As the documentation has it: a queue in place of the sleep."""
    service = Service(default=Plan(duration=0.4, dispatched=0.1), faults=[Fault("delivery", Repeated(3), times=9)])
    notices: queue.Queue[bide.Notice] = queue.Queue()
    with serve(service) as emulator, BlockingClient(emulator.key, dialect=emulator.dialect) as client:
        box = Mailbox(service.webhooks.secret, dialect=emulator.dialect)
        with listening(box.receive, notices.put) as url:
            prepared = client.prepare("flux", {}, webhook_url=url)
            job: bide.Job = replace(prepared, terms=replace(prepared.terms, pace=Every(3600)))
            while isinstance(job, bide.Waiting):
                try:
                    event = notices.get(timeout=max(job.due - client.clock.now(), 0))
                    job = bide.notice(job, event, now=client.clock.now())
                except queue.Empty:  # noqa: PERF203
                    job = job.receive(client.exchange(job.request), now=client.clock.now())
    assert isinstance(job, bide.Completed)
    assert len([seen for seen in service.account.seen if seen.kind == "poll"]) <= 2


def test_what_was_not_answered_is_sent_again_and_told_once() -> None:
    service, notices = Service(default=Plan(duration=0.1)), queue.Queue[bide.Notice]()
    clock, refusals = [START], list[Flaw]()

    with (
        serve(service, clock=lambda: clock[0]) as emulator,
        BlockingClient(emulator.key, dialect=emulator.dialect) as client,
    ):
        wrong = Mailbox("whsec_another", dialect=emulator.dialect, now=lambda: clock[0])
        right = Mailbox(service.webhooks.secret, dialect=emulator.dialect, now=lambda: clock[0])

        def receive(method: str, headers: bide.Headers, body: bytes) -> Answer:
            answer = (wrong if not refusals else right).receive(method, headers, body)
            if answer.flaw:
                refusals.append(answer.flaw)
            return answer

        with listening(receive, notices.put) as url:
            reply = client.exchange(client.prepare("flux", {}, webhook_url=url).request)
            assert isinstance(reply, bide.Response)
            clock[0] += 1
            wait_for(lambda: bool(service.webhooks.sent))
            assert notices.empty()
            clock[0] += 120
            event = notices.get(timeout=30)
    assert event.kind == "execution.completed"
    assert [(sent.attempt, sent.status) for sent in service.webhooks.sent] == [(1, 401), (2, 200)]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "https://hooks.example/", "http://127.0.0.1:1/"])
def test_the_emulator_sends_nothing_off_this_machine(url: str) -> None:
    service, clock = Service(default=Plan(duration=0.1)), [START]
    with (
        serve(service, clock=lambda: clock[0]) as emulator,
        BlockingClient(emulator.key, dialect=emulator.dialect) as client,
    ):
        client.exchange(client.prepare("flux", {}, webhook_url=url).request)
        clock[0] += 1
        wait_for(lambda: bool(service.webhooks.sent))
    assert [sent.status for sent in service.webhooks.sent] == [None]


def test_the_emulator_closes_in_the_middle_of_a_delivery() -> None:
    asked, leave = queue.Queue[bytes](), queue.Queue[None]()

    def hang(_: str, __: bide.Headers, body: bytes) -> Answer:
        asked.put(body)
        leave.get(timeout=60)
        return Answer(200, "too late")

    service = Service(default=Plan(duration=0.0))
    with listening(hang, print) as url:
        with serve(service) as emulator, BlockingClient(emulator.key, dialect=emulator.dialect) as client:
            client.exchange(client.prepare("flux", {}, webhook_url=url).request)
            asked.get(timeout=30)
        leave.put(None)
    assert [sent.status for sent in service.webhooks.sent] == [None]


# In trio's own time


def virtually(action: Callable[[], Awaitable[T]]) -> T:
    return trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


@asynccontextmanager
async def house(
    *faults: Fault, pace: bide.Pace = Sparse(), webhooks: bool = True, most: int = 1000
) -> AsyncGenerator[tuple[Service, Client, TrioClock]]:
    """A client, its service, and the post between them: a tenth of a second from the event to the notice."""
    service = Service(plans=PLANS, default=Plan(duration=95), faults=faults, limit=Limit(most, 60.0))
    clock = TrioClock(START)
    async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
        client = Client(service.key, dialect=service.dialect, pace=pace, pool=pool, clock=clock)
        async with trio.open_nursery() as nursery:
            if webhooks:
                nursery.start_soon(carry, service, client, clock)
            yield service, client, clock
            nursery.cancel_scope.cancel()


async def carry(service: Service, client: Client, clock: TrioClock) -> None:
    box = Mailbox(service.webhooks.secret, dialect=service.dialect, now=clock.now)
    while True:
        await trio.sleep(0.1)
        for delivery in service.webhooks.due(clock.now()):
            answer = box.receive("POST", delivery.request.headers, delivery.request.body)
            if answer.notice is not None:
                client.notify(answer.notice)
            service.webhooks.settle(delivery, answer.status, clock.now())


async def finish(client: Client, model: str = "good") -> bide.Result:
    return await client.wait(client.prepare(model, {}, webhook_url=HOOK))


def polls(service: Service) -> list[float]:
    return [round(seen.at - START, 1) for seen in service.account.seen if seen.kind == "poll"]


def test_webhooks_alone_tell_of_a_job_and_polls_are_few() -> None:
    async def main() -> None:
        async with house() as (service, client, clock):
            await finish(client)
            assert clock.now() - START == pytest.approx(95, abs=0.3)
            assert len(polls(service)) <= 2 + 4
            assert polls(service)[0] == pytest.approx(1, abs=0.2), "when it started"
            assert polls(service)[-1] == pytest.approx(95, abs=0.2), "when it was over"

    virtually(main)


def test_lost_webhooks_cost_a_later_look_and_then_the_usual_ones() -> None:
    async def main() -> None:
        async with house(Fault("delivery", Lost(), times=2)) as (service, client, clock):
            await finish(client)
            assert 95 <= clock.now() - START <= 95 + 60 + 1
            assert len(polls(service)) <= 5
            before, began = len(polls(service)), clock.now()
            job = client.prepare("good", {}, webhook_url=HOOK)
            assert job.terms.pace == bide.Growing(), "they fail to come"
            await client.wait(job)
            assert clock.now() - began == pytest.approx(95, abs=1)
            assert len(polls(service)) - before > 20
            assert client.prepare("good", {}, webhook_url=HOOK).terms.pace == Sparse(), "they come again"

    virtually(main)


def test_without_any_webhooks_a_long_job_is_soon_looked_at_as_usual() -> None:
    async def main(webhooks: bool, pace: bide.Pace) -> tuple[int, float]:
        async with house(pace=pace, webhooks=webhooks) as (service, client, clock):
            await finish(client, "long")
            return len(polls(service)), clock.now() - START

    usual, _ = virtually(partial(main, webhooks=False, pace=bide.Growing()))
    lost, late = virtually(partial(main, webhooks=False, pace=Sparse()))
    told, soon = virtually(partial(main, webhooks=True, pace=Sparse()))
    assert told < 0.3 * usual
    assert 0.9 * usual < lost <= usual
    assert soon == pytest.approx(7200, abs=0.3)
    assert late <= 7200 + 16


@pytest.mark.parametrize(("model", "error"), [("bad", JobFailed), ("long", JobCancelled)], ids=["failed", "cancelled"])
def test_the_other_ends_are_told_too(model: str, error: type[Exception]) -> None:
    async def main() -> None:
        async with house() as (service, client, clock):
            job = await client.submit(model, {}, webhook_url=HOOK)

            async def stop() -> None:
                await trio.sleep(19.9)
                if model == "long":  # somebody else cancels it
                    await client.exchange(service.dialect.cancel(str(job.handle)))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(stop)
                with pytest.raises(error):
                    await client.wait(job)
            assert clock.now() - START == pytest.approx(20, abs=0.4)

    virtually(main)


def test_a_notice_that_comes_early_twice_or_late_changes_nothing_but_the_looks() -> None:
    faults = (Fault("delivery", Repeated(5)), Fault("delivery", Late(50.0), nth=2))

    async def main() -> None:
        async with house(*faults) as (service, client, clock):
            await finish(client)
            assert clock.now() - START <= 95 + 60
            assert len(polls(service)) <= 2 + 4
            await trio.sleep(100)  # the late one comes, about a job that nobody waits for any more
            assert [sent.kind for sent in service.webhooks.sent].count("execution.started") == 5

    virtually(main)


def test_a_notice_wakes_its_own_job_and_no_other() -> None:
    async def main() -> None:
        async with house(pace=Sparse(Every(600), cap=600), webhooks=False) as (service, client, _):
            jobs = [await client.submit("long", {}) for _ in range(20)]
            async with trio.open_nursery() as nursery:
                for job in jobs:
                    nursery.start_soon(client.wait, job)
                await trio.testing.wait_all_tasks_blocked()
                await trio.sleep(5)
                client.notify(bide.Notice("evt_1", str(jobs[7].handle)))
                await trio.sleep(5)
                (poll,) = (seen for seen in service.account.seen if seen.kind == "poll")
                assert poll.path.endswith(str(jobs[7].handle))
                assert poll.at == pytest.approx(START + 5, abs=0.01)
                nursery.cancel_scope.cancel()

    virtually(main)


def test_two_waits_for_one_job_are_both_woken() -> None:
    async def main() -> None:
        async with house(pace=Sparse(Every(600), cap=600)) as (service, client, clock):
            job = await client.submit("good", {}, webhook_url=HOOK)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.wait, job)
                nursery.start_soon(client.wait, job)
            assert clock.now() - START == pytest.approx(95, abs=0.3)
            assert len(polls(service)) == 4

    virtually(main)


def test_a_notice_between_two_waits_is_heard_when_the_next_one_begins() -> None:
    async def main() -> None:
        async with house(pace=Sparse(Every(600), cap=600)) as (_, client, clock):
            job = await client.submit("good", {}, webhook_url=HOOK)
            await trio.sleep(300)  # the application does something else, and the job ends
            await client.wait(job)
            assert clock.now() - START == pytest.approx(300, abs=0.3)
            followed = client.follow(await client.submit("good", {}, webhook_url=HOOK))
            async for _state in followed:
                await trio.sleep(200)  # between any two states
            assert isinstance(followed.job, bide.Completed)
            assert clock.now() - START < 300 + 5 * 200

    virtually(main)


def test_a_notice_does_not_break_a_hold_of_the_service() -> None:
    async def main() -> None:
        async with house(most=2) as (service, client, _):
            await finish(client)
            assert service.account.limited == 0
            assert service.account.early == ()

    virtually(main)


def test_a_look_that_gets_no_answer_is_no_reason_to_miss_a_notice() -> None:
    async def main() -> None:
        hang = Fault("poll", Hang(), nth=2)  # from about 8 s on, for 30 s; the notice comes in the middle
        async with house(hang, pace=Sparse(Every(600), factor=1)) as (service, client, clock):
            job = client.prepare("bad", {}, webhook_url=HOOK)
            job = replace(job, terms=replace(job.terms, pace=Every(8)))
            with pytest.raises(JobFailed):
                await client.wait(job)
            assert polls(service)[-1] - 8 <= 32
            assert clock.now() - START < 45

    virtually(main)


def test_jobs_that_ask_for_webhooks_are_polled_sparsely_once_one_has_come() -> None:
    async def main() -> None:
        async with house(pace=Every(2)) as (service, client, _):
            await finish(client)
            first = len(polls(service))
            await finish(client)
            assert first > 40
            assert len(polls(service)) - first <= 2 + 10
            assert client.prepare("good", {}).terms.pace == Every(2), "nobody will tell of this one"

    virtually(main)


def test_the_vendors_advice_to_use_webhooks_is_not_given_to_those_who_do() -> None:
    async def main() -> None:
        async with house() as (service, client, _), trio.open_nursery() as nursery:
            for number in range(120):
                job = client.prepare("bad", {"page": number}, webhook_url=HOOK)
                nursery.start_soon(ended, client, job)
            with trio.fail_after(300):
                while len(service.webhooks.sent) < 240:
                    await trio.sleep(1)

    async def ended(client: Client, job: bide.Job) -> None:
        with pytest.raises(JobFailed):
            await client.wait(job)

    virtually(main)  # a warning would be an error here


def test_a_wait_can_be_cancelled_at_any_step_of_being_woken() -> None:
    async def main() -> int:
        async with house(pace=Sparse(Every(600), cap=600)) as (service, client, _):
            step, felt = 1, True
            while felt:
                job = await client.submit("bad", {}, webhook_url=HOOK)
                felt = await cancelled_at(step, partial(fail, client, job))
                if felt:
                    (last,) = client.unfinished
                    client.unfinished.clear()
                    await fail(client, last)
                step += 13
            assert service.account.executions == (step - 1) // 13
        return step

    async def fail(client: Client, job: bide.Job) -> None:
        with pytest.raises(JobFailed):
            await client.wait(job)

    assert virtually(main) > 13
