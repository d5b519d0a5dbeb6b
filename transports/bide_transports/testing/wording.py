"""From a turn of a scenario to a reply in a vendor's words, or to the reason why the vendor would never say that."""

from __future__ import annotations

from dataclasses import replace

from bide.dialect import Asked, Phase
from bide.messages import Response
from bide.urls import address
from bide_transports.testing.marks import (
    ANSWER,
    KEY,
    MESSAGE,
    OTHER_ANSWER,
    OTHER_JOB,
    PARTIAL_ANSWER,
    SIGNATURE,
    UNHEARD,
)
from bide_transports.testing.scenario import Turn
from bide_transports.testing.spoken import Spoken
from bide_transports.testing.voice import NotApplicable, Record, Said, Voice, json_reply
from bide_transports.testing.ways import REFUSALS

_ENDS_BADLY = (Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)


def moved(record: Record, turn: Turn) -> Record:
    """The job with the address that this turn gives it."""
    if turn.address == "moved":
        return replace(record, address=record.address.replace("/waiting/", "/waiting/longer/"))
    if turn.address == "elsewhere":
        return replace(record, address=f"{record.elsewhere}/waiting/{record.id}?signature={SIGNATURE}")
    return record


def told(voice: Voice, asked: Asked, turn: Turn, record: Record) -> Response:
    """The reply to `asked` at this turn of the job; raises `NotApplicable` where the vendor has none."""
    said = _said(asked, turn, moved(record, turn))
    reply = _worded(voice, said)
    for what, plain in _plainer(said, turn, record):
        if _worded(voice, plain) == reply:
            raise NotApplicable(f"a reply never tells {what}")
    if turn.address != "usual" and not is_polled_by_address(voice, record):
        raise NotApplicable("the job is not asked for at an address that replies tell")
    if turn.another and not is_polled_by_id(voice, record):
        raise NotApplicable("the job is not asked for by its id, so a reply may name it as it likes")
    return reply if turn.code is None else replace(reply, status=turn.code)


def is_polled_by_address(voice: Voice, record: Record) -> bool:
    """Whether the vendor's jobs are looked at where a reply says, rather than at an address made from an id."""
    other = moved(record, Turn(address="moved"))
    return voice.request("poll", record).url != voice.request("poll", other).url


def is_polled_by_id(voice: Voice, record: Record) -> bool:
    """Whether the vendor's jobs are looked at by their ids."""
    one, other = (voice.request("poll", replace(record, id=name)) for name in (record.id, OTHER_JOB))
    return (one.url, one.body) != (other.url, other.body)


def _said(asked: Asked, turn: Turn, record: Record) -> Said:
    finished, failed = turn.phase is Phase.SUCCEEDED, turn.phase in _ENDS_BADLY or turn.phase in REFUSALS
    names_address = asked == "submit" or (asked != "fetch" and turn.phase is Phase.UNFINISHED)
    answer = OTHER_ANSWER if turn.another else ANSWER
    message = f"{MESSAGE}, and no key is {KEY}" if turn.phase is Phase.UNAUTHORISED else MESSAGE
    return Said(
        asked,
        turn.phase,
        record,
        OTHER_JOB if turn.another else record.id,
        address=_text(record, turn) if names_address else "",
        word=UNHEARD if turn.unheard else "",
        answer=answer if finished else PARTIAL_ANSWER if turn.partial else "",
        message=message if failed else "",
        progress=turn.progress,
        wait=turn.wait,
    )


def _text(record: Record, turn: Turn) -> str:
    place = address(record.address)
    return place.target if turn.address == "relative" and place is not None else record.address


def _plainer(said: Said, turn: Turn, record: Record) -> list[tuple[str, Said]]:
    """The same without each thing that the turn is about: a vendor who says just that has no way to say the thing."""
    features = (
        ("a status word", turn.unheard, replace(said, word="")),
        ("which job it is about", turn.another, replace(said, id=record.id)),
        ("output before the end", turn.partial, replace(said, answer="")),
        ("progress", turn.progress is not None, replace(said, progress=None)),
        ("how long to wait, but in Retry-After", turn.wait is not None, replace(said, wait=None)),
        ("the address of the job", turn.address != "usual", replace(said, address=record.address, record=record)),
    )
    return [(what, plain) for what, is_there, plain in features if is_there]


def _worded(voice: Voice, said: Said) -> Response:
    """The voice's own reply; where it has none for a refusal, the status code that every vendor has for it."""
    if said.phase not in REFUSALS or isinstance(voice, Spoken):
        return voice.reply(said)
    try:
        return voice.reply(said)
    except NotApplicable:
        return json_reply(REFUSALS[said.phase], {"said": said.message.removeprefix(MESSAGE)})  # not its own words
