"""`expected`: the optimum for a decision-maker that knows distances and data sizes but not the fading.

It minimises the expected capped cost of `expectation` over (19e) to (19h). Due to the cap, a device is either served or
given up, and each choice has its own minimum. `expected_by_price` finds both minima at a price of edge CPU and
searches for the price; `branching` closes the gap that the choice between the two may leave.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.branching import Best, branch_and_bound
from twinsync.allocators.checks import check_device_count
from twinsync.allocators.expectation import check_expectation, device_problem
from twinsync.allocators.expected_by_price import minimise_expected
from twinsync.arrays import Array, Bool, Float, Key
from twinsync.environment.interface import Sight
from twinsync.errors import InputError
from twinsync.model.slot import GHZ, Allocation
from twinsync.scenario import Scenario

CHUNK = 1536  # devices solved at once; bounds the memory
RELATIVE_GAP = 1e-5
CONVERGED = 1e-3  # relative gap between cost and bound above which a slot counts as unsolved


class Expected:
    """`expected`: minimises the expected cost, with the channel unknown."""

    observation = "paper"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch.

        Raises `InputError` as `solve_expected` does, and if a slot's solution is not proven to `CONVERGED`.
        """
        solution = solve_expected(scenario, sight.distance_m, sight.data_bits)
        if not solution.converged.all():
            worst = float(np.max(solution.relative_gap))
            raise InputError(
                f"{int((~solution.converged).sum())} of {solution.converged.size} slots have no expected optimum "
                f"proven to {CONVERGED:g} (largest gap {worst:.1e}); use another allocator for this scenario"
            )
        return solution.allocation


class ExpectedSolution(NamedTuple):
    """Minimisers of the expected cost, float64 NumPy; batch shape *b.

    allocation: [*b, K]. cost: its expected T + P [*b]. lower_bound: the dual value [*b]; no allocation has a lower
    expected cost, provided that the global minimum of each device was found. converged: whether the gap between the two
    is at most CONVERGED of the cost [*b]; if not, do not use the allocation.
    """

    allocation: Allocation
    cost: Float[np.ndarray, "*b"]
    lower_bound: Float[np.ndarray, "*b"]
    converged: Bool[np.ndarray, "*b"]

    @property
    def relative_gap(self) -> Float[np.ndarray, "*b"]:
        """Gap between cost and bound, relative to the cost [*b]."""
        return (self.cost - self.lower_bound) / np.abs(self.cost)


class _Slots(NamedTuple):
    distance_m: Float[np.ndarray, "b K"]
    data_bits: Float[np.ndarray, "b K"]
    may_serve: Bool[np.ndarray, "b K"]
    may_give_up: Bool[np.ndarray, "b K"]


def check_expected(scenario: Scenario) -> None:
    """Raise `InputError` for a scenario without an expected optimum, see `check_expectation`."""
    check_expectation(scenario)


def solve_expected(
    scenario: Scenario, distance_m: Float[Array, "*b K"], data_bits: Float[Array, "*b K"]
) -> ExpectedSolution:
    """Minimise the expectation over the fading of T[n] + P of (22), with capped latency, in every slot of a batch.

    Raises `InputError` for L > 1 fading blocks, an unknown penalty or workload law, arrays whose K is not the
    scenario's, values that are not positive and finite, and without a latency cap (the expectation is then infinite).
    """
    check_expected(scenario)
    shape = np.shape(data_bits)
    check_device_count(scenario, data_bits=shape, distance_m=np.shape(distance_m))
    distance, data = (np.asarray(x, np.float64).reshape(-1, shape[-1]) for x in (distance_m, data_bits))
    for name, values in (("distance_m", distance), ("data_bits", data)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise InputError(f"{name} must be positive and finite in every slot")
    either = np.ones(data.shape, bool)
    with jax.enable_x64(True):
        best = branch_and_bound(
            lambda part, leave_open: Best(*(np.array(x) for x in _solve(scenario, part, leave_open))),
            _Slots(distance, data, either, either),
            RELATIVE_GAP,
            part=max(1, CHUNK // shape[-1]),
        )
    # exp(log(bound)) may miss the bound by a rounding error, which the clips undo.
    phi, device, power = (np.exp(best.z[:, i]) for i in range(3))
    allocation = Allocation(
        extraction_factor=np.clip(phi, scenario.extraction_factor_min, 1.0),
        device_cpu_hz=np.clip(device * GHZ, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        transmit_power_w=np.clip(power, scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        edge_cpu_hz=np.maximum(best.edge_ghz * GHZ, scenario.edge_cpu_min_hz),
    )
    allocation = jax.tree.map(lambda x: x.reshape(shape), allocation)
    converged = best.cost - best.bound <= CONVERGED * np.abs(best.cost)
    return ExpectedSolution(allocation, *(x.reshape(shape[:-1]) for x in (best.cost, best.bound, converged)))


@jax.jit
def _solve(scenario: Scenario, slots: _Slots, leave_open) -> Best:
    problem = device_problem(scenario, slots.distance_m, slots.data_bits)
    return minimise_expected(
        scenario, problem, jnp.asarray(slots.may_serve), jnp.asarray(slots.may_give_up), leave_open
    )
