import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from twinsync.allocators import expected
from twinsync.allocators.expectation import expected_cost
from twinsync.allocators.expected import Expected, solve_expected
from twinsync.environment import Interface, see, to_allocation
from twinsync.errors import InputError
from twinsync.model import Allocation, Slot, draw_slots
from twinsync.presets import load_scenario
from twinsync.streams import root_key

FACE = Interface(edge_cpu="shares")


def slots(scenario, count, seed=1):
    drawn = jax.device_get(draw_slots(root_key(seed), scenario, count))
    return jax.tree.map(lambda x: np.asarray(x, np.float64), drawn)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("paper", []),
        ("paper", ["device_count=2", "edge_cpu_max_hz=2 GHz"]),
        ("feasible", ["device_count=3"]),
        ("literal", ["latency_cap_slots=5", "device_count=2"]),
    ],
)
def test_within_a_thousandth_of_another_solver(name, changes):
    scenario = load_scenario(name, changes)
    slot = slots(scenario, 3)
    found = solve_expected(scenario, slot.distance_m, slot.data_bits)
    size = 4 * scenario.device_count
    with jax.enable_x64(True):

        @jax.jit
        @jax.value_and_grad
        def cost(action, distance, data):
            one = Slot(distance[None], data[None], distance[None, :, None])
            return expected_cost(scenario, one, to_allocation(FACE, scenario, action[None]))[0]

        for i in range(3):

            def objective(action, i=i):
                value, slope = cost(jnp.asarray(action), slot.distance_m[i], slot.data_bits[i])
                return float(value), np.asarray(slope)

            theirs = scipy.optimize.minimize(
                objective, np.zeros(size), jac=True, method="L-BFGS-B", bounds=[(-1, 1)] * size
            ).fun
            assert found.cost[i] <= theirs + 1e-3 * abs(theirs)


def test_cost_is_that_of_the_allocation():
    scenario = load_scenario("paper")
    slot = slots(scenario, 5)
    found = solve_expected(scenario, slot.distance_m, slot.data_bits)
    with jax.enable_x64(True):
        np.testing.assert_allclose(expected_cost(scenario, slot, found.allocation), found.cost, rtol=1e-9)


def test_chunks_do_not_show(monkeypatch):
    scenario = load_scenario("paper", ["device_count=2"])
    slot = slots(scenario, 5)
    together = solve_expected(scenario, slot.distance_m, slot.data_bits)
    monkeypatch.setattr(expected, "CHUNK", 4)  # two slots and two slots and the last one twice
    parts = solve_expected(scenario, slot.distance_m, slot.data_bits)
    np.testing.assert_allclose(parts.cost, together.cost, rtol=1e-4)
    assert parts.allocation.edge_cpu_hz.shape == (5, 2)


def test_many_devices_share_the_server():
    scenario = load_scenario("paper").with_devices(1000)
    slot = slots(scenario, 1)
    edge = solve_expected(scenario, slot.distance_m, slot.data_bits).allocation.edge_cpu_hz
    assert (edge.sum(-1) <= scenario.edge_cpu_max_hz * (1 + 1e-9)).all()
    assert (edge.sum(-1) >= scenario.edge_cpu_max_hz * 0.99).all()


def test_keeps_to_bounds_that_leave_no_choice():
    scenario = load_scenario(
        "paper",
        ["device_count=2", "edge_cpu_min_hz=5 GHz", "transmit_power_min_w=0.1 W", "extraction_factor_min=1"],
    )
    slot = slots(scenario, 3)
    found = solve_expected(scenario, slot.distance_m, slot.data_bits).allocation
    np.testing.assert_array_equal(found.extraction_factor, 1.0)
    np.testing.assert_array_equal(found.transmit_power_w, 0.1)
    np.testing.assert_allclose(found.edge_cpu_hz, 5e9)
    assert (found.device_cpu_hz >= 0.05e9).all()
    assert (found.device_cpu_hz <= 1e9).all()


def test_more_room_to_extract_is_never_worse():
    # From a start in the middle of a wide range, every device is given up, in whichever direction it moves.
    narrow, wide = (load_scenario("paper", ["device_count=2", f"extraction_factor_min={low}"]) for low in (0.3, 0.05))
    slot = slots(narrow, 20)
    costs = [solve_expected(scenario, slot.distance_m, slot.data_bits).cost for scenario in (narrow, wide)]
    np.testing.assert_array_less(costs[1], costs[0] * 1.001)


def test_is_an_allocator_that_looks_at_no_gain():
    scenario = load_scenario("paper", ["device_count=2"])
    slot = slots(scenario, 4)
    sight = see(slot, Expected.observation)
    assert sight.channel_gain is None
    decided = Expected()(scenario, sight, root_key(0))
    np.testing.assert_array_equal(
        decided.edge_cpu_hz, solve_expected(scenario, slot.distance_m, slot.data_bits).allocation.edge_cpu_hz
    )


def test_another_number_of_devices_than_the_scenarios_is_refused():
    scenario = load_scenario("paper")
    with pytest.raises(InputError, match=r"data_bits .* must both have .* device_count = 6"):
        solve_expected(scenario, np.ones((1, 5)), np.ones((1, 5)))


@pytest.mark.parametrize(("key", "value"), [("penalty", "quadratic"), ("workload_law", "logistic")])
def test_a_form_it_does_not_know_is_refused(key: str, value: str):
    scenario = load_scenario("paper")
    object.__setattr__(scenario, key, value)  # as a plugin or a later version may
    with pytest.raises(InputError, match=f"{key} = '{value}' has no exact solution"):
        solve_expected(scenario, np.ones((1, 6)), np.ones((1, 6)))


def test_a_slot_that_did_not_converge_is_an_error_and_no_answer(monkeypatch):
    scenario = load_scenario("paper", ["device_count=2"])
    monkeypatch.setattr(expected, "CONVERGED", -1.0)
    with pytest.raises(InputError, match="4 of 4 slots have no expected optimum proven"):
        Expected()(scenario, see(slots(scenario, 4), "paper"), root_key(0))


@pytest.mark.parametrize("penalty", ["hinge", "literal"])
@pytest.mark.parametrize("exponent", [2.5, 3.5])
def test_nothing_costs_less_than_the_bound(exponent: float, penalty: str):
    scenario = load_scenario("paper", [f"path_loss_exponent={exponent}", f"penalty={penalty}"])
    slot = slots(scenario, 40)
    solution = solve_expected(scenario, slot.distance_m, slot.data_bits)
    assert solution.converged.all()
    assert (solution.relative_gap <= 1e-5).all()
    rng = np.random.default_rng(2)
    best = solution.allocation
    parts = (best.extraction_factor, best.device_cpu_hz, best.transmit_power_w)
    bounds = ((scenario.extraction_factor_min, 1.0), (0.05e9, 1e9), (0.01, 0.1))
    for spread in (0.01, 0.1, 1.0):
        moved = [
            np.clip(part * np.exp(spread * rng.normal(size=part.shape)), *bound)
            for part, bound in zip(parts, bounds, strict=True)
        ]
        share = np.maximum(best.edge_cpu_hz * np.exp(spread * rng.normal(size=best.edge_cpu_hz.shape)), 0.05e9) - 0.05e9
        edge = 0.05e9 + share * (10e9 - 0.3e9) / share.sum(-1, keepdims=True)
        with jax.enable_x64(True):
            cost = np.asarray(expected_cost(scenario, slot, Allocation(*moved, edge)))
        assert (cost >= solution.lower_bound * (1 - 1e-9)).all()


def test_serving_and_giving_up_are_both_tried():
    # With so little edge CPU it pays to give some devices up; serving one more or fewer does not reduce the cost.
    scenario = load_scenario("paper", ["path_loss_exponent=3.5", "edge_cpu_max_hz=2 GHz"])
    slot = slots(scenario, 40)
    solution = solve_expected(scenario, slot.distance_m, slot.data_bits)
    assert solution.converged.all()
    given_up = solution.allocation.edge_cpu_hz < 0.0501e9
    assert given_up.any()
    assert not given_up.all()
    assert (solution.relative_gap <= 1e-5).all()


def test_infinite_expectation_is_refused():
    scenario = load_scenario("literal")
    with pytest.raises(InputError, match="latency_cap_slots"):
        solve_expected(scenario, np.ones((1, 6)), np.ones((1, 6)))
