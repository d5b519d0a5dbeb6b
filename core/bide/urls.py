"""Addresses: origins compared, ids made safe for a path, and what of a URL may be shown."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

from bide.errors import InvalidAddress, InvalidHandle

_ID = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(  # plain http(s) only (RFC 3986, 3.2): user information hides a host behind a look-alike
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:[/?][!-\"$-~]*)?)(?:#[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_FIGURES = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.ASCII)
#: The last parts of names that are given in one's own network only (RFC 6762, appendix G; RFC 8375: home.arpa).
_PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa")
#: IPv6 networks whose addresses carry an IPv4 one, which may be private: mapped, NAT64 and 6to4.
_CARRIES_ANOTHER = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))
_LOOPBACK = re.compile(r"localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|::1", re.ASCII)


class Address(NamedTuple):
    """A plain absolute http(s) URL, taken apart.

    `host` is without brackets, `target` the path with its query; `authority` is host and port as a `Host` header
    has them, without the scheme's own port (RFC 9110, 7.2); `origin` is scheme, host and port in one spelling.
    """

    scheme: str
    host: str
    port: int
    target: str
    authority: str
    origin: str


def address(url: str) -> Address | None:
    """`url` taken apart, or None when it is no plain absolute URL."""
    if "?" in url or len(url) > _LONGEST_KEPT:  # a query may hold a signature
        return _parsed(url)
    return _remembered(url)


def _parsed(url: str) -> Address | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, name, target = match["scheme"].lower(), match["host"].lower(), match["target"]
    port = int(match["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        return None
    target = target if target[:1] == "/" else f"/{target}"
    authority = name if port == _PORTS[scheme] else f"{name}:{port}"
    return Address(scheme, name.strip("[]"), port, target, authority, f"{scheme}://{name}:{port}")


_LONGEST_KEPT = 1024  # characters of an address that is remembered
_remembered = lru_cache(maxsize=256)(_parsed)


def origin(url: str) -> str | None:
    """Scheme, host and port in one spelling, or None when `url` is no plain absolute URL."""
    place = address(url)
    return place.origin if place else None


def host(url: str) -> str:
    """The host of a plain absolute URL in lower case without brackets, or the empty text."""
    place = address(url)
    return place.host if place else ""


def is_loopback(url: str) -> bool:
    """Whether the host is written as this machine itself: `localhost`, 127.0.0.0/8 or `[::1]`."""
    return _LOOPBACK.fullmatch(host(url)) is not None


def may_follow(url: str, home: str) -> bool:
    """Whether an address that a service at `home` names may be asked: its own origin, and https in public.

    This machine is asked only where the service is on it too, and no private network but the service's own
    address, however the figures of one are written. The key goes to the service's own origin alone.
    """
    place = address(url)
    if place is None:
        return False
    if is_loopback(url):
        return is_loopback(home)
    return place.origin == origin(home) or (place.scheme == "https" and _reach(place.host) == "public")


def _reach(host: str) -> Literal["public", "private", ""]:
    """Whether a host is one of the internet or of one's own network; the empty text where that is not plain."""
    if not (_FIGURES.fullmatch(host) or ":" in host):
        name = host.strip(".")
        return "public" if "." in name and name.rpartition(".")[2] not in _PRIVATE_NAMES else "private"
    try:
        address = ip_address(host)
    except ValueError:
        return ""  # such as 127.1 or 0x7f000001, which some resolvers understand
    if address.is_multicast or (isinstance(address, IPv6Address) and any(address in net for net in _CARRIES_ANOTHER)):
        return ""
    return "public" if address.is_global else "private"


def exposed(url: str, *, keyless: bool) -> str:
    """What a request to `url` would send unencrypted that must not go so, in words; the empty text for nothing.

    A key never travels in the clear, but within this machine. A service that is `keyless` may be spoken to over plain
    http in one's own network; across the internet nothing goes so.
    """
    if url[:5].lower() != "http:" or is_loopback(url):
        return ""
    if not keyless:
        return "the key"
    return "" if _reach(host(url)) == "private" else "the jobs and their results"


def base(url: str, *, keyless: bool = False) -> str:
    """An API's base URL without its last slash; `keyless` says that the service is sent no key.

    Raises `InvalidAddress` unless it is https, or http to where nothing is `exposed`.
    """
    if origin(url) is None or "?" in url or "#" in url:
        raise InvalidAddress(
            f"{public(url)} is no base URL: give scheme, host and path, such as https://api.example.com/v1"
        )
    what = exposed(url, keyless=keyless)
    if what:
        raise InvalidAddress(f"{public(url)} would send {what} unencrypted: use https")
    return url.rstrip("/")


def segment(handle: str) -> str:
    """`handle` as one path segment; raises `InvalidHandle` for all that could mean another path."""
    if not _ID.fullmatch(handle):
        raise InvalidHandle(f"{handle[:80]!r} is no id: only letters, digits, '_' and '-' are allowed (at most 256)")
    return handle


def is_id(value: str) -> bool:
    """Whether `segment` would take it."""
    return _ID.fullmatch(value) is not None


def public(url: str) -> str:
    """The part of a URL that may be shown: scheme, host and path, never user information, query or fragment.

    Of a `data:` URL it is what tells the kind of its content.
    """
    if url[:5].lower() == "data:":
        return url.partition(",")[0][:200]
    shown = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"(^|//)[^/]*@", r"\1", shown)[:200]
