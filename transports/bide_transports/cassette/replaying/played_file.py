"""The lane of one file while a client plays it: what is asked is compared, and what came back is what it holds.

Time is the cassette's. When to ask is not compared, since nothing on such a lane tells what was decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from bide.dialect import Dialect
from bide.messages import NoResponse, Reply, Request
from bide_transports.cassette.replaying.far_end import FarEnd
from bide_transports.cassette.replaying.played import cut
from bide_transports.cassette.tape import Heard
from bide_transports.cassette.track import Track
from bide_transports.cassette.weighing import Tapped, weight
from bide_transports.sinks import Into
from bide_transports.sources import Content

#: The request that an adapter is to be given, and what takes the file in its reply.
Asked: TypeAlias = "tuple[Request, Tapped]"


@dataclass(slots=True)
class PlayedFile:
    """The lane on the track that `begin` finds once the time is asked for; `far` is where its connections lead.

    `dialect` is the one that the cassette speaks.
    """

    dialect: Dialect
    begin: Callable[[], Track]
    far: FarEnd = field(init=False)
    _track: Track | None = None

    def __post_init__(self) -> None:
        self.far = FarEnd(self.dialect, of_a_file=True)

    @property
    def track(self) -> Track:
        """The lane's track, taken up."""
        if self._track is None:
            self._track = self.begin()
            self._track.take_up()
        return self._track

    def now(self) -> float:
        """The recorded instant; in the lane's own time, which passes only here."""
        return self.track.cassette.head.now(self.track.t)

    def asks(self, request: Request, into: Into | None, content: Content | None) -> Asked:
        """Get ready for one exchange; raises `ReplayDiverged` for what the cassette does not have."""
        track, file = self.track, weight(content)
        track.send(request, file=file)
        if not isinstance(track.next, Heard):
            raise cut(track)
        track.check_kept(track.next)
        heard = track.hear()
        room = len(heard.begun.body) if heard.begun is not None else 0
        room = max(room, 0 if isinstance(heard.reply, NoResponse) else len(heard.reply.body))
        return self.far.expect(request, heard.reply, heard.begun, file), Tapped(into, room + 1)

    def answers(self, made: Reply, tapped: Tapped) -> Reply:
        """What the adapter made of the reply; raises `UnfaithfulReplay` for anything but what the cassette has."""
        came = tapped.body if tapped.head is not None else b""
        self.far.check(made, b"more than that" if came is None else came)
        return made
