"""Expected cost of a slot over the fading, for a decision-maker that knows only distances and data sizes.

Sending takes a time that the fading decides. Every part of the expected cost is the mean of a hinge of that time, hence
a mean shortfall (`shortfall`): a smooth function with derivatives in closed form.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.checks import check_forms
from twinsync.allocators.four_by_four import Four
from twinsync.allocators.shortfall import mean_shortfall
from twinsync.arrays import Array, Float
from twinsync.errors import InputError
from twinsync.model.channel import path_gain
from twinsync.model.semantics import log_work
from twinsync.model.sensing import sensing_energy_j, sensing_latency_s
from twinsync.model.slot import GHZ, Allocation, Slot
from twinsync.scenario import Scenario


def check_expectation(scenario: Scenario) -> None:
    """Raise `InputError` without a latency cap (infinite expectation), for L > 1, or an unknown penalty or law."""
    check_forms(scenario)
    if scenario.fading_blocks != 1:
        raise InputError(f"the expected cost needs fading_blocks = 1, got {scenario.fading_blocks}")
    if not np.isfinite(scenario.latency_cap_slots):
        raise InputError(
            "the expected cost is infinite without a latency cap; set latency_cap_slots to a finite number"
        )


class DeviceProblem(NamedTuple):
    """Quantities besides the decision that a device's expected cost depends on; arrays [*b, K]."""

    log_cycles: jax.Array  # ln of gigacycles to process the raw data once
    log_energy: jax.Array  # ln of the energy to do so at 1 GHz
    log_airtime: jax.Array  # ln of the time to send the raw data at 1 nat/s/Hz
    log_snr: jax.Array  # ln of mean gain over noise
    sensing_j: jax.Array  # sensing energy [J]
    sensing_s: jax.Array  # sensing latency [s]


def device_problem(
    scenario: Scenario, distance_m: Float[Array, "*b K"], data_bits: Float[Array, "*b K"]
) -> DeviceProblem:
    """The problem of every device in a batch of slots [*b, K]."""
    data = jnp.asarray(data_bits)
    log_cycles = jnp.log(scenario.cycles_per_bit * data / GHZ)
    # A capacitance of 0 is allowed.
    log_energy = log_cycles + jnp.log(jnp.maximum(scenario.capacitance, 1e-37)) + 3 * math.log(GHZ)
    share_hz = scenario.bandwidth_hz / scenario.device_count
    return DeviceProblem(
        log_cycles,
        log_energy,
        jnp.log(data * (math.log(2.0) / share_hz)),
        jnp.log(path_gain(jnp.asarray(distance_m), scenario) / scenario.noise_power_w),
        sensing_energy_j(data, scenario),
        sensing_latency_s(data, scenario),
    )


def device_cost(scenario: Scenario, problem: DeviceProblem, z: Four) -> Float[Array, "*b"]:
    """Expected contribution of a device to T + P at z = ln of (phi, f, p, f_e), frequencies in GHz, power in W.

    Elementwise, any shape. Equals the mean over the fading of `slot_outcome(...).device_cost` as long as the requests
    for edge CPU fit the server, except that the caller must add the literal penalty's term for the requests.
    """
    s, f, p, g = z
    extract, recover = log_work(s, scenario)
    t_extract = jnp.exp(problem.log_cycles + extract - f)
    t_still = t_extract + jnp.exp(problem.log_cycles + recover - g)
    # The UD extracts, then sends, and stops at the cap.
    e_still = jnp.exp(problem.log_energy + extract + 2.0 * f) / jnp.maximum(1.0, t_extract / scenario.latency_cap_s)
    e_still = problem.sensing_j + e_still
    unit, power = jnp.exp(problem.log_airtime + s), jnp.exp(p)

    def shortfall(limit: jax.Array, unit: jax.Array = unit) -> jax.Array:
        return mean_shortfall(limit, unit, problem.log_snr + p)

    cap, weight = scenario.latency_cap_s, scenario.penalty_weight
    # min(t, cap) = cap - max(cap - t, 0), and likewise below, so the long tail of tau never enters.
    below_cap = shortfall(cap - t_still)
    latency = cap - below_cap
    room = jnp.maximum(cap - t_extract, 0.0)  # time left to send before the cap
    if scenario.penalty == "literal":
        count = scenario.device_count
        energy = e_still + power * (room - shortfall(room))
        excess = latency - scenario.deadline_s / count + energy - scenario.energy_budget_j / count
        return problem.sensing_s + latency + weight * excess
    deadline = jnp.minimum(scenario.deadline_s, cap)
    lateness = (cap - deadline) - below_cap + shortfall(deadline - t_still)
    spare = scenario.energy_budget_j - e_still
    most = jnp.maximum(power * room, spare)
    over = (most - spare) - shortfall(most, power * unit) + shortfall(spare, power * unit)
    return problem.sensing_s + latency + weight * (lateness + over)


def expected_cost(scenario: Scenario, slot: Slot, allocation: Allocation) -> Float[Array, "*b"]:
    """Mean of T + P over the fading for an allocation [*b, K] within the edge server's capacity.

    The slot's own gain is not used. Raises `InputError` for L > 1, an unknown penalty or workload law, and without a
    latency cap.
    """
    check_expectation(scenario)
    problem = device_problem(scenario, slot.distance_m, slot.data_bits)
    edge = jnp.asarray(allocation.edge_cpu_hz) / GHZ
    logs = (allocation.extraction_factor, allocation.device_cpu_hz / GHZ, allocation.transmit_power_w, edge)
    s, f, p, g = (jnp.log(value) for value in logs)
    cost = jnp.sum(device_cost(scenario, problem, (s, f, p, g)), axis=-1)
    if scenario.penalty == "literal":
        cost = cost + scenario.penalty_weight * (jnp.sum(edge, axis=-1) - scenario.edge_cpu_max_hz / GHZ)
    return cost
