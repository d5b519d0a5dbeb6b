"""Which HTTP proxy the environment wants for an address: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.

Read by the standard library, so the systems that keep proxies elsewhere are understood too.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bide.errors import InvalidAddress
from bide.urls import Address


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the header line it wants, if any."""

    host: str
    port: int
    authorization: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def proxy_for(place: Address) -> Proxy | None:
    """The proxy to go through, or None; raises `InvalidAddress` for one that is no `http://` URL."""
    known = getproxies()
    url = known.get(place.scheme) or known.get("all")
    if not url or proxy_bypass(f"{place.host}:{place.port}"):
        return None
    # Neither the URL nor what the parser says of it is shown: a password is often why it cannot be read.
    unusable = InvalidAddress(
        f"the proxy that the environment names for {place.scheme} cannot be used: give it as http://host:port"
    )
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        raise unusable from None
    if parts.scheme != "http" or not host:
        raise unusable
    if parts.username is None:
        return Proxy(host, port)
    secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
    return Proxy(host, port, (("proxy-authorization", f"Basic {secret}"),))
