"""Secrets planted wherever a recording might carry one, each with what a redactor makes of its surroundings."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, quote_plus, urlencode

from bide.document import JSON
from bide_transports.cassette.redaction import STANDARD, Redactor, Rules
from bide_transports.cassette.redaction.rules import Of
from tests.cassette.redaction import services

KEY = "sk_" + "5ec2e7a1" * 8 + "_deadbeef"  # of the shape that ModelRoute tells
PASSWORD = 'Tr0ub4dor&3/"x+ü z'  # has a character for every encoding to escape
RULES = Rules(secrets=(KEY, PASSWORD), keep=("x-debug", "x-api-key"), secret_names=("tan",))

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\n-----END RSA PRIVATE KEY-----"

Result: TypeAlias = "str | bytes | JSON | tuple[list[tuple[str, str]], list[str]]"


class Untouched(Redactor):
    """Redacts nothing: shows that a plant holds its secret."""

    def text(self, value: str) -> str:
        return value

    def url(self, value: str) -> str:
        return value

    def headers(self, pairs: Iterable[tuple[str, str]], *, of: Of) -> tuple[list[tuple[str, str]], list[str]]:
        return list(pairs), [of]

    def body(self, body: bytes, content_type: str | None) -> bytes | None:
        assert content_type is None or "/" in content_type
        return body

    def document(self, value: JSON) -> JSON:
        return value


Redact: TypeAlias = Callable[[Redactor], Result]


def of_text(text: str) -> Redact:
    return lambda redactor: redactor.text(text)


def of_url(link: str) -> Redact:
    return lambda redactor: redactor.url(link)


def of_document(document: JSON) -> Redact:
    return lambda redactor: redactor.document(document)


def of_body(body: bytes, content_type: str | None) -> Redact:
    return lambda redactor: redactor.body(body, content_type) or b""


def of_headers(pairs: list[tuple[str, str]], of: Of) -> Redact:
    return lambda redactor: redactor.headers(pairs, of=of)


@dataclass(frozen=True)
class Plant:
    name: str
    redact: Redact
    secret: str
    rules: Rules = RULES

    def left(self, redactor: Redactor | None = None) -> str:
        """All that comes out, as text."""
        result = self.redact(redactor or Redactor(self.rules))
        if isinstance(result, bytes):
            return result.decode("latin-1")
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def header(name: str, value: str, secret: str, of: Of) -> Plant:
    return Plant(f"{of} header {name}", of_headers([(name, value)], of=of), secret)


def headers() -> Iterator[Plant]:
    basic = b64encode(f"user:{KEY}".encode()).decode()
    yield header("Authorization", f"Bearer {KEY}", KEY, "request")
    yield header("authorization", f"Basic {basic}", KEY, "request")
    yield header("Proxy-Authorization", f"Basic {basic}", KEY, "request")
    yield header("Cookie", "LSID=0af3c9d4e1", "0af3c9d4e1", "request")
    yield header("Set-Cookie", "LSID=0af3c9d4e1; HttpOnly", "0af3c9d4e1", "response")
    yield header("X-Api-Key", "0af3c9d4e1", "0af3c9d4e1", "request")
    yield header("X-Amz-Security-Token", "0af3c9d4e1", "0af3c9d4e1", "request")
    yield header("X-Debug", f"asked with {quote(PASSWORD)}", PASSWORD, "response")
    yield header("Location", "/v1/jobs/j1?sig=0af3c9d4e1", "0af3c9d4e1", "response")
    yield header("Operation-Location", "https://x.example/op/1?code=0af3c9d4e1", "0af3c9d4e1", "response")
    yield header("Link", '<https://x.example/p?page=2&token=0af3c9d4e1>; rel="next"', "0af3c9d4e1", "response")
    yield header("Idempotency-Key", "0af3c9d4e1", "0af3c9d4e1", "request")
    yield header("X-Request-Id", "0af3c9d4e1", "0af3c9d4e1", "response")
    yield header("Content-Type", f"text/plain; note={KEY}", KEY, "response")
    for name, link in services.LINKS.items():
        pair = ("Location", link.replace("{0}", "0af3c9d4e1"))
        yield Plant(f"in a header: {name}", of_headers([pair], of="response"), "0af3c9d4e1")
    for secret in services.SHAPED:
        yield Plant(f"in a header: {secret[:9]}", of_headers([("X-Debug", f"by {secret}")], of="response"), secret)
    for name in services.NAMES:
        rules = Rules(keep=(name,))
        yield Plant(f"as a header: {name}", of_headers([(name, "blue42")], of="response"), "blue42", rules)


LINKS = {
    "aws": "https://b.s3.amazonaws.com/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={0}%2F20261123%2Feu"
    "&X-Amz-Date=20261123T133328Z&X-Amz-Expires=900",
    "aws signature": "https://b.s3.amazonaws.com/o?X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature={0}",
    "aws session": "https://b.s3.amazonaws.com/o?X-Amz-Security-Token={0}&X-Amz-Expires=900",
    "aws of old, id": "https://b.s3.amazonaws.com/o?AWSAccessKeyId={0}&Expires=1795440807",
    "aws of old": "https://b.s3.amazonaws.com/o?Expires=1795440807&Signature={0}",
    "gcs": "https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={0}",
    "gcs credential": "https://storage.googleapis.com/b/o?X-Goog-Credential={0}&X-Goog-Date=20261123T133328Z",
    "gcs of old": "https://storage.googleapis.com/b/o?GoogleAccessId={0}&Expires=1795440807",
    "azure": "https://a.blob.core.windows.net/c/b?sv=2024-11-04&se=2026-11-24T00%3A00Z&sr=b&sp=r&sig={0}%3D",
    "azure delegated": "https://a.blob.core.windows.net/c/b?skoid={0}&sv=2024-11-04&se=2026-11-24",
    "azure tenant": "https://a.blob.core.windows.net/c/b?sktid={0}&se=2026-11-24",
    "cloudfront": "https://d1.cloudfront.net/o?Expires=1795440807&Signature={0}__&Key-Pair-Id=x",
    "cloudfront policy": "https://d1.cloudfront.net/o?Policy={0}_&Signature=y",
    "cloudfront key": "https://d1.cloudfront.net/o?Key-Pair-Id={0}",
    "relative": "/v1/jobs/j1?sig={0}",
    "relative without path": "?x=1&token={0}",
    "function key": "https://f.azurewebsites.net/api/x?code={0}",
    "maps key": "https://maps.googleapis.com/x?key={0}",
    "state": "https://x.example/callback?state={0}&ok=1",
    "fragment": "https://x.example/callback#access_token={0}&token_type=bearer",
    "user information": "https://user:{0}@x.example/v1",
    "escaped name": "https://x.example/o?X%2DAmz%2DSignature={0}",
    "link in a link": "https://x.example/go?to=https%3A%2F%2Fy.example%2Fo%3Fa%3D1%26sig%3D{0}",
    "link in a link in a link": "/go?to=" + quote("/go?to=" + quote("/o?sig={0}", safe="{}"), safe="{}"),
    "link in a path": "https://x.example/proxy/https%3A%2F%2Fy.example%2Fo%3Fsig%3D{0}",
    "json in a link": "/o?q=%7B%22api_key%22%3A%22{0}%22%7D",
    **services.LINKS,
}


def links() -> Iterator[Plant]:
    secret = "0af3c9d4e1"
    for name, link in LINKS.items():
        text = link.replace("{0}", secret)
        yield Plant(f"url: {name}", of_url(text), secret)
        document: JSON = {"output": [{"href": text}]}
        yield Plant(f"in a document: {name}", of_document(document), secret)
        words = f'Your file is at "{text}" until noon.'
        yield Plant(f"in words: {name}", of_text(words), secret)


NAMES = (
    *("password", "passwd", "secret", "client_secret", "clientSecret", "token", "access_token", "refreshToken"),
    *("api_key", "apikey", "api-key", "apiKey", "X-Api-Key", "authorization", "credential", "credentials"),
    *("private_key", "client_assertion", "cookie", "session", "connection_string", "sas", "sig", "TAN"),
    *services.NAMES,
)


def named() -> Iterator[Plant]:
    secret = "blue42"
    for name in NAMES:
        document: JSON = {"a": [{"b": {name: secret, "n": 1}}]}
        yield Plant(f"member {name}", of_document(document), secret)
        form = urlencode({"a": "1", name: secret}).encode()
        kind = "application/x-www-form-urlencoded"
        yield Plant(f"form field {name}", of_body(form, kind), secret)
        yield Plant(f"query member {name}", of_url(f"/o?{urlencode({'a': 1, name: secret})}"), secret)
    nested: JSON = {"credentials": {"id": "c1", "user": "blue42", "parts": ["x", {"deep": "blue42"}]}}
    yield Plant("all of a secret object", of_document(nested), secret)
    yield Plant("a number", of_document({"password": 274953}), "274953")
    yield Plant("a form in words", of_text("sent grant=x&client_secret=blue42&n=1"), secret)
    yield Plant("a sas", of_text("sv=2024-11-04&sig=blue42&se=2026-11-24"), secret)


SHAPED = (
    *(
        KEY,
        "sk-proj-a8Xk2mQ9rT4vW7yZ",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghij_xyz",
    ),
    *("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "AIzaSyA0123456789abcdefghijklmnopqrstuv", JWT, PEM),
    *("ya29.a0AfH6SMBx7-qqq", "xoxb-123456789012-abcdefGHIJ", "r8_Hw4nPq8sT2vXyZ1aBcDeFgHiJkLmNoPqRsTuV"),
    *(
        "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",
        "glpat-a1B2c3D4e5F6g7H8i9J0",
        "npm_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8",
    ),
    *("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key_" + "5ec2e7a1" * 8),
    *services.SHAPED,
)


def shaped() -> Iterator[Plant]:
    for secret in SHAPED:
        words = f"key is {secret}, use it"
        link = "/x?q=a%20" + quote(secret)
        data = b64encode(json.dumps({"next": secret}).encode()).decode()
        for name, text in {"words": words, "a link": link, "base64": data}.items():
            yield Plant(f"shape {secret[:9]} in {name}", of_text(text), secret, STANDARD)
    for words, secret in (
        ("AccountName=a;AccountKey=Zm9vYmFy==;EndpointSuffix=x", "Zm9vYmFy"),
        ("Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey=Zm9vYmFy=", "Zm9vYmFy"),
        ("tried Bearer Zm9vYmFy1a", "Zm9vYmFy1a"),
        ("tried basic dXNlcjpibHVlNDI=", "dXNlcjpibHVlNDI"),
        ("connect to amqps://user:blue42@x.example/v", "blue42"),
        (PEM[:60], "MIIEpAIBAAK"),
        (f"https://api.telegram.org/bot{services.BOT}/getMe", services.BOT[10:]),
        (f"/file/bot{services.BOT.replace(':', '%3A')}/a.png", services.BOT[10:]),
    ):
        yield Plant(f"labelled {words[:12]}", of_text(words), secret, STANDARD)


def writings(text: str) -> Iterator[tuple[str, str]]:
    """Ways to write `text`, by name."""
    escaped = quote(text, safe="")
    yield "raw", text
    yield "percent", escaped
    yield "percent, lower case", re.sub("%..", lambda escape: escape[0].lower(), escaped)
    yield "percent, every byte", "".join(f"%{byte:02X}" for byte in text.encode())
    yield "percent twice", quote(escaped, safe="")
    yield "plus", quote_plus(text)
    yield "json", json.dumps(text)[1:-1]
    yield "json, slashes escaped", json.dumps(text)[1:-1].replace("/", "\\/")
    yield "json in json", json.dumps(json.dumps(text))[3:-3]
    yield "json, all escaped", "".join(f"\\u{ord(character):04x}" for character in text)
    yield "hex", text.encode().hex()
    yield "hex, upper case", text.encode().hex().upper()
    for before in ("", "u", "us", "user:"):
        yield f"base64 after {before!r}", b64encode((before + text).encode()).decode()
        yield f"base64url after {before!r}", urlsafe_b64encode((before + text).encode()).decode()
        yield f"base64 between {before!r}", b64encode(f"{before}{text} + more".encode()).decode()


def encoded() -> Iterator[Plant]:
    for of, secret in {"key": KEY, "password": PASSWORD}.items():
        for name, written in writings(secret):
            words = f"<<{written}>>"
            yield Plant(f"{of} {name}", of_text(words), secret)
            yield Plant(f"{of} {name}, in a body", of_body(words.encode(), None), secret)


MULTIPART = (
    '--frontier\r\nContent-Disposition: form-data; name="password"\r\n\r\nblue42\r\n'
    '--frontier\r\nContent-Disposition: form-data; name="policy"\r\n\r\nblue43\r\n'
    "--frontier\r\nContent-Disposition: form-data; name=meta\r\nContent-Type: application/json\r\n\r\n"
    '{"apiKey": "blue44"}\r\n'
    f'--frontier\r\nContent-Disposition: form-data; name="f"; filename="{KEY}.txt"\r\n\r\nhello\r\n--frontier--\r\n'
)


def bodies() -> Iterator[Plant]:
    kind = "multipart/form-data; boundary=frontier"
    for secret in ("blue42", "blue43", "blue44", KEY):
        yield Plant(f"multipart {secret[:6]}", of_body(MULTIPART.encode(), kind), secret)
    as_json = json.dumps({"a": {"token": "blue42", "note": KEY}})
    for name, data in {
        "json": as_json.encode(),
        "json with a mark": b"\xef\xbb\xbf" + as_json.encode(),
        "json cut short": as_json[:-20].encode(),
        "json, a name twice": b'{"token": "blue42", "token": ""}',
        "json in json": json.dumps({"log": as_json}).encode(),
        "json in json, cut short": json.dumps({"log": as_json})[:-9].encode(),
        "json lines": f"{as_json}\n{as_json}\n".encode(),
        "json in a log line": f"12:00 sent {as_json} to x".encode(),
        "python": b"sent {'token': 'blue42'} to x",
        "events": f"event: x\ndata: {as_json}\n\n".encode(),
        "xml": b"<r><SessionToken>blue42</SessionToken></r>",
        "binary": b"\x89PNG\x00\xff token=blue42 \x00\xff",
        "gzip": gzip.compress(as_json.encode(), mtime=0),
        "gzip twice": gzip.compress(gzip.compress(as_json.encode(), mtime=0), mtime=0),
        "gzip cut short": gzip.compress(as_json.encode(), mtime=0)[:-9],
        "gzip with more behind": gzip.compress(b"hello", mtime=0) + gzip.compress(as_json.encode(), mtime=0),
        "zlib": zlib.compress(as_json.encode()),
        "utf-16": as_json.encode("utf-16"),
        "gzip in base64": b64encode(gzip.compress(as_json.encode(), mtime=0)),
        "json in base64 in json": json.dumps({"cursor": b64encode(as_json.encode()).decode()}).encode(),
    }.items():
        yield Plant(f"body: {name}", of_body(data, None), "blue42")
    ticket = json.dumps({"token": "blue42"})
    deep = json.dumps({"a": json.dumps({"b": json.dumps({"c": ticket})})}).encode()
    deeper = ticket
    for _ in range(6):
        deeper = json.dumps(deeper)
    yield Plant("body: a text of JSON in itself, six times", of_body(deeper.encode(), None), "blue42")
    yield Plant("body: json in json in json in json", of_body(deep, None), "blue42")


PLANTS = [*headers(), *links(), *named(), *shaped(), *encoded(), *bodies()]
