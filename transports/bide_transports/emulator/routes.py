"""From a request to what it asks for: the origin, the endpoint, the id in the path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bide.messages import Headers, Request
from bide_transports.emulator.faults import Kind

Origin: TypeAlias = Literal["api", "storage"]

_CREDENTIALS = ("authorization", "proxy-authorization", "x-api-key", "cookie")
_WEBHOOKS, _UPLOAD, _CONFIRM = "webhooks/endpoints", "files/upload", "files/confirm"
_JOINED = (_WEBHOOKS, _UPLOAD, _CONFIRM)  # each is one part of a path, so that the id is always the third
# None stands for the id. Sections 1 and 13 of modelroute-api.md.
_ROUTES: Mapping[tuple[str | None, ...], Mapping[str, Kind]] = {
    ("v1", "executions"): {"POST": "submit", "GET": "list"},
    ("v1", "executions", None): {"GET": "poll"},
    ("v1", "executions", None, "result"): {"GET": "result"},
    ("v1", "executions", None, "cancel"): {"POST": "cancel"},
    ("v1", _UPLOAD): {"POST": "upload"},
    ("v1", _CONFIRM): {"POST": "confirm"},
    ("v1", "files", None, "download"): {"GET": "download"},
    ("v1", "files", None, "url"): {"GET": "url"},
    ("v1", _WEBHOOKS): {"POST": "endpoint", "GET": "endpoint"},
    ("v1", _WEBHOOKS, None): {"PATCH": "endpoint", "DELETE": "endpoint"},
    ("v1", _WEBHOOKS, None, "test"): {"POST": "endpoint"},
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the service sees it. `allowed` names the methods the path knows; none for an unknown path."""

    origin: Origin
    kind: Kind
    handle: str
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    allowed: tuple[str, ...] = ()

    @property
    def credential(self) -> bool:
        """Whether anything like a credential came along."""
        return any(name in self.headers.fields for name in _CREDENTIALS)


def read(request: Request, api_url: str, storage_url: str) -> Call:
    """What `request` asks for; raises `ValueError` when it is addressed to neither origin."""
    origin, rest = _split(request.url, api_url, storage_url)
    path, _, query = rest.partition("?")
    kind, handle, allowed = _endpoint(request.method, path) if origin == "api" else _stored(request.method, path)
    return Call(origin, kind, handle, request.method, path, query, Headers.of(request.headers), request.body, allowed)


def _split(url: str, api_url: str, storage_url: str) -> tuple[Origin, str]:
    if url.startswith(api_url + "/"):
        return "api", url[len(api_url) :]
    if url.startswith(storage_url + "/"):
        return "storage", url[len(storage_url) :]
    raise ValueError("the request is addressed to neither the API nor the storage origin of this service")


def _endpoint(method: str, path: str) -> tuple[Kind, str, tuple[str, ...]]:
    parts = path.split("/")[1:]
    joined = "/".join(parts[1:3])
    if joined in _JOINED:
        parts[1:3] = [joined]
    methods = _ROUTES.get(tuple(None if i == 2 else part for i, part in enumerate(parts)), {})
    return methods.get(method, "unknown"), parts[2] if len(parts) > 2 else "", tuple(methods)


def _stored(method: str, path: str) -> tuple[Kind, str, tuple[str, ...]]:
    return ("put", path.removeprefix("/u/"), ()) if method == "PUT" else ("storage", path.removeprefix("/f/"), ())
