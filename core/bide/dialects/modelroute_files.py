"""ModelRoute's uploads: two ways of asking for a place, one way of taking it (modelroute-api.md, 13 and 16 row 13)."""

from __future__ import annotations

from collections.abc import Callable
from json import dumps

from bide.document import JSON, parse_object
from bide.messages import Request, Response
from bide.result import Problem
from bide.ticket import Source, Ticket
from bide.urls import is_id

_FORMER_FIELDS = frozenset({"filename", "content_type", "size_bytes"})
_JSON = (("accept", "application/json"), ("accept-encoding", "identity"), ("content-type", "application/json"))


def asking(base_url: str, source: Source, refusal: Problem | None) -> Request | None:
    """POST for a place: by purpose, or with the file's particulars where the refusal of that names them."""
    if refusal is None:
        return _post(f"{base_url}/v1/files/upload", {"purpose": "INPUT"})
    if not _wants_particulars(refusal):
        return None
    particulars: dict[str, JSON] = {
        "filename": source.name,
        "content_type": source.content_type,
        "size_bytes": source.size,
    }
    return _post(f"{base_url}/v1/files/upload", particulars)


def ticket(response: Response, source: Source, refusal: Problem | None, allowed: Callable[[str], str]) -> Ticket | None:
    """The place in a reply, or None without one; `allowed` raises `ValueError` for an address not to be followed.

    The media type goes along only where it was asked for, and then it must.
    """
    document = parse_object(response.body) or {}
    file, url = document.get("file_id"), document.get("upload_url")
    if not (isinstance(file, str) and is_id(file) and isinstance(url, str)):
        return None
    headers = [("content-length", str(source.size))]
    if refusal is not None:
        headers.append(("content-type", source.content_type))
    return Ticket(file, Request("PUT", allowed(url), tuple(headers)))


def confirming(base_url: str, file: str) -> Request:
    """POST that the bytes are there; a service without that step says so."""
    return _post(f"{base_url}/v1/files/confirm", {"file_id": file})


def _post(url: str, body: dict[str, JSON]) -> Request:
    return Request("POST", url, _JSON, dumps(body, separators=(",", ":")).encode(), credential=True)


def _wants_particulars(refusal: Problem) -> bool:
    return any(name.rpartition(".")[2] in _FORMER_FIELDS for name, _, _ in refusal.details)
