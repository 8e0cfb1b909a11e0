import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.expectation import expected_cost
from twinsync.allocators.expected import solve_expected
from twinsync.allocators.heuristics import EqualShare
from twinsync.environment import DTSync, see
from twinsync.errors import InputError
from twinsync.learning import advance, start_training
from twinsync.learning.gradient import Gradient
from twinsync.learning.presets import PRESETS
from twinsync.learning.ranges import FACTORS, draw_scenario
from twinsync.learning.settings import GradientSettings
from twinsync.learning.validation import check_settings, override
from twinsync.model import Slot, draw_slots
from twinsync.presets import load_scenario
from twinsync.streams import root_key

SMALL = GradientSettings(slots=20_000, hidden=(16, 16), batch_size=50, fading_draws=4)


@pytest.fixture(scope="module")
def trained():
    """A small policy for the paper's setting, one seed."""
    training = start_training(load_scenario("paper"), SMALL, seeds=1, seed=3)
    advance(training, stretches=1)
    return jax.tree.map(lambda leaf: leaf[0], training.policies())


def decided(policy, scenario, slot):
    return policy(scenario, see(slot, policy.observation), root_key(0))


def expected(policy, scenario, count=100, seed=9):
    """Ratio of the expected cost of a policy's decisions to that of the expected optimum."""
    slot = draw_slots(root_key(seed), scenario, count)
    best = solve_expected(scenario, slot.distance_m, slot.data_bits).cost
    return float(jnp.mean(expected_cost(scenario, slot, decided(policy, scenario, slot)))) / float(best.mean())


def test_comes_to_the_expected_optimum(trained):
    scenario = load_scenario("paper")
    assert expected(trained, scenario) < 1.01
    assert expected(EqualShare(), scenario) > 1.03


@pytest.mark.parametrize("change", ["bandwidth_hz=1 MHz", "extraction_factor_min=0.45"])
def test_an_early_step_too_far_is_taken_back(change):
    # Without the penalty on saturated outputs, phi stays at a bound: 20 % and 3 % above the expected optimum.
    scenario = load_scenario("paper", [change])
    training = start_training(scenario, SMALL, seeds=1, seed=3)
    advance(training, stretches=1)
    assert expected(jax.tree.map(lambda leaf: leaf[0], training.policies()), scenario) < 1.015


@pytest.mark.parametrize("count", [1, 7, 100])
def test_permuting_devices_permutes_the_allocation(trained, count):
    scenario = load_scenario("paper").with_devices(count)
    slot = draw_slots(root_key(4), scenario, 3)
    order = np.random.default_rng(0).permutation(count)
    shuffled = jax.tree.map(lambda x: x[:, order], slot)
    plain, after = (decided(trained, scenario, s) for s in (slot, shuffled))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(after), strict=True):
        np.testing.assert_allclose(a[:, order], b, rtol=2e-5)


@pytest.mark.parametrize("count", [2, 20, 300])
def test_serves_numbers_of_devices_it_never_saw(trained, count):
    scenario = load_scenario("paper").with_devices(count)
    assert expected(trained, scenario, count=30) < 1.015
    slot = draw_slots(root_key(4), scenario, 5)
    edge = decided(trained, scenario, slot).edge_cpu_hz
    np.testing.assert_allclose(edge.sum(-1), scenario.edge_cpu_max_hz, rtol=1e-5)


def test_the_gradient_is_that_of_the_expected_cost():
    # A policy's mean cost over fresh slots, with stratified fading, against the closed form on the same slots.
    scenario = load_scenario("paper", ["device_count=2"])
    algorithm = Gradient(DTSync(scenario, SMALL.interface), dataclasses.replace(SMALL, fading_draws=256))
    network = algorithm.init(root_key(1)).network

    def sampled(network, key):
        return algorithm._cost(network, key)[0]

    def exact(network, key):
        scenario, slot, vector, _ = algorithm._meet(key)
        from twinsync.environment import to_allocation

        allocation = to_allocation(SMALL.interface, scenario, jnp.tanh(network(vector)))
        cycle = Slot(slot.distance_m[0], slot.data_bits[0], slot.block_gain[0])
        return jnp.mean(expected_cost(scenario, cycle, allocation))

    key = root_key(2)
    a, b = (jax.jit(jax.value_and_grad(function))(network, key) for function in (sampled, exact))
    np.testing.assert_allclose(a[0], b[0], rtol=2e-3)
    for x, y in zip(jax.tree.leaves(a[1]), jax.tree.leaves(b[1]), strict=True):
        np.testing.assert_allclose(x, y, atol=0.02 * float(jnp.abs(y).max()) + 1e-6)


@pytest.mark.parametrize("change", [{"observation": "csi"}, {"extraction": "random"}, {"extraction": "none"}])
def test_every_face_trains(change):
    settings = dataclasses.replace(SMALL, slots=3000, **change)
    training = start_training(load_scenario("paper", ["device_count=2"]), settings, seeds=2, seed=0)
    advance(training, stretches=2)
    start, end = training.curve[:2], training.curve[-2:]
    assert all(after.cost < before.cost for before, after in zip(start, end, strict=True))


def test_a_wide_range_is_met_and_written_down():
    scenario = load_scenario("paper")
    drawn = jax.vmap(lambda k: draw_scenario(k, scenario, "wide"))(jax.random.split(root_key(0), 500))
    for name, (low, high) in FACTORS.items():
        factor = np.asarray(getattr(drawn, name)) / getattr(scenario, name)
        assert low <= factor.min() < 1.2 * low
        assert 0.8 * high < factor.max() <= high * 1.0001
    assert (drawn.edge_cpu_min_hz * 6 <= drawn.edge_cpu_max_hz * 1.0001).all()
    assert drawn.data_max_bits / drawn.data_min_bits == pytest.approx(8 / 6)
    assert draw_scenario(root_key(0), scenario, "scenario") is scenario
    beyond = scenario.replace(path_loss_exponent=4.0, extraction_factor_min=0.02)
    drawn = jax.vmap(lambda k: draw_scenario(k, beyond, "wide"))(jax.random.split(root_key(0), 500))
    assert drawn.path_loss_exponent.max() > 3.9
    assert drawn.extraction_factor_min.min() < 0.04
    wide = Gradient(DTSync(scenario, SMALL.interface), dataclasses.replace(SMALL, ranges="wide"))
    narrow = Gradient(DTSync(scenario, SMALL.interface), SMALL)
    wide_ranges, ranges = (algorithm.ranges(root_key(0)) for algorithm in (wide, narrow))
    for name, (low, high) in ranges.items():
        assert wide_ranges[name][0] <= low + 1e-6
        assert high <= wide_ranges[name][1] + 1e-6
    # Least extraction factor: 0.3 alone, or 0.1 to 1.
    assert ranges["least extraction factor"] == pytest.approx([np.log(0.3)] * 2, abs=1e-5)
    assert wide_ranges["least extraction factor"] == pytest.approx([np.log(0.1), 0.0], abs=0.15)


def test_presets_and_settings():
    for name in ("tuned", "csi", "general"):
        check_settings(PRESETS["gradient", name])
    changed = override(GradientSettings(), {"hidden": "8,8", "ranges": "wide"})
    assert changed == GradientSettings(hidden=(8, 8), ranges="wide")
    with pytest.raises(InputError, match="ranges = 'all' is not one of scenario, wide"):
        override(GradientSettings(), {"ranges": "all"})


def test_scaled_scenario_leaves_an_equal_share_as_it_is():
    small = load_scenario("paper")
    large = small.with_devices(60)
    assert large.device_count == 60
    assert large.bandwidth_hz / 60 == pytest.approx(small.bandwidth_hz / 6)
    assert large.edge_cpu_max_hz / 60 == pytest.approx(small.edge_cpu_max_hz / 6)
