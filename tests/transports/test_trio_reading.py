"""Large replies over trio: read in a thread, lost to no cancellation, noted where the caller lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
import trio

import bide
from bide.dialect import Asked, Reading
from bide.errors import SaveError, UploadError
from bide.messages import Cause, NoResponse, Order, Reply, Request, Response
from bide_transports.client import Ask, drive_async
from bide_transports.client.drivers import of_jobs_async
from bide_transports.client.seam import Step
from bide_transports.trio import Client, TrioClock, in_thread
from tests.hostile import Server, head, read, reply, send
from tests.transports.clients import KEY

LARGE = b'{"id":"exec_1","status":"COMPLETED","output":{"text":"' + b"a" * 70_000 + b'"}}'
PATIENCE = bide.Patience(failures=1, first_contact=1)


class Once:
    """A conversation of one request, whose reply `take` reads."""

    def __init__(self, take: Callable[[Reply], object]) -> None:
        self._take, self._asked, self.came = take, False, list[object]()

    def next(self, *, now: float) -> Step | None:  # noqa: ARG002
        asked, self._asked = self._asked, True
        return None if asked else Ask(Request("GET", "https://api.example/"))

    def receive(self, reply: Reply, *, now: float) -> None:  # noqa: ARG002
        self.came.append(self._take(reply))

    def interrupted(self, error: BaseException) -> None:
        """What came is in `came`."""

    def outcome(self) -> list[object]:
        return self.came


async def received(take: Callable[[Reply], object], came: Reply) -> object:
    async def exchange(_: Request) -> Reply:
        return came

    (taken,) = await drive_async(Once(take), of_jobs_async(exchange), TrioClock(), in_thread)
    return taken


def thread_of(_: Reply) -> int:
    return threading.get_ident()


@pytest.mark.parametrize(
    ("came", "beside"),
    [
        (NoResponse(Cause.RESET, sent=True), False),
        (Response(200), False),
        (Response(200, body=bytes(65536)), False),
        (Response(200, body=bytes(65537)), True),
    ],
)
def test_only_what_is_large_goes_to_another_thread(came: Reply, beside: bool) -> None:
    assert (trio.run(received, thread_of, came) != threading.get_ident()) is beside


def test_a_reply_that_is_in_hand_is_lost_to_no_cancellation() -> None:
    states: list[object] = []

    async def main() -> None:
        with trio.CancelScope() as scope:

            def take(reply: Reply) -> int:
                trio.from_thread.run_sync(scope.cancel)
                assert isinstance(reply, Response)
                return len(reply.body)

            states.append(await received(take, Response(200, body=LARGE)))
            await trio.lowlevel.checkpoint()
            states.append(0)

    trio.run(main)
    assert states == [len(LARGE)]


def test_a_thread_is_waited_for_though_the_task_is_cancelled_already() -> None:
    done: list[int] = []

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await in_thread(lambda: done.append(1))

    trio.run(main)
    assert done == [1]


def test_other_tasks_go_on_while_a_reply_is_read() -> None:
    async def main() -> None:
        went_on = threading.Event()
        async with trio.open_nursery() as nursery:

            async def other() -> None:
                await trio.lowlevel.checkpoint()
                went_on.set()

            nursery.start_soon(other)
            assert await received(lambda _: went_on.wait(20), Response(200, body=LARGE))

    trio.run(main)


def test_what_reading_raises_is_raised() -> None:
    def take(_: Reply) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        trio.run(received, take, Response(200, body=LARGE))


# -- through the client ------------------------------------------------------------------------------------------------


class Watched(bide.ModelRoute):
    """Notes the thread in which each reply is read."""

    threads: ClassVar[set[int]] = set()

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        """As ever."""
        self.threads.add(threading.get_ident())
        return super().read(response, asked=asked, handle=handle, order=order, url=url)


def test_a_job_reads_its_large_result_beside_the_event_loop() -> None:
    Watched.threads.clear()

    async def main(url: str) -> bide.Result:
        async with Client(KEY, dialect=Watched(url), patience=PATIENCE) as client:
            return await client.wait("exec_1")

    with Server((read, send(reply(LARGE)))) as server:
        result = trio.run(main, server.url)
    assert result.output == {"text": "a" * 70_000}
    assert threading.get_ident() not in Watched.threads


def test_a_download_and_an_upload_read_their_large_refusals_beside_it(tmp_path: Path) -> None:
    told = set[int]()
    Watched.threads.clear()
    refusal = reply(LARGE, status="422 Unprocessable Content")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")

    def note(_: object) -> None:
        told.add(threading.get_ident())

    async def main(url: str) -> None:
        async with Client(KEY, dialect=Watched(url), patience=PATIENCE) as client:
            with pytest.raises(SaveError):
                await client.save(bide.Result("exec_1", ("file_1",)), tmp_path, note=note)
            with pytest.raises(UploadError):
                await client.upload(tmp_path / "photo.png", note=note)

    with Server((read, send(refusal)) * 3 + (read, send(head("Content-Length: 0")))) as server:
        trio.run(main, server.url)
    assert Watched.threads
    assert threading.get_ident() not in Watched.threads
    assert told == {threading.get_ident()}
