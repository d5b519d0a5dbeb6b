"""Addresses as replies hold them: made whole and fit to be sent, or the reason why they are not asked."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from bide.urls import address, is_loopback, may_follow

_LONGEST = 16384  # characters, twice what most servers take
_LONGEST_HOST = 253  # characters of a name (RFC 1035, 3.1)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII | re.IGNORECASE)
_AUTHORITY = re.compile(r"(https?)://([^/?#]*)", re.ASCII | re.IGNORECASE)
_LONE = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)  # a % that encodes nothing
_MOST_LONE = 100  # of these in one address
# What an address may not hold as it is: all beyond ASCII, blanks, and a few signs (RFC 3986, 2).
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"<>\\^`{|}')
_ENCODED = [bytes([code]) if chr(code) in _SAFE else f"%{code:02X}".encode() for code in range(256)]
_FIT = re.compile(r"https?://[a-z0-9.:-]+/[A-Za-z0-9._~/?&=+,;:@!$'()*-]*", re.ASCII)  # most are, and need no look more
_AT_HOME = "it leads to this machine or into a private network: get it by hand if you trust it"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def whole(said: str, asked: str) -> str:
    """The address that `said` means in a reply from `asked` (RFC 3986, 5), fit to be sent (RFC 3987, 3.1).

    Blanks, letters beyond ASCII and the like are percent-encoded as UTF-8; what is encoded already stays byte for
    byte. The name of a host becomes ASCII (RFC 3490). Raises `ValueError`, which says why, for what is no address.
    """
    said = said.strip()
    if len(said) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if _FIT.fullmatch(said):
        return said
    if _CONTROL.search(said):
        raise ValueError("it holds line breaks or other control characters")
    try:
        url = said if _SCHEME.match(said) else urljoin(asked, said)
        match = _AUTHORITY.match(url)
        place = "" if match is None else f"{match[1].lower()}://{_ascii(match[2])}"
        return place + _encoded(url[match.end() if match else 0 :])
    except ValueError:
        raise ValueError("it cannot be read as an address") from None


def _encoded(text: str) -> str:
    """`text` with what may not stand in an address percent-encoded; raises `ValueError` for too much of it."""
    text, count = _LONE.subn("%25", text, count=_MOST_LONE)
    if count == _MOST_LONE and _LONE.search(text):
        raise ValueError(text)
    return b"".join(map(_ENCODED.__getitem__, text.encode())).decode()


def why_not(url: str, home: str, *, private: bool = False) -> str:
    """Why an address that a service at `home` names is not asked, and what to do; empty where it may be asked.

    `private` ones may be where they are allowed.
    """
    if may_follow(url, home, private=private):
        return ""
    place = address(url)
    if place is None:
        return _why_not_plain(url)
    if place.scheme == "http" and may_follow(f"https://{url.partition('://')[2]}", home, private=private):
        return "it would come unencrypted: ask the service for an https address, or get it by hand"
    if place.scheme == "https" and not is_loopback(url):
        return "it leads into a private network: get it by hand if you trust it, or allow it by `private`"
    return _AT_HOME


def _why_not_plain(url: str) -> str:
    scheme = _SCHEME.match(url)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        return f"only https is fetched, and this begins with {scheme[1].lower()[:20]}: get it with a tool made for that"
    authority = _AUTHORITY.match(url)
    if authority is not None and "@" in authority[2]:
        return "it holds user information, which is never sent: get it by hand if you trust it"
    return "it cannot be read as an address: ask the service for a sound one"


def why_unfit(said: str, asked: str, home: str, *, private: bool = False) -> str:
    """Why the address that `said` means in a reply from `asked` is not asked, and what to do."""
    try:
        return (
            why_not(whole(said, asked), home, private=private)
            or "it is too long to be sent: ask the service for another"
        )
    except ValueError as error:
        return f"{error}: ask the service for a sound one"


def _ascii(authority: str) -> str:
    """Host and port with the host's name in ASCII; raises `ValueError` where two readings of it would differ."""
    if authority.isascii() or "@" in authority:
        return authority
    name, colon, port = authority.partition(":")
    if len(name) > _LONGEST_HOST:
        raise ValueError(name)
    coded = name.encode("idna").decode()
    if coded.encode().decode("idna") != name.lower():  # such as ß, which an older standard takes for ss
        raise ValueError(name)
    return f"{coded}{colon}{port}"
