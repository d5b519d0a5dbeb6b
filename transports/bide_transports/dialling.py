"""How a request leaves over requests: by which proxy, if any; to which addresses, and within its time."""

from __future__ import annotations

import socket
import time
from http.client import HTTPException
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter
from requests.utils import default_headers, select_proxy
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

from bide.urls import address
from bide_transports.budget import Deadline
from bide_transports.lookup import checked, look_up, public_only
from bide_transports.proxies import Proxy, ProxyFailed, is_this_machine, proxy_at, with_scheme


def sent(
    prepared: requests.PreparedRequest, session: requests.Session, adapter: BaseAdapter, url: str, deadline: Deadline
) -> tuple[requests.Response, Proxy | None]:
    """The response to one request to `url`, its body still to be read, and the proxy that it went through.

    Raises `InvalidAddress` for a proxy that cannot be used, or that would read what the session carries, and all that
    requests does.
    """
    settings = cast("dict[str, Any]", session.merge_environment_settings(url, {}, True, None, None))
    place, proxy = address(url), None
    by = None if place is None or is_this_machine(place.host) else select_proxy(url, settings["proxies"])
    if place is not None and by:
        proxy, settings["proxies"] = proxy_at(by, place.scheme), {place.scheme: with_scheme(by)}
        if place.scheme == "http" and _carries(session, url):
            raise proxy.unfit(place)
    else:
        settings["proxies"] = {}
    timeout = cast("float", deadline)  # requests passes urllib3's own kind through
    return adapter.send(prepared, timeout=timeout, **settings), proxy


def _carries(session: requests.Session, url: str) -> bool:
    """Whether a request to `url` has something of the caller's session with it, any of which may be a credential."""
    ordinary = {name.lower() for name in (*default_headers(), "proxy-authorization")}
    own = any(name.lower() not in ordinary for name in session.headers)
    cookies = cast("Any", requests).cookies.get_cookie_header(session.cookies, requests.Request("GET", url).prepare())
    return bool(own or cookies or session.params or cast("Any", session).auth)


class Dialling(HTTPConnection):
    """A connection whose one timeout is for all of it, from the look-up of the name to the last handshake.

    Where the request is public, what the name leads to is checked. By a proxy it is the proxy's name, which is
    nobody's business: what the service's leads to, only the proxy knows.
    """

    _end: float | None = None

    def connect(self) -> None:
        """Connect, and leave as the timeout what is left of it then."""
        self._end = None if self.timeout is None else time.monotonic() + self.timeout
        super().connect()
        self.timeout = self._left

    @property
    def _left(self) -> float | None:
        """What is left of the timeout, in seconds."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.001)

    def _new_conn(self) -> socket.socket:
        try:
            return self._dialled()
        except (socket.gaierror, UnicodeError) as error:
            nowhere = socket.gaierror(socket.EAI_NONAME, str(error)) if isinstance(error, UnicodeError) else error
            raise self._blamed("has no address") or NameResolutionError(self.host, self, nowhere) from error
        except TimeoutError as error:
            raise self._blamed("cannot be reached in time") or ConnectTimeoutError(self, "too slow") from error
        except OSError as error:
            raise self._blamed("cannot be reached") or NewConnectionError(self, "no connection") from error

    def _dialled(self) -> socket.socket:
        host: str = self._dns_host  # with the dot at its end, which urllib3 keeps from `host`
        found = look_up(host.strip("[]"), self.port, family=allowed_gai_family(), timeout=self._left)
        error: OSError | None = None
        for one in checked(found, public=public_only.get() and self.proxy is None):
            try:
                sock = create_connection((one, self.port), self._left, self.source_address, self.socket_options)
            except OSError as refused:
                error = refused
                continue
            sock.settimeout(self._left)  # for the handshake
            return sock
        raise error or OSError("the name has no address")

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except TimeoutError as error:
            raise self._blamed("does not open a tunnel in time") or error from None
        except (OSError, HTTPException) as error:
            said = str(error).partition("Tunnel connection failed: ")[2][:3]
            raise self._blamed(f"answers {said}" if said.isdigit() else "does not open a tunnel") or error from None

    def _blamed(self, why: str) -> ProxyFailed | None:
        """That the proxy failed, if there is one."""
        proxy: Any = self.proxy
        return None if proxy is None else Proxy(proxy.host, proxy.port).failed(why)
