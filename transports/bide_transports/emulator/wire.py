"""A reply as the bytes of HTTP/1.1, written by hand: what is to go out spoilt must not be put right on the way."""

from __future__ import annotations

from http.client import responses

from bide.messages import Response
from bide_transports.emulator.faults import Point


def head(reply: Response, *, closing: bool = False) -> bytes:
    """Status line and header lines; `closing` says that the connection ends with this reply."""
    lines = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines += ["connection: close"] if closing else []
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")


def body(reply: Response, method: str) -> bytes:
    """The bytes after the head; none where HTTP allows none (RFC 9112, 6.3)."""
    return b"" if method == "HEAD" or reply.status in (204, 304) else reply.body


def whole(reply: Response, method: str, *, closing: bool = False) -> bytes:
    """Head and body in one piece."""
    return head(reply, closing=closing) + body(reply, method)


def cut(reply: Response, method: str, at: Point, after: int | None = None) -> bytes:
    """What goes out of a reply that is cut there: half a head, half a body or its first `after` bytes, or nothing."""
    match at:
        case "head":
            return head(reply)[: len(head(reply)) // 2]
        case "body":
            content = body(reply, method)
            return head(reply) + content[: len(content) // 2 if after is None else after]
        case _:
            return b""


def carried(content: bytes) -> int:
    """How many bytes of a body are in what goes out."""
    top = content.find(b"\r\n\r\n")
    return 0 if top < 0 else len(content) - top - 4
