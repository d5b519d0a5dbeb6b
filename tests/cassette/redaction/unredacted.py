"""Lines of cassettes that somebody forgot to redact, each with the place and with what speaks for a secret there.

This corpus is the search's own: none of its secrets and few of its places are the redactor's.
"""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b32encode, b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from bide.document import JSON
from bide_transports.cassette.redaction import Rules

CODE = "kv/9+Quokka&Wombat=7"  # known, and nothing tells it otherwise
RULES = Rules(secrets=(CODE, "4711"), secret_names=("tan-code",))
RANDOM = "q7Zt2LxV9bNc4RfK8mWy3HpJ6sDg1TaE"


def line(**members: JSON) -> str:
    return json.dumps({"k": "recv", "o": "render#1", "t": 40, **members}, separators=(",", ":"))


def known() -> Iterator[tuple[str, str, str]]:
    packed = b64encode(gzip.compress(f"xx {CODE}".encode(), mtime=0)).decode()
    for name, text in {
        "raw": CODE,
        "in words": f"he said {CODE}.",
        "percent": quote(CODE, safe=""),
        "percent, lower case": quote(CODE, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
        "percent thrice": quote(quote(quote(CODE, safe=""), safe=""), safe=""),
        "percent, seven times": quote(CODE, safe="").replace("%", "%25252525252525"),
        "percent, every byte": "".join(f"%{byte:02x}" for byte in CODE.encode()),
        "unicode escapes": "".join(f"\\u{ord(character):04x}" for character in CODE),
        "byte escapes": "".join(f"\\x{ord(character):02x}" for character in CODE),
        "json slashes": CODE.replace("/", "\\/"),
        "json in json": json.dumps({"a": json.dumps({"b": CODE.replace("/", "\\/")})}),
        "html": escape(CODE),
        "base64": b64encode(CODE.encode()).decode(),
        "base64 after one byte": b64encode(b"1" + CODE.encode()).decode(),
        "base64 after two bytes": b64encode(b"12" + CODE.encode() + b"3456").decode(),
        "base64url": urlsafe_b64encode(b"?>" + CODE.encode() + b"?>").decode(),
        "base64, unpadded": b64encode(f"u:{CODE}".encode()).decode().rstrip("="),
        "base64 glued to a word": "x" + b64encode(f"u:{CODE}".encode()).decode(),
        "base64 in lines": encodebytes(f"{'long ' * 10}{CODE}{' tail' * 30}".encode()).decode(),
        "base64 twice": b64encode(b64encode(CODE.encode())).decode(),
        "base64, percent": quote(b64encode(b"??>" + CODE.encode()).decode(), safe=""),
        "hex": CODE.encode().hex(),
        "gzip": packed,
        "zlib": b64encode(zlib.compress(CODE.encode())).decode(),
        "behind a placeholder": f"redacted-secret-1{CODE}",
    }.items():
        yield f"known, {name}", line(b={"note": text}), "$.b.note known"
    yield "known, a short field", line(b={"pin": "4711"}), "$.b.pin known"
    yield "known, a number", line(b={"n": 4711}), "$.b.n name"
    yield "known, a header", line(h={"x-note": ["a", CODE]}), "$.h.x-note[1] known"
    yield "known, a member's name", line(b={CODE: 1}), "$.b.* known"
    yield "known, no JSON", f"# {CODE}", "$ known"
    yield "known, JSON cut short", line(b={"note": CODE})[:-3], "$ known"
    yield "known, a name twice", '{"b":{"n":"' + CODE + '","n":""}}', "$.b.n known"


def named() -> Iterator[tuple[str, str, str]]:
    for name in (
        *("Password", "db_password", "clientSecret", "webhook-secret", "id_token", "NextPageToken", "csrftoken"),
        *("APIKey", "x-api-key", "Ocp-Apim-Subscription-Key", "Authorization", "AWS_SECRET_ACCESS_KEY", "set-cookie"),
        *("private_key", "connectionString", "clientAssertion", "session", "SAS", "sig", "TAN_code"),
    ):
        yield f"name, {name}", line(b=[{"x": {name: "koala"}}]), f"$.b[0].x.{name} name"
    yield "name, an object", line(b={"credentials": {"a": ["x", "koala"]}}), "$.b.credentials.a[0] name"
    yield "name, a number", line(b={"password": 471147}), "$.b.password name"
    packed = b64encode(json.dumps({"credentials": {"user": "koala"}}).encode()).decode()
    yield "name, json in base64", line(b={"cursor": packed}), "$.b.cursor.credentials.user name"
    yield "name, partly redacted", line(b={"token": "redacted-secret-1koala"}), "$.b.token name"
    for name, text in {
        "aws": "https://b.s3.amazonaws.com/o?X-Amz-Expires=900&X-Amz-Signature=koala",
        "gcs": "https://storage.googleapis.com/b/o?X-Goog-Signature=koala",
        "azure": "https://a.blob.core.windows.net/c/b?se=2026-11-24&sig=koala",
        "cloudfront": "https://d1.cloudfront.net/o?Expires=1&Policy=koala&Key-Pair-Id=redacted-secret-1",
        "relative": "/v1/jobs/j1?code=koala",
        "after a placeholder": "/v1/jobs/j1?sig=redacted-sig-1&state=koala",
        "fragment": "https://x.example/#access_token=koala",
        "in words": 'see "/o?key=koala" there',
        "link header": "</v1/jobs?page=2&token=koala>; rel=next",
        "link in a link": "/go?to=" + quote("https://x.example/o?sig=koala", safe=""),
        "escaped name": "/o?X%2DAmz%2DSignature=koala",
        "connection string": "AccountName=a;AccountKey=koala;x=1",
        "form": "a=1&client_secret=koala",
        "array in a form": "user[password]=koala",
        "json in a string": json.dumps({"refresh_token": "koala"}),
        "json in a log line": 'sent {"refresh_token": "koala"}, done',
        "json in gzip": b64encode(gzip.compress(b'{"api_key": "koala"}', mtime=0)).decode(),
        "python": "{'password': 'koala'}",
        "xml": "<Credentials><SecretAccessKey>koala</SecretAccessKey></Credentials>",
    }.items():
        yield f"name, {name}", line(b={"$text": text}), "$.b.$text name"


SIGNATURE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def of_services() -> Iterator[tuple[str, str, str]]:
    for name in ("auth", "pass", "pw", "otp", "pin", "bearer", "jwt", "passcode", "session_id", "masterKey", "ssh_key"):
        yield f"service, {name}", line(b={name: "kv7koala"}), f"$.b.{name} name"
        yield f"service, {name} in a query", line(u=f"/o?a=1&{name}=kv7koala"), "$.u name"
    for name in ("X-Tos-Signature", "x-oss-signature", "oauth_signature", "q-signature", "hm", "hmac", "sign", "hdnea"):
        yield f"service, {name}", line(u=f"https://x.example/o?e=1&{name}=koala"), "$.u name"
    for number, text in enumerate(SHAPES):
        yield f"service, shape {number}", line(b={"note": f"it is {text}"}), "$.b.note pattern"
    for name, value in {"hex": SIGNATURE, "upper case": SIGNATURE.upper(), "base64url": f"{RANDOM}-{RANDOM}"}.items():
        yield f"service, {name} of no name", line(u=f"https://x.example/o?e=1&zz={value}"), "$.u entropy"
    inner = quote(f"https://x.example/o?zz={SIGNATURE}", safe="")
    yield "service, link in a link", line(b={"note": f"see /go?to={inner}"}), "$.b.note entropy"


SHAPES = (
    *("gsk_" + RANDOM, "xai-" + RANDOM, "pplx-" + RANDOM, "shpat_" + "0af3" * 8, "dop_v1_" + "0af3" * 16),
    *("GOCSPX-" + RANDOM, "hvs." + RANDOM, "xapp-1-A0B1-12345-0af3", "https://x.example/bot12345678:" + RANDOM),
)


def shaped() -> Iterator[tuple[str, str, str]]:
    for text in (
        *(
            "sk-ant-api03-Zz9Yy8Xx7Ww6Vv5",
            "sk_live_51H8xYz2eZvKYlo2C",
            "ghs_" + RANDOM + "abcd",
            "github_pat_" + RANDOM,
        ),
        *("AKIAQWERTYUIOP123456", "ASIAQWERTYUIOP123456", "AIza" + RANDOM, "ya29.Abcdefghijk-l", "xoxp-12345-67890-ab"),
        *("r8_" + RANDOM, "hf_QwErTyUiOpAsDfGhJkLzXcVbNmQwErTy", "glpat-" + RANDOM, "npm_" + RANDOM, "whsec_" + RANDOM),
        *("eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJ4In0.c2lnbmVk", "-----BEGIN EC PRIVATE KEY-----\nkoala"),
        *(
            "tried BEARER koala42koala",
            "Basic a29hbGE6a29hbGE=",
            "amqps://koala:joey@x.example/v",
            "key_" + "0af3" * 16,
        ),
    ):
        yield f"shape, {text[:14]}", line(b={"note": f"it is {text}"}), "$.b.note pattern"
    yield "shape, percent", line(u="/x?q=it%20is%20" + "AKIAQWERTYUIOP123456"), "$.u pattern"
    yield "shape, base64", line(b={"$b64": b64encode(b"it is AKIAQWERTYUIOP123456").decode()}), "$.b.$b64 pattern"
    yield "shape, a name", line(b={"AKIAQWERTYUIOP123456": "x"}), "$.b.* pattern"


def random() -> Iterator[tuple[str, str, str]]:
    for name, text in {
        "mixed case": RANDOM,
        "hex": "9b1f04c7d2e85a6f3b0c94e7a1d85f26",
        "upper case": b32encode(bytes(range(40, 72))).decode().rstrip("="),
        "base64": "mK8/vT2+qLx7Zn4RbW9sYc1HdF6gJp3A",
        "base64url": "mK8vT2qLx7Zn4RbW9s_Yc1HdF6gJp-3A",
        "in words": f"use {RANDOM} now",
        "in base64": b64encode(f'{{"after": "{RANDOM}"}}'.encode()).decode(),
        "a query": f"/v1/jobs?ticket={RANDOM}",
        "no name for ids": f"exec={RANDOM}",
    }.items():
        yield f"random, {name}", line(b={"note": text}), "$.b.note entropy"


LINES = [*known(), *named(), *of_services(), *shaped(), *random()]
