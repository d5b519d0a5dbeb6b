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
from bide.data_urls import content, is_data
from bide.dialects import Dialect, Phase
from bide.errors import InvalidHandle
from bide.file_kind import Called, is_doubtful
from bide.finished import Reason
from bide.handles import shown
from bide.history import History, Terms
from bide.link import Link, led_on, link_in, other_way
from bide.look import first_look, next_look, reason_to_stop
from bide.messages import Reply, Request, Response, head_of
from bide.pace import Growing, Why, ceil_ms
from bide.patience import Patience, as_patience
from bide.quota import Quota
from bide.result import Problem
from bide.transfer import WORTH, Transfer, transfer
from bide.urls import origin

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
        after = transfer(file, reply, came=head is not None, digest=digest, beginning=beginning, now=now)
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


def _led_on(after: Transfer, reply: Response) -> Downloading | Downloaded | Undelivered:
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


def _troubled(after: Transfer) -> Downloading | Undelivered:
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


def _undelivered(after: Transfer, reason: Reason, problem: Problem | None) -> Undelivered:
    """Whoever goes on later asks for a fresh address: the one in hand grows old."""
    return Undelivered(after.file.file, reason, problem, replace(_again(after), link=None))


def _again(after: Transfer) -> Downloading:
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
