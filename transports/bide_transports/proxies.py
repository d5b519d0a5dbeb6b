"""HTTP proxies: which one leads to an address, and which may not be used. This machine is never asked through one.

What the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is read by the standard library, so
the systems that keep proxies elsewhere are understood too.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from socket import inet_aton
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bide.errors import InvalidAddress
from bide.messages import Cause, NoResponse
from bide.urls import Address

_AUTHENTICATION_REQUIRED = 407


class ProxyFailed(OSError):
    """A proxy led nowhere, and nothing was sent through it. The text names it, without its login."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the header line it wants, if any."""

    host: str
    port: int
    authorization: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def failed(self, why: str) -> ProxyFailed:
        """The error that says which proxy it was, and what of it failed."""
        host = f"[{self.host}]" if ":" in self.host and self.host[:1] != "[" else self.host
        return ProxyFailed(f"{host}:{self.port} {why}")

    def unfit(self, place: Address) -> InvalidAddress:
        """The error that says that this proxy would read what the caller's session adds to a request to `place`."""
        return InvalidAddress(
            f"the proxy {self.host}:{self.port} would read the headers, cookies, parameters or auth of your session on"
            f" their way to {place.origin}: use https, name {place.host} in NO_PROXY, or give a session without them"
        )

    def refusal(self, status: int) -> NoResponse | None:
        """That a reply with this status is the proxy's own, which wants a login (RFC 9110, 15.5.8)."""
        if status != _AUTHENTICATION_REQUIRED:
            return None
        return NoResponse(Cause.PROXY, sent=False, detail=str(self.failed(f"answers {status}")))


def proxy_for(place: Address) -> Proxy | None:
    """The proxy of the environment to go through, or None; raises `InvalidAddress` for one that cannot be used."""
    if is_this_machine(place.host):
        return None
    known = getproxies()
    url = known.get(place.scheme) or known.get("all")
    return None if not url or proxy_bypass(f"{place.host}:{place.port}") else proxy_at(url, place.scheme)


def proxy_at(url: str, scheme: str) -> Proxy:
    """The proxy at `url`, for addresses of this scheme; raises `InvalidAddress` for one that is no `http://` URL."""
    # Neither the URL nor what the parser says of it is shown: a password is often why it cannot be read.
    unusable = InvalidAddress(
        f"the proxy that the environment or the session names for {scheme} cannot be used: give it as http://host:port"
        " (no SOCKS, no https)"
    )
    try:
        parts = urlsplit(with_scheme(url))
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        raise unusable from None
    if parts.scheme != "http" or not host or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise unusable  # what is behind an @ there is the host, and what is before it a password that is not encoded
    if parts.username is None:
        return Proxy(host, port)
    secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
    return Proxy(host, port, (("proxy-authorization", f"Basic {secret}"),))


def with_scheme(url: str) -> str:
    """The URL of a proxy as everybody understands it, from one as curl does: without a scheme, or with blanks."""
    return url.strip() if "://" in url else f"http://{url.strip()}"


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, in any notation: a name of RFC 6761, 6.3, a loopback address, or all zeros."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ip_address(host if ":" in host else inet_aton(name))  # 127.1 and 0x7f000001 as well
    except (OSError, ValueError):
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified
