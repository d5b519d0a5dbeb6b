"""A file from a fake server: what it answers with goes where a client wants it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bide.messages import Reply, Request, Response
from bide_transports.emulator.memory import VirtualClock
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import Exchange


@dataclass(frozen=True)
class Fetching:
    """The exchange of one file, by what answers for its job; `clock` is the file's own."""

    by: Exchange
    clock: VirtualClock

    def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        """What comes back; a file has gone to where `into` leads."""
        sent = b"" if content is None else b"".join(content.pieces())
        reply = self.by(replace(request, body=request.body or sent))
        head = replace(reply, body=b"") if isinstance(reply, Response) else None
        sink = into(head) if into is not None and head is not None else None
        if sink is None or head is None or not isinstance(reply, Response):
            return reply
        sink.write(reply.body)
        return head
