"""A declared dialect, spoken: its calls become requests; what comes back is understood in `bide.dialects.hearing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bide.dialect import Advice, Asked, Reading
from bide.dialects.calls import gaps
from bide.dialects.declaration import Declaration, check_values
from bide.dialects.hearing import Hearing
from bide.dialects.moments import MOMENT, Moment, told
from bide.dialects.requests import Requests
from bide.faults import InvalidHandle
from bide.handles import COOKIE, ID, SEEN, links, shown
from bide.messages import Headers, Order, Request, Response
from bide.result import Problem
from bide.signature import Signature
from bide.ticket import Source, Ticket
from bide.urls import base, origin


@dataclass(frozen=True, slots=True, repr=False)
class Declared:
    """Speaks as `declaration` says, at `base_url` (default: the declaration's own).

    A handle is an id, an address, or both and more as JSON. Raises `InvalidAddress` for a base URL that is none,
    `InvalidSetting` for what is no declaration, and for a value in it that makes no sense.
    """

    declaration: Declaration
    base_url: str = ""
    name: str = field(default="", init=False)
    origin: str = field(default="", init=False)
    cadence: bool = field(default=True, init=False)
    cancel_forgets: bool = field(default=False, init=False)
    quota: tuple[str, str, str] | None = field(default=None, init=False)
    is_momentary: bool = field(default=False, init=False)
    private: bool = field(default=False, init=False)
    moment: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    requests: Requests = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_values(self.declaration)
        url = base(self.base_url or self.declaration.base_url, keyless=self.declaration.authorization is None)
        for name, value in (
            ("base_url", url),
            ("name", self.declaration.name),
            ("origin", origin(url)),
            ("cadence", self.declaration.cadence),
            ("cancel_forgets", self.declaration.cancel is not None and self.declaration.cancel.method == "DELETE"),
            ("private", self.declaration.private),
            ("is_momentary", _is_momentary(self.declaration)),
            ("quota", self.declaration.quota and tuple(name.lower() for name in self.declaration.quota)),
            ("requests", Requests(self.declaration, url, origin(url) or "", self.moment)),
        ):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Declared({self.name} at {self.base_url})"

    @property
    def advice(self) -> Advice | None:
        """None is declared."""
        return None

    @property
    def webhook(self) -> Signature | None:
        """As declared."""
        return self.declaration.webhook

    def at(self, moment: Moment) -> Declared:
        """The dialect for this one request, where the declaration has a gap for what differs between requests."""
        return replace(self, moment=told(moment)) if self.is_momentary else self

    @property
    def wants_key(self) -> bool:
        """Whether there is a header for it."""
        return self.declaration.authorization is not None

    @property
    def environment(self) -> str:
        """As declared."""
        return self.declaration.environment

    def authorization(self, key: str) -> tuple[str, str]:
        """The header line that carries the key; asked for only where the declaration has one."""
        name, template = self.declaration.authorization or ("authorization", "{key}")
        return name, template.replace("{key}", key)

    def check(self, handle: str) -> str:
        """`handle`, if the job can be polled with it; raises `InvalidHandle` otherwise."""
        parts = links(handle)
        values = {ID, COOKIE, SEEN, *self.requests.later}
        foreign = [name for name, part in parts.items() if name not in values and not self.requests.may_follow(part)]
        if foreign or not self.requests.finds(self.declaration.poll, handle):
            poll = self.declaration.poll
            wanted = " and ".join(f"{{{name}}}" for name in sorted(poll.said)) or " or ".join(poll.urls)
            raise InvalidHandle(f"{shown(handle)!r} finds no job of {self.name}: give what fits {wanted}")
        return handle

    def submit(self, order: Order) -> Request:
        """As declared; repeatable only under an idempotency key that is sent, or by PUT (RFC 9110, 9.2.2).

        Raises `NotOffered` where jobs can only be watched, `InvalidOrder` for what the service has no place for.
        """
        return self.requests.submit(order)

    def key_lifetime(self, order: Order) -> float | None:
        """As declared, where a key is sent."""
        return self.requests.key_lifetime(order)

    def poll(self, handle: str) -> Request:
        """The look at the job."""
        return self.requests.poll(handle)

    def fetch(self, handle: str) -> Request:
        """The result, where it lies elsewhere than in the job."""
        return self.requests.fetch(handle)

    def reason(self, handle: str) -> Request | None:
        """The question why a job failed; None where none is declared, or this job's cannot be asked."""
        return self.requests.reason(handle)

    def cancel(self, handle: str) -> Request:
        """The cancellation; raises `NotOffered` where there is none."""
        return self.requests.cancel(handle)

    def locate(self, file: str) -> Request:
        """The file itself, by its address or id; raises `InvalidHandle` for what is neither.

        At the API's own origin it is asked for with the declared header lines, except that it need not be JSON;
        elsewhere none of them goes along.
        """
        return self.requests.locate(file)

    def may_locate(self, headers: Headers) -> bool:  # noqa: ARG002  a declared file is never an address of another
        """Never: a reply to `locate` is the file."""
        return False

    def located(self, response: Response) -> Request | None:  # noqa: ARG002
        """Always None: a reply to `locate` is the file."""
        return None

    def announced(self, response: Response) -> int | None:  # noqa: ARG002
        """Always None: no address, no announcement."""
        return None

    def upload(self, source: Source, refusal: Problem | None) -> Request | None:  # noqa: ARG002
        """Always None: no uploads are declared."""
        return None

    def ticket(self, response: Response, source: Source, refusal: Problem | None) -> Ticket | None:  # noqa: ARG002
        """Always None: no uploads are declared."""
        return None

    def confirm(self, file: str) -> Request | None:  # noqa: ARG002
        """Always None: no uploads are declared."""
        return None

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        """What a reply says; total over every status and every body."""
        return Hearing(self.requests, response, asked, handle, order, url).reading()


def _is_momentary(declared: Declaration) -> bool:
    calls = (declared.submit, declared.poll, declared.fetch, declared.cancel, declared.reason)
    known = [gaps(value) for _, value in declared.headers] + [call.gaps for call in calls if call is not None]
    return any(not MOMENT.isdisjoint(each) for each in known)
