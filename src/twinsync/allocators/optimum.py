"""The exact optimum of a slot for known gains, with a certificate, and the benchmarks that fix phi and optimise the
rest.

All minimise the cost that every table reports, in which latency and energy stop at the latency cap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.branching import SMALL, Best, branch_and_bound
from twinsync.allocators.checks import check_certifiable, known_slots
from twinsync.allocators.giving_up import GivingUp, give_up, hopeless
from twinsync.allocators.interior_point import minimise
from twinsync.allocators.ranges_of_phi import Solved, hulled, is_convex, search_ranges
from twinsync.allocators.slot_problem import SlotProblem, build_problem
from twinsync.arrays import Array, Bool, Float, Key
from twinsync.environment.interface import Sight, draw_phi
from twinsync.errors import InputError
from twinsync.model.slot import GHZ, Allocation, Slot, slot_outcome
from twinsync.scenario import Scenario

RELATIVE_GAP = 1e-6
ENOUGH = 5e-5  # least relative gap aimed at under a workload law that is not log-convex
PROVEN = 1e-3  # relative gap above which, under such a law, a slot counts as unsolved


class Slots(NamedTuple):
    """Data [bit], gains and bounds of phi of a batch of slots; whether each UD may be served and may be given up."""

    data_bits: Float[np.ndarray, "b K"]
    gain: Float[np.ndarray, "b K"]
    phi_low: Float[np.ndarray, "b K"]
    phi_high: Float[np.ndarray, "b K"]
    may_serve: Bool[np.ndarray, "b K"]
    may_give_up: Bool[np.ndarray, "b K"]


class Solution(NamedTuple):
    """Minimisers of T[n] + P, float64 NumPy; batch shape *b.

    allocation: [*b, K]. cost: its T[n] + P [*b]. lower_bound: no allocation within (19e) to (19h) costs less [*b];
    cost - lower_bound is the proven gap. latency_s: its T[n] [s], [*b]. Either all with the latency cap or all without.
    """

    allocation: Allocation
    cost: Float[np.ndarray, "*b"]
    lower_bound: Float[np.ndarray, "*b"]
    latency_s: Float[np.ndarray, "*b"]

    @property
    def relative_gap(self) -> Float[np.ndarray, "*b"]:
        """Proven gap, relative to the cost [*b]."""
        return (self.cost - self.lower_bound) / np.abs(self.cost)


def solve(
    scenario: Scenario,
    slot: Slot,
    *,
    extraction_factor: Float[Array, "*b K"] | None = None,
    codec: bool = True,
    capped: bool = True,
    relative_gap: float = RELATIVE_GAP,
) -> Solution:
    """Minimise T[n] + P of eq. (22) over (19e) to (19h) in every slot of a batch, for known gains and L = 1.

    Each UD is either served, a convex program in the logarithms of its variables (see `slot_problem`), or given up at
    the latency cap (see `giving_up`); `branching` closes the gap that this choice may leave. A workload law that is not
    log-convex is solved in ranges of phi (see `ranges_of_phi`). Works in float64, whatever the type of the arrays.

    extraction_factor: fixes phi; the rest is optimised. codec: if False, raw data are sent. capped: if False, latency
    and energy beyond the latency cap count too. relative_gap: proven gap, relative to the cost, at which to stop.

    Raises `InputError` for L > 1, an unknown penalty or workload law, a law under which a slot's optimum cannot be
    proven, arrays whose K is not the scenario's, and gains or data that are not positive and finite.
    """
    check_certifiable(scenario)
    with jax.enable_x64(True):
        data, gain = known_slots(scenario, slot)
        batch, count = data.shape[:-1], data.shape[-1]
        if not data.size:
            nothing = (np.empty(data.shape) for _ in range(4))
            return Solution(Allocation(*nothing, codec=codec), *(np.empty(batch) for _ in range(3)))
        if not codec:
            extraction_factor = np.ones(data.shape)
        low = scenario.extraction_factor_min if extraction_factor is None else extraction_factor
        high = 1.0 if extraction_factor is None else extraction_factor
        phi_low, phi_high = (
            np.broadcast_to(np.asarray(x, np.float64), data.shape).reshape(-1, count) for x in (low, high)
        )
        data, gain, either = data.reshape(-1, count), gain.reshape(-1, count), np.ones(phi_low.shape, bool)
        slots = Slots(data, gain, phi_low, phi_high, either, either)

        whole = extraction_factor is not None or is_convex(scenario)  # if phi is fixed, the law is a number
        solve_slots = _solve_whole if whole else _solve_ranges
        allocation, cost, latency, bound = solve_slots(scenario, slots, codec, capped, relative_gap)
    allocation = jax.tree.map(lambda x: x.reshape(*batch, count), allocation)
    return Solution(allocation, cost.reshape(batch), bound.reshape(batch), latency.reshape(batch))


def _solve_whole(
    scenario: Scenario,
    slots: Slots,
    codec: bool,
    capped: bool,
    relative_gap: float,
    law_of: Callable[..., Scenario] = lambda scenario, phi_low, phi_high: scenario,
    part: int | None = None,
) -> Solved:
    """Solve all slots over their ranges of phi under the workload law that `law_of` gives for them.

    The bound is that of this law; cost and latency are those of the scenario's own.
    """

    def run(rows: Slots, leave_open: int) -> Best:
        law = law_of(scenario, rows.phi_low, rows.phi_high)
        own = None if law is scenario else scenario
        return Best(*(np.array(each) for each in _solve(law, own, rows, codec, capped, relative_gap, leave_open)))

    best = branch_and_bound(run, slots, relative_gap, part=part)
    allocation = _allocation(scenario, best, slots.phi_low, slots.phi_high, codec)
    flat = Slot(np.ones_like(slots.data_bits), slots.data_bits, slots.gain[..., None])
    cost, latency = (np.array(each) for each in _reported(scenario, flat, allocation, capped))
    return Solved(allocation, cost, latency, best.bound)


def _solve_ranges(scenario: Scenario, slots: Slots, codec: bool, capped: bool, relative_gap: float) -> Solved:
    """Solve all slots under a law that is not log-convex, see `ranges_of_phi`."""
    part = min(len(slots.gain), SMALL)  # one shape, so that one program solves them all

    def solve_nodes(nodes: Slots) -> Solved:
        count = len(nodes.gain)
        filled = Slots(*(each[np.minimum(np.arange(max(count, part)), count - 1)] for each in nodes))
        solved = _solve_whole(scenario, filled, codec, capped, relative_gap, hulled, part)
        return jax.tree.map(lambda each: each[:count], solved)

    best = search_ranges(scenario, slots, solve_nodes, max(relative_gap, ENOUGH))
    gap = (best.cost - best.bound) / np.abs(best.cost)
    if (gap > PROVEN).any():
        raise InputError(
            f"workload_knots: the law is not convex in log-log, and under it {int((gap > PROVEN).sum())} of {len(gap)} "
            f"slots have no optimum proven to {PROVEN:g} (largest gap {gap.max():.1e}); use a convex law, or "
            "another allocator"
        )
    return best


def _allocation(scenario: Scenario, best: Best, phi_low: np.ndarray, phi_high: np.ndarray, codec: bool) -> Allocation:
    # exp(log(bound)) may miss the bound by a rounding error, which the clips undo.
    return Allocation(
        extraction_factor=np.clip(np.exp(best.z[:, 0]), phi_low, phi_high),
        device_cpu_hz=np.clip(np.exp(best.z[:, 1]) * GHZ, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        transmit_power_w=np.clip(np.exp(best.z[:, 2]), scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        edge_cpu_hz=np.maximum(best.edge_ghz * GHZ, scenario.edge_cpu_min_hz),
        codec=codec,
    )


@functools.partial(jax.jit, static_argnums=3)
def _reported(scenario: Scenario, slot: Slot, allocation: Allocation, capped: bool):
    """T[n] + P and T[n] of an allocation according to the simulator."""
    outcome = slot_outcome(scenario, slot, allocation, capped=capped)
    return outcome.cost, outcome.total_latency_s


@functools.partial(jax.jit, static_argnums=(3, 4))
def _solve(scenario: Scenario, own: Scenario | None, slots: Slots, codec: bool, capped: bool, relative_gap, leave_open):
    """Solve under a scenario's workload law. own: the scenario whose law that one is a hull of, if it is one."""
    distance = jnp.ones_like(slots.gain)
    slot = Slot(distance, slots.data_bits, slots.gain[..., None])

    def problem_of(law: Scenario) -> SlotProblem:
        return build_problem(law, slot, slots.phi_low, slots.phi_high, codec=codec)

    problem = problem_of(scenario)
    if capped:
        giving_up = give_up(problem, scenario.latency_cap_s, None if own is None else problem_of(own))
        problem = _with_cap(problem, slots, giving_up)
    best = minimise(problem, relative_gap, leave_open)
    return best.cost, best.bound, jnp.stack(best.z, axis=1), best.edge, best.margin


def _with_cap(problem: SlotProblem, slots: Slots, giving_up: GivingUp) -> SlotProblem:
    may_serve = slots.may_serve & ~(hopeless(problem, giving_up) & slots.may_give_up)
    cost, bound = (jnp.where(slots.may_give_up, each, jnp.inf) for each in (giving_up.cost, giving_up.bound))
    return problem._replace(
        may_serve=may_serve, given_up=cost, given_up_bound=bound, given_up_log_phi=giving_up.log_phi,
        # A UD that is given up at any price must not slow down the iteration for the others.
        log_snr=jnp.where(may_serve, problem.log_snr, jnp.max(problem.log_snr)),
    )  # fmt: skip


def _slot_of(sight: Sight) -> Slot:
    if sight.channel_gain is None:
        raise InputError("this allocator needs the channel gain: sight.channel_gain must not be None")
    return Slot(sight.distance_m, sight.data_bits, np.asarray(sight.channel_gain)[..., None])


class Optimum:
    """`optimum`: the exact minimum of T[n] + P, latency capped; knows the channel."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight)).allocation


class RandomExtraction:
    """`random-extraction`: phi uniform in [phi_min, 1], all else optimal for it; knows the channel."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        phi = np.asarray(draw_phi(key, scenario, np.shape(sight.data_bits)))
        return solve(scenario, _slot_of(sight), extraction_factor=phi).allocation


class NoSemantics:
    """`no-semantics`: phi = 1 with extraction and recovery still charged, all else optimal; knows the channel."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight), extraction_factor=np.ones(np.shape(sight.data_bits))).allocation


class Raw:
    """`raw`: raw data are sent, nothing is extracted or recovered, the power is optimal; knows the channel."""

    observation = "csi"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve(scenario, _slot_of(sight), codec=False).allocation
