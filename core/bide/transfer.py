"""One reply to one request for a file: read, counted and judged. The states in `bide.download` act on it.

Here stand all decisions that do not depend on where the download goes next: whether the whole file is there and is
the one that was told, what of it is worth keeping, whether its address is still good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bide.dialects import Phase, Reading
from bide.link import leads_on, link_in, speaks_against
from bide.look import Look, counted
from bide.messages import Cause, NoResponse, Reply, Response
from bide.result import Problem

if TYPE_CHECKING:
    from bide.download import Downloading

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
    def is_spoilt(self) -> bool:
        """Whether a file came that is not the one that was told."""
        return self.came and self.look.phase is Phase.UNREADABLE

    @property
    def is_useless(self) -> bool:
        """Whether what is on disk had better be forgotten."""
        reply = self.look.reply
        misplaced = self.look.phase is Phase.UNREADABLE and self.status in (206, 416)
        too_large = isinstance(reply, NoResponse) and reply.cause is Cause.TOO_LARGE
        too_large = too_large or (self.file.size is not None and self.file.received > self.file.size)
        return self.is_spoilt or misplaced or too_large or not self.file.partial.can_go_on

    @property
    def brought(self) -> int:
        """How many bytes further than ever before this reply has led."""
        return 0 if self.look.phase is Phase.UNREADABLE else max(0, self.file.received - self.file.furthest)

    def ends_address(self, due: float) -> bool:
        """Whether the storage host says that the address is good no more, or will by the time it is asked again."""
        link = self.file.link
        ended = link is not None and link.expires is not None and link.expires <= due
        return ended or speaks_against(self.status)


def transfer(file: Downloading, reply: Reply, *, came: bool, digest: str | None, now: float) -> Transfer:
    """`reply` to what `file` asked, understood and counted; its history counts no cut that brought something."""
    reading = _reading(file, reply, came=came, digest=digest) if isinstance(reply, Response) else None
    look = counted(file.terms, file.past, file.file, "fetch", reply, reading, now, at_home=file.is_at_home)
    after = Transfer(file, came, look)
    if after.brought and not after.is_whole:
        look.past = look.past._replace(failures=0 if after.brought >= WORTH else 1)
    return after


def _reading(file: Downloading, reply: Response, *, came: bool, digest: str | None) -> Reading:
    """What a reply says of the file."""
    status, partial = reply.status, file.partial
    if came or (status == 416 and partial.is_whole(reply.headers)):
        return _checked(file, digest)
    if status == 206 or (status == 416 and file.asks_for_rest):
        return Reading(Phase.UNREADABLE, problem=Problem("WRONG_RANGE", "what came is not the rest of the file"))
    if leads_on(reply, file.link):
        return Reading(Phase.SUCCEEDED)
    if file.link is None and status == 200:
        return Reading(Phase.SUCCEEDED if not file.elsewhere or _has_link(file, reply) else Phase.UNREADABLE)
    if file.is_at_home:
        return file.terms.dialect.read(reply, asked="fetch", handle=None)
    if status == 429:
        return Reading(Phase.LIMITED)
    if file.link is None and speaks_against(status):
        expired = "its address may have expired: get the result again, and save that"
        return Reading(Phase.REFUSED, problem=Problem(f"HTTP_{status}", expired))
    return Reading(Phase.TRANSIENT, problem=Problem(f"HTTP_{status}"))  # where it has a link, a fresh one may help


def _checked(file: Downloading, digest: str | None) -> Reading:
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
    return Reading(Phase.SUCCEEDED)


def _has_link(file: Downloading, reply: Response) -> bool:
    try:
        return link_in(file.terms.dialect, reply, now=0.0) is not None
    except ValueError:
        return True  # there is one, and it must not be followed
