"""Many cycles at once are the cycles that the environment plays step by step."""

import jax
import numpy as np
import pytest

from twinsync.environment import DTSync, Interface, rollout

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
