"""JSON that takes long to search for what it holds: shapes that fill a body of any size."""

from __future__ import annotations

from collections.abc import Iterator

_ITEMS = (
    b"[]",
    b"[0]",
    b"[[0]]",
    b"{}",
    b'{"":0}',
    b'{"a":[]}',
    b'{"a":{"b":0}}',
    b'""',
    b'" "',
    b'"a"',
    b'"a.b"',
    b'"/a"',
    b'"a b/c.d"',
    b'{"a":"b"}',
    b'{"a":"b."}',
    b'{"url":"b.","c":"d/e.f"}',
    b'{"type":"image","url":"https://cdn.example.com/a.png"}',
    b'"https://cdn.example.com/a.png"',
    b'["https://cdn.example.com/%d.png"]',
    b'"http://127.0.0.%d/"',
    b'{"id":"a","status":"b","%d":"c.d"}',
    b'{"word":"so?","start":"0:%d"}',
    b"null",
    b"%d",
    b"1e5",
    b"[" * 90 + b"0" + b"]" * 90,
    b"[" * 90 + b'"a.b"' + b"]" * 90,
    b'{"a":' * 90 + b'"b.c"' + b"}" * 90,
    b"[" * 300 + b"]" * 300,
)
_AROUND = (
    (b"[", b"]"),
    (b'{"status":"COMPLETED","output":[', b"]}"),
    (b'{"status":"failed","error":{"code":"A","message":"b","details":[', b"]}}"),
    (b'{"done":true,"response":{"outputs":[', b"]}}"),
    (b'{"id":"abc","status":"succeeded","output":{"data":[', b"]}}"),
)


def bodies(size: int) -> Iterator[bytes]:
    """JSON documents of about that many bytes, each of one shape."""
    for item in _ITEMS:
        count = size // (len(item) + 1)
        inside = b",".join(item % number if b"%d" in item else item for number in range(count))
        for start, end in _AROUND:
            yield start + inside + end
    members = b",".join(b'"%d":"a.b"' % number for number in range(size // 14))
    yield from (b"{%b}" % members, b'{"status":"COMPLETED","output":{%b}}' % members)
    yield from (b'{"a":"%b"}' % (one * (size // len(one))) for one in (b"a", b".", b"/", b" ", b"\\u0001", b"a/"))
