import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.expectation import device_cost, device_problem
from twinsync.allocators.expected_by_price import box_of, minimise_expected
from twinsync.allocators.expected_derivatives import device_derivatives
from twinsync.model import draw_slots
from twinsync.presets import load_scenario
from twinsync.streams import root_key

KNOTS = [[0.2, 8.0, 2.0], [0.4, 2.5, 1.5], [0.7, 1.3, 1.3], [1.0, 1.2, 1.2]]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("paper", []),
        ("literal", ["latency_cap_slots=5"]),
        ("paper", ["workload_law=piecewise", f"workload_knots={KNOTS}"]),
    ],
)
def test_derivatives_are_those_of_automatic_differentiation(name, changes):
    scenario = load_scenario(name, changes)
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        problem = device_problem(scenario, rng.uniform(20, 120, 200), rng.uniform(6e5, 8e5, 200))
        low, high = np.log([0.3, 0.05, 0.01, 0.05]), np.log([1.0, 1.0, 0.1, 10.0])
        z = jnp.asarray(rng.uniform(low, high, (200, 4)))

        def cost(one, place):
            return device_cost(scenario, one, tuple(place))

        found = device_derivatives(scenario, problem, tuple(z.T))
        np.testing.assert_allclose(found.value, jax.vmap(cost)(problem, z), rtol=1e-12)
        slope = jax.vmap(jax.grad(cost, 1))(problem, z)
        np.testing.assert_allclose(np.stack(found.slope, 1), slope, atol=1e-10)
        curve = jax.vmap(jax.hessian(cost, 1))(problem, z)
        for (i, j), values in found.curve.items():
            np.testing.assert_allclose(values, curve[:, i, j], atol=1e-9)


@pytest.mark.parametrize("exponent", [2.5, 3.5])
def test_no_place_of_a_dense_grid_costs_a_device_less_at_the_price(exponent):
    # The bound relies on each device's least cost at the price; a grid of 40,000 points must not find a lower one.
    scenario = load_scenario("paper", [f"path_loss_exponent={exponent}", "device_count=1", "edge_cpu_max_hz=1.7 GHz"])
    slot = draw_slots(root_key(4), scenario, 5)
    with jax.enable_x64(True):
        distance, data = (np.asarray(x, np.float64) for x in (slot.distance_m, slot.data_bits))
        problem, box, either = device_problem(scenario, distance, data), box_of(scenario), np.ones((5, 1), bool)
        best = minimise_expected(scenario, problem, either, either, 0)
        parts = [np.linspace(lo, hi, n) for lo, hi, n in zip(box.low, box.high, (25, 20, 8, 10), strict=True)]
        grid = np.array(list(itertools.product(*parts))).T[:, :, None, None]
        # A single device has the whole server, and the price is 0.
        least = jnp.min(
            device_cost(scenario, jax.tree.map(lambda x: x[None], problem), tuple(jnp.asarray(grid))), axis=0
        )
        assert np.all(np.asarray(least[:, 0]) >= np.asarray(best.bound) - 1e-9 * np.abs(best.bound))
