"""The definitions of all figures of merit, for one policy on one set of slots."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from twinsync.arrays import Array, Bool, Float
from twinsync.model.slot import Allocation, Outcome, Slot, executed_edge_cpu_hz, slot_outcome
from twinsync.scenario import Scenario

TOLERANCE = 1e-5  # relative; the exact optimum lies on its limits to within the solver's accuracy

LATENCY_PARTS = ("sensing", "extraction", "uplink", "recovery")
ENERGY_PARTS = ("sensing", "extraction", "uplink")

_outcome = eqx.filter_jit(slot_outcome)


class Measures(NamedTuple):
    """T[n] [s] and T[n] + P of each slot [N], both with the latency cap, and every figure's mean over the slots."""

    latency_s: Float[np.ndarray, " N"]
    cost: Float[np.ndarray, " N"]
    means: dict[str, float]


class Ages(NamedTuple):
    """Age of information of each UD in each slot [s]: its time average over the slot, and its value at the end."""

    average_s: Float[np.ndarray, "N K"]
    slot_end_s: Float[np.ndarray, "N K"]


def measure(scenario: Scenario, slot: Slot, allocation: Allocation) -> Measures:
    """Every figure of merit of one allocation [N, K] on one set of slots. Call it with float64 enabled.

    Latency, energy and their parts are sums over the UDs, so the parts add up to T[n] and to the slot's energy. Rates
    and allocations are means over UDs and slots. `summary.DEFINITIONS` describes each figure.
    """
    outcome: Outcome = jax.device_get(_outcome(scenario, slot, allocation))
    per_slot = {
        "latency_s": outcome.total_latency_s,
        "cost": outcome.cost,
        "penalty": outcome.penalty,
        "energy_j": outcome.energy_j.sum(-1),
        **{f"{part}_latency_s": time.sum(-1) for part, time in stage_times_s(scenario, outcome).items()},
        **{f"{part}_energy_j": getattr(outcome, f"{part}_energy_j").sum(-1) for part in ENERGY_PARTS},
        "jain_index": jain_index(outcome.sensing_latency_s + outcome.capped_sync_latency_s),
    }
    per_device = {
        **_rates(scenario, outcome, allocation),
        # The violation rate alone depends on the tolerance, since an optimum lies on its limit.
        "energy_excess_j": np.maximum(outcome.energy_j - scenario.energy_budget_j, 0.0),
        **_ages(scenario, outcome),
        "extraction_factor": allocation.extraction_factor,
        "device_cpu_hz": allocation.device_cpu_hz,
        "transmit_power_w": allocation.transmit_power_w,
        "edge_cpu_hz": executed_edge_cpu_hz(allocation.edge_cpu_hz, scenario),
        "sent_bits": outcome.sent_bits,
    }
    means = {name: float(np.mean(values)) for name, values in {**per_slot, **per_device}.items()}
    return Measures(np.asarray(outcome.total_latency_s), np.asarray(outcome.cost), means)


def stage_times_s(scenario: Scenario, outcome: Outcome) -> dict[str, Float[Array, "N K"]]:
    """Time that each UD spends in each stage until it is done or cut off at the latency cap; adds up to the capped
    latency.

    Under Rayleigh fading the mean of the uncapped uplink time does not exist, so an uplink that is cut off counts up to
    the cap.
    """
    left = np.full_like(outcome.sync_latency_s, scenario.latency_cap_s)
    times: dict[str, Array] = {"sensing": outcome.sensing_latency_s}
    for part in ("extraction", "uplink", "recovery"):
        times[part] = np.minimum(getattr(outcome, f"{part}_latency_s"), left)
        left = left - times[part]
    return times


def jain_index(values: Float[Array, "N K"]) -> Float[Array, " N"]:
    """Jain's fairness index over the K UDs of each slot, (sum x)^2 / (K sum x^2), from 1/K (one has all) to 1."""
    return values.sum(-1) ** 2 / (values.shape[-1] * (values**2).sum(-1))


def ages_of_information(
    delivered: Bool[Array, "N K"], latency_s: Float[Array, "N K"], slot_s: float, slots_per_cycle: int
) -> Ages:
    """Age of information over consecutive cycles.

    A twin's age is the time since the sensing of its newest delivered state began. An update delivered t_k = t_s + t_dt
    after the start of its slot resets the age to t_k, the delivered age; otherwise the age keeps growing, by tau per
    slot. So it is tau at the end of a slot with a delivery, and tau more after each one without. A cycle starts at age
    tau, as if the slot before it had delivered. With age a at its start, a slot's time average is a t_k / tau + tau / 2
    with a delivery and a + tau / 2 without.
    """
    count = delivered.shape[0]
    n = np.arange(count)
    first = n - n % slots_per_cycle
    last = np.maximum.accumulate(np.where(delivered, n[:, None], -1), axis=0)
    last = np.maximum(last, first[:, None] - 1)
    end = slot_s * (n[:, None] - last + 1)
    start = np.where((n == first)[:, None], slot_s, np.roll(end, 1, axis=0))
    average = start * np.where(delivered, latency_s / slot_s, 1.0) + 0.5 * slot_s
    return Ages(average, end)


def age_with_late_updates_s(latency_s: Float[Array, "N K"], slot_s: float, slots_per_cycle: int) -> float:
    """Time average of the age if updates count from their arrival, t_k after the start of their slot; newest wins [s].

    An update with infinite latency never arrives. Cycles and initial ages are those of `ages_of_information`.
    """
    count, devices = latency_s.shape
    cycles = -(-count // slots_per_cycle)
    whole = cycles * slots_per_cycle
    padded = np.concatenate([latency_s, np.full((whole - count, devices), np.inf)])
    sensed = np.broadcast_to(slot_s * np.arange(slots_per_cycle)[:, None], (cycles, slots_per_cycle, devices))
    arrival = sensed + padded.reshape(sensed.shape)
    end = slot_s * np.minimum(slots_per_cycle, count - slots_per_cycle * np.arange(cycles))[:, None, None]
    order = np.argsort(arrival, axis=1, stable=True)
    times = np.minimum(np.take_along_axis(arrival, order, axis=1), end)
    newest = np.maximum.accumulate(np.take_along_axis(sensed, order, axis=1), axis=1)
    begin = np.zeros_like(newest[:, :1])
    since = np.concatenate([begin, times], axis=1)
    until = np.concatenate([times, begin + end], axis=1)
    known = np.concatenate([begin - slot_s, newest], axis=1)
    area = 0.5 * ((until - known) ** 2 - (since - known) ** 2)
    return float(area.sum() / (slot_s * count * devices))


def _ages(scenario: Scenario, outcome: Outcome) -> dict[str, Array]:
    latency = outcome.sensing_latency_s + outcome.sync_latency_s
    slot_s = float(scenario.slot_s)
    in_time = ~_exceeds(outcome.sync_latency_s, scenario.deadline_s) & ~_exceeds(latency, slot_s)
    ages = ages_of_information(in_time, latency, slot_s, scenario.slot_count)
    late = np.where(outcome.outage, np.inf, latency)
    return {
        "age_of_information_s": ages.average_s,
        "slot_end_age_s": ages.slot_end_s,
        "age_with_late_updates_s": np.asarray(age_with_late_updates_s(late, slot_s, scenario.slot_count)),
    }


def _rates(scenario: Scenario, outcome: Outcome, allocation: Allocation) -> dict[str, Array]:
    late = _exceeds(outcome.sync_latency_s, scenario.deadline_s)
    bounds = (
        ("extraction_factor", scenario.extraction_factor_min, 1.0),
        ("device_cpu_hz", scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        ("transmit_power_w", scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        ("edge_cpu_hz", scenario.edge_cpu_min_hz, np.inf),
    )
    outside = np.zeros_like(late)
    for name, low, high in bounds:
        values = np.asarray(getattr(allocation, name))
        outside |= _exceeds(values, high) | (values < np.asarray(low) * (1.0 - TOLERANCE))
    return {
        "deadline_miss_rate": late,
        "deadline_completion_ratio": ~late,
        "energy_violation_rate": _exceeds(outcome.energy_j, scenario.energy_budget_j),
        "outage_rate": outcome.outage,
        "sensing_violation_rate": _exceeds(outcome.sensing_latency_s, scenario.sensing_share * scenario.slot_s),
        "edge_cpu_violation_rate": _exceeds(np.sum(allocation.edge_cpu_hz, axis=-1), scenario.edge_cpu_max_hz),
        "bounds_violation_rate": outside,
    }


def _exceeds(values: Array, limit) -> np.ndarray:
    return np.asarray(values) > np.asarray(limit) * (1.0 + TOLERANCE)
