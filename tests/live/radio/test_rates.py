"""The emulated radio against eq. (11) and (12), and the draws against those of the simulator."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Complaint

from twinsync.api.slots import draw_slots
from twinsync.live.radio.rates import BLOCKS, Draws, Shannon, airtime_s, check_rate, find_rate
from twinsync.model.channel import rate_bps
from twinsync.scenario import Scenario


@pytest.fixture(scope="module")
def draws(scenario: Scenario) -> Draws:
    return Draws(scenario, seed=3, count=4)


def test_slots_are_those_of_the_simulator_however_many_are_drawn(scenario: Scenario, draws: Draws) -> None:
    simulated = draw_slots(scenario, 140, seed=3)
    # With blocks of one cycle, 25 slots: beyond those drawn first, and back to some that are no longer kept.
    for slot in (0, 3, 30, 69, 139, 110, 24):
        np.testing.assert_array_equal(draws.at(slot).data_bits, simulated.data_bits[slot])
        np.testing.assert_array_equal(draws.at(slot).block_gain, simulated.block_gain[slot])


def test_further_slots_are_drawn_before_they_are_needed(scenario: Scenario) -> None:
    draws = Draws(scenario, seed=3, count=4)
    draws.at(11)
    draws.at(13)  # past the middle of the first block
    until = time.monotonic() + 60
    while list(draws._blocks) != [0, 1]:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_is_drawn_does_not_grow_with_time(scenario: Scenario) -> None:
    draws = Draws(scenario, seed=3, count=4)
    for slot in range(0, 500, 10):  # 20 blocks of 25 slots
        draws.at(slot)
        assert len(draws._blocks) <= BLOCKS
    assert {len(block.data_bits) for block in draws._blocks.values()} == {25}


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


def test_a_mahimahi_trace_is_a_link_of_each_device_s_own(draws: Draws, tmp_path: Path) -> None:
    file = tmp_path / "link.trace"
    file.write_text("0\n1\n1\n12\n")  # 12 ms: a packet at 0, two at 1, and one at 12, which is 0 again
    rate = find_rate(f"trace:{file}", draws)
    assert [rate(0, 0, 0.1, 1e-3 * step) for step in range(13)] == [24e6, 24e6, *[0.0] * 10, 24e6]
    assert rate(0, 1, 0.1, 10e-3) == 24e6  # another of six devices is 2 ms further
    assert rate(2, 0, 0.1, 0.0) == rate(0, 0, 0.1, 2 * float(draws.scenario.slot_s))
    # Four packets fit into the first 2 ms, the fifth waits for the twelfth.
    assert airtime_s(3 * 12_000, lambda elapsed: rate(0, 0, 0.1, elapsed), 1.0) == pytest.approx(2e-3)
    assert airtime_s(5 * 12_000, lambda elapsed: rate(0, 0, 0.1, elapsed), 1.0) == pytest.approx(13e-3)


@pytest.mark.parametrize("text", ["", "0\n", "3\n1\n", "one\n", "-1\n4\n", "1.5\n"])
def test_what_is_no_trace_is_refused(text: str, tmp_path: Path, complains: Complaint) -> None:
    file = tmp_path / "link.trace"
    file.write_text(text)
    with complains(str(file)):
        check_rate(f"trace:{file}")
    with complains("nowhere.trace", "No such file"):
        check_rate("trace:nowhere.trace")
