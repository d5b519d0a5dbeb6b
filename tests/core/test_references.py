"""Addresses as replies hold them: escaped, resolved, decoded, or told why they are not asked."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.data_urls import content, is_data
from bide.references import whole, why_not
from bide.urls import address, may_follow, public

ASKED = "https://api.fox.example/v1/jobs/7?view=full"
HOME = "https://api.fox.example/v1"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("https://cdn.example/red fox.png", "https://cdn.example/red%20fox.png"),
        ("https://cdn.example/füchse/狐.png?n=é#å", "https://cdn.example/f%C3%BCchse/%E7%8B%90.png?n=%C3%A9#%C3%A5"),
        ('https://cdn.example/a"b<c>d{e}f|g\\h^i`j', "https://cdn.example/a%22b%3Cc%3Ed%7Be%7Df%7Cg%5Ch%5Ei%60j"),
        ("https://cdn.example/a%20b%2fc%7E~'()[]!*;:@&=+$,", "https://cdn.example/a%20b%2fc%7E~'()[]!*;:@&=+$,"),
        ("https://cdn.example/100%.png?at=5%&x=%zz", "https://cdn.example/100%25.png?at=5%25&x=%25zz"),
        ("  https://cdn.example/a\n", "https://cdn.example/a"),
        ("HTTPS://CDN.example/A.PNG", "https://CDN.example/A.PNG"),
        ("https://füchse.example:8443/a", "https://xn--fchse-kva.example:8443/a"),
        ("https://[2606:4700::1]/é", "https://[2606:4700::1]/%C3%A9"),
        ("/v2/files/7", "https://api.fox.example/v2/files/7"),
        ("files/7", "https://api.fox.example/v1/jobs/files/7"),
        ("../files/red fox.png", "https://api.fox.example/v1/files/red%20fox.png"),
        ("./7.png", "https://api.fox.example/v1/jobs/7.png"),
        ("//cdn.example/é", "https://cdn.example/%C3%A9"),
        ("//füchse.example/a", "https://xn--fchse-kva.example/a"),
        ("?part=2", "https://api.fox.example/v1/jobs/7?part=2"),
        ("s3://bucket/red fox.png", "s3://bucket/red%20fox.png"),
    ],
)
def test_an_address_is_made_whole_and_fit_to_be_sent(said: str, meant: str) -> None:
    assert whole(said, ASKED) == meant
    assert whole(meant, ASKED) == meant, "what is fit already stays byte for byte"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("https://cdn.example/a\nb", "control characters"),
        ("https://cdn.example/a\x00b", "control characters"),
        ("https://cdn.example/" + "a" * 65536, "longer than"),
        ("https://cdn.example/" + "%" * 101, "cannot be read as an address"),
        ("https://cdn.example/\ud800", "cannot be read"),
        ("//[", "cannot be read"),
        ("https://straße.example/a", "cannot be read"),
        ("https://f..ü.example/a", "cannot be read"),
        ("https://" + "ü" * 300 + ".example/a", "cannot be read"),
    ],
)
def test_what_is_no_address_is_told(said: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        whole(said, ASKED)


@given(st.text(max_size=60) | st.from_regex(r"(https?|s3)://[^\n]{0,60}", fullmatch=True))
def test_nothing_but_a_value_error_comes_of_any_text(said: str) -> None:
    try:
        url = whole(said, ASKED)
    except ValueError:
        return
    assert bool(why_not(url, HOME)) is not may_follow(url, HOME)
    assert address(url) is None or url.isascii()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://cdn.example/a", ""),
        ("http://cdn.example/a", "unencrypted"),
        ("HTTP://cdn.example/a", "unencrypted"),
        ("s3://bucket/a", "begins with s3:"),
        ("file:/etc/passwd", "begins with file:"),
        ("blob:https://x.example/1", "begins with blob:"),
        ("https://fox:pw@cdn.example/a", "user information"),
        ("https://fox@cdn.example/a", "user information"),
        ("https://cdn.example:99999/a", "cannot be read"),
        ("https://", "cannot be read"),
        ("https://10.1.2.3/a", "private network"),
        ("http://10.1.2.3/a", "private network"),
        ("https://localhost/a", "this machine"),
        ("https://render-3/a", "private network"),
    ],
)
def test_why_an_address_is_not_asked(url: str, why: str) -> None:
    assert why in why_not(url, HOME)
    assert bool(why_not(url, HOME)) is bool(why)


def test_a_private_address_is_asked_where_it_is_allowed() -> None:
    assert "or allow it by `private`" in why_not("https://10.1.2.3/a", HOME)
    assert "`private`" not in why_not("https://127.0.0.1/a", HOME)
    for url in ("https://10.1.2.3/a", "https://nas.lan/a", "https://[fd00::7]/a"):
        assert not why_not(url, HOME, private=True)
    assert "unencrypted" in why_not("http://nas.lan/a", HOME, private=True)


def test_this_machine_is_asked_in_the_clear_where_the_service_is_on_it_too() -> None:
    assert not why_not("http://127.0.0.1:8/a", "http://localhost:7/v1")
    assert "unencrypted" in why_not("http://cdn.example/a", "http://localhost:7/v1")


# The file in its own address


@pytest.mark.parametrize(
    ("url", "bytes_"),
    [
        ("data:image/png;base64,iVBORw0KGgo=", b"\x89PNG\r\n\x1a\n"),
        ("DATA:image/png;BASE64,iVBORw0KGgo", b"\x89PNG\r\n\x1a\n"),
        ("data:;base64, Zm94\r\nIDc= ", b"fox 7"),
        ("data:image/png;base64,Zm94%49Dc%3D", b"fox 7"),
        ("data:;base64;charset=utf-8,Zm94", b"fox"),
        ("data:,fox", b"fox"),
        ("data:text/plain;charset=utf-8,red%20f%C3%B6x, 7", "red föx, 7".encode()),
        ("data:text/plain,f\u00f6x+1", "föx+1".encode()),
        ('data:image/svg+xml,<svg fill="#fff"/>', b'<svg fill="#fff"/>'),
    ],
)
def test_a_file_in_its_own_address_is_decoded(url: str, bytes_: bytes) -> None:
    assert is_data(url)
    assert content(url) == bytes_


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,Zm9$", "cannot be decoded"),
        ("data:image/png;base64,Z", "cannot be decoded"),
        ("data:image/png;base64,", "no bytes"),
        ("data:,", "no bytes"),
        ("data:,\ud800", "cannot be decoded"),
    ],
)
def test_what_holds_no_file_is_told(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        content(url)


@given(st.binary(min_size=1, max_size=50))
def test_whatever_was_coded_comes_back(bytes_: bytes) -> None:
    assert content(f"data:application/octet-stream;base64,{b64encode(bytes_).decode()}") == bytes_
    assert content("data:," + "".join(f"%{byte:02x}" for byte in bytes_)) == bytes_


def test_the_content_of_an_address_is_not_shown() -> None:
    assert public("data:image/png;base64,iVBORw0KGgo=") == "data:image/png;base64"
    assert not is_data("https://cdn.example/data:,x")
