import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.environment.dtsync import DTSync, next_cycle, rollout
from twinsync.environment.interface import Interface
from twinsync.model import draw_cycle, slot_outcome

RICH = Interface("csi", "shares", "random")
FACES = [(Interface(), "terminal"), (RICH, "truncation"), (Interface("paper", "requests", "none"), "terminal")]


def play(mdp, key, actions):
    """Run a cycle; returns the state before each step and the results of the steps."""

    def advance(state, action):
        step = mdp.step(state, action)
        return step.state, (state, step)

    return jax.lax.scan(advance, mdp.reset(key)[0], actions)[1]


def play_on(mdp, key, actions):
    """Run several cycles; returns the results of `step_autoreset`."""

    def advance(state, action):
        step, final = mdp.step_autoreset(state, action)
        return step.state, (step, final)

    return jax.lax.scan(advance, mdp.reset(key)[0], actions)[1]


# Compiled once for all tests: the scenario's numbers are arguments.
play = jax.jit(play)
play_on = jax.jit(play_on)
reset = jax.jit(DTSync.reset)


def actions_for(mdp, count, seed=0):
    return jax.random.uniform(jax.random.key(seed), (count, mdp.action_size), minval=-1.0, maxval=1.0)


def host(tree):
    """The tree with NumPy arrays, and keys as their data."""

    def plain(x):
        return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)

    return jax.tree.map(plain, tree)


def assert_close(a, b, rtol=2e-5, atol=1e-5):
    a, b = host(a), host(b)
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


@pytest.mark.parametrize(("interface", "cycle_end"), FACES, ids=str)
def test_a_cycle_is_the_one_the_model_draws_and_its_reward_minus_its_cost(scenario, interface, cycle_end):
    mdp = DTSync(scenario, interface, cycle_end)
    key, actions = jax.random.key(7), actions_for(mdp, 25)
    states, steps = play(mdp, key, actions)
    slots = jax.jit(draw_cycle)(key, scenario)
    assert_close(states.slot, slots, atol=0)
    np.testing.assert_array_equal(states.n, np.arange(25))
    outcome = jax.jit(slot_outcome)(scenario, slots, jax.jit(jax.vmap(mdp.allocation))(states, actions))
    np.testing.assert_allclose(steps.reward, -np.asarray(outcome.cost), rtol=2e-5)
    assert_close(steps.outcome, outcome, rtol=1e-4)


def test_observations_follow_the_state(scenario):
    mdp = DTSync(scenario, RICH, "truncation")
    _, first = reset(mdp, jax.random.key(7))
    states, steps = play(mdp, jax.random.key(7), actions_for(mdp, 25))
    seen = jax.jit(jax.vmap(mdp.observe))(states)
    assert seen.shape == (25, mdp.observation_size) == (25, 24)
    np.testing.assert_allclose(seen[0], first, atol=1e-5)
    np.testing.assert_allclose(seen[1:], steps.observation[:-1], atol=1e-5)


def test_no_action_changes_what_comes_next(scenario):
    mdp = DTSync(scenario)
    a, _ = play(mdp, jax.random.key(1), actions_for(mdp, 25, seed=1))
    b, _ = play(mdp, jax.random.key(1), actions_for(mdp, 25, seed=2))
    assert_close(a, b, rtol=0, atol=0)


def test_random_extraction_draws_anew_in_each_slot(scenario):
    mdp = DTSync(scenario, RICH, "truncation")
    states, steps = play(mdp, jax.random.key(1), actions_for(mdp, 25))
    assert len(np.unique(states.given_phi)) == 25 * 6
    np.testing.assert_allclose(
        steps.outcome.sent_bits, np.asarray(states.given_phi) * np.asarray(states.slot.data_bits), rtol=1e-6
    )


@pytest.mark.parametrize(("interface", "cycle_end"), FACES[:2], ids=str)
def test_a_cycle_ends_after_n_slots_one_way_or_the_other(scenario, interface, cycle_end):
    mdp = DTSync(scenario, interface, cycle_end)
    _, steps = play(mdp, jax.random.key(0), actions_for(mdp, 25))
    ends, never = np.arange(25) == 24, np.zeros(25, bool)
    expected = (ends, never) if cycle_end == "terminal" else (never, ends)
    np.testing.assert_array_equal((steps.terminated, steps.truncated), expected)


def test_autoreset_begins_the_next_cycle_and_keeps_the_final_observation(scenario):
    mdp = DTSync(scenario, RICH, "truncation")
    key, actions = jax.random.key(5), actions_for(mdp, 50)
    looped, finals = host(play_on(mdp, key, actions))
    np.testing.assert_array_equal(np.flatnonzero(looped.truncated), [24, 49])
    for start in (0, 25):
        here, last = slice(start, start + 25), start + 24
        _, plain = play(mdp, key, actions[here])
        np.testing.assert_allclose(finals[here], plain.observation, atol=1e-5)
        np.testing.assert_allclose(looped.reward[here], plain.reward, rtol=2e-5)
        np.testing.assert_allclose(looped.observation[start:last], plain.observation[:-1], atol=1e-5)
        key = next_cycle(key)
        fresh, fresh_observation = reset(mdp, key)
        np.testing.assert_allclose(looped.observation[last], fresh_observation, atol=1e-5)
        assert_close(jax.tree.map(lambda x, last=last: x[last], looped.state), fresh)


def test_vmap_over_keys_equals_a_loop(scenario):
    mdp = DTSync(scenario)
    keys, actions = jax.random.split(jax.random.key(9), 3), actions_for(mdp, 25)
    together = host(jax.vmap(play, (None, 0, None))(mdp, keys, actions))
    for i, key in enumerate(keys):
        assert_close(jax.tree.map(lambda x, i=i: x[i], together), host(play(mdp, key, actions)))


def test_vmap_over_a_number_of_the_scenario(scenario):
    bandwidths = jnp.array([0.1e6, 0.2e6, 2e6])
    one = DTSync(scenario)
    key, actions = jax.random.key(2), actions_for(one, 25)

    def rewards(mdp):
        return play(mdp, key, actions)[1].reward

    batched = eqx.tree_at(lambda m: m.scenario.bandwidth_hz, one, bandwidths)
    axes = eqx.tree_at(
        lambda m: m.scenario.bandwidth_hz, jax.tree.map(lambda _: None, one), 0, is_leaf=lambda x: x is None
    )
    swept = jax.vmap(rewards, (axes,))(batched)
    by_replacing = jax.vmap(lambda b: rewards(DTSync(scenario.replace(bandwidth_hz=b))))(bandwidths)
    np.testing.assert_allclose(swept, by_replacing, rtol=2e-5)
    np.testing.assert_allclose(swept[1], rewards(one), rtol=2e-5)
    # A slot beyond the latency cap may cost the same; over a whole cycle, more bandwidth reduces the cost.
    assert np.all(np.diff(swept, axis=0) >= 0)
    assert np.all(np.diff(swept.sum(1)) > 0)


def test_the_reward_has_a_gradient_that_agrees_with_differences(scenario):
    mdp = DTSync(scenario, Interface(edge_cpu="shares"))
    state, _ = reset(mdp, jax.random.key(4))
    action = 0.5 * actions_for(mdp, 1)[0]

    @jax.jit
    def reward(a):
        return mdp.step(state, a).reward

    slope = jax.grad(reward)(action)
    across = jnp.linspace(-1.0, 1.0, 24)
    # Float32: the step is a compromise between rounding (1e-5 of a reward of about 100) and curvature.
    difference = (reward(action + 0.01 * across) - reward(action - 0.01 * across)) / 0.02
    assert float(slope @ across) == pytest.approx(float(difference), rel=0.02)


def test_an_unknown_cycle_end_is_named(scenario, complains):
    with complains("cycle_end", "'never'", "terminal, truncation"):
        DTSync(scenario, cycle_end="never")


FACES = [Interface(), Interface("csi", "shares", "random"), Interface("paper", "requests", "none")]


@pytest.mark.parametrize("interface", FACES, ids=str)
def test_a_rollout_is_the_environment_step_by_step(scenario, interface):
    mdp = DTSync(scenario.replace(slot_count=6, fading_blocks=2), interface)
    keys = jax.random.split(jax.random.key(3), 4)
    actions = jax.random.uniform(jax.random.key(1), (6, 4, mdp.action_size), minval=-1.2, maxval=1.2)
    together = jax.jit(lambda: rollout(mdp, keys, lambda key, observation: actions, jax.random.key(0)))()

    def play(key, actions):
        def advance(carry, action):
            state, observation = carry
            step = mdp.step(state, action)
            return (step.state, step.observation), (observation, step.reward, step.outcome)

        return jax.lax.scan(advance, mdp.reset(key), actions)[1]

    alone = jax.jit(jax.vmap(play, (0, 1), 1))(keys, actions)
    np.testing.assert_allclose(together.observation, alone[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(together.reward, alone[1], rtol=1e-5)
    for a, b in zip(jax.tree.leaves(together.outcome), jax.tree.leaves(alone[2]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_the_one_who_acts_sees_the_observations(scenario):
    mdp = DTSync(scenario)
    keys = jax.random.split(jax.random.key(3), 2)

    def act(key, observation):
        noise = jax.random.uniform(key, (*observation.shape[:-1], mdp.action_size), minval=-0.5, maxval=0.5)
        return noise + 0.1 * observation[..., :1]

    told = rollout(mdp, keys, act, jax.random.key(9))
    assert told.observation.shape == (25, 2, 12)
    assert told.reward.shape == (25, 2)
    np.testing.assert_allclose(told.action, act(jax.random.key(9), told.observation))
