"""One file of a result, from its reference to its bytes: a machine of the same shape as a job.

    while isinstance(file, Downloading):
        sleep_until(file.due)
        reply, received = transfer(file.request, into=part if file.is_file(head) else memory)
        file = file.receive(reply, received=received, now=clock())

First the service is asked for the file; it answers with the bytes, or with an address at the storage host,
which is asked next, without any credential. A link that has expired is replaced by a fresh one. Left undone:
resuming a transfer in the middle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from zlib import crc32

from bide.dialects import Dialect, Phase, Reading
from bide.finished import Reason
from bide.history import History, Terms
from bide.look import Look, next_look, reason_to_stop
from bide.messages import Reply, Request, Response
from bide.pace import Growing, Why, ceil_ms
from bide.patience import Patience
from bide.quota import Quota, closing, hold, read_quota, spent
from bide.result import Problem
from bide.urls import is_id, public

_FORMATS = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (8, b"WAVE", ".wav"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".webm"),
    (0, b"ID3", ".mp3"),
    (0, b"OggS", ".ogg"),
    (0, b"%PDF-", ".pdf"),
    (0, b"PK\x03\x04", ".zip"),
)


@dataclass(frozen=True, slots=True)
class Downloading:
    """Ask for `file` at `due`; `link` is the storage request, once named, and `size` the bytes it announced."""

    terms: Terms
    past: History
    file: str
    due: float
    not_before: float
    why: Why
    link: Request | None = None
    size: int | None = None

    @property
    def request(self) -> Request:
        """The GET for the file or its address, or for the bytes at the storage host."""
        request = self.terms.patience.bound(self.link or self.terms.dialect.locate(self.file))
        return replace(request, timeout=self.terms.patience.transfer)

    def is_file(self, head: Response) -> bool:
        """Whether the body that follows this status and these headers is the file itself, to go to disk."""
        return head.status == 200 and (self.link is not None or not self.terms.dialect.may_locate(head.headers))

    def receive(self, reply: Reply, *, received: int, now: float) -> Downloading | Downloaded | Undelivered:
        """The next state, after `reply` came at `now`; `received` bytes of the file went to disk.

        A file of another size than was announced is not the file: it is asked for again, within the budget.
        """
        look = _look(self, reply, received, now)
        if isinstance(reply, Response) and look.phase is Phase.SUCCEEDED:
            return self._delivered(reply, look, received)
        if look.phase in (Phase.MISSING, Phase.GONE):
            return Undelivered(self.file, Reason.REFUSED, look.problem, self._again(look))
        reason = reason_to_stop(look)
        if reason is not None:
            return Undelivered(self.file, reason, look.problem, self._again(look))
        expired = isinstance(reply, Response) and 400 <= reply.status < 500 and look.phase is not Phase.LIMITED
        return self._again(look, link=None if expired else self.link)

    def _delivered(self, reply: Response, look: Look, received: int) -> Downloading | Downloaded | Undelivered:
        if self.is_file(reply):
            return Downloaded(self.file, received, look.past)
        try:
            link = self.terms.dialect.located(reply)
        except ValueError as error:
            return Undelivered(self.file, Reason.REFUSED, Problem("FOREIGN_ADDRESS", str(error)), self._again(look))
        if link is None:
            return Downloaded(self.file, len(reply.body), look.past, reply.body)
        size = self.terms.dialect.announced(reply)
        return Downloading(self.terms, look.past, self.file, look.now, look.now, Why.AT_ONCE, link, size)

    def _again(self, look: Look, link: Request | None = None) -> Downloading:
        due, not_before, why = next_look(look)
        size = None if link is None else self.size
        return Downloading(self.terms, look.past, self.file, due, not_before, why, link, size)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The file is here: `size` bytes on disk, or in `body` where the reply itself was the file."""

    file: str
    size: int
    past: History
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """We stopped asking; the file may still be at the service. `last` is where to go on."""

    file: str
    reason: Reason
    problem: Problem | None
    last: Downloading

    @property
    def past(self) -> History:
        """What has happened."""
        return self.last.past


def download(
    file: str,
    *,
    dialect: Dialect,
    now: float,
    quota: Quota | None = None,
    patience: Patience = Patience(),
) -> Downloading:
    """Start to download `file`, not before `quota`, as last seen, allows; raises `InvalidHandle`."""
    dialect.locate(file)
    terms = Terms(dialect, Growing(), patience, file)
    now = ceil_ms(now)
    past = History.begin(patience, now=now)
    held = spent(quota, now=now)
    if held is None:
        return Downloading(terms, past, file, now, now, Why.AT_ONCE)
    due = min(ceil_ms(held.until), past.deadline)
    return Downloading(terms, past, file, due, due, held.why)


def file_name(file: str) -> str:
    """A name on disk for a file: its id, or the last part of its address with what tells it from its namesakes.

    Made of letters, digits, '.', '_' and '-' alone, without an ending; the query, which may change, has no part in it.
    """
    if is_id(file):
        return file
    address = public(file)
    last = re.sub(r"[^A-Za-z0-9_-]+", "-", address.rstrip("/").rpartition("/")[2].partition(".")[0])[:60].strip("-")
    return f"{last or 'file'}-{crc32(address.encode('utf-8', 'replace')):08x}"


def suffix(head: bytes) -> str:
    """The file name's ending that the first 16 bytes of a file call for, or '.bin'."""
    return next((ending for at, magic, ending in _FORMATS if head.startswith(magic, at)), ".bin")


def _look(file: Downloading, reply: Reply, received: int, now: float) -> Look:
    terms, quota, held, reading = file.terms, None, None, None
    if isinstance(reply, Response):
        reading = _reading(file, reply, received)
        quota = read_quota(reply.headers, now=now, names=terms.dialect.quota)
        held = hold(reply, quota, now=now, cadence=False)
        quota = closing(quota, held, reply) if file.link is None else None  # the storage host has no say in the API's
    past = file.past.after(reply, reading, quota, terms=terms, asked="fetch", now=now)
    return Look(terms, past, file.file, "fetch", reply, reading, reading.phase if reading else None, held, now)


def _reading(file: Downloading, reply: Response, received: int) -> Reading:
    if reply.status == 200:
        if file.size in (None, received):
            return Reading(Phase.SUCCEEDED)
        wrong = Problem("WRONG_SIZE", f"{received} bytes came, {file.size} were announced")
        return Reading(Phase.UNREADABLE, problem=wrong)
    if file.link is not None:
        return Reading(Phase.LIMITED if reply.status == 429 else Phase.TRANSIENT)  # a fresh link may help
    return file.terms.dialect.read(reply, asked="fetch", handle=None)
