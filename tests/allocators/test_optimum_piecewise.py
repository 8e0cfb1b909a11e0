"""The optimum under piecewise workload laws, convex or not: no bound lies above a feasible decision's cost."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tests.allocators.slots import COUNT, cost_of, one, slots_of

from twinsync.allocators import ranges_of_phi, solve
from twinsync.errors import InputError
from twinsync.model import Allocation, Slot
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario


def test_a_piecewise_law_on_a_power_law_gives_the_same_optimum():
    plain = load_scenario("paper")
    rows = [[phi, phi**-1.2, phi**-0.5] for phi in (0.2, 0.4, 0.6, 0.8, 1.0)]
    law = load_scenario("paper", ["workload_law=piecewise", f"workload_knots={rows}"])
    slot = slots_of(plain, 1, COUNT)
    np.testing.assert_allclose(solve(law, slot).cost, solve(plain, slot).cost, rtol=1e-6)


def test_a_convex_piecewise_law_with_corners_is_certified():
    rows = [[0.2, 8.0, 2.0], [0.4, 2.5, 1.5], [0.7, 1.3, 1.3], [1.0, 1.2, 1.2]]
    law = load_scenario("paper", ["workload_law=piecewise", f"workload_knots={rows}"])
    assert solve(law, slots_of(law, 1, COUNT)).relative_gap.max() <= 1e-5


RISING_THEN_FALLING = [[0.01, 6.0, 1.0], [0.05, 8.0, 1.2], [0.2, 12.0, 1.8], [0.4, 2.0, 1.3], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("bandwidth_hz", [0.2e6, 20e6])  # phi small; phi in the upper range, whose work is less
def test_a_law_that_is_not_convex_is_solved_by_ranges_of_phi(bandwidth_hz: float):
    changes = [f"bandwidth_hz={bandwidth_hz}", "device_count=2", "extraction_factor_min=0.02", "cycles_per_bit=100"]
    law = load_scenario("paper", [*changes, "workload_law=piecewise", f"workload_knots={RISING_THEN_FALLING}"])
    slot = slots_of(law, 1, 3)
    solution = solve(law, slot)
    assert solution.relative_gap.max() <= 1e-3
    grid = np.geomspace(0.02, 1.0, 15)
    phi = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    for n in range(3):
        alike = one(slot, n)
        many = jax.tree.map(lambda x: np.broadcast_to(np.asarray(x), (len(phi), *np.shape(x))), alike)
        least = solve(law, many, extraction_factor=phi).cost.min()
        assert solution.lower_bound[n] <= least * (1 + 1e-9)
        assert solution.cost[n] <= least * (1 + 1e-6)


def test_a_law_that_leaves_slots_without_a_proof_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranges_of_phi, "MOST_OPEN", 1)  # at most one split
    rows = [[0.2, 2.0, 2.0], [0.3, 9.0, 1.5], [0.31, 1.2, 1.5], [0.5, 9.0, 1.5], [0.51, 1.1, 1.0], [1.0, 9.0, 1.0]]
    law = load_scenario("paper", ["bandwidth_hz=20e6", "workload_law=piecewise", f"workload_knots={rows}"])
    with pytest.raises(InputError, match="the law is not convex in log-log, and under it"):
        solve(law, slots_of(law, 1, 2))


def priced(scenario: Scenario, gain: float, data_bits: float, *, phi, f, p, f_e) -> tuple[float, float]:
    """Proven lower bound of a slot with one UD, and the cost of one decision in it."""
    slot = Slot(np.ones((1, 1)), np.full((1, 1), data_bits), np.full((1, 1, 1), gain))
    decision = Allocation(*(np.full((1, 1), x) for x in (phi, f, p, f_e)))
    return float(solve(scenario, slot).lower_bound[0]), float(cost_of(scenario, slot, decision)[0])


def test_a_knot_just_outside_the_range_of_phi_lifts_no_bound():
    rows = [[0.1, 9.0, 2.0], [0.2, 12.0, 2.0], [0.4, 1.94, 1.2], [1.0, 1.9, 1.0]]
    changes = ["device_count=1", "energy_budget_j=100", "extraction_factor_min=0.41"]
    law = load_scenario("paper", [*changes, "workload_law=piecewise", f"workload_knots={rows}"])
    bound, cost = priced(law, 5.6e-8, 0.7e6, phi=0.41, f=1e9, p=0.1, f_e=10e9)
    assert bound <= cost


def test_a_device_given_up_under_a_law_that_is_not_convex_has_a_valid_bound():
    # A longer extraction leaves less time to send: the least energy is at phi = 0.2, within the range.
    law = load_scenario("measured", ["device_count=1", "penalty=literal"])
    least = {"f": law.device_cpu_min_hz, "p": law.transmit_power_min_w, "f_e": law.edge_cpu_min_hz}
    for phi in (law.extraction_factor_min, 0.1, 0.2, 0.4, 1.0):
        bound, cost = priced(law, 1e-14, 0.8e6, phi=phi, **least)
        assert bound <= cost + 1e-9 * abs(cost)


@pytest.mark.parametrize("penalty", ["hinge", "literal"])
def test_bounds_under_random_laws_are_below_a_grid_of_decisions(penalty: str):
    rng = np.random.default_rng(7)
    for _ in range(4):
        places = np.sort(np.exp(rng.uniform(np.log(0.06), np.log(0.95), 2)))
        rows = [[float(phi), *np.exp(rng.normal(0.0, [1.0, 0.7])).tolist()] for phi in (0.04, *places, 1.0)]
        law = load_scenario("paper", ["device_count=1", f"penalty={penalty}"]).replace(
            workload_law="piecewise",
            workload_knots=tuple(map(tuple, rows)),
            extraction_factor_min=float(places[0] * np.exp(rng.uniform(-0.1, 0.1))),
            energy_budget_j=float(np.exp(rng.uniform(np.log(0.02), np.log(5.0)))),
            latency_cap_slots=float(rng.uniform(1.2, 6.0)),
        )
        data, gain = rng.uniform(0.6e6, 0.8e6, (COUNT, 1)), np.exp(rng.uniform(np.log(1e-14), np.log(1e-6), (COUNT, 1)))
        bound = solve(law, Slot(np.ones_like(data), data, gain[..., None])).lower_bound
        phi = np.geomspace(law.extraction_factor_min, 1.0, 40)
        limits = (("device_cpu_min_hz", "device_cpu_max_hz"), ("transmit_power_min_w", "transmit_power_max_w"),
                  ("edge_cpu_min_hz", "edge_cpu_max_hz"))  # fmt: skip
        rest = (np.geomspace(getattr(law, low), getattr(law, high), 7) for low, high in limits)
        grid = np.stack(np.meshgrid(phi, *rest, indexing="ij"), -1).reshape(-1, 4)
        shape = (len(grid), COUNT, 1)
        every = Allocation(*(np.broadcast_to(grid[:, i, None, None], shape) for i in range(4)))
        slots = Slot(np.ones(shape), np.broadcast_to(data, shape), np.broadcast_to(gain[..., None], (*shape, 1)))
        least = cost_of(law, slots, every).min(axis=0)
        assert (bound <= least + 1e-9 * np.abs(least)).all()
