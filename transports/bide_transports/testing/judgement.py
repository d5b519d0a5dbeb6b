"""What is wrong with how a job went, judged from both sides: what it asked, and what it made of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import bide
from bide.dialect import Phase
from bide.document import strings
from bide.messages import Request, Response
from bide_transports.testing.discretion import indiscretions
from bide_transports.testing.fake import Exchanged, is_like
from bide_transports.testing.marks import ANSWER, CODE, MESSAGE, REQUEST_ID, UNHEARD, holds
from bide_transports.testing.rehearsal import Rehearsal
from bide_transports.testing.report import Finding, asked, described
from bide_transports.testing.scenario import Turn
from bide_transports.testing.voice import Contradiction
from bide_transports.testing.ways import REFUSALS

_EARLY, _LATE = 0.001, 0.1  # seconds


def findings(rehearsal: Rehearsal, states: Sequence[bide.Job]) -> Iterator[Finding]:
    """All that is wrong, the cause before its consequences."""
    stopped, exchanges = rehearsal.service.stopped, rehearsal.service.exchanges
    if isinstance(stopped, Contradiction):
        yield Finding("a declaration that means what it says", str(stopped))
    yield from _requests(rehearsal, exchanges)
    yield from _submissions(rehearsal, [one for one in exchanges if one.question == "submit"])
    yield from _end(rehearsal, states[-1])
    played = [one for one in exchanges if one.question != "file"]
    yield from _result(states[-1], played, files=rehearsal.scenario.files)
    yield from _news(states, [one.turn for one in exchanges if one.turn is not None])
    for state in states:
        yield from indiscretions(state, rehearsal.dialect)


def _requests(rehearsal: Rehearsal, exchanges: Sequence[Exchanged]) -> Iterator[Finding]:
    """Each request is documented, carries the key where it belongs and nowhere else, and comes when it must."""
    for one in exchanges:
        if one.documented is None:
            known = ", ".join(f"{name}: {asked(request)}" for name, request in rehearsal.service.documented())
            yield Finding(f"a request that the vendor documents ({known})", f"{asked(one.request)} was asked", one)
        elif one.abroad and one.keyed:
            yield Finding("the key to go to the API alone", f"it went to {asked(one.request)}", one)
        elif one.documented.credential and not one.abroad and not one.signed:
            happened = f"it did not with {asked(one.request)}"
            yield Finding("the key to come along as the vendor wants it", happened, one, "correct `authorization`")
    for one, following in pairwise(exchanges):
        hint, waited = one.turn.next_in if one.turn else None, following.at - one.at
        if hint is not None and not hint - _EARLY <= waited <= hint + _LATE:
            yield Finding(f"the next request after {hint:g} s", f"it came after {waited:.3f} s", one)


def _submissions(rehearsal: Rehearsal, submissions: Sequence[Exchanged]) -> Iterator[Finding]:
    """What a second submission may have cost."""
    for one, again in pairwise(submissions):
        if not is_like(again.request, _lasting(one.request, rehearsal.dialect, rehearsal.record.order)):
            yield Finding("a submission sent again as it was", "its key or its body changed", again)
    processed = [one for one in submissions if one.turn is not None and _is_processed(one.turn)]
    if len(processed) > 1 and not all(one.documented and one.documented.repeatable for one in processed):
        yield Finding("one job", f"{len(processed)} were created: the vendor heeds no key here", processed[-1])


def _lasting(request: Request, dialect: bide.Dialect, order: bide.Order) -> Request:
    """The request without the lines that differ each time, such as an id of its own: the dialect alone has none."""
    names = {name.lower() for name, _ in dialect.submit(order).headers}
    return replace(request, headers=tuple(line for line in request.headers if line[0].lower() in names))


def _is_processed(turn: Turn) -> bool:
    return turn.phase not in REFUSALS and not isinstance(turn.instead, Response)


def _end(rehearsal: Rehearsal, job: bide.Job) -> Iterator[Finding]:
    scenario = rehearsal.scenario
    expected = " or ".join(end.__name__ for end in scenario.ends)
    if not isinstance(job, scenario.ends):
        yield Finding(expected, described(job))
    elif isinstance(job, bide.Abandoned) and scenario.reason is not None and scenario.reason is not job.reason:
        yield Finding(f"{expected}: {scenario.reason.value}", described(job))
    if scenario.apart and not any(one.question == "fetch" for one in rehearsal.service.exchanges):
        yield Finding("the result to be fetched", "it never was")


def _result(job: bide.Job, exchanges: Sequence[Exchanged], *, files: bool) -> Iterator[Finding]:
    """A result is taken only from the reply that has it, and a problem is told as the vendor told it."""
    for before, exchange in pairwise(exchanges):
        if exchange.question == "fetch" and before.question != "fetch" and not _is_done(before):
            yield Finding("no result to be fetched yet", "it was, after this", before)
    last = exchanges[-1] if exchanges else None
    said = last.answer if last and last.answer else Response(0)
    if last is not None and isinstance(job, bide.Completed):
        if not _is_done(last):
            yield Finding("a result from the reply that says that the job is done", "another was taken for it")
        elif files and not job.result.files:
            yield Finding("files in result.files", "there are none", last)
        elif holds(said, ANSWER) and not any(ANSWER in text for text in strings(job.result.output)):
            yield Finding("the output in result.output", f"there is {job.result.output!r}", last, "correct `output`")
    problem = job.problem if not isinstance(job, bide.Completed | bide.Waiting) else None
    for text, place in ((MESSAGE, "message"), (CODE, "code"), (REQUEST_ID, "request_id")):
        told = getattr(problem, place, None) or ""
        if holds(said, text) and not told.startswith(text):  # in the place, not only somewhere in an excerpt
            yield Finding(f"{text!r} in the problem", f"the problem is {problem!r}", last, f"correct `{place}`")


def _news(states: Sequence[bide.Job], turns: Sequence[Turn]) -> Iterator[Finding]:
    if any(turn.unheard for turn in turns) and all(state.past.status != UNHEARD for state in states):
        yield Finding(f"the status {UNHEARD!r} to be kept", "it was not", None, "correct `status`")
    heard = [state.past.progress for state in states]
    for turn in turns:
        if turn.progress is not None and turn.progress not in heard:
            yield Finding(f"progress of {turn.progress}", f"it was {heard}", None, "correct `progress` and `full`")


def _is_done(exchange: Exchanged) -> bool:
    """Whether the vendor said that this very job is done."""
    turn = exchange.turn
    return turn is not None and turn.phase is Phase.SUCCEEDED and not turn.another and turn.instead is None
