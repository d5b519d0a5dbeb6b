"""No planted secret comes out of a redactor, in no encoding; what comes out passes the gate."""

from __future__ import annotations

import pytest

from bide_transports.cassette.redaction import Redactor, scan
from tests.cassette.redaction.planted import PLANTS, Plant, Untouched
from tests.cassette.redaction.traces import is_in


def test_the_corpus_is_large() -> None:
    assert len(PLANTS) >= 200
    assert len({plant.name for plant in PLANTS}) == len(PLANTS)


@pytest.mark.parametrize("plant", PLANTS, ids=[plant.name for plant in PLANTS])
def test_no_secret_comes_out(plant: Plant) -> None:
    assert is_in(plant.secret, plant.left(Untouched())), "it is planted"
    redactor = Redactor(plant.rules)
    left = plant.left(redactor)
    assert not is_in(plant.secret, left)
    assert scan(left, plant.rules) == []
    assert redactor.text(left) == left, "what was redacted once stays"
    assert Redactor(plant.rules).text(left) == left
