"""No planted secret comes out of a redactor, in no encoding; what comes out passes the gate."""

from __future__ import annotations

import pytest

from bide_transports.cassette.redaction import Redactor, scan
from tests.cassette.redaction.planted import PLANTS, Plant, Untouched
from tests.cassette.redaction.traces import is_in

each_plant = pytest.mark.parametrize("plant", PLANTS, ids=[plant.name for plant in PLANTS])


def test_the_corpus_is_large() -> None:
    assert len(PLANTS) >= 200
    assert len({plant.name for plant in PLANTS}) == len(PLANTS)


@each_plant
def test_the_secret_is_planted(plant: Plant) -> None:
    assert is_in(plant.secret, plant.left(Untouched()))


@each_plant
def test_no_secret_comes_out(plant: Plant) -> None:
    assert not is_in(plant.secret, plant.left())


@each_plant
def test_what_comes_out_passes_the_gate(plant: Plant) -> None:
    assert scan(plant.left(), plant.rules) == []


@each_plant
def test_what_was_redacted_once_stays(plant: Plant) -> None:
    redactor = Redactor(plant.rules)
    left = plant.left(redactor)
    assert redactor.text(left) == left
    assert Redactor(plant.rules).text(left) == left
