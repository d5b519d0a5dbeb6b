"""One lane as its picture shows it: what took how long, and what happened when, in milliseconds since the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bide.dialect import Phase
from bide.messages import NoResponse, Reply
from bide.pace import Why
from bide_transports.cassette.tape import Done, Event, Heard, Open, Send, Told, Wait
from bide_transports.cassette.wording import Wording
from bide_transports.cassette.words import said

#: How a wait is drawn, by the core's word for its reason.
REASONS = {why.value: why.name.lower().replace("_", "-") for why in Why}


@dataclass(slots=True)
class Span:
    """Something that took from `begin` to `end`; `kind` is how it is drawn, `title` tells more."""

    begin: int
    end: int
    kind: str
    title: tuple[str, ...]


@dataclass(slots=True)
class Band(Span):
    """The time in which the service had the same `word` for a job; `kind` is what the word means."""

    word: str


@dataclass(slots=True)
class Mark:
    """Something that happened at `t`."""

    t: int
    kind: str
    title: str
    word: str = ""


@dataclass(slots=True)
class Row:
    """A lane: `marks` are where it was taken up, told of by webhooks, and ended."""

    name: str
    bands: list[Band] = field(default_factory=list[Band])
    waits: list[Span] = field(default_factory=list[Span])
    requests: list[Span] = field(default_factory=list[Span])
    marks: list[Mark] = field(default_factory=list[Mark])

    @property
    def end(self) -> int:
        """When the last of it is over."""
        ends = (span.end for span in (*self.bands, *self.waits, *self.requests))
        return max((*ends, *(mark.t for mark in self.marks)), default=0)


def row(name: str, events: Sequence[Event], wording: Wording) -> Row:
    """The lane called `name`."""
    row, last = Row(name), max((event.t for event in events), default=0)
    for event, following in zip(events, [*events[1:], None], strict=True):
        told = wording.told(event).strip()
        match event:
            case Open():
                row.marks.append(Mark(event.t, "open", told))
            case Wait():
                _wait(row, event, following, told)
            case Send():
                row.requests.append(Span(event.t, event.t, "cut", (told, "nothing came back: the recording ends here")))
            case Heard():
                _heard(row, event, told)
                _band(row, event, wording, told)
            case Told():
                row.marks.append(Mark(event.t, "told", told))
            case Done():
                row.marks.append(Mark(event.t, _ending(event.state), told, event.state))
            case _:
                pass
    if row.bands:
        row.bands[-1].end = max(row.bands[-1].begin, last)
    return row


def _wait(row: Row, wait: Wait, following: Event | None, told: str) -> None:
    end = wait.t + wait.ms if following is None else min(wait.t + wait.ms, following.t)
    if end > wait.t:
        row.waits.append(Span(wait.t, end, REASONS.get(wait.why, "other"), (told,)))


def _heard(row: Row, heard: Heard, told: str) -> None:
    kind = _outcome(heard.reply)
    sent = row.requests[-1] if row.requests and row.requests[-1].kind == "cut" else None
    if sent is None:
        row.requests.append(Span(heard.t, heard.t, kind, (told,)))
        return
    took = f"after {heard.t - sent.begin} ms"
    sent.end, sent.kind, sent.title = max(heard.t, sent.begin), kind, (sent.title[0], told, took)


def _band(row: Row, heard: Heard, wording: Wording, told: str) -> None:
    """Begin a band where the service has a new word; what is no word of it lets the last one stand."""
    if isinstance(heard.reply, NoResponse):
        return
    says = said(heard.reply, wording.dialect)
    if not says.status or (row.bands and row.bands[-1].word == says.status):
        return
    if row.bands:
        row.bands[-1].end = max(row.bands[-1].begin, heard.t)
    row.bands.append(Band(heard.t, heard.t, _meaning(says.phase), (f"{says.status} from {told}",), says.status))


def _outcome(reply: Reply) -> str:
    if isinstance(reply, NoResponse):
        return "unheard"
    return "refused" if reply.status >= 400 else "fine"


def _meaning(phase: Phase) -> str:
    match phase:
        case Phase.SUCCEEDED:
            return "good"
        case Phase.FAILED:
            return "bad"
        case Phase.CANCELLED | Phase.EXPIRED:
            return "over"
        case _:
            return ""


def _ending(state: str) -> str:
    return {"Completed": "good", "Failed": "bad", "Lost": "bad", "Abandoned": "given-up"}.get(state, "over")
