"""Figures of merit against hand calculations, and against brute force on a fine time grid."""

import jax
import numpy as np
import pytest

from twinsync.experiments.metrics import (
    age_with_late_updates_s,
    ages_of_information,
    jain_index,
    measure,
    stage_times_s,
)
from twinsync.model import Allocation, Slot, draw_slots, slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import root_key


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def allocation(scenario: Scenario, shape: tuple[int, ...], **changes: float) -> Allocation:
    values = {
        "extraction_factor": 0.5,
        "device_cpu_hz": 0.9e9,
        "transmit_power_w": 0.1,
        "edge_cpu_hz": 1.5e9,
        **changes,
    }
    return Allocation(**{name: np.full(shape, value) for name, value in values.items()})


@pytest.fixture(scope="module")
def slots(scenario: Scenario) -> Slot:
    with jax.enable_x64(True):
        return jax.device_get(draw_slots(root_key(5), scenario, 60))


def test_ages_by_hand() -> None:
    # tau = 1, cycles of 3 slots; delivered after 0.5 in slots 0 and 2 of the first cycle, never in the second.
    delivered = np.array([True, False, True, False, False])[:, None]
    ages = ages_of_information(delivered, column(0.5, 9.0, 0.5, 9.0, 9.0), 1.0, 3)
    # end: delivered 1; missed 2; delivered 1; a new cycle starts at 1, missed 2; missed 3
    assert ages.slot_end_s[:, 0].tolist() == [1.0, 2.0, 1.0, 2.0, 3.0]
    # time average: 1*0.5+0.5; 1+0.5; 2*0.5+0.5; 1+0.5; 2+0.5
    assert ages.average_s[:, 0].tolist() == [1.0, 1.5, 1.5, 1.5, 2.5]


def test_late_updates_by_hand() -> None:
    # tau = 1, one cycle of 3 slots. Arrivals: slot 0 at 2.5, slot 1 at 2.0, slot 2 never.
    # Age from 1 at time 0 up to 3 at time 2, reset to 2 - 1 = 1, and slot 0's update at 2.5 is older: no reset.
    # Area: (1 + 3) / 2 * 2 + (1 + 2) / 2 * 1 = 5.5 over 3 slots.
    assert age_with_late_updates_s(column(2.5, 1.0, np.inf), 1.0, 3) == pytest.approx(5.5 / 3)


def test_both_ages_agree_where_nothing_is_late() -> None:
    generator = np.random.default_rng(2)
    latency = generator.uniform(0.1, 1.2, (57, 4))  # 57 slots in cycles of 10: the last one is cut short
    delivered = generator.uniform(size=latency.shape) < 0.6
    strict = ages_of_information(delivered, latency, 1.2, 10).average_s.mean()
    assert age_with_late_updates_s(np.where(delivered, latency, np.inf), 1.2, 10) == pytest.approx(strict)


def test_late_age_against_a_fine_time_grid() -> None:
    generator = np.random.default_rng(4)
    slot_s, per_cycle, count = 0.5, 6, 16
    latency = generator.exponential(0.9, (count, 1))
    steps = 4000
    ages = []
    for first in range(0, count, per_cycle):
        inside = np.arange(min(per_cycle, count - first))
        times = (np.arange(len(inside) * steps) + 0.5) * slot_s / steps
        sensed = slot_s * inside
        arrived = times[:, None] >= sensed + latency[first + inside, 0]
        ages.append(times - np.where(arrived, sensed, -slot_s).max(axis=1))
    assert age_with_late_updates_s(latency, slot_s, per_cycle) == pytest.approx(np.concatenate(ages).mean(), rel=1e-4)


def test_jain_index_by_hand() -> None:
    # (1+1+1)^2 / (3*3) = 1; 1 / 3; (1+2+3)^2 / (3*14) = 36/42
    values = np.array([[2.0, 2.0, 2.0], [5.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    assert jain_index(values) == pytest.approx([1.0, 1 / 3, 36 / 42])


def test_stages_stop_where_the_synchronisation_is_given_up(scenario: Scenario) -> None:
    # Cap 5 * 1.2 = 6 s. D = 0.7 Mbit, phi = 0.5: extraction 300 * 0.7e6 / 0.5^1.2 / f with f = 0.1 GHz is 4.8246 s.
    shape = (1, scenario.device_count)
    with jax.enable_x64(True):
        slot = Slot(np.full(shape, 50.0), np.full(shape, 0.7e6), np.full((*shape, 1), 1e-9))
        outcome = jax.device_get(slot_outcome(scenario, slot, allocation(scenario, shape, device_cpu_hz=1e8)))
        times = stage_times_s(scenario, outcome)
    assert outcome.outage.all()
    assert times["extraction"][0, 0] == pytest.approx(4.8246, rel=1e-4)
    assert times["uplink"][0, 0] == pytest.approx(6.0 - 4.8246, rel=1e-3)
    assert times["recovery"][0, 0] == 0.0


def test_parts_add_up(scenario: Scenario, slots: Slot) -> None:
    with jax.enable_x64(True):
        measures = measure(scenario, slots, allocation(scenario, slots.data_bits.shape, device_cpu_hz=1.2e8))
    means = measures.means
    assert means["outage_rate"] > 0  # the case in which parts are cut
    latency = sum(means[f"{part}_latency_s"] for part in ("sensing", "extraction", "uplink", "recovery"))
    energy = sum(means[f"{part}_energy_j"] for part in ("sensing", "extraction", "uplink"))
    assert latency == pytest.approx(means["latency_s"], rel=1e-12)
    assert means["latency_s"] == pytest.approx(measures.latency_s.mean())
    assert energy == pytest.approx(means["energy_j"], rel=1e-12)
    assert means["cost"] == pytest.approx(means["latency_s"] + means["penalty"], rel=1e-12)
    assert means["sent_bits"] == pytest.approx(0.5 * slots.data_bits.mean())
    assert measures.cost.dtype == np.float64


def test_limits_are_read_with_a_relative_tolerance(scenario: Scenario, slots: Slot) -> None:
    shape = slots.data_bits.shape

    def means(setting: Scenario, **changes: float) -> dict[str, float]:
        with jax.enable_x64(True):
            return measure(setting, slots, allocation(scenario, shape, **changes)).means

    with jax.enable_x64(True):
        outcome = jax.device_get(slot_outcome(scenario, slots, allocation(scenario, shape)))
    worst = float(outcome.energy_j.max())
    assert means(scenario.replace(energy_budget_j=worst * (1 - 5e-6)))["energy_violation_rate"] == 0.0
    assert means(scenario.replace(energy_budget_j=worst * (1 - 2e-5)))["energy_violation_rate"] == 1 / np.prod(shape)
    assert means(scenario, device_cpu_hz=1e9 * (1 + 5e-6))["bounds_violation_rate"] == 0.0
    assert means(scenario, device_cpu_hz=1e9 * (1 + 2e-5))["bounds_violation_rate"] == 1.0
    # 6 * 1.7 GHz is above the server's 10 GHz: every slot counts, and what is given is scaled down to 10/6 GHz.
    over = means(scenario, edge_cpu_hz=1.7e9)
    assert over["edge_cpu_violation_rate"] == 1.0
    assert over["edge_cpu_hz"] == pytest.approx(10e9 / 6)


def test_rates_by_hand(scenario: Scenario) -> None:
    # One slot whose gains rise from device to device; deadline 0.9 s, and nothing is sensed too slowly.
    shape = (1, scenario.device_count)
    gains = np.array([[1e-9, 1e-8, 1e-7, 1e-2, 1e-1, 1.0]])
    with jax.enable_x64(True):
        slot = Slot(np.full(shape, 50.0), np.full(shape, 0.6e6), gains[..., None])
        decided = allocation(scenario, shape, extraction_factor=0.9)
        outcome = jax.device_get(slot_outcome(scenario, slot, decided))
        means = measure(scenario, slot, decided).means
    late = int((outcome.sync_latency_s > 0.9).sum())
    assert 0 < late < 6
    assert means["deadline_miss_rate"] == pytest.approx(late / 6)
    assert means["deadline_completion_ratio"] == pytest.approx(1 - late / 6)
    assert means["outage_rate"] == pytest.approx((outcome.sync_latency_s >= 6.0).sum() / 6)
    assert means["sensing_violation_rate"] == 0.0
    # A cycle's first slot: age tau = 1.2 at its end for those in time, 2.4 for the late ones.
    assert means["slot_end_age_s"] == pytest.approx((1.2 * (6 - late) + 2.4 * late) / 6)
