import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.expectation import expected_cost
from twinsync.allocators.heuristics import EqualShare
from twinsync.environment import see
from twinsync.errors import InputError
from twinsync.model import Slot, draw_slots, slot_outcome
from twinsync.model.channel import block_gain, stratified_fading
from twinsync.presets import load_scenario
from twinsync.streams import root_key


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
