import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.expectation import expected_cost, mean_shortfall
from twinsync.allocators.heuristics import EqualShare
from twinsync.environment import see
from twinsync.errors import InputError
from twinsync.model import Slot, draw_slots, slot_outcome
from twinsync.model.channel import block_gain, stratified_fading
from twinsync.presets import load_scenario
from twinsync.streams import root_key


def test_mean_shortfall_by_hand():
    # r = 1, w = e - 1: tau < rho where x > (e^(1/rho) - 1) / (e - 1). By the midpoint rule with 10^6 points:
    rho = (np.arange(1_000_000) + 0.5) / 1_000_000
    with np.errstate(over="ignore"):
        by_hand = np.exp(-np.expm1(1 / rho) / (np.e - 1)).mean()
    with jax.enable_x64(True):
        found = mean_shortfall(jnp.asarray(1.0), jnp.asarray(1.0), jnp.log(jnp.asarray(np.e - 1)))
    assert float(found) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("limit", "unit", "log_snr"), [(2.0, 3.0, 6.0), (0.4, 3.0, 6.0), (5.0, 0.1, -3.0), (6.0, 6.0, 9.0)]
)
def test_derivatives_are_those_of_the_values(limit, unit, log_snr):
    with jax.enable_x64(True):
        at = [jnp.asarray(v) for v in (limit, unit, log_snr)]
        # Second derivatives only steer the solver's steps.
        for function, tolerance in ((mean_shortfall, 1e-4), (jax.grad(mean_shortfall, argnums=2), 0.1)):
            slopes = jax.grad(function, argnums=(0, 1, 2))(*at)
            for place, slope in enumerate(slopes):
                step = 1e-5
                up, down = list(at), list(at)
                up[place], down[place] = at[place] + step, at[place] - step
                difference = (function(*up) - function(*down)) / (2 * step)
                assert float(slope) == pytest.approx(float(difference), rel=tolerance, abs=1e-9)


def test_nothing_is_short_of_a_limit_below_every_draw():
    assert float(mean_shortfall(jnp.asarray(-1.0), jnp.asarray(1.0), jnp.asarray(3.0))) == 0.0
    assert float(mean_shortfall(jnp.asarray(1e-6), jnp.asarray(1.0), jnp.asarray(3.0))) == 0.0


@pytest.mark.parametrize(
    ("name", "changes"),
    [("paper", []), ("feasible", []), ("literal", ["latency_cap_slots=5"]), ("paper", ["energy_budget_j=0.3"])],
)
def test_is_the_mean_over_the_fading(name, changes):
    scenario = load_scenario(name, [*changes, "device_count=3"])
    draws = 20_000
    with jax.enable_x64(True):
        slot = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), draw_slots(root_key(1), scenario, 4))
        allocation = EqualShare()(scenario, see(slot, "paper"), root_key(0))
        fading = stratified_fading(root_key(2), slot.block_gain.shape, draws)
        distance, data = (jnp.broadcast_to(x, (draws, *x.shape)) for x in (slot.distance_m, slot.data_bits))
        many = Slot(distance, data, block_gain(distance, fading, scenario))
        outcome = slot_outcome(scenario, many, jax.tree.map(lambda x: jnp.broadcast_to(x, data.shape), allocation))
        found = expected_cost(scenario, slot, allocation)
        np.testing.assert_allclose(found, jnp.mean(outcome.cost, axis=0), rtol=2e-4)


@pytest.mark.parametrize(
    ("change", "word"), [("fading_blocks=2", "fading_blocks"), ("latency_cap_slots=inf", "latency cap")]
)
def test_refuses_what_has_no_such_expectation(change, word):
    scenario = load_scenario("paper", [change])
    slot = draw_slots(root_key(1), scenario, 2)
    with pytest.raises(InputError, match=word):
        expected_cost(scenario, slot, EqualShare()(scenario, see(slot, "paper"), root_key(0)))
