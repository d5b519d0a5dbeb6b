"""Cassettes: jobs recorded with their inputs *and* their decisions, verified and replayed without a network.

with record("fox.cassette.jsonl") as tape, Client(key, tape=tape) as client:
    client.run("flux-1.1-pro", {"prompt": "a fox"})

verify(load("fox.cassette.jsonl"))

with replay("fox.cassette.jsonl") as tape, Client("any-key", tape=tape) as client:
    client.run("flux-1.1-pro", {"prompt": "a fox"})
"""

from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load, save
from bide_transports.cassette.recording import Recording, record
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import (
    Cassette,
    Done,
    Event,
    Head,
    Heard,
    InvalidCassette,
    Open,
    Send,
    Told,
    Wait,
)
from bide_transports.cassette.verify import Verified, verify

__all__ = [
    "Cassette",
    "Done",
    "Event",
    "Head",
    "Heard",
    "InvalidCassette",
    "Open",
    "Playback",
    "Recording",
    "ReplayDiverged",
    "Rules",
    "Send",
    "Told",
    "Verified",
    "Wait",
    "load",
    "record",
    "replay",
    "save",
    "verify",
]
