"""No planted secret comes out of a redactor, in no encoding; what comes out passes the gate."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from bide_transports.cassette.redaction import Redactor, Rules, scan
from tests.cassette.redaction.planted import PLANTS, Plant, Untouched
from tests.cassette.redaction.traces import is_in


def test_the_corpus_is_large() -> None:
    assert len(PLANTS) >= 200
    assert len({plant.name for plant in PLANTS}) == len(PLANTS)


def is_found(plant: Plant) -> bool:
    """Whether the gate finds what was planted, where no redactor has been."""
    rules = Rules(secrets=(*plant.rules.secrets, "0af3c9d4e1", "blue42", "blue43", "274953"), secret_names=("tan",))
    result = plant.redact(Untouched())
    if isinstance(result, bytes):
        result = {"b": {"$b64": b64encode(result).decode()}}
    return bool(scan(json.dumps(result), rules))


@pytest.mark.parametrize("plant", PLANTS, ids=[plant.name for plant in PLANTS])
def test_no_secret_comes_out(plant: Plant) -> None:
    assert is_in(plant.secret, plant.left(Untouched())), "it is planted"
    assert is_found(plant)
    redactor = Redactor(plant.rules)
    left = plant.left(redactor)
    assert not is_in(plant.secret, left)
    assert scan(left, plant.rules) == []
    assert redactor.text(left) == left, "what was redacted once stays"
    assert Redactor(plant.rules).text(left) == left
