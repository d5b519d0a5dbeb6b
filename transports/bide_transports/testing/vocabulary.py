"""Whether each sign and each word of a declaration can be heard: one that an earlier sign hides never is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from bide.dialect import Asked, Dialect, Phase
from bide.messages import Response
from bide_transports.testing.marks import ANSWER, MESSAGE
from bide_transports.testing.spoken import Spoken
from bide_transports.testing.voice import Record, Said

_QUESTIONS: tuple[Asked, ...] = ("poll", "submit", "fetch", "cancel", "confirm")


def misheard(dialect: Dialect, voices: Sequence[Spoken], record: Record) -> Iterator[tuple[str, str, Response]]:
    """What the voices can say and `dialect` never understands: what declares it, what is heard instead, the reply."""
    heard: set[str] = set()
    instead: dict[str, tuple[str, Response]] = {}
    for voice, said in product(voices, _sayings(record)):
        if said.asked == "submit" and voice.dialect.declaration.submit is None:
            continue
        for way in voice.ways.declared(said):
            for reply in voice.replies(said, way):
                phase = _read(dialect, reply, said, voice.naming.handle(record))
                if phase is said.phase:
                    heard.add(way.source)
                instead.setdefault(way.source, (f"a reply to {said.asked} reads as {phase.value!r}", reply))
    for source, (reading, reply) in instead.items():
        if source not in heard:
            yield source, reading, reply


def _sayings(record: Record) -> Iterator[Said]:
    for phase in Phase:
        for asked in _QUESTIONS:
            answer = ANSWER if phase is Phase.SUCCEEDED else ""
            message = "" if phase in (Phase.SUCCEEDED, Phase.UNFINISHED) else MESSAGE
            yield Said(asked, phase, record, record.id, record.address, answer=answer, message=message)


def _read(dialect: Dialect, reply: Response, said: Said, handle: str) -> Phase:
    submitted = said.asked == "submit"
    order = said.record.order if submitted else None
    return dialect.read(reply, asked=said.asked, handle=None if submitted else handle, order=order).phase
