"""The calls of a declaration as requests: where each goes, what it says, and which of them a handle finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from bide.dialect import Asked
from bide.dialects.calls import ORDER, Call, filled_lines, gaps, paths, plain, value_of
from bide.dialects.declaration import Declaration
from bide.dialects.orders import homeless, names_of, unfit
from bide.document import JSON
from bide.faults import InvalidHandle, InvalidOrder, NotOffered
from bide.handles import COOKIE, links, shown
from bide.messages import Order, Request
from bide.references import why_not
from bide.urls import may_follow, origin

_PLAIN = ("accept-encoding", "identity")  # a compressed reply could grow without bound


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of a `declaration` at `base_url`; `moment` holds what differs between requests."""

    declaration: Declaration
    base_url: str
    origin: str
    moment: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)

    @property
    def name(self) -> str:
        """The vendor's."""
        return self.declaration.name

    def may_follow(self, url: str) -> bool:
        """Whether an address that the service names may be asked."""
        return may_follow(url, self.base_url, private=self.declaration.private)

    def why_not(self, url: str) -> str:
        """Why such an address is not asked, and what to do; empty where it may be asked."""
        return why_not(url, self.base_url, private=self.declaration.private)

    def submit(self, order: Order) -> Request:
        """As declared; repeatable only under an idempotency key that is sent, or by PUT (RFC 9110, 9.2.2).

        Raises `NotOffered` where jobs can only be watched, `InvalidOrder` for what the service has no place for.
        """
        call = self.declaration.submit
        if call is None:
            raise NotOffered(f"{self.name} is declared without a submission: submit elsewhere and watch the job here")
        wishes = {"webhook URL": (order.webhook_url, "webhook"), "metadata": (order.metadata, "metadata")}
        known = self._gaps(call)
        for what, (value, gap) in wishes.items():
            if value is not None and gap not in known:
                raise InvalidOrder(f"{self.name} has no place for a {what}: leave it out")
        left_out = homeless(
            order, [*(text for _, text in call.templates), *(value for _, value in self.declaration.headers)]
        )
        if left_out:
            raise InvalidOrder(f"{self.name} has no place for {', '.join(left_out)[:200]} of the input: leave it out")
        request = self._request(call, names_of(order))
        if request is None:
            raise InvalidOrder(unfit(order, call, call.url(self.base_url, names_of(order))))
        by_itself = call.method in ("PUT", "DELETE") if call.repeatable is None else call.repeatable
        return replace(request, repeatable=by_itself or self.key_lifetime(order) is not None)

    def key_lifetime(self, order: Order) -> float | None:
        """As declared, where a key is sent."""
        call = self.declaration.submit
        keyed = call is not None and order.key is not None and "key" in self._gaps(call)
        return self.declaration.key_lifetime if keyed else None

    def poll(self, handle: str) -> Request:
        """The look at the job."""
        return self._asking(self.declaration.poll, handle)

    def fetch(self, handle: str) -> Request:
        """The result, where it lies elsewhere than in the job."""
        return self._asking(self.declaration.fetch, handle)

    def reason(self, handle: str) -> Request | None:
        """The question why a job failed; None where none is declared, or this job's cannot be asked."""
        call = self.declaration.reason
        return self._asking(call, handle) if self.finds(call, handle) else None

    def cancel(self, handle: str) -> Request:
        """The cancellation; raises `NotOffered` where there is none."""
        return self._asking(self.declaration.cancel, handle)

    def locate(self, file: str) -> Request:
        """The file itself, by its address or id; raises `InvalidHandle` for what is neither.

        At the API's own origin it is asked for with the declared header lines, except that it need not be JSON;
        elsewhere none of them goes along.
        """
        request = self._request(self.declaration.file, {"file": file})
        if request is None or not self.may_follow(request.url):
            reason = self.why_not(file) if "://" in file else ""
            raise InvalidHandle(
                f"{shown(file)!r} is no file of {self.name}: {reason or 'it cannot stand in the address of one'}"
            )
        if origin(request.url) != self.origin:
            return replace(request, headers=(_PLAIN,))
        own, shared = _accepted(self.declaration.file.headers), _accepted(self.declaration.headers)
        accept = ["*/*", *(kind for kind in shared if "json" not in kind.lower()), *own][-1]
        lines = [line for line in request.headers if line[0].lower() != "accept"]
        return replace(request, headers=(("accept", accept), *lines))

    def asked_url(self, asked: Asked, handle: str | None, order: Order | None) -> str:
        """Where a reply comes from: the base of every relative address in it (RFC 9110, 10.2.2)."""
        call = self.declaration.submit if order is not None else self._call(asked)
        names = names_of(order) if order is not None else _parts(handle or "")
        url = call.url(self.base_url, names) if call is not None else None
        return url or self.base_url

    def asked_link(self, asked: Asked, handle: str | None) -> str:
        """The link whose address was asked about this job; the empty text where it was none."""
        call = self._call(asked)
        return call.link(_parts(handle)) if call is not None and handle else ""

    def asks_by_id(self, asked: Asked, handle: str) -> bool:
        """Whether the request named the job by its id."""
        call = self._call(asked)
        return call is not None and call.says_id(_parts(handle))

    @property
    def brings(self) -> Literal["json", "file", "text"]:
        """What the reply to `fetch` is."""
        return self.declaration.fetch.brings if self.declaration.fetch is not None else "json"

    def finds(self, call: Call | None, handle: str) -> bool:
        """Whether this handle says where to send this call, and what to say in it."""
        parts = _parts(handle)
        return call is not None and call.said <= parts.keys() and self._url(call, parts) is not None

    def kept(self, order: Order) -> dict[str, str]:
        """What of an order the later calls want, as parts of the handle."""
        values = ((path, plain(value_of(path, names_of(order)))) for path in self.later)
        return {path: value for path, value in values if value is not None}

    def _gaps(self, call: Call) -> frozenset[str]:
        return call.gaps.union(*(gaps(value) for _, value in self.declaration.headers))

    @property
    def later(self) -> frozenset[str]:
        """The places in an order of which the later calls want what stands there."""
        declared = self.declaration
        later = (declared.poll, declared.fetch, declared.cancel, declared.reason)
        calls = [call for call in later if call is not None]
        known = frozenset[str]().union(*(paths(text) for call in calls for _, text in call.templates))
        known |= frozenset[str]().union(*(paths(value) for _, value in declared.headers))
        return frozenset(path for path in known if path.partition(".")[0] in ORDER)

    def _call(self, asked: Asked) -> Call | None:
        declared = self.declaration
        others = {"fetch": declared.fetch, "cancel": declared.cancel, "reason": declared.reason}
        return others.get(asked, declared.poll)

    def _asking(self, call: Call | None, handle: str) -> Request:
        if call is None:
            raise NotOffered(f"{self.name} offers no such call, or none is declared")
        parts = _parts(handle)
        request = self._request(call, parts) if call.said <= parts.keys() else None
        if request is None:
            raise NotOffered(f"{self.name} has not said where to send this for {shown(handle)}")
        return request

    def _url(self, call: Call, names: dict[str, JSON]) -> str | None:
        """The address of a call; None where it has none, or a header line would hold what no such line can."""
        lines = filled_lines((*self.declaration.headers, *call.headers), names)
        fine = all(value.isascii() and value.isprintable() for _, value in lines)
        return call.url(self.base_url, names) if fine else None

    def _request(self, call: Call, names: dict[str, JSON]) -> Request | None:
        names = {**names, **self.moment}
        url = self._url(call, names)
        if url is None:
            return None
        cookie, home = names.get(COOKIE), origin(url) == self.origin
        cookies = ((COOKIE, cookie),) if isinstance(cookie, str) and home else ()
        lines = (*filled_lines(self.declaration.headers, names), _PLAIN, *call.lines(names), *cookies)
        credential = self.declaration.authorization is not None
        return Request(call.method, url, lines, call.content(names), credential=credential)


def _accepted(lines: tuple[tuple[str, str], ...]) -> list[str]:
    """The media types that header lines ask for."""
    return [value for name, value in lines if name.lower() == "accept"]


def _parts(handle: str) -> dict[str, JSON]:
    return cast("dict[str, JSON]", links(handle))
