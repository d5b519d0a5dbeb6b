"""ModelRoute as a dialect: facts from modelroute-api.md, tolerant of each variant in its section 16."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from json import dumps
from math import inf
from typing import Final, cast

from bide.dialect import KEY_LIFETIME, Advice, Asked, Reading
from bide.dialects import modelroute_files, modelroute_replies
from bide.document import JSONInput, parse_object, text
from bide.faults import InvalidSetting
from bide.messages import Headers, Order, Request, Response
from bide.pace import Every, either, number
from bide.result import Problem
from bide.signature import Signature
from bide.ticket import Source, Ticket
from bide.urls import base, host, is_loopback, origin, segment

#: The vendor's interval table (modelroute-api.md, 8): testing, and applications below 100 executions a day.
TESTING: Final = Every(2.0)
SMALL: Final = Every(4.0, jitter=1.0)

_ADVICE = Advice(
    daily=100,
    text="ModelRoute advises webhooks above 100 executions a day (its page /executions/polling): give a webhook_url "
    "with each submission and poll only as a fallback; webhook delivery does not use up the rate limit",
)
_WEBHOOK = Signature(  # modelroute-api.md, 14.2 and 14.3: either name of the event, either place of the job
    signature="x-signature",
    timestamp="x-signature-timestamp",
    event=("id",),
    job=("execution_id", "data.id"),
    kind=("event_type", "type"),
)
_ACCEPT = ("accept", "application/json")
_PLAIN = ("accept-encoding", "identity")  # a compressed reply could grow without bound
_HEADERS = (_ACCEPT, _PLAIN)


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """The ModelRoute API at `base_url`, https only (http to this machine excepted).

    `storage_hosts` may serve files: a presigned address elsewhere is not followed. A handle is an
    execution id. `lifetime` is for how many seconds the service recognises an idempotency key: its pages do not say.
    `private` allows that the names of storage hosts lead into a private network.
    Raises `InvalidAddress` for a base URL that is none, `InvalidSetting` for any other argument that makes no sense.
    """

    base_url: str = "https://api.modelroute.ai"
    storage_hosts: tuple[str, ...] = ("storage.modelroute.ai",)
    lifetime: float = KEY_LIFETIME
    private: bool = False
    name: str = field(default="modelroute", init=False)
    origin: str = field(default="", init=False)
    cadence: bool = field(default=False, init=False)
    cancel_forgets: bool = field(default=False, init=False)
    quota: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", base(self.base_url))
        object.__setattr__(self, "origin", origin(self.base_url))
        object.__setattr__(self, "storage_hosts", _hosts(self.storage_hosts))
        number("lifetime", self.lifetime, 0, inf, "for how many seconds the service recognises a key, as a number")
        either("private", self.private)

    @property
    def advice(self) -> Advice | None:
        """What the vendor says about polling in production."""
        return _ADVICE

    @property
    def webhook(self) -> Signature | None:
        """The raw body and its timestamp under the whole secret, in hex (modelroute-api.md, 14.3)."""
        return _WEBHOOK

    @property
    def wants_key(self) -> bool:
        """Always (modelroute-api.md, 2)."""
        return True

    @property
    def environment(self) -> str:
        """The name by which the `bide` command has known it all along: the vendor names none."""
        return "MODELROUTE_API_KEY"

    def authorization(self, key: str) -> tuple[str, str]:
        """The key as a bearer token (modelroute-api.md, 2)."""
        return ("authorization", f"Bearer {key}")

    def check(self, handle: str) -> str:
        """`handle`, if it can stand in a path; raises `InvalidHandle` otherwise."""
        return segment(handle)

    def submit(self, order: Order) -> Request:
        """POST the order; repeatable only under its idempotency key (modelroute-api.md, 4 and 15)."""
        body: dict[str, JSONInput] = {"model": order.model, "input": order.input}
        if order.webhook_url is not None:
            body["webhook_url"] = order.webhook_url
        if order.metadata is not None:
            body["metadata"] = order.metadata
        key = () if order.key is None else (("idempotency-key", order.key),)
        return Request(
            "POST",
            f"{self.base_url}/v1/executions",
            (*_HEADERS, ("content-type", "application/json"), *key),
            dumps(body, separators=(",", ":")).encode(),
            credential=True,
            repeatable=order.key is not None,
        )

    def key_lifetime(self, order: Order) -> float | None:
        """`lifetime`, where a key is sent."""
        return None if order.key is None else self.lifetime

    def poll(self, handle: str) -> Request:
        """GET the execution (modelroute-api.md, 6)."""
        return _looking(self.base_url, handle)

    def fetch(self, handle: str) -> Request:
        """GET the result document (modelroute-api.md, 6 and 16 row 1)."""
        return Request("GET", f"{self.base_url}/v1/executions/{segment(handle)}/result", _HEADERS, credential=True)

    def cancel(self, handle: str) -> Request:
        """POST the cancellation; asking twice does no harm (modelroute-api.md, 7)."""
        url = f"{self.base_url}/v1/executions/{segment(handle)}/cancel"
        return Request("POST", url, (*_HEADERS, ("content-type", "application/json")), b"{}", credential=True)

    def locate(self, file: str) -> Request:
        """GET the file: its bytes, or JSON with a presigned address (modelroute-api.md, 13.3)."""
        return Request("GET", f"{self.base_url}/v1/files/{segment(file)}/download", (_PLAIN,), credential=True)

    def may_locate(self, headers: Headers) -> bool:
        """JSON may be an address; anything else is the file (modelroute-api.md, 16 row 11)."""
        return "json" in (headers.get("content-type") or "").lower()

    def located(self, response: Response) -> Request | None:
        """The presigned address in a reply to `locate`, or None when the reply is the file itself.

        A stored file may be JSON too, so both `url` and `expires_at` are required (section 16 row 11).
        """
        if not self.may_locate(response.headers):
            return None
        document = parse_object(response.body) or {}
        url = document.get("url")
        if not isinstance(url, str) or "expires_at" not in document:
            return None
        return self.stored(url)

    def announced(self, response: Response) -> int | None:
        """`size_bytes` beside the presigned address (modelroute-api.md, 13.3)."""
        size = (parse_object(response.body) or {}).get("size_bytes")
        return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None

    def media_type(self, response: Response) -> str | None:
        """`content_type` beside the presigned address (modelroute-api.md, 13.3)."""
        return text((parse_object(response.body) or {}).get("content_type"))

    def elsewhere(self, file: str) -> Request | None:
        """GET the presigned address, where the other path leads nowhere (modelroute-api.md, 16 row 12)."""
        return Request("GET", f"{self.base_url}/v1/files/{segment(file)}/url", _HEADERS, credential=True)

    def expires(self, response: Response) -> str | None:
        """`expires_at` beside the presigned address (modelroute-api.md, 13.3)."""
        return text((parse_object(response.body) or {}).get("expires_at"))

    def stored(self, url: str) -> Request:
        """GET at a storage host, where another one redirects to it; raises `ValueError` for any other."""
        return Request("GET", self._storage(url), (_PLAIN,))

    def upload(self, source: Source, refusal: Problem | None) -> Request | None:
        """POST for a place, one way or the other (modelroute-api.md, 13.1)."""
        return modelroute_files.asking(self.base_url, source, refusal)

    def ticket(self, response: Response, source: Source, refusal: Problem | None) -> Ticket | None:
        """The presigned address of the place (modelroute-api.md, 13.1)."""
        return modelroute_files.ticket(response, source, refusal, self._storage)

    def confirm(self, file: str) -> Request | None:
        """POST that the file is there; only one revision of the pages has this step (modelroute-api.md, 13.2)."""
        return modelroute_files.confirming(self.base_url, file)

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,  # noqa: ARG002
        url: str | None = None,  # noqa: ARG002
    ) -> Reading:
        """What a reply says; total over every status and every body."""
        return modelroute_replies.read(response, asked, handle)

    def _storage(self, url: str) -> str:
        """`url`, if files may be fetched there; an address on this machine only when the API is there too."""
        place = host(url)
        if is_loopback(url) and is_loopback(self.base_url):
            return url
        if place not in self.storage_hosts or not url.lower().startswith("https:"):
            raise ValueError(
                f"the service named a file address at {place or 'no host'}, which is not among its storage hosts: "
                "if you trust it, name it in ModelRoute(storage_hosts=...)"
            )
        return url


def _hosts(names: object) -> tuple[str, ...]:
    """The names of hosts in lower case; raises `InvalidSetting` for whatever is none."""
    advice = "give names of hosts, such as ('storage.example.com',)"
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise InvalidSetting(f"storage_hosts is {names!r:.60}: {advice}")
    hosts = tuple(cast("Iterable[object]", names))
    for name in hosts:
        if not (isinstance(name, str) and name) or name.lower() not in (
            host(f"https://{name}"),
            host(f"https://[{name}]"),
        ):
            raise InvalidSetting(f"storage_hosts holds {name!r:.60}: {advice}")
    return tuple(str(name).lower() for name in hosts)


@lru_cache(maxsize=1024)
def _looking(base_url: str, handle: str) -> Request:
    """GET the execution; kept, since a job is looked at again and again."""
    return Request("GET", f"{base_url}/v1/executions/{segment(handle)}", _HEADERS, credential=True)
