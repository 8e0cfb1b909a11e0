"""The emulated radio against eq. (11) and (12), and the draws against those of the simulator."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Complaint

from twinsync.api.slots import draw_slots
from twinsync.live.radio.rates import Draws, Shannon, airtime_s, find_rate
from twinsync.model.channel import rate_bps
from twinsync.scenario import Scenario


@pytest.fixture(scope="module")
def draws(scenario: Scenario) -> Draws:
    return Draws(scenario, seed=3, count=4)


def test_slots_are_those_of_the_simulator_however_many_are_drawn(scenario: Scenario, draws: Draws) -> None:
    simulated = draw_slots(scenario, 70, seed=3)
    for slot in (0, 3, 30, 69):  # beyond those drawn first
        np.testing.assert_array_equal(draws.at(slot).data_bits, simulated.data_bits[slot])
        np.testing.assert_array_equal(draws.at(slot).block_gain, simulated.block_gain[slot])


def test_further_slots_are_drawn_before_they_are_needed(scenario: Scenario) -> None:
    draws = Draws(scenario, seed=3, count=4)
    draws.at(2)  # past the half of what there is
    until = time.monotonic() + 60
    while len(draws._slots.data_bits) < 8:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_rate_is_equation_11_of_the_slot_and_device(scenario: Scenario, draws: Draws) -> None:
    gain = float(draws.at(2).block_gain[4, 0])
    by_hand = 0.2e6 / 6 * math.log2(1.0 + 0.05 * gain / 1e-11)
    assert Shannon(draws)(2, 4, 0.05, 0.0) == pytest.approx(by_hand, rel=1e-5)
    whole = rate_bps(np.full(6, 0.05), draws.at(2).block_gain, scenario)
    assert Shannon(draws)(2, 4, 0.05, 0.7) == pytest.approx(float(whole[4]), rel=1e-6)


def test_airtime_is_bits_over_rate_up_to_a_step() -> None:
    # 12,288 bits at 100 kbit/s take 122.88 ms: 123 steps.
    assert airtime_s(12_288, lambda elapsed: 1e5, 10.0) == pytest.approx(0.123)
    assert airtime_s(12_288, lambda elapsed: math.inf, 10.0) == 0.0
    assert airtime_s(12_288, lambda elapsed: 0.0, 2.0) is None


def test_a_rate_may_change_while_a_frame_is_sent() -> None:
    # 50 ms at 100 kbit/s carry 5,000 bits, the other 5,000 take 25 ms at 200 kbit/s.
    assert airtime_s(10_000, lambda elapsed: 1e5 if elapsed < 0.0495 else 2e5, 1.0) == pytest.approx(0.075)


def test_a_user_s_own_radio(draws: Draws, tmp_path: Path, complains: Complaint) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def fixed(slot, device, transmit_power_w, elapsed_s):\n    return 1000.0 * (device + 1)\n")
    assert find_rate(f"{file}:fixed", draws)(0, 2, 0.1, 0.0) == 3000.0
    assert math.isinf(find_rate("none", draws)(0, 0, 0.1, 0.0))
    with complains("radio", "nothing.py:fixed", "shannon"):
        find_rate("nothing.py:fixed", draws)
    with complains("mine.py:other", "has no 'other'"):
        find_rate(f"{file}:other", draws)
