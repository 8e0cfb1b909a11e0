from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.allocators.ipopt import ipopt_cost
from tests.allocators.slots import COUNT, cost_of, one, slots_of

from twinsync.allocators import find_allocators, solve
from twinsync.allocators.heuristics import EqualShare, Random
from twinsync.allocators.slot_problem import build_problem, certified_bound, terms
from twinsync.environment import see
from twinsync.errors import InputError
from twinsync.model import Allocation, Slot, slot_outcome
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.streams import root_key


def wide(seed: int, devices: int) -> Scenario:
    """A random scenario far from the paper's: ranges over decades, some of zero width."""
    rng = np.random.default_rng(seed)

    def decades(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def part(low: float) -> float:
        return 1.0 if rng.random() < 0.25 else decades(low, 1.0)

    device, edge, power = decades(1e8, 1e10), decades(1e8, 1e12), decades(1e-3, 10)
    return load_scenario("paper").replace(
        device_count=devices,
        bandwidth_hz=decades(1e4, 1e8),
        extraction_factor_min=part(0.01),
        device_cpu_max_hz=device,
        device_cpu_min_hz=device * part(0.01),
        edge_cpu_max_hz=edge,
        edge_cpu_min_hz=edge / devices * decades(1e-5, 0.99),
        transmit_power_max_w=power,
        transmit_power_min_w=power * part(1e-3),
        energy_budget_j=decades(1e-3, 10),
        penalty_weight=0.0 if rng.random() < 0.2 else decades(0.1, 100),
        path_loss_exponent=rng.uniform(2, 4),
        cycles_per_bit=decades(1, 3e3),
        extraction_exponent=rng.uniform(0, 3),
        recovery_exponent=rng.uniform(0, 3),
        penalty="literal" if rng.random() < 0.25 else "hinge",
        workload_law="constant" if rng.random() < 0.2 else "power",
    )


@pytest.mark.parametrize("devices", [1, 2, 6, 20])
def test_agrees_with_ipopt_on_the_papers_setting(devices: int):
    scenario = load_scenario("paper", [f"device_count={devices}"])
    slot = slots_of(scenario, devices, COUNT)
    solution = solve(scenario, slot, capped=False)
    reference = [ipopt_cost(scenario, one(slot, n)) for n in range(COUNT)]
    np.testing.assert_allclose(solution.cost, reference, rtol=1e-5)
    assert solution.relative_gap.max() <= 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_ipopt_far_from_the_papers_setting(seed: int):
    scenario = wide(seed, devices=[1, 6, 6, 6, 20, 6][seed % 6])
    slot = slots_of(scenario, seed, COUNT)
    solution = solve(scenario, slot, capped=False)
    reference = np.array([ipopt_cost(scenario, one(slot, n)) for n in range(COUNT)])
    # A literal cost may nearly cancel; then its latency part sets the scale.
    scale = np.maximum(np.abs(reference), solution.latency_s)
    assert np.all(np.abs(solution.cost - reference) <= 1e-4 * scale)
    assert np.all(solution.cost - solution.lower_bound <= 1e-4 * scale)


@pytest.mark.parametrize(
    ("change", "phi", "codec"),
    [
        (["penalty_weight=0"], None, True),
        (["extraction_factor_min=1"], None, True),
        ([], 0.7, True),
        ([], None, False),
        (["transmit_power_min_w=0.1"], None, True),
        (["edge_cpu_max_hz=0.31 GHz"], None, True),
        (["energy_budget_j=1e-6"], None, True),
        (["energy_budget_j=1e6", "cycle_s=3000"], None, True),
        (["penalty=literal"], None, True),
        (["workload_law=constant"], None, True),
    ],
)
def test_agrees_with_ipopt_in_corners(change: list[str], phi: float | None, codec: bool):
    scenario = load_scenario("paper", change)
    slot = slots_of(scenario, 3, COUNT)
    given_phi = None if phi is None else np.full((COUNT, 6), phi)
    solution = solve(scenario, slot, extraction_factor=given_phi, codec=codec, capped=False)
    for n in range(3):
        reference = ipopt_cost(scenario, one(slot, n), phi=None if phi is None else np.full(6, phi), codec=codec)
        assert solution.cost[n] == pytest.approx(reference, rel=1e-5)
    assert solution.relative_gap.max() <= 1e-4


def test_floors_that_use_up_the_edge_cpu():
    # The capacity is 6 x 0.05 GHz: one feasible division, and no interior.
    scenario = load_scenario("paper", ["edge_cpu_max_hz=0.3 GHz"])
    solution = solve(scenario, slots_of(scenario, 0, COUNT))
    np.testing.assert_allclose(solution.allocation.edge_cpu_hz, 0.05e9, rtol=1e-9)
    assert solution.relative_gap.max() <= 1e-5


def test_several_fading_blocks_are_refused():
    scenario = load_scenario("paper", ["fading_blocks=2"])
    with pytest.raises(InputError, match="fading_blocks = 1, got 2"):
        solve(scenario, slots_of(scenario, 1, 1))


@pytest.mark.parametrize(("key", "value"), [("penalty", "quadratic"), ("workload_law", "logistic")])
def test_a_form_it_does_not_know_is_refused(key: str, value: str):
    scenario = load_scenario("paper")
    slot = slots_of(scenario, 1, 1)
    object.__setattr__(scenario, key, value)  # as a plugin or a later version may
    with pytest.raises(InputError, match=f"{key} = '{value}' has no exact solution"):
        solve(scenario, slot)


def test_another_number_of_devices_than_the_scenarios_is_refused():
    scenario = load_scenario("paper")
    slot = slots_of(scenario, 1, 1)
    with pytest.raises(
        InputError,
        match=r"data_bits \(1, 5\) and channel_gain \(1, 5\) must both have .* device_count = 6",
    ):
        solve(scenario, jax.tree.map(lambda x: x[:, :5], slot))


def test_gains_must_be_positive():
    scenario = load_scenario("paper")
    slot = slots_of(scenario, 1, 1)
    with pytest.raises(InputError, match="channel_gain must be positive"):
        solve(scenario, Slot(slot.distance_m, slot.data_bits, 0.0 * slot.block_gain))


@pytest.mark.parametrize("capped", [True, False])
def test_the_cost_is_the_models_own_and_the_allocation_within_bounds(capped: bool):
    scenario = load_scenario("paper")
    slot = slots_of(scenario, 5, 1000)
    solution = solve(scenario, slot, capped=capped)
    np.testing.assert_allclose(solution.cost, cost_of(scenario, slot, solution.allocation, capped=capped), rtol=1e-10)
    with jax.enable_x64(True):
        outcome = slot_outcome(scenario, slot, solution.allocation, capped=capped)
        for name in ("extraction_factor", "device_cpu_hz", "transmit_power_w"):
            assert np.all(np.asarray(getattr(outcome.violations, name)) == 0.0), name
        assert np.all(np.asarray(outcome.violations.edge_cpu_hz) <= 1e-6)
        np.testing.assert_allclose(solution.latency_s, outcome.total_latency_s, rtol=1e-10)


@pytest.mark.parametrize("change", [[], ["path_loss_exponent=3.5"], ["penalty=literal"], ["extraction_factor_min=1"]])
def test_the_gap_of_a_thousand_slots(change: list[str]):
    scenario = load_scenario("paper", change)
    gap = solve(scenario, slots_of(scenario, 5, 1000)).relative_gap
    assert np.median(gap) <= 1e-6
    assert np.mean(gap <= 1e-4) >= 0.999
    assert gap.min() >= -1e-12


@pytest.mark.parametrize(
    "change",
    [
        ["path_loss_exponent=3.5"],
        ["path_loss_exponent=3", "penalty=literal"],
        ["path_loss_exponent=3.5", "extraction_factor_min=1"],
        ["path_loss_exponent=3", "edge_cpu_max_hz=1 GHz"],
        ["path_loss_exponent=3", "energy_budget_j=0.02"],
        ["path_loss_exponent=3", "energy_budget_j=1e-4", "device_cpu_min_hz=0.9 GHz"],
    ],
)
def test_whoever_is_given_up_no_choice_is_better(change: list[str]):
    # Every subset of three UDs is given up by hand: these keep only their floor of edge CPU, the others share the rest.
    scenario = load_scenario("paper", [*change, "device_count=3", "bandwidth_hz=0.1 MHz"])
    slot = slots_of(scenario, 3, 60)
    solution = solve(scenario, slot)
    best, given_up = np.full(60, np.inf), np.zeros(60)
    for chosen in itertools.product([False, True], repeat=3):
        cost = subset_cost(scenario, slot, np.array(chosen))
        given_up = np.where(cost < best, sum(chosen), given_up)
        best = np.minimum(best, cost)
    assert len(set(given_up)) > 1
    np.testing.assert_allclose(solution.cost, best, rtol=2e-6)
    assert np.all(solution.lower_bound <= best * (1 + 1e-9))


def subset_cost(scenario: Scenario, slot: Slot, given_up: np.ndarray) -> np.ndarray:
    """Least T + P of slots with three UDs of which a subset is given up.

    UDs given up have phi at one of its bounds and cost what the model says; the others have the uncapped optimum of a
    smaller scenario.
    """
    lost, count = int(given_up.sum()), int((~given_up).sum())
    floor, literal = scenario.edge_cpu_min_hz, scenario.penalty == "literal"
    # The literal penalties subtract W times the whole budgets of (22) from the sum over the UDs.
    budgets = scenario.deadline_s + scenario.energy_budget_j + scenario.edge_cpu_max_hz / 1e9
    budgets = scenario.penalty_weight * budgets if literal else 0.0
    options = []
    for phi in (scenario.extraction_factor_min, 1.0):
        effort = (phi, scenario.device_cpu_min_hz, scenario.transmit_power_min_w, floor)
        least = Allocation(*(np.full(slot.data_bits.shape, value) for value in effort))
        with jax.enable_x64(True):
            outcome = jax.device_get(slot_outcome(scenario, slot, least))
        options.append(np.where(outcome.outage, outcome.device_cost, np.inf))
    total = np.minimum(*options)[:, given_up].sum(-1) + lost * budgets / 3 - budgets
    if count:
        rest = scenario.replace(
            device_count=count,
            bandwidth_hz=scenario.bandwidth_hz * count / 3,
            edge_cpu_max_hz=scenario.edge_cpu_max_hz - lost * floor,
        )
        part = jax.tree.map(lambda x: x[:, ~given_up], slot)
        total = total + solve(rest, part, capped=False).cost + budgets
        if literal:
            total = total - scenario.penalty_weight * lost * floor / 1e9
    return total


@pytest.mark.parametrize("phi_min", [0.3, 1.0])
@pytest.mark.parametrize("penalty", ["hinge", "literal"])
@pytest.mark.parametrize("exponent", [2.0, 2.75, 3.5])
def test_nothing_near_or_far_costs_less_than_the_bound(exponent: float, penalty: str, phi_min: float):
    scenario = load_scenario(
        "paper", [f"path_loss_exponent={exponent}", f"penalty={penalty}", f"extraction_factor_min={phi_min}"]
    )
    slot = slots_of(scenario, 17, 200)
    solution = solve(scenario, slot)
    slack = 1e-9 * np.abs(solution.lower_bound)
    rng = np.random.default_rng(0)
    for name in ("random", "random-extraction", "no-semantics", "equal-share", "optimum", "expected"):
        (allocator,) = find_allocators(name, scenario)
        with jax.enable_x64(True):
            allocation = allocator(scenario, see(slot, getattr(allocator, "observation", "paper")), root_key(1))
        assert np.all(cost_of(scenario, slot, allocation) >= solution.lower_bound - slack), name
        for spread in (1e-3, 0.03, 0.5):
            near = perturbed(scenario, allocation, spread, rng)
            assert np.all(cost_of(scenario, slot, near) >= solution.lower_bound - slack), (name, spread)


def perturbed(scenario: Scenario, allocation: Allocation, spread: float, rng) -> Allocation:
    """An allocation changed at random in the logarithms, within its bounds; some UDs cede edge CPU to others."""
    shape = np.shape(allocation.extraction_factor)

    def moved(values, low, high):
        return np.clip(np.asarray(values, float) * np.exp(spread * rng.normal(size=shape)), low, high)

    floor = scenario.edge_cpu_min_hz
    edge = np.maximum(moved(allocation.edge_cpu_hz, floor, np.inf) - floor, 0.0) * (rng.random(shape) > 0.2)
    most = scenario.edge_cpu_max_hz - floor * shape[-1]
    edge = floor + edge * np.minimum(1.0, most / np.maximum(edge.sum(-1, keepdims=True), 1e-9))
    return Allocation(
        moved(allocation.extraction_factor, scenario.extraction_factor_min, 1.0),
        moved(allocation.device_cpu_hz, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        moved(allocation.transmit_power_w, scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        edge,
    )


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    weight=st.floats(0, 100),
    position=st.lists(st.floats(0.001, 0.999), min_size=24, max_size=24),
    multipliers=st.lists(st.floats(0, 1), min_size=12, max_size=12),
    mu=st.floats(0, 50),
)
def test_the_bound_holds_at_any_point_with_any_multipliers(seed, weight, position, multipliers, mu):
    # The certificate must not depend on the solver: any point and any multipliers give a valid bound.
    scenario = load_scenario("paper", [f"penalty_weight={weight}"])
    slot = slots_of(scenario, seed % 50, COUNT)
    least = solve(scenario, slot, capped=False).cost
    with jax.enable_x64(True):
        problem = build_problem(scenario, slot, np.full((COUNT, 6), 0.3), np.ones((COUNT, 6)), codec=True)
        share = np.broadcast_to(np.reshape(position, (4, 1, 6)), (4, COUNT, 6))
        z = tuple(lo + x * (hi - lo) for lo, hi, x in zip(problem.low, problem.high, share, strict=True))
        lam = jnp.reshape(jnp.asarray(multipliers), (2, 1, 6)) * weight * jnp.ones((2, COUNT, 6))
        at = terms(problem, z)
        bound = certified_bound(problem, z, at, lam[0], lam[1], jnp.full((COUNT, 1), mu))
        assert np.all(np.asarray(bound) <= least * (1 + 1e-9))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16))
def test_no_allocator_comes_below_the_bound_far_from_the_papers_setting(seed: int):
    scenario = wide(seed, devices=6)
    slot = slots_of(scenario, seed, COUNT)
    solution = solve(scenario, slot)
    for allocator in (Random(), EqualShare()):
        with jax.enable_x64(True):
            cost = cost_of(scenario, slot, allocator(scenario, see(slot, "paper"), root_key(seed)))
        assert np.all(cost >= solution.lower_bound - 1e-9 * np.maximum(np.abs(cost), solution.latency_s))


def test_table_two_is_infeasible_and_the_feasible_preset_is_not():
    paper, feasible = load_scenario("paper"), load_scenario("feasible")
    late = {}
    for name, scenario in (("paper", paper), ("feasible", feasible)):
        slot = slots_of(scenario, 4, 1000)
        with jax.enable_x64(True):
            outcome = slot_outcome(scenario, slot, solve(scenario, slot).allocation)
        late[name] = float(np.mean(np.asarray(outcome.violations.deadline_s) > 1e-5))
    assert late["paper"] == 1.0
    # The optimum trades deadlines against energy, so slightly more UDs miss than necessary.
    assert 0.05 < late["feasible"] < 0.15


def test_batch_shape_is_kept():
    scenario = load_scenario("paper")
    slot = slots_of(scenario, 6, COUNT)
    shaped = jax.tree.map(lambda x: x.reshape(2, 4, *x.shape[1:]), slot)
    flat, boxed = solve(scenario, slot), solve(scenario, shaped)
    assert boxed.cost.shape == (2, 4)
    assert boxed.allocation.edge_cpu_hz.shape == (2, 4, 6)
    np.testing.assert_allclose(boxed.cost.reshape(-1), flat.cost, rtol=1e-12)
