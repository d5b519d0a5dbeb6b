"""Jobs worth keeping on a cassette: one scene for each rule of the core, recorded in virtual time from the emulator.

What they record stands in `tests/cassette/recorded`; `python -m tests.cassette.scenes` writes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import bide
from bide.dialect import Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide_transports.cassette.recording import Recording, record
from bide_transports.cassette.tape import Cassette
from bide_transports.emulator import (
    Drop,
    Fault,
    Garbage,
    Hang,
    InMemory,
    Limit,
    Plan,
    Service,
    Status,
    Variants,
    VirtualClock,
    broken_down,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.faults import Deed, Kind
from bide_transports.requests import follow
from bide_transports.tapes import Exchange
from bide_transports.testing.rehearsal import Rehearsal
from bide_transports.testing.scenario import Scenario, Turn
from bide_transports.testing.spoken import Spoken

RECORDED = Path(__file__).parent / "recorded"
_KEY = "7c0f7b7e-3f5e-4a57-9d0a-2b6a4a1d9e11"


@dataclass(frozen=True)
class Scene:
    """What a service does to one job. `left` is after how many seconds its caller cancels it."""

    plan: Plan = Plan(duration=20.0)
    faults: tuple[Fault, ...] = ()
    variants: Variants = Variants()
    limit: Limit = Limit()
    patience: bide.Patience = bide.Patience()
    pace: bide.Pace = bide.Growing()
    left: float | None = None
    watched: bool = False
    latency: float = 0.04

    def play(self, tape: Recording) -> bide.Job:
        """Follow the job on `tape` to its end."""
        clock = VirtualClock()
        service = Service(default=self.plan, faults=self.faults, variants=self.variants, limit=self.limit)
        network = InMemory(service, clock, latency=self.latency)
        order = bide.Order("flux-1.1-pro", {"prompt": "a fox waiting for a bus"}, _KEY)
        how: dict[str, Any] = {"dialect": service.dialect, "patience": self.patience, "pace": self.pace}
        job = bide.submit(order, now=clock.now(), **how)
        if not self.watched:
            return _driven(tape, job, network.exchange, clock, left=self.left)
        network.exchange(job.request)
        (handle,) = service.executions
        return _driven(tape, bide.watch(handle, now=clock.now(), **how), network.exchange, clock)


def _driven(
    tape: Recording, job: bide.Job, exchange: Exchange, clock: VirtualClock, *, left: float | None = None
) -> bide.Job:
    """The job at its end; cancelled once `left` seconds have passed."""
    lane, began = tape.lane(job, exchange, clock), clock.now()
    for job in follow(lane.job, lane.exchange, lane.clock):
        if left is not None and isinstance(job, bide.Polling) and clock.now() - began >= left:
            clock.sleep_until(clock.now() + 1.5)  # between two looks
            return _driven(tape, bide.cancel(job, now=clock.now()), exchange, clock)
    return job


@dataclass(frozen=True)
class Foreign:
    """A job of another vendor, whose service speaks as is declared; cancelled once `left` seconds have passed."""

    vendor: str
    scenario: Scenario
    left: float | None = None

    def play(self, tape: Recording) -> bide.Job:
        """Follow the job on `tape` to its end."""
        dialect = Declared(named(self.vendor))
        rehearsal = Rehearsal(dialect, self.scenario, Spoken.every(dialect)[0])
        return _driven(tape, rehearsal.begin(), rehearsal.exchange, rehearsal.clock, left=self.left)


def _fault(at: Kind | Literal["any"], deed: Deed, nth: int = 1, times: int = 1) -> tuple[Fault, ...]:
    return (Fault(at, deed, nth, times),)


def _sent_on(status: int, address: str) -> bide.Response:
    return bide.Response(status, bide.Headers.of([("Location", address)]))


#: A refusal whose clock is 90 seconds ahead: only the difference of its two dates says how long to wait.
_DATED = bide.Response(
    429,
    bide.Headers.of([("Date", "Sat, 05 Jan 2030 08:01:33 GMT"), ("Retry-After", "Sat, 05 Jan 2030 08:01:42 GMT")]),
)
#: The service takes the job, and names only an address that must not be asked.
_PRIVATE = bide.Response(202, bide.Headers.of([("Location", "http://10.0.0.7/jobs/1?token=in-the-clear")]))
_foreign = partial(Scenario, "told in turn")
_UNDER_WAY, _DONE = Turn(), Turn(Phase.SUCCEEDED)
_AT_ONCE, _IN_A_SECOND = (Turn(headers=(("Retry-After", hint),)) for hint in "01")

SCENES: dict[str, Scene | Foreign] = {
    "a-job-that-completes": Scene(),
    "a-job-of-two-hours": Scene(
        Plan(duration=7200.0, expires_after=9000.0),
        faults=(
            *_fault("poll", too_many(7), 40, 2),
            *_fault("poll", Drop("after"), 90, 3),
            *_fault("poll", unavailable(), 200),
        ),
    ),
    "looks-at-a-fixed-pace": Scene(pace=bide.Every(4, jitter=1)),
    "webhooks-are-expected": Scene(Plan(duration=120.0), pace=bide.Sparse()),
    "waits-as-long-as-it-is-told": Scene(faults=_fault("poll", too_many(7), 3)),
    "is-told-a-fraction": Scene(faults=_fault("poll", too_many("2.5"), 2)),
    "keeps-to-a-clock-that-is-ahead": Scene(variants=Variants(skew=90.0, retry_after="date"), limit=Limit(4, 20.0)),
    "is-told-a-date-beside-another": Scene(faults=_fault("poll", _DATED, 3)),
    "is-limited-without-a-hint": Scene(faults=_fault("poll", too_many(None), 2, 3)),
    "is-told-nonsense": Scene(faults=_fault("poll", too_many("soon"), 2)),
    "keeps-within-the-quota": Scene(limit=Limit(5, 30.0), pace=bide.Every(2)),
    "reads-a-reset-in-milliseconds": Scene(variants=Variants(reset="milliseconds"), limit=Limit(3, 20.0)),
    "reads-a-reset-as-a-delta": Scene(variants=Variants(reset="delta"), limit=Limit(3, 20.0)),
    "backs-off-when-cut": Scene(faults=_fault("poll", Drop("head"), 2, 5)),
    "backs-off-when-it-breaks": Scene(faults=_fault("poll", broken_down(), 2, 3)),
    "backs-off-no-further-than-a-minute": Scene(
        Plan(duration=400.0, expires_after=900.0), faults=_fault("poll", unavailable(), 2, 12)
    ),
    "is-limited-more-often-than-it-may-fail": Scene(
        faults=_fault("poll", too_many(1), 2, 5), patience=bide.Patience(failures=3)
    ),
    "hears-no-http": Scene(faults=_fault("poll", Garbage(), 2, 2)),
    "hears-nothing-for-half-a-minute": Scene(Plan(duration=60.0), faults=_fault("poll", Hang(), 2)),
    "loses-the-reply-to-its-submission": Scene(faults=_fault("submit", Drop("after"))),
    "is-limited-at-its-submission": Scene(faults=_fault("submit", too_many(3))),
    "is-refused": Scene(faults=_fault("submit", bide.Response(422, body=b'{"error":{"code":"VALIDATION_ERROR"}}'))),
    "is-not-known-at-first": Scene(variants=Variants(visible_after=6.0)),
    "is-lost": Scene(
        Plan(duration=600.0), faults=_fault("poll", bide.Response(404), 4, 99), patience=bide.Patience(missing=3)
    ),
    "is-looked-for-before-it-is-lost": Scene(
        faults=_fault("poll", bide.Response(404), 4, 99), patience=bide.Patience(missing=9, missing_for=1.0)
    ),
    "loses-its-result": Scene(faults=_fault("result", bide.Response(410), 1, 99)),
    "has-its-result-in-the-status": Scene(variants=Variants(result_at="status")),
    "is-over-at-once": Scene(Plan(duration=0.0), variants=Variants(create_reply="finished with result")),
    "says-words-that-nobody-knows": Scene(variants=Variants(unknown_status="PONDERING", lower_case=True)),
    "fails": Scene(Plan(duration=12.0, outcome=Status.FAILED)),
    "is-cancelled-by-the-service": Scene(Plan(duration=12.0, outcome=Status.CANCELLED)),
    "expires": Scene(Plan(outcome=Status.EXPIRED, expires_after=25.0)),
    "is-cancelled-by-its-caller": Scene(Plan(duration=60.0), left=8.0),
    "is-cancelled-too-late": Scene(Plan(duration=8.0), left=7.0, latency=1.2),
    "is-given-up-at-the-deadline": Scene(Plan(duration=600.0), patience=bide.Patience(deadline=30.0)),
    "completes-in-the-last-look": Scene(
        Plan(duration=29.0), patience=bide.Patience(deadline=30.0), pace=bide.Every(13)
    ),
    "is-given-up-after-failures": Scene(
        faults=_fault("poll", unavailable(), 2, 99), patience=bide.Patience(failures=6)
    ),
    "never-gets-through": Scene(faults=_fault("any", Drop("before"), 1, 99)),
    "stalls": Scene(Plan(duration=900.0), patience=bide.Patience(stall=60.0)),
    "is-not-let-in": Scene(faults=_fault("poll", unauthorised(), 3, 99)),
    "is-watched": Scene(watched=True),
    "moves-to-another-address": Foreign("azure-arm", _foreign(looks=(Turn(address="moved"), _UNDER_WAY, _DONE))),
    "names-a-relative-address": Foreign("azure-core", _foreign(looks=(Turn(address="relative"), _UNDER_WAY, _DONE))),
    "is-paced-by-the-service": Foreign(
        "azure-arm",
        _foreign(looks=(Turn(headers=(("Retry-After", "7"),)), Turn(headers=(("Retry-After", "0"),)), _DONE)),
    ),
    "is-hurried-by-the-service": Foreign("azure-arm", _foreign(looks=(*[_AT_ONCE] * 4, _DONE))),
    "is-told-too-short-a-time": Foreign("azure-arm", _foreign(looks=(*[_IN_A_SECOND] * 4, _DONE))),
    "is-submitted-at-another-address": Scene(faults=_fault("submit", _sent_on(307, "?zone=2"))),
    "is-found-at-another-address": Scene(
        faults=(*_fault("poll", _sent_on(302, "?replica=2"), 2), *_fault("poll", _sent_on(308, "?replica=3"), 6))
    ),
    "is-said-to-be-elsewhere": Scene(faults=_fault("poll", _sent_on(301, "https://elsewhere.example/?token=1"), 3)),
    "cannot-be-followed": Scene(faults=_fault("submit", _PRIVATE)),
    "is-cancelled-at-the-second-try": Scene(Plan(duration=60.0), faults=_fault("cancel", broken_down()), left=8.0),
    "is-in-conflict-and-has-no-key": Foreign(
        "runway", _foreign(keyed=False, submissions=(Turn(instead=bide.Response(409)),))
    ),
    "has-no-key": Foreign("runway", _foreign(keyed=False, submissions=(Turn(instead=Drop("head")),))),
    "looks-before-it-cancels": Foreign("runway", _foreign(cancels=(Turn(),), looks=(_UNDER_WAY,)), left=20.0),
    "fails-with-200": Foreign("replicate", _foreign(looks=(_UNDER_WAY, Turn(Phase.FAILED)))),
}


def recorded(name: str, path: Path) -> Cassette:
    """The cassette of a scene, recorded into `path`."""
    with record(path, overwrite=True) as tape:
        SCENES[name].play(tape)
    cassette = tape.cassette
    assert cassette is not None
    return cassette


def main() -> None:
    """Record all scenes anew."""
    for name in SCENES:
        recorded(name, RECORDED / f"{name}.cassette.jsonl")


if __name__ == "__main__":
    main()
