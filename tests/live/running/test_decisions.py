"""The edge's allocator and the model's prediction, against the model itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Complaint

from twinsync.live.protocol.effects import Sight
from twinsync.live.protocol.frame import LEAST_FRAME, frame_bytes
from twinsync.live.radio.rates import Draws
from twinsync.live.running.catch_up import MOST
from twinsync.live.running.decisions import Decider
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

THINGS = tuple(f"a:{place}" for place in range(6))
SIGHTS = {thing: Sight(50.0, 7e5) for thing in THINGS}


@pytest.fixture(scope="module")
def draws(scenario: Scenario) -> Draws:
    return Draws(scenario, seed=0, count=2)


def test_every_reporting_device_gets_an_allocation_and_no_other(scenario: Scenario, draws: Draws) -> None:
    decider = Decider("equal-share", scenario, THINGS, draws, 0)
    few = {thing: SIGHTS[thing] for thing in THINGS[:2]}
    decided = decider.decide(0, few)
    assert set(decided) == set(few)
    assert decided["a:0"].extraction_factor == pytest.approx(0.3**0.5)
    assert decided["a:0"].edge_cpu_hz == pytest.approx(1e10 / 6)


def test_the_prediction_is_the_model_s(scenario: Scenario, draws: Draws) -> None:
    decider = Decider("equal-share", scenario, THINGS, draws, 0)
    decided = decider.decide(1, SIGHTS)
    parts, energy = decider.predict(1, decided, SIGHTS)["a:3"]
    slot, granted = draws.at(1), decided["a:3"]
    bits, phi = SIGHTS["a:3"].data_bits, granted.extraction_factor
    rate = 0.2e6 / 6 * np.log2(1.0 + 0.1 * slot.block_gain[3, 0] / 1e-11)
    assert parts.uplink_s == pytest.approx(bits * phi / rate, rel=1e-9)
    assert parts.extraction_s == pytest.approx(300.0 * bits * phi**-1.2 / 0.9e9, rel=1e-9)
    assert parts.recovery_s == pytest.approx(300.0 * bits * phi**-0.5 / (1e10 / 6), rel=1e-9)
    spent = 1e-8 * bits + 300.0 * bits * phi**-1.2 * 1e-27 * 0.9e9**2 + 0.1 * parts.uplink_s
    assert energy == pytest.approx(spent, rel=1e-9)


def test_a_small_sensor_is_granted_a_phi_that_holds_a_frame(scenario: Scenario, draws: Draws) -> None:
    decider = Decider("equal-share", scenario, THINGS, draws, 0)
    sights = {**SIGHTS, "a:1": Sight(50.0, 600.0)}
    decided = decider.decide(0, sights)
    # 60 bytes of 75; equal-share alone takes 0.55.
    assert frame_bytes(decided["a:1"].extraction_factor, 600.0) == LEAST_FRAME
    assert decided["a:0"].extraction_factor == pytest.approx(0.3**0.5)
    parts = decider.predict(0, decided, sights)
    phi, rate = decided["a:1"].extraction_factor, 0.2e6 / 6 * np.log2(1.0 + 0.1 * draws.at(0).block_gain[1, 0] / 1e-11)
    assert parts["a:1"][0].uplink_s == pytest.approx(600.0 * phi / rate, rel=1e-9)


def test_a_camera_whose_twin_is_worse_than_the_law_says_catches_up() -> None:
    measured = load_scenario("measured")
    sights = {thing: Sight(50.0, 7e5, "camera", 60.0) for thing in THINGS}
    sights |= {"a:1": Sight(50.0, 7e5, "camera", 0.0), "a:2": Sight(50.0, 7e5, "series", 0.0), "a:3": Sight(50.0, 7e5)}
    cell = (measured, THINGS, Draws(measured, seed=0, count=1), 0)
    decided = Decider("expected", *cell).decide(0, sights)
    assert decided["a:1"].extraction_factor == pytest.approx(MOST)
    as_decided = Decider("expected", *cell, catch_up=False).decide(0, sights)
    assert as_decided["a:1"].extraction_factor < 0.02
    assert {**decided, "a:1": as_decided["a:1"]} == as_decided  # the others, and all but phi, are as they were
    assert decided["a:1"].device_cpu_hz == as_decided["a:1"].device_cpu_hz


def test_where_no_law_of_accuracy_is_known_nobody_catches_up(scenario: Scenario, draws: Draws) -> None:
    sights = {thing: Sight(50.0, 7e5, "camera", 0.0) for thing in THINGS}
    decider = Decider("equal-share", scenario, THINGS, draws, 0)
    assert decider.decide(0, sights) == decider.decide(0, SIGHTS)


def test_more_edge_cpu_than_there_is_is_scaled_down(scenario: Scenario, draws: Draws, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\nfrom twinsync.model.slot import Allocation\n"
        "def greedy(scenario, sight, key):\n"
        "    one = np.ones_like(sight.data_bits)\n"
        "    return Allocation(0.5 * one, 1e9 * one, 0.1 * one, 1e10 * one)\n"
        "def broken(scenario, sight, key):\n"
        "    return Allocation(*[np.full_like(sight.data_bits, np.nan)] * 4)\n"
    )
    decided = Decider(f"{file}:greedy", scenario, THINGS, draws, 0).decide(0, SIGHTS)
    assert sum(granted.edge_cpu_hz for granted in decided.values()) == pytest.approx(1e10)


def test_what_is_no_allocation_is_refused(
    scenario: Scenario, draws: Draws, tmp_path: Path, complains: Complaint
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def broken(scenario, sight, key):\n    return None\n")
    with complains("broken", "returned NoneType"):
        Decider(f"{file}:broken", scenario, THINGS, draws, 0).decide(0, SIGHTS)
