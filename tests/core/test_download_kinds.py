"""What comes in place of a file: a page, a message, nothing. It is no file, and asked for again within bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bide
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.download import Downloaded, Downloading, Undelivered, download, in_hand
from bide.errors import InvalidHandle
from bide.file_kind import Called, mistaken
from bide.messages import Headers
from tests.core.download_scene import FILE, TAG, answer, cut_at, expect, in_json, locating, unsized
from tests.laws import DIALECT, START

PICTURE = "https://cdn.plain.example/out.png?sig=5ec2e7"
PLAIN = Declared(Declaration(name="plain", base_url="https://api.plain.example/v1"))
PAGE = b"<!DOCTYPE html><title>Sign in</title>"
PNG = b"\x89PNG\r\n\x1a\n0000"
HTML, JSON, BYTES = "text/html; charset=utf-8", "application/json", "application/octet-stream"


def named(file: str, *kinds: str) -> Called:
    return Called((file,), kinds)


def typed(kind: str, **more: str) -> Headers:
    return Headers.of(
        (name.replace("_", "-"), value) for name, value in ({"content_type": kind} | more).items() if value
    )


@pytest.mark.parametrize(
    ("called", "kind", "beginning"),
    [
        (named("https://x.example/fox.png"), HTML, PAGE),
        (named("https://x.example/fox.png"), HTML, b"please sign in"),
        (named("https://x.example/fox.png"), "", PAGE),
        (named("https://x.example/fox.png"), BYTES, b"\xef\xbb\xbf\n <!-- x -->\n<HTML lang=en>"),
        (named("https://x.example/fox.png"), "image/png", PAGE),
        (named("https://x.example/fox.PNG?sig=1"), "application/xhtml+xml", b"<?xml version='1.0'?><html/>"),
        (named("https://x.example/results"), HTML, b"<h1>Sign in</h1>"),
        (named("https://x.example/results"), HTML, b""),
        (named("https://x.example/results"), "text/plain", b"<?xml version='1.0'?>\n<!doctype html>"),
        (named("https://x.html.example/results"), "", PAGE),
        (named("https://x.example/page.html.gz"), "", PAGE),
        (named(FILE), "", PAGE),
        (named(FILE, "image/png"), HTML, PAGE),
        (named("https://x.example/lines.csv"), HTML, b"  <h1>Sign in</h1>"),
        (named("https://x.example/fox.svg"), "", PAGE),
        (named("https://x.example/get?file=fox.png"), "", PAGE),
        (named("https://x.example/results"), "", b"\n<HEAD><meta charset=utf-8>"),
        (named(FILE), BYTES, b"<script>location = '/login'</script>"),
        (named(FILE), BYTES, b"\xff\xfe" + "<html>".encode("utf-16-le")),
        (named(FILE), BYTES, b"\xfe\xff" + " <!DOCTYPE html>".encode("utf-16-be")),
        (named("https://x.example/fox.mov"), "text/plain", b"<body>busy</body>"),
    ],
)
def test_a_page_is_not_the_file(called: Called, kind: str, beginning: bytes) -> None:
    assert mistaken(called, typed(kind), beginning).startswith(
        "a page came, and no name or declared type calls for one: "
    )


@pytest.mark.parametrize(
    ("called", "kind", "beginning"),
    [
        (named("https://x.example/fox.png"), JSON, b'{"error": "busy"}'),
        (named("https://x.example/fox.png"), BYTES, b' [{"error": "busy"}]'),
        (named("https://x.example/fox.mp4"), "application/xml", b"<Error><Code>Busy</Code></Error>"),
        (named("https://x.example/fox.txt"), "application/problem+json", b'{"title": "busy"}'),
        (named("https://x.example/get?file=fox.webp&t=1"), JSON, b"{}"),
        (named(FILE, "", "video/mp4"), BYTES, b'{"error": "busy"}'),
        (named("https://x.example/results", "image/*"), JSON, b'{"error": "busy"}'),
        (named("https://x.example/fox.png"), "text/plain", b"upstream timed out"),
        (named("https://x.example/fox.zip"), JSON, b"null"),
        (named("https://x.example/fox.ttf", "font/ttf"), "", b"\xef\xbb\xbf {}"),
        (named("https://x.example/fox.wav"), BYTES, b" \r\n\r\n"),
        (named("https://x.example/results"), "", b"<?xml version='1.0'?>\n<Error><Code>SlowDown</Code></Error>"),
        (named(FILE), "application/xml", b"\xef\xbb\xbf<Error xmlns='x'>\n <Code>ServerBusy</Code></Error>"),
        (named("https://x.example/lines.csv"), BYTES, b"<Error><Code>InternalError</Code></Error>"),
        (named("https://x.example/results"), JSON, b'{"error": {"code": "busy"}, "request_id": "r1"}'),
        (named(FILE), BYTES, b'{"success": false, "errors": ["busy"]}'),
        (named(FILE), "application/problem+json", b'{"title": "busy", "instance": "/f"}'),
        (named(FILE), "application/problem+xml", b"<problem/>"),
    ],
)
def test_a_message_is_not_the_file(called: Called, kind: str, beginning: bytes) -> None:
    assert mistaken(called, typed(kind), beginning).startswith("a message came in its place: ")


@pytest.mark.parametrize(
    ("called", "kind", "beginning"),
    [
        (named("https://x.example/fox.png"), HTML, PNG),
        (named("https://x.example/fox.png"), JSON, PNG),
        (named("https://x.example/fox.png"), "image/png", b"00000000"),
        (named("https://x.example/fox.html"), HTML, PAGE),
        (named("https://x.example/fox.htm?sig=1"), "", PAGE),
        (named("https://x.example/get?file=fox.html"), HTML, PAGE),
        (named("https://x.example/get?file=fox%2Ehtml"), HTML, PAGE),
        (named("https://x.example/results", "text/html"), HTML, PAGE),
        (named(FILE, "", "text/html; charset=utf-8"), HTML, PAGE),
        (named("https://x.example/lines.csv"), HTML, b"a,b\n1,2\n"),
        (named("https://x.example/fox.json"), JSON, b'{"error": null}'),
        (named("https://x.example/fox.gltf"), JSON, b"{}"),
        (named("https://x.example/fox.txt"), "text/plain", b'{"a": 1}'),
        (named("https://x.example/results"), JSON, b'{"error": null}'),
        (named("https://x.example/fox.svg"), "image/svg+xml", b"<svg/>"),
        (named(FILE, "image/svg+xml"), "", b"<svg/>"),
        (named(FILE), JSON, b"{}"),
        (named(FILE), "", b""),
        (named("https://x.example/fox.png"), "text/plain", b"\0\1\2\3"),
        (named("https://x.example/fox.png"), "text/plain", b""),
        (named("https://x.example/fox.tar"), BYTES, b"words.txt"),
        (named("https://x.example/notes.txt"), "text/plain", b"<script> is a tag of HTML"),
        (named("https://x.example/fox.json"), JSON, b'{"error": "none was found"}'),
        (named("https://x.example/fox.xml"), "application/xml", b"<Error><Code>7</Code></Error>"),
        (named("https://x.example/results"), JSON, b'{"error": "low", "samples": 9}'),
        (named("https://x.example/results"), "application/xml", b"<Errors/>"),
    ],
)
def test_what_may_be_the_file_is_it(called: Called, kind: str, beginning: bytes) -> None:
    assert mistaken(called, typed(kind), beginning) == ""


def test_a_header_line_may_name_the_file() -> None:
    said = typed(HTML, content_disposition='attachment; filename="report.html"')
    assert mistaken(named("https://x.example/results"), said, PAGE) == ""
    said = typed(JSON, content_disposition="attachment; filename=fox.png")
    assert mistaken(named("https://x.example/results"), said, b"{}")


def test_what_came_is_shown_short_and_without_secrets() -> None:
    told = mistaken(named(FILE), typed(""), b"<html>\r\nbearer abcdefgh12345678 " + b"x" * 400)
    assert told.startswith("a page came, and no name or declared type calls for one: <html> [redacted] xxx")
    assert len(told) < 220


# On the way


def start(patience: bide.Patience = bide.Patience()) -> Downloading:
    return download(PICTURE, dialect=PLAIN, now=START, patience=patience)


def test_a_page_is_asked_again_with_backoff_until_the_file_comes() -> None:
    file = start()
    for count in range(1, 6):
        file = expect(
            Downloading, file.receive(answer(200, content_type=HTML), received=9, beginning=PAGE, now=file.due)
        )
        assert (file.received, file.past.failures, file.why) == (0, count, bide.Why.BACKOFF)
    done = file.receive(answer(200, content_type="image/png"), received=9, beginning=PNG, now=file.due)
    assert isinstance(done, Downloaded)


def test_a_page_that_stays_is_told() -> None:
    file = start(bide.Patience(failures=2))
    file = expect(Downloading, file.receive(answer(200), received=9, beginning=PAGE, now=START))
    end = expect(Undelivered, file.receive(answer(200), received=9, beginning=PAGE, now=START))
    assert (end.reason, end.received) == (bide.Reason.NOT_UNDERSTOOD, 0)
    assert str(end.problem) == f"NOT_THE_FILE: a page came, and no name or declared type calls for one: {PAGE.decode()}"


def test_a_page_takes_nothing_away_that_has_come() -> None:
    for begun in (start(), unsized()):
        file = cut_at(200_000, begun)
        page = answer(200, PAGE, content_type=HTML)
        assert file.heard(page) is None
        again = expect(Downloading, file.receive(page, received=200_000, now=START))
        assert (again.received, again.past.failures) == (200_000, 1)
        assert ("range", "bytes=200000-") in again.request.headers


def test_a_page_in_place_of_the_rest_is_not_put_behind_what_has_come() -> None:
    file = cut_at(500, start())
    page = answer(206, PAGE, content_type=HTML, etag=TAG, content_range="bytes 500-536/500000")
    assert file.heard(page) is None
    again = expect(Downloading, file.receive(page, received=500, now=START))
    assert (again.received, again.spoilt, again.request.headers) == (0, 0, start().request.headers)


def test_a_picture_is_a_picture_whatever_it_is_announced_as() -> None:
    file = cut_at(200_000, start())
    whole = answer(200, PNG, content_type=HTML)
    done = expect(Downloaded, file.receive(whole, received=200_000, now=START))
    assert (done.body, done.size) == (PNG, len(PNG))
    wrong = answer(200, PNG, content_type=HTML, content_length="7")
    assert isinstance(file.receive(wrong, received=200_000, now=START), Downloading)


def test_a_page_of_the_end_says_nothing_of_what_has_come() -> None:
    file = cut_at(500_000, start())
    end = answer(416, content_range="bytes */500000", content_type=HTML)
    assert isinstance(file.receive(end, received=500_000, beginning=b"0000", now=START), Downloaded)


@pytest.mark.parametrize("file", [start, locating, unsized])
def test_an_empty_reply_is_no_file_and_asked_for_three_times(file: Callable[[], Downloading]) -> None:
    state: Downloading | Downloaded | Undelivered = file()
    count = 0
    while isinstance(state, Downloading):
        count += 1
        state = state.receive(answer(200, content_length="0"), received=0, now=state.due)
    end = expect(Undelivered, state)
    assert (count, end.reason) == (3, bide.Reason.NOT_UNDERSTOOD)
    assert str(end.problem) == "EMPTY: nothing came, and nobody says that it is empty"


def test_a_file_that_is_said_to_be_empty_is_so() -> None:
    address = in_json({"url": "https://storage.modelroute.ai/f", "expires_at": "soon", "size_bytes": 0})
    file = expect(Downloading, locating().receive(address, received=0, now=START))
    assert isinstance(file.receive(answer(200), received=0, now=START), Downloaded)
    told = answer(200, repr_digest="sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
    heard = start().heard(told)
    assert heard is not None
    assert heard.partial.digest is not None
    assert isinstance(heard.receive(told, received=0, digest=heard.partial.digest.value, now=START), Downloaded)


@pytest.mark.parametrize("status", [201, 203, 204])
def test_no_other_success_of_the_service_is_the_file(status: int) -> None:
    file = download("https://api.plain.example/v1/files/1", dialect=PLAIN, now=START)
    again = expect(Downloading, file.receive(answer(status, b"{}"), received=0, now=START))
    assert (again.request, again.link, again.past.failures) == (file.request, None, 1)


def test_an_empty_body_that_could_be_an_address_is_neither() -> None:
    again = expect(Downloading, locating().receive(answer(200, content_type=JSON), received=0, now=START))
    assert again.spoilt == 1


def test_the_announced_type_allows_a_page_and_forbids_a_message() -> None:
    def linked(kind: str | int) -> Downloading:
        address = in_json({"url": "https://storage.modelroute.ai/f", "expires_at": "soon", "content_type": kind})
        return expect(Downloading, locating().receive(address, received=0, now=START))

    page = answer(200, content_type=HTML)
    assert isinstance(linked("text/html").receive(page, received=9, beginning=PAGE, now=START), Downloaded)
    assert isinstance(linked("image/png").receive(page, received=9, beginning=PAGE, now=START), Downloading)
    assert isinstance(linked(7).receive(page, received=9, beginning=PAGE, now=START), Downloading)
    assert isinstance(linked("image/png").receive(answer(200), received=9, beginning=b"{}", now=START), Downloading)


def test_a_declaration_may_want_a_page() -> None:
    page = Declared(
        Declaration(
            name="pages",
            base_url="https://api.plain.example",
            file=Call(urls=("/reports/{file}",), headers=(("Accept", "text/html"),)),
        )
    )
    file = download("7", dialect=page, now=START)
    reply = answer(200, content_type=HTML)
    assert isinstance(file.receive(reply, received=9, beginning=PAGE, now=START), Downloaded)


def test_a_reply_that_is_too_large_is_asked_for_once_more() -> None:
    large = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True)
    file = locating(bide.Patience(largest=1000))
    again = expect(Downloading, file.receive(large, received=0, now=START))
    end = expect(Undelivered, again.receive(large, received=0, now=again.due))
    assert end.reason is bide.Reason.TOO_LARGE
    assert str(end.problem).startswith("TOO_LARGE: the reply has more than 1000 bytes: allow more by Patience(largest=")


def test_a_file_that_is_too_large_is_asked_for_once_more_and_nothing_is_kept_of_it() -> None:
    file = start(patience=bide.Patience(largest_file=500_000))
    assert file.request.largest_file == 500_000
    head = answer(200, etag=TAG)
    large = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True, head=head)
    again = expect(Downloading, expect(Downloading, file.heard(head)).receive(large, received=400_000, now=START))
    assert (again.received, again.past.failures) == (0, 1)
    packed = answer(200, content_encoding="gzip")
    bomb = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True, detail="it is a bomb", head=packed)
    settings, options = "Patience(largest_file=..., largest=...)", "--largest-file and --largest"
    for reply, told in (
        (large, "the reply has more than 500000 bytes: allow more by Patience(largest_file=...), "),
        (bomb, f"it is a bomb: allow more by {settings}, in the command by {options}"),
    ):
        end = expect(Undelivered, again.receive(reply, received=450_000, now=again.due))
        assert (end.reason, end.received) == (bide.Reason.TOO_LARGE, 0)
        assert str(end.problem).startswith(f"TOO_LARGE: {told}")


# A file in its own address


def test_a_file_in_its_own_address_is_in_hand() -> None:
    done = in_hand("data:image/png;base64,iVBORw0KGgo=", now=START)
    assert done is not None
    assert (done.body, done.size, done.received, done.past.requests) == (b"\x89PNG\r\n\x1a\n", 8, 8, 0)
    assert "iVBOR" not in repr(done)
    assert in_hand(PICTURE, now=START) is None
    assert in_hand(FILE, now=START) is None
    with pytest.raises(InvalidHandle, match="'data:image/png' is no file: it is a data: address that holds no bytes"):
        in_hand("data:image/png,", now=START)


def test_a_tag_that_stays_keeps_what_has_come_through_a_message() -> None:
    file = cut_at(9, start())
    busy = answer(200, b'{"error": "busy"}', content_type=JSON, etag=TAG)
    assert file.heard(busy) is None
    assert expect(Downloading, file.receive(busy, received=9, now=START)).received == 9
    assert DIALECT.media_type(answer(200)) is None
