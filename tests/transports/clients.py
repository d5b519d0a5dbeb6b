"""The service that both clients for people are tested against: a model for each way that a job can go."""

from __future__ import annotations

from bide.document import JSON
from bide_transports.emulator import Fault, Limit, Plan, Service, Status, Variants

KEY = "sk_" + "0" * 64
FOX: dict[str, JSON] = {"prompt": "a fox"}
PLANS = {
    "good": Plan(duration=95),
    "bad": Plan(duration=20, outcome=Status.FAILED, error_code="CONTENT_MODERATION_REJECTED"),
    "stopped": Plan(duration=20, outcome=Status.CANCELLED),
    "late": Plan(outcome=Status.EXPIRED, expires_after=150),
    "short": Plan(duration=3),
    "quick": Plan(duration=0),  # over when the submission is acknowledged
}


def service(*faults: Fault, variants: Variants = Variants(), limit: Limit = Limit()) -> Service:
    """A service with those models, and this trouble."""
    return Service(plans=PLANS, variants=variants, limit=limit, faults=faults)
