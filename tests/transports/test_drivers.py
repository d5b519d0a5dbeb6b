"""One set of scenarios, two drivers: nothing but `exchange` differs, so equal replies give equal states."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

import bide
from bide_transports.emulator import (
    Account,
    Drop,
    Fault,
    Garbage,
    Hang,
    Limit,
    Plan,
    Service,
    Status,
    Variants,
    VirtualClock,
    broken_down,
    html,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.server import serve
from tests.drivers import DRIVERS, Drive
from tests.hostile import SHORT, patiently

START = 1_800_000_000.0


@dataclass(frozen=True)
class Scenario:
    """What the service does, and how the job must end."""

    name: str
    ends: type = bide.Completed
    plan: Plan = Plan(duration=10)
    variants: Variants = Variants()
    faults: tuple[Fault, ...] = ()
    limit: Limit = Limit()
    patience: bide.Patience = bide.Patience()
    order: bide.Order = field(default_factory=lambda: bide.Order("flux-1.1-pro", {"prompt": "a fox"}, "key-1"))
    # Cut before the reply's first byte: a driver may ask again on a fresh connection without telling (trio does).
    cut_early: bool = False


def _dropped(at: str) -> tuple[Fault, ...]:
    return (Fault("submit", Drop("after")), Fault("poll", Drop(at, reset=True)), Fault("result", Drop(at)))  # type: ignore[arg-type]


SCENARIOS = [
    Scenario("completed"),
    Scenario("failed", bide.Failed, Plan(5, Status.FAILED)),
    Scenario("cancelled by the service", bide.Cancelled, Plan(5, Status.CANCELLED)),
    Scenario("expired", bide.Expired, Plan(outcome=Status.EXPIRED, expires_after=60)),
    Scenario("result inline", variants=Variants(result_at="status", result_shape="file", lower_case=True)),
    Scenario("over at once", variants=Variants(create_reply="finished with result", create_status=200)),
    Scenario("over at once, result apart", variants=Variants(create_reply="finished")),
    Scenario("visible late", variants=Variants(visible_after=20, request_id=False)),
    Scenario("an unknown status", variants=Variants(unknown_status="DREAMING", extra_fields=True)),
    Scenario("a small window", plan=Plan(200), limit=Limit(4, 30), variants=Variants(skew=500)),
    Scenario("a small window, no reset", plan=Plan(100), limit=Limit(4, 30), variants=Variants(reset="none")),
    Scenario("reset in milliseconds", plan=Plan(100), limit=Limit(4, 30), variants=Variants(reset="milliseconds")),
    Scenario("retry-after as a date", faults=(Fault("poll", too_many("Fri, 15 Jan 2027 08:00:30 GMT")),)),
    Scenario("many 429s", plan=Plan(90), faults=(Fault("poll", too_many(7), times=5), Fault("submit", too_many(2)))),
    Scenario("429 without a hint", faults=(Fault("poll", too_many(None), times=4),)),
    Scenario("503 now and then", faults=(Fault("any", unavailable(), nth=2, times=3),)),
    Scenario("500 on polls", faults=(Fault("poll", broken_down(), times=3),)),
    Scenario("500 on the submission", bide.Failed, faults=(Fault("submit", broken_down()),)),
    Scenario("a portal in between", faults=(Fault("poll", html(200), times=2), Fault("result", html(502)))),
    Scenario("the key is taken back", bide.Abandoned, faults=(Fault("poll", unauthorised(), nth=2),)),
    Scenario("cut before", faults=_dropped("before"), cut_early=True),
    Scenario("cut after", faults=_dropped("after"), cut_early=True),
    Scenario("cut in the head", faults=_dropped("head")),
    Scenario("cut in the body", faults=_dropped("body")),
    Scenario("no HTTP", faults=(Fault("poll", Garbage(), times=2),)),
    Scenario("never an answer", faults=(Fault("poll", Hang(), times=2),), patience=bide.Patience(timeout=SHORT)),
    Scenario("the deadline", bide.Abandoned, Plan(500), patience=bide.Patience(deadline=60)),
    Scenario("too many failures", bide.Abandoned, faults=(Fault("poll", html(), times=99),)),
    Scenario(
        "no key, and the reply lost",
        bide.Abandoned,
        faults=(Fault("submit", Drop("after")),),
        order=bide.Order("flux-1.1-pro", {}),
    ),
]


def course(scenario: Scenario, drive: Drive, timeout: float) -> tuple[list[bide.Job], Account]:
    """Every state of the scenario's job, whose requests take up to `timeout` seconds, and what the service saw."""
    clock = VirtualClock(START)
    service = Service(default=scenario.plan, variants=scenario.variants, limit=scenario.limit, faults=scenario.faults)
    with serve(service, clock=clock.now) as emulator:
        dialect = bide.ModelRoute(emulator.base_url)
        patience = replace(scenario.patience, timeout=timeout)
        job = bide.submit(scenario.order, dialect=dialect, now=START, patience=patience)
        credential = (dialect.authorization(emulator.key),)
        return drive(job, credential, clock), emulator.account


@pytest.mark.parametrize("drive", DRIVERS.values(), ids=DRIVERS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_scenario_ends_as_it_must(scenario: Scenario, drive: Drive) -> None:
    def trial(timeout: float) -> None:
        states, account = course(scenario, drive, timeout)
        assert type(states[-1]) is scenario.ends, states[-1]
        assert account.early == ()
        assert account.executions <= 1
        if scenario.cut_early:
            assert states[-1].past.requests <= account.requests
        else:
            assert states[-1].past.requests == account.requests

    patiently(trial, scenario.patience.timeout)


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if not one.cut_early], ids=lambda scenario: scenario.name
)
def test_equal_replies_give_equal_states(scenario: Scenario) -> None:
    def trial(timeout: float) -> None:
        one, other = ([_anywhere(state) for state in course(scenario, drive, timeout)[0]] for drive in DRIVERS.values())
        assert one == other

    patiently(trial, scenario.patience.timeout)


def _anywhere(state: bide.Job) -> tuple[str, str | None, object, object, tuple[tuple[float, str, int], ...]]:
    """All that must be equal: the ports of two emulators are not."""
    trace = tuple((event.at, event.what, event.times) for event in state.past.trace)
    due = (state.due, state.not_before, state.why) if isinstance(state, bide.Waiting) else ()
    past = state.past._replace(trace=())
    return type(state).__name__, state.handle, due, past, trace
