"""One reply to one request for a file: read, counted and judged. The states in `bide.download` act on it.

Here stand all decisions that do not depend on where the download goes next: whether the whole file is there and is
the one that was told, what of it is worth keeping, whether its address is still good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bide.byte_ranges import begun
from bide.content_codings import codings
from bide.dialects import Phase, Reading
from bide.file_kind import LOOKED_AT, mistaken
from bide.link import is_led_astray, leads_on, link_in, speaks_against
from bide.look import Look, counted
from bide.messages import Cause, Headers, NoResponse, Reply, Response
from bide.result import Problem

if TYPE_CHECKING:
    from bide.download import Downloading

_SPOILT = ("WRONG_SIZE", "WRONG_DIGEST", "EMPTY")  # what a page that comes in place of the file is not: it may pass
_DONE = Reading(Phase.SUCCEEDED)
WORTH = 65536  # bytes that a cut transfer must have brought for the rest to be asked for at once


@dataclass(slots=True)
class Transfer:
    """One reply, read and counted. `file` knows what is on disk now; `came` says that the body was the file."""

    file: Downloading
    came: bool
    look: Look

    @property
    def status(self) -> int:
        """The status code, or 0 when no response came."""
        return self.look.reply.status if isinstance(self.look.reply, Response) else 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the file is missing any more."""
        return self.look.phase is Phase.SUCCEEDED and (self.came or self.status == 416)

    @property
    def problem(self) -> Problem | None:
        """What went wrong."""
        reply = self.look.reply
        if isinstance(reply, NoResponse) and self.is_too_large:
            limits = self._limits(reply.head)
            said = reply.detail or f"the reply has more than {getattr(self.file.request, limits[0])} bytes"
            settings = ", ".join(f"{limit}=..." for limit in limits)
            options = " and ".join(f"--{limit.replace('_', '-')}" for limit in limits)
            return Problem("TOO_LARGE", f"{said}: allow more by Patience({settings}), in the command by {options}")
        return self.look.problem

    def _limits(self, head: Response | None) -> tuple[str, ...]:
        """What bounds the body that follows `head`: how much a compressed file may unpack to hangs on both."""
        if head is None or not self.file.is_file(head):
            return ("largest",)
        return ("largest_file", "largest") if codings(head.headers) else ("largest_file",)

    @property
    def is_too_large(self) -> bool:
        """Whether what came was larger than allowed."""
        return isinstance(self.look.reply, NoResponse) and self.look.reply.cause is Cause.TOO_LARGE

    @property
    def is_lasting(self) -> bool:
        """Whether asking again is not likely to mend it."""
        return self.is_too_large or (
            isinstance(self.look.reply, Response) and is_led_astray(self.look.reply, self.file.link)
        )

    @property
    def is_spoilt(self) -> bool:
        """Whether a whole file came that is not the one that was told."""
        problem = self.look.problem
        return self.look.phase is Phase.UNREADABLE and problem is not None and problem.code in _SPOILT

    @property
    def is_useless(self) -> bool:
        """Whether what is on disk had better be forgotten."""
        wrong = self.look.phase is Phase.UNREADABLE and (self.came or self.status in (206, 416))
        too_large = self.is_too_large or (self.file.size is not None and self.file.received > self.file.size)
        return wrong or too_large or not self.file.partial.can_go_on

    @property
    def brought(self) -> int:
        """How many bytes further than ever before this reply has led."""
        useless = self.look.phase is Phase.UNREADABLE or self.is_too_large
        return 0 if useless else max(0, self.file.received - self.file.furthest)

    def ends_address(self, due: float) -> bool:
        """Whether the storage host says that the address is good no more, or will by the time it is asked again."""
        link = self.file.link
        ended = link is not None and link.expires is not None and link.expires <= due
        return ended or speaks_against(self.status)


def transfer(
    file: Downloading, reply: Reply, *, came: bool, digest: str | None, beginning: bytes, now: float
) -> Transfer:
    """`reply` to what `file` asked, understood and counted; its history counts no cut that brought something."""
    reading = None
    if isinstance(reply, Response):
        there = came or (reply.status == 416 and file.partial.is_whole(reply.headers))
        reading = _checked(file, reply, digest, beginning) if there else _reading(file, reply)
    look = counted(file.terms, file.past, file.file, "fetch", reply, reading, now, at_home=file.is_at_home)
    after = Transfer(file, came, look)
    if after.brought and not after.is_whole:
        look.past = look.past._replace(failures=0 if after.brought >= WORTH else 1)
    return after


def _reading(file: Downloading, reply: Response) -> Reading:
    """What a reply says of the file, which has brought nothing to disk."""
    status = reply.status
    if status == 206 or (status == 416 and file.asks_for_rest):
        return Reading(Phase.UNREADABLE, problem=Problem("WRONG_RANGE", "what came is not the rest of the file"))
    if leads_on(reply):
        astray = Problem("TOO_MANY_REDIRECTS", "the file's address leads on and on: ask the service for another one")
        return Reading(Phase.UNREADABLE, problem=astray) if is_led_astray(reply, file.link) else _DONE
    if status == 200:
        return _in_reply(file, reply)
    if file.is_at_home:
        reading = file.terms.dialect.read(reply, asked="fetch", handle=None)
        empty = Reading(Phase.UNREADABLE, problem=Problem(f"HTTP_{status}", "there is no file in this reply"))
        return empty if reading.phase is Phase.SUCCEEDED else reading._replace(expires=None)  # a job's, not a file's
    if status == 429:
        return Reading(Phase.LIMITED)
    if file.link is None and speaks_against(status):
        expired = "its address may have expired: get the result again, and save that"
        return Reading(Phase.REFUSED, problem=Problem(f"HTTP_{status}", expired))
    return Reading(Phase.TRANSIENT, problem=Problem(f"HTTP_{status}"))  # where it has a link, a fresh one may help


def _in_reply(file: Downloading, reply: Response) -> Reading:
    """A 200 whose body did not go to disk: the address of the file, or the file itself, or neither."""
    if not file.is_linked:
        if _has_link(file, reply):
            return _DONE
        if file.elsewhere:
            return Reading(Phase.UNREADABLE)
    partial = begun(reply.headers, linked=file.is_linked).grown(len(reply.body))
    return _checked(replace(file, partial=partial), reply, None, reply.body[:LOOKED_AT])


def _checked(file: Downloading, reply: Response, digest: str | None, beginning: bytes) -> Reading:
    """Whether all of the file is here, and is what was told of it."""
    partial, announced = file.partial, file.link.size if file.link else None
    other = next((size for size in (partial.size, announced) if size not in (None, partial.received)), None)
    if other is not None:
        short = file.size is not None and partial.received < file.size
        wrong = Problem("WRONG_SIZE", f"{partial.received} bytes came, {other} were announced")
        return Reading(Phase.TRANSIENT if short else Phase.UNREADABLE, problem=wrong)
    if partial.digest is not None and digest not in (None, partial.digest.value):
        wrong = Problem("WRONG_DIGEST", f"what came has not the {partial.digest.algorithm} digest that was told")
        return Reading(Phase.UNREADABLE, problem=wrong)
    if not partial.received and announced is None and (partial.digest is None or digest is None):
        return Reading(Phase.UNREADABLE, problem=Problem("EMPTY", "nothing came, and nobody says that it is empty"))
    headers = Headers() if reply.status == 416 else reply.headers  # that body is no part of the file
    other_kind = mistaken(file.called, headers, beginning) if partial.received else ""
    return Reading(Phase.UNREADABLE, problem=Problem("NOT_THE_FILE", other_kind)) if other_kind else _DONE


def _has_link(file: Downloading, reply: Response) -> bool:
    try:
        return link_in(file.terms.dialect, reply, now=0.0) is not None
    except ValueError:
        return True  # there is one, and it must not be followed
