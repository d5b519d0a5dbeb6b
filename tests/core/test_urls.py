"""Addresses: what may stand in a path, whose origin it is, and what may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.errors import InvalidAddress, InvalidHandle
from bide.urls import (
    address,
    base,
    host,
    is_id,
    is_loopback,
    is_public,
    may_follow,
    must_be_public,
    origin,
    public,
    segment,
)

GOOD_IDS = ["exec_11111111-2222-4333-8444-555555555555", "a", "-", "_", "0", "x" * 256]
BAD_IDS = [
    "",
    ".",
    "..",
    "../secrets",
    "a/b",
    "a\\b",
    "%2e%2e",
    "a%2Fb",
    "a?b",
    "a#b",
    "a b",
    "a;b",
    "a\r\nHost: evil.example",
    "a\n",
    "\x00",
    "１２３",
    "٣",
    "é",
    "ſ",
    "x" * 257,
]


@pytest.mark.parametrize("handle", GOOD_IDS, ids=len)
def test_an_id_stands_in_a_path_as_it_is(handle: str) -> None:
    assert segment(handle) == handle
    assert is_id(handle)


@pytest.mark.parametrize("handle", BAD_IDS, ids=repr)
def test_all_that_could_mean_another_path_is_no_id(handle: str) -> None:
    assert not is_id(handle)
    with pytest.raises(InvalidHandle, match="only letters, digits"):
        segment(handle)


@given(st.text())
def test_an_id_is_letters_digits_underscores_and_hyphens(handle: str) -> None:
    allowed = all(c.isascii() and (c.isalnum() or c in "_-") for c in handle)
    assert is_id(handle) == (allowed and 0 < len(handle) <= 256)


def test_a_refused_id_is_shown_short() -> None:
    with pytest.raises(InvalidHandle) as caught:
        segment("/" * 10_000)
    assert len(str(caught.value)) < 300


def test_a_refused_id_is_shown_without_what_may_be_secret() -> None:
    with pytest.raises(InvalidHandle) as caught:
        segment("https://fox:pass-word@jobs.example/7?sig=signature")
    assert "https://jobs.example/7" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("pass-word", "signature"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.modelroute.ai", "https://api.modelroute.ai:443"),
        ("https://api.modelroute.ai/v1?a=b#c", "https://api.modelroute.ai:443"),
        ("HTTPS://API.ModelRoute.AI/", "https://api.modelroute.ai:443"),
        ("https://api.modelroute.ai:443/", "https://api.modelroute.ai:443"),
        ("https://api.modelroute.ai:0443/", "https://api.modelroute.ai:443"),
        ("https://api.modelroute.ai:8443/", "https://api.modelroute.ai:8443"),
        ("http://localhost", "http://localhost:80"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]:443"),
        ("https://api.modelroute.ai?x", "https://api.modelroute.ai:443"),
    ],
)
def test_an_origin_has_one_spelling(url: str, expected: str) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://api.modelroute.ai.evil.example/",
        "https://api.modelroute.ai./",
        "https://api-modelroute.ai/",
        "http://api.modelroute.ai/",
        "https://api.modelroute.ai:444/",
        "https://evil.example/api.modelroute.ai",
        "https://evil.example#@api.modelroute.ai/",
    ],
)
def test_a_look_alike_is_another_origin(url: str) -> None:
    assert origin(url) not in (None, origin("https://api.modelroute.ai"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.modelroute.ai",
        "//api.modelroute.ai",
        "/v1/executions",
        "ftp://api.modelroute.ai/",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https:/api.modelroute.ai",
        "https:\\\\api.modelroute.ai",
        "https://user@api.modelroute.ai/",
        "https://user:pw@api.modelroute.ai/",
        "https://api.modelroute.ai@evil.example/",
        "https://evil.example\\@api.modelroute.ai/",
        "https://api.modelroute.ai\\.evil.example/",
        "https://api.modelroute.ai:/",
        "https://api.modelroute.ai:x/",
        "https://api.modelroute.ai:999999/",
        "https://api.modelroute.ai:65536/",
        "https://api.modelroute.ai:0/",
        "https://[bad.cafe]/",
        "http://[127.0.0.1]/",
        "https://api.modelroute.ai /",
        "https://api.modelroute.ai/a b",
        "https://api.modelroute.ai/\r\nHost: evil.example",
        "https://api.modelroute.ai\n",
        " https://api.modelroute.ai",
        "https://аpi.modelroute.ai/",
        "https://api.modelroute.ai/é",
        "https://[::1/",
        "https://%61pi.modelroute.ai/",
    ],
    ids=repr,
)
def test_what_is_no_plain_absolute_url_has_no_origin(url: str) -> None:
    assert origin(url) is None
    assert host(url) == ""
    with pytest.raises(InvalidAddress):
        base(url)


@pytest.mark.parametrize(
    ("url", "parts", "authority"),
    [
        ("https://h.example", ("https", "h.example", 443, "/"), "h.example"),
        ("HTTPS://H.example:443/a/b?c=d#e", ("https", "h.example", 443, "/a/b?c=d"), "h.example"),
        ("https://h.example?c=d", ("https", "h.example", 443, "/?c=d"), "h.example"),
        ("https://h.example#e", ("https", "h.example", 443, "/"), "h.example"),
        ("http://h.example:443/", ("http", "h.example", 443, "/"), "h.example:443"),
        ("http://[::1]:8000/x", ("http", "::1", 8000, "/x"), "[::1]:8000"),
        ("https://[::1]/x", ("https", "::1", 443, "/x"), "[::1]"),
    ],
)
def test_an_address_taken_apart(url: str, parts: tuple[str, str, int, str], authority: str) -> None:
    place = address(url)
    assert place is not None
    assert (place.scheme, place.host, place.port, place.target) == parts
    assert place.authority == authority
    assert repr(place) == f"Address({place.origin})"  # a query may hold a signature


def test_a_host_is_lower_case_without_its_port() -> None:
    assert host("https://Storage.ModelRoute.AI:443/f?sig=1") == "storage.modelroute.ai"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000/", True),
        ("http://LOCALHOST/", True),
        ("http://127.0.0.1/", True),
        ("http://127.8.9.10:1/", True),
        ("http://[::1]/", True),
        ("http://localhost.evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://evil-localhost/", False),
        ("http://127.1/", False),
        ("http://0x7f000001/", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("http://10.0.0.1/", False),
        ("http://user@localhost/", False),
        ("", False),
    ],
)
def test_this_machine_is_known_only_by_its_plain_names(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.modelroute.ai", "https://api.modelroute.ai"),
        ("https://api.modelroute.ai/", "https://api.modelroute.ai"),
        ("https://gateway.example/modelroute/", "https://gateway.example/modelroute"),
        ("HTTPS://api.modelroute.ai", "HTTPS://api.modelroute.ai"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_base_url_loses_its_last_slash(url: str, expected: str) -> None:
    assert base(url) == expected


NEARBY = [
    "http://renderer:8188",
    "HTTP://Renderer:8188/api",
    "http://gpu-2.lan",
    "http://gpu.home.arpa",
    "http://gpu.local.",
    "http://host.docker.internal:8000",
    "http://10.0.0.7",
    "http://172.31.0.1:8188",
    "http://192.168.178.40:8188",
    "http://100.64.0.3",
    "http://169.254.1.1",
    "http://[fd12:3456::7]:8188",
    "http://[fe80::1]",
]
FAR = [
    "http://api.modelroute.ai",
    "HTTP://api.modelroute.ai",
    "http://api.modelroute.ai.",
    "http://renderer.example",
    "http://172.32.0.1",
    "http://8.8.8.8",
    "http://[2606:4700::1]",
    "http://224.0.0.1",
    "http://127.1",
    "http://134744072",
    "http://0x0a000001",
    "http://[::ffff:192.168.178.40]",
    "http://[64:ff9b::808:808]",
]


@pytest.mark.parametrize("url", [*NEARBY, *FAR])
def test_a_key_never_travels_in_the_clear(url: str) -> None:
    with pytest.raises(InvalidAddress, match="would send the key unencrypted: use https"):
        base(url)


@pytest.mark.parametrize("url", [*NEARBY, "http://127.0.0.1:8188", "http://localhost", "https://api.modelroute.ai"])
def test_without_a_key_a_service_in_ones_own_network_may_be_spoken_to_in_the_clear(url: str) -> None:
    assert base(url, keyless=True) == url


@pytest.mark.parametrize("url", FAR)
def test_nothing_crosses_the_internet_in_the_clear(url: str) -> None:
    with pytest.raises(InvalidAddress, match="would send the jobs and their results unencrypted: use https"):
        base(url, keyless=True)


@pytest.mark.parametrize("url", ["https://api.modelroute.ai?key=1", "https://api.modelroute.ai/#x"])
def test_a_base_url_has_no_query_or_fragment(url: str) -> None:
    with pytest.raises(InvalidAddress, match="give scheme, host and path") as caught:
        base(url)
    assert "key=1" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example/f/abc?sig=xyz", "https://h.example/f/abc"),
        ("https://h.example/f#sig", "https://h.example/f"),
        ("https://user:pw@h.example/f", "https://h.example/f"),
        ("https://a@b@h.example/f", "https://h.example/f"),
        ("https://h.example/a@b", "https://h.example/a@b"),
        ("https://h.example?x=//user@", "https://h.example"),
        ("", ""),
        ("https://h.example/" + "x" * 500, "https://h.example/" + "x" * 182),
    ],
)
def test_only_scheme_host_and_path_are_shown(url: str, shown: str) -> None:
    assert public(url) == shown


@pytest.mark.parametrize("url", ["https://user:pass-word@api.modelroute.ai", "user:pass-word@api.modelroute.ai"])
def test_a_refused_base_url_does_not_show_its_password(url: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        base(url)
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "home", "may"),
    [
        ("https://api.example.com/1", "https://api.example.com", True),
        ("https://api.example.com:443/1", "https://api.example.com", True),
        ("https://cdn.example.net/1", "https://api.example.com", True),
        ("http://cdn.example.net/1", "https://api.example.com", False),
        ("http://api.example.com/1", "https://api.example.com", False),
        ("https://127.0.0.1/1", "https://api.example.com", False),
        ("http://127.0.0.1:8/1", "http://127.0.0.1:7", True),
        ("http://localhost:8/1", "http://127.0.0.1:7", True),
        ("https://cdn.example.net/1", "http://127.0.0.1:7", True),
        ("http://cdn.example.net/1", "http://127.0.0.1:7", False),
        ("https://10.1.2.3/1", "https://api.example.com", False),
        ("https://10.1.2.3/1", "https://10.1.2.3", True),
        ("https://10.1.2.4/1", "https://10.1.2.3", False),
        ("http://renderer:8188/view", "http://renderer:8188", True),
        ("http://RENDERER:8188/view", "http://renderer:8188/api", True),
        ("http://renderer:8189/view", "http://renderer:8188", False),
        ("https://renderer:8188/view", "http://renderer:8188", False),
        ("http://192.168.1.11/1", "http://192.168.1.10", False),
        ("http://192.168.1.10/1", "http://192.168.1.10", True),
        ("http://127.0.0.1:8188/1", "http://renderer:8188", False),
        ("http://cdn.example.net/1", "http://renderer:8188", False),
        ("https://cdn.example.net/1", "http://renderer:8188", True),
        ("https://169.254.169.254/latest", "https://api.example.com", False),
        ("https://127.1/1", "https://api.example.com", False),
        ("https://0x7f000001/1", "https://api.example.com", False),
        ("https://2130706433/1", "https://api.example.com", False),
        ("https://127.0.0.1./1", "https://api.example.com", False),
        ("https://[::1]/1", "https://api.example.com", False),
        ("https://[::ffff:10.0.0.1]/1", "https://api.example.com", False),
        ("https://[64:ff9b::a00:1]/1", "https://api.example.com", False),
        ("https://[2002:a00:1::]/1", "https://api.example.com", False),
        ("https://[fe80::1]/1", "https://api.example.com", False),
        ("https://[2606:4700::1]/1", "https://api.example.com", True),
        ("https://8.8.8.8/1", "https://api.example.com", True),
        ("https://224.0.0.1/1", "https://api.example.com", False),
        ("https://intranet/1", "https://api.example.com", False),
        ("https://metadata.google.internal/1", "https://api.example.com", False),
        ("https://metadata.google.internal./1", "https://api.example.com", False),
        ("https://nas.lan/1", "https://api.example.com", False),
        ("https://x.localhost/1", "https://api.example.com", False),
        ("https://user@cdn.example.net/1", "https://api.example.com", False),
        ("ftp://cdn.example.net/1", "https://api.example.com", False),
        ("https://192.0.0.10/1", "https://api.example.com", False),
        ("https://192.0.0.200/1", "https://api.example.com", False),
        ("https://192.88.99.1/1", "https://api.example.com", False),
        ("https://198.18.0.1/1", "https://api.example.com", False),
        ("https://203.0.113.9/1", "https://api.example.com", False),
        ("https://240.0.0.1/1", "https://api.example.com", False),
        ("https://255.255.255.255/1", "https://api.example.com", False),
        ("https://0.0.0.0/1", "https://api.example.com", False),
        ("https://100.127.255.254/1", "https://api.example.com", False),
        ("https://192.168.1.1../1", "https://api.example.com", False),
        ("https://8.8.8.8./1", "https://api.example.com", False),
        ("https://cdn.example.7/1", "https://api.example.com", False),
        ("https://cdn.example.0x7f/1", "https://api.example.com", False),
        ("https://017700000001/1", "https://api.example.com", False),
        ("https://[::]/1", "https://api.example.com", False),
        ("https://[::10.1.2.3]/1", "https://api.example.com", False),
        ("https://[::a01:203]/1", "https://api.example.com", False),
        ("https://[::ffff:0:10.1.2.3]/1", "https://api.example.com", False),
        ("https://[0:0:0:0:0:FFFF:a01:203]/1", "https://api.example.com", False),
        ("https://[64:ff9b::808:808]/1", "https://api.example.com", False),
        ("https://[64:ff9b:1::a01:203]/1", "https://api.example.com", False),
        ("https://[2001:0:a01:203::1]/1", "https://api.example.com", False),
        ("https://[2001:2::1]/1", "https://api.example.com", False),
        ("https://[2001:20::1]/1", "https://api.example.com", False),
        ("https://[2001:db8::1]/1", "https://api.example.com", False),
        ("https://[3fff:1::1]/1", "https://api.example.com", False),
        ("https://[5f00::1]/1", "https://api.example.com", False),
        ("https://[100::1]/1", "https://api.example.com", False),
        ("https://[fec0::1]/1", "https://api.example.com", False),
        ("https://[feff:ffff::1]/1", "https://api.example.com", False),
        ("https://[fd00::1]/1", "https://api.example.com", False),
        ("https://[ff02::1]/1", "https://api.example.com", False),
        ("https://[4000::1]/1", "https://api.example.com", False),
        ("https://[2001:200::1]/1", "https://api.example.com", True),
        ("https://[fe80::1%25eth0]/1", "https://api.example.com", False),
        ("https://printer.home.arpa./1", "https://api.example.com", False),
        ("https://1.0.0.127.in-addr.arpa/1", "https://api.example.com", False),
        ("https://localhost.localdomain/1", "https://api.example.com", False),
        ("https://x.localhost./1", "https://api.example.com", False),
        ("https://renderer./1", "https://api.example.com", False),
        ("https://printer.local../1", "https://api.example.com", False),
        ("https://./1", "https://api.example.com", False),
        ("https://cdn..example.net/1", "https://api.example.com", False),
        ("https://.example.net/1", "https://api.example.com", False),
        ("https://cdn.example.net./1", "https://api.example.com", True),
        ("https://localhost.example.net/1", "https://api.example.com", True),
        ("https://192.168.1.10:444/1", "https://192.168.1.10", False),
    ],
)
def test_which_addresses_of_a_service_may_be_asked(url: str, home: str, may: bool) -> None:
    assert may_follow(url, home) is may


@pytest.mark.parametrize(
    "url", ["https://10.1.2.3/1", "https://nas.lan/1", "https://[fd00::7]/1", "https://cdn.example.net/1"]
)
def test_private_addresses_may_be_allowed_over_https(url: str) -> None:
    home = "https://api.example.com"
    assert may_follow(url, home, private=True)
    assert not may_follow(url.replace("https:", "http:"), home, private=True)
    assert not may_follow("https://127.0.0.1/1", home, private=True)


@pytest.mark.parametrize(
    ("found", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),  # what a resolver of an IPv6-only network says of 8.8.8.8 (RFC 6147)
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("192.0.0.8", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::ffff:10.1.2.3", False),
        ("64:ff9b::a01:203", False),
        ("64:ff9b:1::808:808", False),
        ("2002:808:808::", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_what_a_name_has_led_to_is_judged(found: str, public: bool) -> None:
    assert is_public(found) is public


@pytest.mark.parametrize(
    ("url", "home", "must"),
    [
        ("https://cdn.example.net/1", "https://api.example.com/v1", True),
        ("https://api.example.com:8443/1", "https://api.example.com/v1", True),
        ("https://api.example.com/1", "https://api.example.com/v1", False),
        ("https://cdn.example.net/1", "https://10.1.2.3", False),
        ("https://cdn.example.net/1", "http://renderer:8188", False),
        ("https://cdn.example.net/1", "http://127.0.0.1:8188", False),
        ("https://cdn.example.net/1", "https://127.1", False),
    ],
)
def test_whose_host_must_turn_out_to_be_public(url: str, home: str, must: bool) -> None:
    assert must_be_public(url, home) is must


def test_of_an_endless_address_no_user_information_is_shown() -> None:
    assert public(f"https://{'secret' * 1000}@cdn.example/a") == "https:/"
    assert public(f"https://cdn.example/a/{'b' * 5000}") == "https://cdn.example/a"
    assert public("//" * 100_000) == "/" * 200
