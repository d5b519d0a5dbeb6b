"""The lane of one file while it is recorded: what was asked, what came back, and of the file what may be kept.

Nothing is decided on such a lane, so nothing is decided anew. A file that is sent is told by its length and its
digest alone; of one that is fetched the bytes are kept, if they are not too many and hold no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bide.messages import NoResponse, Reply, Request, Response
from bide_transports.cassette.recorded import Write
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.tape import Head, Heard, Omitted, Open, Send
from bide_transports.cassette.weighing import Tapped, weight
from bide_transports.clock import Clock
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import AsyncClock, AsyncFileExchange, AsyncFileLane, FileExchange, FileLane


@dataclass(slots=True)
class RecordedFile:
    """The lane `name`, which begins once the time is asked for the first time: `begin` gives the head then.

    Bodies of more than `inline` bytes are left out.
    """

    name: str
    begin: Callable[[float], Head]
    cleaner: Cleaner
    write: Write
    inline: int
    head: Head | None = None
    answered: float | None = None

    def sends(self, request: Request, content: Content | None, now: float) -> None:
        """A request goes out, with a file or none."""
        t, sent = self._t(now), self.cleaner.request(request)
        self.write(Send(self.name, t, sent, weight(content)))

    def hears(self, reply: Reply, tapped: Tapped, now: float) -> None:
        """A reply came, or none will; what was a file's own has gone through `tapped`."""
        t, cleaned = self._t(now), self.cleaner.reply(reply)
        self.answered = now
        if tapped.head is None:
            return self.write(Heard(self.name, t, cleaned))
        head, omitted = self._kept(tapped.head, tapped)
        if isinstance(cleaned, NoResponse):
            return self.write(Heard(self.name, t, cleaned, omitted, head))
        return self.write(Heard(self.name, t, head, omitted))

    def tells(self, now: float) -> float:
        """The time that the driver is told: that of the last reply first, so that both mean the same instant."""
        self._t(now)
        told, self.answered = (now if self.answered is None else self.answered), None
        return told

    def around(self, lane: FileLane) -> FileLane:
        """`lane`, listened to."""
        listening = _Listening(self, lane.exchange, lane.clock)
        return FileLane(lane.dialect, listening.exchange, listening)

    def around_async(self, lane: AsyncFileLane) -> AsyncFileLane:
        """The same where exchanges are awaited."""
        listening = _AsyncListening(self, lane.exchange, lane.clock)
        return AsyncFileLane(lane.dialect, listening.exchange, listening)

    def _t(self, now: float) -> int:
        if self.head is None:
            self.head = self.begin(now)
            self.write(Open(self.name, self.head.t(now)))
        return self.head.t(now)

    def _kept(self, head: Response, tapped: Tapped) -> tuple[Response, Omitted | None]:
        cleaned, body = self.cleaner.head(head), tapped.body
        if body is None or not self.cleaner.is_safe(body, head.headers.get("content-type")):
            return cleaned, tapped.omitted
        return replace(cleaned, body=body), None


class _Listening:
    def __init__(self, file: RecordedFile, exchange: FileExchange, clock: Clock) -> None:
        self._file, self._exchange, self._clock = file, exchange, clock

    def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        self._file.sends(request, content, self._clock.now())
        tapped = Tapped(into, self._file.inline)
        reply = self._exchange(request, tapped, content)
        self._file.hears(reply, tapped, self._clock.now())
        return reply

    def now(self) -> float:
        return self._file.tells(self._clock.now())

    def sleep_until(self, due: float) -> None:
        self._clock.sleep_until(due)


class _AsyncListening:
    def __init__(self, file: RecordedFile, exchange: AsyncFileExchange, clock: AsyncClock) -> None:
        self._file, self._exchange, self._clock = file, exchange, clock

    async def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        self._file.sends(request, content, self._clock.now())
        tapped = Tapped(into, self._file.inline)
        reply = await self._exchange(request, tapped, content)
        self._file.hears(reply, tapped, self._clock.now())
        return reply

    def now(self) -> float:
        return self._file.tells(self._clock.now())

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        await self._clock.sleep_until(due, name)
