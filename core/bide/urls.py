"""Addresses: origins compared, ids made safe for a path, and what of a URL may be shown."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

from bide.faults import InvalidAddress, InvalidHandle

_ID = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_PORTS = {"http": 80, "https": 443}
#: Plain http(s) only (RFC 3986, 3.2): user information hides a host behind a look-alike. A name has at most 253
#: characters, and a dot (RFC 1035, 3.1).
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]{1,254}|\[[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f:.]{1,44}\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>(?:[/?][!-\"$-~]*)?)(?:#[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
#: A host whose last part is a number is read as an IPv4 address, in whatever notation (WHATWG URL, 4.4).
_FIGURES = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)", re.ASCII)
#: The last parts of names that are given in one's own network only (RFC 6762, appendix G; RFC 8375: home.arpa).
_PRIVATE_NAMES = re.compile(
    r".*\.(?:local(?:host|domain)?|internal|intranet|private|corp|home|lan|arpa|onion)", re.ASCII
)
_LIKE_A_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
#: IPv4 addresses that are not reached from everywhere, though Python may say so (IANA's special-purpose registries).
_SPECIAL_IPV4 = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24")))
#: All of IPv6 that is given out for the internet (IANA), and what of it is not: protocols, Teredo, examples, 6to4.
_GLOBAL_IPV6 = ip_network("2000::/3")
_SPECIAL_IPV6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_PRIVATE_IPV6 = tuple(map(ip_network, ("fc00::/7", "fe80::/10", "fec0::/10")))
_NAT64 = ip_network("64:ff9b::/96")
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

    def __repr__(self) -> str:
        return f"Address({self.origin})"  # the query may hold a signature


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


def may_follow(url: str, home: str, *, private: bool = False) -> bool:
    """Whether an address that a service at `home` names may be asked: its own origin, and https in public.

    This machine is asked only where the service is on it too, and no private network but the service's own
    address, in any notation, unless `private` ones are allowed. The key goes to the service's own origin alone.
    """
    place = address(url)
    if place is None:
        return False
    if _LOOPBACK.fullmatch(place.host):
        return is_loopback(home)
    if place.origin == origin(home):
        return True
    return place.scheme == "https" and (_reach(place.host) == "public" or private)


def must_be_public(url: str, home: str) -> bool:
    """Whether the host of `url` must turn out to be on the internet once its name is looked up (see `is_public`).

    So it is with every origin but the service's own, unless `home`, where the service is, is in a private network too.
    """
    return origin(url) != origin(home) and _reach(host(home)) == "public"


def is_public(found: str) -> bool:
    """Whether an IP address that a name has led to is one of the internet, and of no private or special network.

    One that carries an IPv4 address, as routers write it (NAT64: RFC 6052, mapped: RFC 4291), is judged by that.
    """
    address = ip_address(found)
    if isinstance(address, IPv6Address):
        if address not in _NAT64 and address.ipv4_mapped is None:
            return _is_global(address)
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    return _is_global(address)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_IPV6 and not any(address in net for net in _SPECIAL_IPV6)
    return address.is_global and not address.is_multicast and not any(address in net for net in _SPECIAL_IPV4)


@lru_cache(maxsize=256)
def _reach(host: str) -> Literal["public", "private", ""]:
    """Whether a host is one of the internet or of one's own network; the empty text where that is not plain.

    Not plain are notations such as 127.1, which some resolvers understand, and addresses that carry another.
    """
    name = host.rstrip(".")
    if ":" not in host and not _FIGURES.fullmatch(name):
        if not _LIKE_A_HOST.fullmatch(name):
            return ""
        return "public" if "." in name and not _PRIVATE_NAMES.fullmatch(name) else "private"
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if _is_global(address):
        return "public"
    if isinstance(address, IPv6Address):
        return "private" if any(address in net for net in _PRIVATE_IPV6) else ""
    return "" if address.is_multicast else "private"


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


def base(url: object, *, keyless: bool = False) -> str:
    """An API's base URL without its last slash; `keyless` says that the service is sent no key.

    Raises `InvalidAddress` unless it is https, or http to where nothing is `exposed`.
    """
    if not isinstance(url, str):
        raise InvalidAddress(f"the base URL is {url!r:.60}: give a text, such as https://api.example.com/v1")
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
        raise InvalidHandle(
            f"{public(handle)[:80]!r} is no id: only letters, digits, '_' and '-' are allowed (at most 256)"
        )
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
    if len(shown) > _LONGEST_KEPT:  # what is cut within a segment could be user information without its end
        shown = shown[:_LONGEST_KEPT].rpartition("/")[0]
    return re.sub(r"(^|//)[^/]*@", r"\1", shown)[:200]
