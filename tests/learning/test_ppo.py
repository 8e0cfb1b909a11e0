"""PPO: the advantage and the surrogate by hand, and the real `Ppo` on toys."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from twinsync.learning.ppo import Ppo, clipped_surrogate, generalised_advantage
from twinsync.learning.settings import PpoSettings

SETTINGS = PpoSettings(
    slots=20_000,
    rollout_slots=256,
    parallel_slots=16,
    passes=4,
    batch_size=64,
    hidden=(16,),
    learning_rate=5e-3,
    discount=0.5,
)

# Four slots, a cycle ends after the second: reward, V(s), V of what actually followed. gamma = 0.5, lambda = 0.5.
REWARD, VALUE, NEXT_VALUE = (
    jnp.array(row) for row in ([1.0, 2.0, 3.0, 4.0], [0.5, 1.0, 2.0, 1.0], [1.0, 8.0, 1.0, 2.0])
)
OVER = jnp.array([0.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("terminated", "expected"),
    [
        # delta = (1 + .5 - .5, 2 - 1, 3 + .5 - 2, 4 + 1 - 1) = (1, 1, 1.5, 4); A3 = 4, A2 = 1.5 + .25 * 4 = 2.5,
        # A1 = 1 (nothing passes the end), A0 = 1 + .25 * 1
        (OVER, [1.25, 1.0, 2.5, 4.0]),
        # truncated: delta1 = 2 + .5 * 8 - 1 = 5, and still nothing of the next cycle; A0 = 1 + .25 * 5
        (jnp.zeros(4), [2.25, 5.0, 2.5, 4.0]),
    ],
)
def test_advantage_by_hand(terminated: jax.Array, expected: list[float]) -> None:
    advantage = generalised_advantage(REWARD, VALUE, NEXT_VALUE, terminated, OVER, 0.5, 0.5)
    np.testing.assert_allclose(advantage, expected, rtol=1e-6)


def test_advantage_of_parallel_copies_is_each_ones_own() -> None:
    pair = [jnp.stack([row, row[::-1]], -1) for row in (REWARD, VALUE, NEXT_VALUE, OVER, OVER)]
    both = generalised_advantage(*pair, 0.5, 0.5)
    for copy in range(2):
        alone = generalised_advantage(*(row[:, copy] for row in pair), 0.5, 0.5)
        np.testing.assert_allclose(both[:, copy], alone, rtol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.1, 2.0, -2.2),  # inside
        (1.5, 2.0, -2.4),  # gain clipped at 1.2 * 2
        (0.5, 2.0, -1.0),  # below, but worse than unclipped: not clipped
        (0.5, -2.0, 1.6),  # clipped at 0.8 * -2
        (1.5, -2.0, 3.0),  # above, but worse: not clipped
    ],
)
def test_surrogate_by_hand(ratio: float, advantage: float, expected: float) -> None:
    def loss(log_prob: jax.Array) -> jax.Array:
        return clipped_surrogate(log_prob, jnp.array([-1.0]), jnp.array([advantage]), 0.2)

    log_prob = jnp.array([-1.0 + np.log(ratio)])
    value, slope = jax.value_and_grad(loss)(log_prob)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    clipped = expected not in (-ratio * advantage,)
    assert float(slope[0]) == pytest.approx(0.0 if clipped else -ratio * advantage, rel=1e-5)


def test_surrogate_is_a_mean() -> None:
    got = clipped_surrogate(jnp.log(jnp.array([1.5, 1.1])), jnp.zeros(2), jnp.array([2.0, 2.0]), 0.2)
    assert float(got) == pytest.approx(-(2.4 + 2.2) / 2, rel=1e-5)


def test_a_column_among_rows_raises() -> None:
    with pytest.raises((TypeCheckError, ValueError)):
        clipped_surrogate(jnp.zeros(4), jnp.zeros((4, 1)), jnp.zeros(4), 0.2)


def test_policy_finds_the_maximiser(toy, drive) -> None:
    # The best first number is x / 2; PPO's normal is clipped to [-1, 1] by the environment.
    algorithm = Ppo(toy("terminal", aim=2.0), SETTINGS)
    policy = algorithm.policy(drive(algorithm, 80))
    x = jnp.linspace(-0.9, 0.9, 19)
    action = policy.action(jnp.stack([jnp.full_like(x, -1.0), x], -1))
    np.testing.assert_allclose(action[:, 0], 0.5 * x, atol=0.15)


@pytest.mark.parametrize(
    ("cycle_end", "first", "second"),
    [
        ("terminal", 0.5, 1.0),  # V(s1) = 1, V(s0) = V(s1) / 2
        ("truncation", 2 / 3, 4 / 3),  # s0 follows s1: V(s1) = 1 + V(s0) / 2
    ],
)
def test_values_of_two_slots(toy, drive, cycle_end: str, first: float, second: float) -> None:
    # Slot 0 pays nothing, slot 1 pays 1 and is the cycle's last.
    state = drive(Ppo(toy(cycle_end, late=1.0, length=2, period=2), SETTINGS), 80)
    x = jnp.linspace(-0.9, 0.9, 10)
    for mark, value in ((-1.0, first), (1.0, second)):
        seen = jnp.stack([jnp.full_like(x, mark), x], -1)
        np.testing.assert_allclose(state.learned.value(seen), value, atol=0.1)
