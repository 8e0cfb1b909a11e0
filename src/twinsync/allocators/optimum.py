"""The exact optimum of a slot for known gains, with a certificate, and the benchmarks that fix phi and optimise the
rest."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.interior_point import minimise
from twinsync.allocators.slot_problem import build_problem, check_convex, terms
from twinsync.arrays import Array, Float, Key
from twinsync.environment.interface import Sight, draw_phi
from twinsync.errors import InputError
from twinsync.model.slot import GHZ, Allocation, Slot
from twinsync.scenario import Scenario

RELATIVE_GAP = 1e-6


class Solution(NamedTuple):
    """Minimisers of T[n] + P without the latency cap, float64 NumPy; batch shape *b.

    allocation: [*b, K]. cost: T[n] + P of it [*b]. latency_s: T[n] of it [*b]. lower_bound: a certified bound below
    which no allocation within the bounds can come [*b]; cost - lower_bound is the proven gap.
    """

    allocation: Allocation
    cost: Float[np.ndarray, "*b"]
    lower_bound: Float[np.ndarray, "*b"]
    latency_s: Float[np.ndarray, "*b"]

    @property
    def relative_gap(self) -> Float[np.ndarray, "*b"]:
        """Proven gap over the cost."""
        return (self.cost - self.lower_bound) / np.abs(self.cost)


def solve(
    scenario: Scenario,
    slot: Slot,
    *,
    extraction_factor: Float[Array, "*b K"] | None = None,
    codec: bool = True,
    relative_gap: float = RELATIVE_GAP,
) -> Solution:
    """Minimise T[n] + P of eq. (22) over (19e) to (19h) in every slot of a batch, for known gains and L = 1.

    The program is convex in the logarithms of the variables (see `slot_problem`). `extraction_factor` fixes phi and
    optimises the rest; `codec=False` sends raw data. Works in float64 whatever the arrays' type. Raises `InputError`
    for L > 1 or a workload law that is not log-convex, and for gains or data that are not positive and finite.
    """
    check_convex(scenario)
    with jax.enable_x64(True):
        data = np.asarray(slot.data_bits, np.float64)
        gain = np.asarray(slot.block_gain, np.float64)
        for name, values in (("data_bits", data), ("channel_gain", gain)):
            if not (np.isfinite(values).all() and (values > 0).all()):
                raise InputError(f"{name} must be positive and finite in every slot, got {values[~(values > 0)][:1]}")
        batch, count = data.shape[:-1], data.shape[-1]
        if not codec:
            extraction_factor = np.ones(data.shape)
        low = scenario.extraction_factor_min if extraction_factor is None else extraction_factor
        high = 1.0 if extraction_factor is None else extraction_factor
        phi_low, phi_high = (
            np.broadcast_to(np.asarray(x, np.float64), data.shape).reshape(-1, count) for x in (low, high)
        )
        flat = Slot(data.reshape(-1, count), data.reshape(-1, count), gain.reshape(-1, count, 1))
        z, edge_ghz, cost, bound, latency = jax.device_get(
            _solve_batch(scenario, flat, phi_low, phi_high, codec, relative_gap)
        )
    shape = (*batch, count)
    # exp(log(bound)) may miss the bound by one rounding; the clips put it back.
    device = np.clip(np.exp(z[1]) * GHZ, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz)
    power = np.clip(np.exp(z[2]), scenario.transmit_power_min_w, scenario.transmit_power_max_w)
    allocation = Allocation(
        extraction_factor=np.clip(np.exp(z[0]), phi_low, phi_high).reshape(shape),
        device_cpu_hz=device.reshape(shape),
        transmit_power_w=power.reshape(shape),
        edge_cpu_hz=np.maximum(edge_ghz * GHZ, scenario.edge_cpu_min_hz).reshape(shape),
        codec=codec,
    )
    return Solution(allocation, cost.reshape(batch), bound.reshape(batch), latency.reshape(batch))


@functools.partial(jax.jit, static_argnums=(4,))
def _solve_batch(scenario: Scenario, slot: Slot, phi_low, phi_high, codec: bool, relative_gap):
    problem = build_problem(scenario, slot, phi_low, phi_high, codec=codec)
    best = minimise(problem, relative_gap)
    at = terms(problem, best.z)
    sync = at.m1 + at.m2 + at.m3 * (at.edge / best.edge)
    return best.z, best.edge, best.cost, best.bound, problem.sensing_s + jnp.sum(sync, axis=-1)


def _slot_of(sight: Sight) -> Slot:
    if sight.channel_gain is None:
        raise InputError("this allocator needs the channel gain; it asks for it by observation = csi")
    return Slot(sight.distance_m, sight.data_bits, np.asarray(sight.channel_gain)[..., None])


class Optimum:
    """`optimum`: minimises T[n] + P exactly, the channel known."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight)).allocation


class RandomExtraction:
    """`random-extraction`: phi uniform in [phi_min, 1], all else optimal for it, the channel known."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        phi = np.asarray(draw_phi(key, scenario, np.shape(sight.data_bits)))
        return solve(scenario, _slot_of(sight), extraction_factor=phi).allocation


class NoSemantics:
    """`no-semantics`: phi = 1 with extraction and recovery still charged, all else optimal, the channel known."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight), extraction_factor=np.ones(np.shape(sight.data_bits))).allocation


class Raw:
    """`raw`: raw data sent, nothing extracted or recovered, the power optimal, the channel known."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight), codec=False).allocation
