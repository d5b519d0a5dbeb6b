"""Whom to trust over https: the system's authorities, or the caller's own, always for HTTP/1.1."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property


@dataclass
class Trust:
    """`given` is a context of the caller's own; None stands for the system's trust."""

    given: ssl.SSLContext | None = None

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The context to shake hands with; made when it is first wanted, since reading the system's takes a while."""
        context = self.given or ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])  # RFC 7301
        return context
