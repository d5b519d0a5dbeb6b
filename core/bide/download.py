"""One file of a result, from its reference to its bytes: a machine of the same shape as a job.

    while isinstance(file, Downloading):
        sleep_until(file.due)
        reply = exchange(file.request, into=part)   # at the head: file = file.heard(head), or the body is kept
        file = file.receive(reply, received=part.size, digest=part.digest, now=clock())

The service is asked for the file. It answers with the bytes, or with an address at the storage host, which is
asked next, without any credential; that one may lead on to another, three times at the most. An address that has
expired is replaced by a fresh one. What came before a cut stays on disk: the rest is asked for by `Range`, on the
condition that the file is still the same (`bide.byte_ranges`). When all is there, its size and its digest must be
those that were told; a file that is none of them is begun anew, but not for ever. A page or an error that comes in
place of the file is no file (`bide.file_kind`).

A cut that brought something is no failure, so a line that drops again and again ends by the deadline alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bide.byte_ranges import Partial, begun
from bide.content_codings import codings
from bide.data_urls import content, is_data
from bide.dialect import Dialect, Phase, Reading
from bide.faults import InvalidHandle
from bide.file_kind import LOOKED_AT, Called, is_doubtful, mistaken
from bide.handles import shown
from bide.history import History, Terms
from bide.link import Link, is_led_astray, leads_on, led_on, link_in, other_way, speaks_against
from bide.look import Look, counted, first_look, next_look, reason_to_stop
from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response, head_of
from bide.pace import Growing, Why, ceil_ms
from bide.patience import Patience, Reason, as_patience
from bide.quota import Quota
from bide.result import Problem
from bide.urls import origin

_SPOILT = ("WRONG_SIZE", "WRONG_DIGEST", "EMPTY")  # what a page that comes in place of the file is not: it may pass
_DONE = Reading(Phase.SUCCEEDED)
WORTH = 65536  # bytes that a cut transfer must have brought for the rest to be asked for at once
_MOST_SPOILT = 3  # times that a whole file may turn out to be another than was told
_MOST_LASTING = 2  # times that trouble may come which asking again does not mend


@dataclass(frozen=True, slots=True)
class Downloading:
    """Ask for `file` at `due`; `link` is its address, once named, and `partial` what of it is on disk already.

    `furthest` is the most that has ever been there, `spoilt` counts the wholes that were wrong and other trouble that
    lasts, and `elsewhere` says that the service is asked in its second way.
    """

    terms: Terms
    past: History
    file: str = field(repr=False)  # it may be a signed address
    due: float
    not_before: float
    why: Why
    link: Link | None = None
    partial: Partial = Partial()
    furthest: int = 0
    spoilt: int = 0
    elsewhere: bool = False

    @property
    def received(self) -> int:
        """The bytes on disk so far."""
        return self.partial.received

    @property
    def size(self) -> int | None:
        """The bytes of the whole file, or None while nobody has said."""
        return self.link.size if self.partial.size is None and self.link else self.partial.size

    @property
    def request(self) -> Request:
        """The GET for the file or its address, or for the bytes at the storage host: all, or the rest."""
        terms, asked = self.terms, self.asked
        return replace(
            terms.bound(asked),
            headers=(*asked.headers, *(self.partial.lines if self.asks_for_rest else ())),
            credential=asked.credential and self.is_at_home,
            timeout=terms.patience.transfer,
        )

    def is_file(self, head: Response) -> bool:
        """Whether the body that follows this status and these headers is the file itself, or the rest of it."""
        if head.status not in (200, 206) or (not self.is_linked and self.terms.dialect.may_locate(head.headers)):
            return False
        if self.partial.can_go_on and is_doubtful(self.called, head.headers):
            return False
        return head.status == 200 or self.partial.continued(head.headers) is not None

    def heard(self, head: Response) -> Downloading | None:
        """The state while the body of this reply comes, which goes to disk from byte `received` on.

        Nothing that was on disk after that byte counts any more. None for a body that belongs in the reply.
        """
        if not self.is_file(head):
            return None
        answered = self.past._replace(answered=True)
        partial = (
            begun(head.headers, linked=self.is_linked) if head.status == 200 else self.partial.continued(head.headers)
        )
        return replace(self, partial=partial or self.partial, past=answered)

    def grown(self, received: int) -> Downloading:
        """The same with `received` bytes on disk."""
        return replace(self, partial=self.partial.grown(received))

    def receive(
        self, reply: Reply, *, received: int, now: float, digest: str | None = None, beginning: bytes = b""
    ) -> Downloading | Downloaded | Undelivered:
        """The next state, after `reply` came at `now` to this state, or to the one that had `heard` its head.

        `received` bytes of the file are on disk now; `digest` is theirs, by the algorithm in `partial.digest`, if
        it has one (in hexadecimal digits), and `beginning` is how they begin (`LOOKED_AT` of them are enough). A file
        of another size, digest or kind than was told is asked for again.
        """
        reply = head_of(reply)
        head = self.heard(reply) if isinstance(reply, Response) else None
        file = (head or self).grown(received)
        after = _transfer(file, reply, came=head is not None, digest=digest, beginning=beginning, now=now)
        if after.is_whole:
            return Downloaded(self.file, received, after.look.past)
        if isinstance(reply, Response) and after.look.phase is Phase.SUCCEEDED:
            return _led_on(after, reply)
        return _troubled(after)

    @property
    def asked(self) -> Request:
        """The GET as the dialect or the service names it, without what this download adds."""
        dialect = self.terms.dialect
        if self.link is not None:
            return self.link.request
        return (other_way(dialect, self.file) if self.elsewhere else None) or dialect.locate(self.file)

    @property
    def asks_for_rest(self) -> bool:
        """Whether only the rest is asked for, of whoever gave the beginning."""
        return self.partial.can_go_on and self.partial.linked == self.is_linked

    @property
    def is_linked(self) -> bool:
        """Whether an address is asked that the service has named, and not the service itself."""
        return self.link is not None and not self.link.is_home

    @property
    def is_at_home(self) -> bool:
        """Whether the service itself is asked, whose key, quota and words then count."""
        return not self.is_linked and origin(self.asked.url) == self.terms.dialect.origin

    @property
    def called(self) -> Called:
        """What the file is called by those who name it, which says what kind of file it must be."""
        accepted = [value for name, value in self.asked.headers if name.lower() == "accept"]
        return Called((self.file, self.asked.url), (*accepted, self.link.kind if self.link else ""))


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The file is here: `size` bytes on disk, or in `body` where the reply itself was the file."""

    file: str = field(repr=False)
    size: int
    past: History
    body: bytes | None = field(default=None, repr=False)

    @property
    def received(self) -> int:
        """The bytes that are here: all."""
        return self.size


@dataclass(frozen=True, slots=True)
class Undelivered:
    """We stopped asking; the file may still be at the service. `last` is where to go on."""

    file: str = field(repr=False)
    reason: Reason
    problem: Problem | None
    last: Downloading

    @property
    def past(self) -> History:
        """What has happened."""
        return self.last.past

    @property
    def received(self) -> int:
        """The bytes on disk that are worth keeping."""
        return self.last.received

    @property
    def size(self) -> int | None:
        """The bytes of the whole file, or None where nobody has said."""
        return self.last.size


Download: TypeAlias = Downloading | Downloaded | Undelivered


def download(
    file: str,
    *,
    dialect: Dialect,
    now: float,
    quota: Quota | None = None,
    patience: Patience | float = Patience(),
) -> Downloading:
    """Start to download `file`, not before `quota`, as last seen, allows; raises `InvalidHandle`."""
    at_home = origin(dialect.locate(file).url) == dialect.origin
    terms = Terms(dialect, Growing(), as_patience(patience), file)
    past = History.begin(terms.patience, now=ceil_ms(now))
    return Downloading(terms, past, file, *first_look(past, quota if at_home else None))


def in_hand(file: str, *, now: float) -> Downloaded | None:
    """The file that stands in its own address (`data:`), for which nobody is asked; None for any other.

    Raises `InvalidHandle` for one that holds none.
    """
    if not is_data(file):
        return None
    try:
        body = content(file)
    except ValueError as error:
        raise InvalidHandle(f"{shown(file)!r} is no file: {error}") from None
    return Downloaded(file, len(body), History.begin(Patience(), now=ceil_ms(now)), body)


def _led_on(after: _Transfer, reply: Response) -> Downloading | Downloaded | Undelivered:
    """After an address, a redirect, or a file that is the reply itself."""
    file, look, dialect = after.file, after.look, after.file.terms.dialect
    try:
        if reply.status == 200:
            link = None if file.is_linked else link_in(dialect, reply, now=look.now)
        else:
            link = led_on(dialect, file.file, file.asked, reply, file.link)
    except ValueError as error:
        problem = Problem("FOREIGN_ADDRESS", str(error))
        return _undelivered(after, Reason.REFUSED, problem)
    if link is None:
        return Downloaded(file.file, len(reply.body), look.past, reply.body)
    past = look.past._replace(failures=file.past.failures)  # an address is no file: what went wrong still counts
    return replace(file, past=past, due=look.now, not_before=look.now, why=Why.AT_ONCE, link=link)


def _troubled(after: _Transfer) -> Downloading | Undelivered:
    file, again, reason = after.file, _again(after), reason_to_stop(after.look)
    nowhere = not file.is_linked and not file.elsewhere and after.status in (404, 405)
    in_time = after.look.now < after.look.past.deadline
    if nowhere and in_time and other_way(file.terms.dialect, file.file) is not None:
        due, not_before, why = next_look(after.look, at_once=True)
        return replace(again, due=due, not_before=not_before, why=why, elsewhere=True)
    if after.look.phase in (Phase.MISSING, Phase.GONE):
        reason = Reason.REFUSED
    elif again.spoilt >= (_MOST_LASTING if after.is_lasting else _MOST_SPOILT):
        reason = Reason.TOO_LARGE if after.is_too_large else Reason.NOT_UNDERSTOOD
    return again if reason is None else _undelivered(after, reason, after.problem)


def _undelivered(after: _Transfer, reason: Reason, problem: Problem | None) -> Undelivered:
    """Whoever goes on later asks for a fresh address: the one in hand grows old."""
    return Undelivered(after.file.file, reason, problem, replace(_again(after), link=None))


def _again(after: _Transfer) -> Downloading:
    """The same later: by a fresh address where the old one has expired, from the start where the part is useless."""
    file = after.file
    due, not_before, why = next_look(after.look, at_once=after.brought >= WORTH)
    return replace(
        file,
        past=after.look.past,
        due=due,
        not_before=not_before,
        why=why,
        link=None if after.ends_address(due) else file.link,
        partial=Partial() if after.is_useless else file.partial,
        furthest=max(file.furthest, file.received),
        spoilt=file.spoilt + (after.is_spoilt or after.is_lasting),
    )


@dataclass(slots=True)
class _Transfer:
    """One reply, read, counted and judged: is the file whole, what of it is worth keeping, is its address still good.

    `file` knows what is on disk now; `came` says that the body was the file.
    """

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


def _transfer(
    file: Downloading, reply: Reply, *, came: bool, digest: str | None, beginning: bytes, now: float
) -> _Transfer:
    """`reply` to what `file` asked, understood and counted; its history counts no cut that brought something."""
    reading = None
    if isinstance(reply, Response):
        there = came or (reply.status == 416 and file.partial.is_whole(reply.headers))
        reading = _checked(file, reply, digest, beginning) if there else _reading(file, reply)
    look = counted(file.terms, file.past, file.file, "fetch", reply, reading, now, at_home=file.is_at_home)
    after = _Transfer(file, came, look)
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
