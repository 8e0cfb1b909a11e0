"""A policy judged elsewhere than where it was trained is told as such, and only then."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from twinsync.environment import Interface
from twinsync.experiments.evaluate import draw_slot_set
from twinsync.experiments.outside import outside_training
from twinsync.learning.run import plain_values
from twinsync.runtime.constants import BOUNDS
from twinsync.runtime.encoding import encode, group_names
from twinsync.scenario import Scenario


def card(scenario: Scenario, wide: float = 0.0, **face: Any) -> dict[str, Any]:
    """The card of a policy trained in a scenario, its ranges `wide` wider on each side (natural logarithms)."""
    interface = dataclasses.asdict(Interface(**{"edge_cpu": "shares", "encoding": "physical", **face}))
    made = {"interface": interface, "scenario": plain_values(scenario)}
    if interface["encoding"] != "physical":
        return made
    slot = draw_slot_set(scenario, 9, 0, 100)[0]
    values = {key: float(getattr(scenario, key)) for key in BOUNDS}
    groups = encode(interface, values, slot.distance_m, slot.data_bits, None, None)
    least, most = groups.min(axis=(0, 2)) - wide, groups.max(axis=(0, 2)) + wide
    names = group_names(interface)
    return {**made, "ranges": {name: [float(a), float(b)] for name, a, b in zip(names, least, most, strict=True)}}


def told(card: dict[str, Any], scenario: Scenario) -> str:
    return outside_training(card, scenario, draw_slot_set(scenario, 1, 0, 100)[0])


def test_where_it_was_trained_nothing_is_told(scenario: Scenario) -> None:
    assert told(card(scenario), scenario) == ""
    assert told(card(scenario, encoding="affine"), scenario) == ""


def test_another_scenario_is_told_with_the_inputs_it_takes_beyond_training(scenario: Scenario) -> None:
    wider = scenario.replace(bandwidth_hz=2e6)
    assert told(card(scenario), wider) == (
        "trained with bandwidth_hz 200000, here 2e+06; inputs beyond its training: "
        "slots to send the raw data at 1 bit/s/Hz over an equal share of the bandwidth"
    )
    # Another code is relative to its own scenario: its inputs show nothing, the constants do.
    assert told(card(scenario, encoding="affine"), wider) == "trained with bandwidth_hz 200000, here 2e+06"


def test_within_the_trained_range_another_value_is_fine_but_not_another_objective(scenario: Scenario) -> None:
    # ln 10 = 2.3 lies within 3.
    trained = card(scenario, wide=3.0)
    assert told(trained, scenario.replace(bandwidth_hz=2e6, energy_budget_j=0.7)) == ""
    assert told(trained, scenario.replace(bandwidth_hz=2e6, penalty_weight=3.0)) == (
        "trained with penalty_weight 10, here 3"
    )
    assert "inputs beyond" in told(trained, scenario.replace(bandwidth_hz=2e8))


def test_many_differences_are_counted(scenario: Scenario) -> None:
    other = scenario.replace(
        bandwidth_hz=1e6, energy_budget_j=1.0, penalty="literal", penalty_weight=1.0, sensing_rate_bps=4e6
    )
    line = told(card(scenario, encoding="affine"), other)
    assert line.startswith("trained with sensing_rate_bps automatic, here 4e+06; bandwidth_hz 200000, here 1e+06; ")
    assert line.endswith("; and 2 more")


@pytest.mark.parametrize("trained", [None, np.inf])
def test_a_card_without_infinity_is_the_same_cap(scenario: Scenario, trained: float | None) -> None:
    made = card(scenario, encoding="affine")
    made["scenario"]["latency_cap_slots"] = trained
    assert told(made, scenario.replace(latency_cap_slots=np.inf)) == ""
    assert told(made, scenario).startswith("trained with latency_cap_slots ")
