"""The real `Sac` on toy environments with known values."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.environment import DTSync, Interface
from twinsync.learning.algorithm import falling_rate
from twinsync.learning.sac import Sac, SacState
from twinsync.learning.settings import SacSettings
from twinsync.presets import load_scenario

SETTINGS = SacSettings(
    slots=8000,
    batch_size=64,
    hidden=(16,),
    parallel_slots=16,
    updates_per_step=2,
    warmup_slots=128,
    learning_rate=5e-3,
    initial_alpha=1e-6,
    discount=0.5,
    target="hard",
    target_period=20,
)


BANDIT = dataclasses.replace(SETTINGS, discount=0.0, initial_alpha=0.02)


def _q(state: SacState, n: int) -> np.ndarray:
    """Both critics' values of slot n in 50 contexts, for the policy's action, [2, 50]."""
    x = jnp.linspace(-0.9, 0.9, 50)
    observation = jnp.stack([jnp.full_like(x, 2.0 * n - 1.0), x], -1)
    action = jnp.tanh(state.learned.actor(observation)[:, :4])
    return np.asarray(jax.vmap(lambda critic: critic(observation, action))(state.learned.critics))


def test_terminal_reward(toy, drive) -> None:
    # Every slot pays 0.5 and ends: Q = r.
    state = drive(Sac(toy("terminal", always=0.5), SETTINGS), 400)
    np.testing.assert_allclose(_q(state, n=0), 0.5, atol=0.08)


def test_truncation_bootstraps(toy, drive) -> None:
    # Every slot pays 0.5 and is truncated in a state like any other: Q = r + gamma Q = r / (1 - gamma).
    settings = dataclasses.replace(SETTINGS, target="soft", target_rate=0.05)
    state = drive(Sac(toy("truncation", always=0.5, period=1), settings), 500)
    np.testing.assert_allclose(_q(state, n=0), 1.0, atol=0.1)
    assert not np.asarray(state.replay.rows.done).any()


def test_two_slots(toy, drive) -> None:
    # Slot 0 pays nothing, slot 1 pays 1 and ends: Q(s1) = 1, Q(s0) = gamma.
    state = drive(Sac(toy("terminal", late=1.0, length=2), SETTINGS), 400)
    np.testing.assert_allclose(_q(state, n=1), 1.0, atol=0.08)
    np.testing.assert_allclose(_q(state, n=0), 0.5, atol=0.08)


def test_policy_finds_the_maximiser(toy, drive) -> None:
    # The best first number is x / 2; the others do not matter.
    algorithm = Sac(toy("terminal", aim=2.0), BANDIT)
    policy = algorithm.policy(drive(algorithm, 400))
    x = jnp.linspace(-0.9, 0.9, 19)
    action = policy.action(jnp.stack([jnp.full_like(x, -1.0), x], -1))
    np.testing.assert_allclose(action[:, 0], 0.5 * x, atol=0.15)


def test_temperature_holds_the_target_entropy(toy, drive) -> None:
    algorithm = Sac(toy("terminal", calm=2.0), BANDIT)
    state = drive(algorithm, 400)
    _, log_prob = algorithm._act(jax.random.key(1), state.learned.actor, state.observation.repeat(100, 0))
    assert algorithm.target_entropy(0) == algorithm.target_entropy(500) == -4.0  # -1 for each of four numbers
    assert float(-jnp.mean(log_prob)) == pytest.approx(-4.0, abs=0.5)


def test_target_entropy_falls_to_the_end(toy) -> None:
    # From -1 by 2 for each of four numbers over (8000 - 128) / 16 steps of two updates.
    algorithm = Sac(toy("terminal"), dataclasses.replace(BANDIT, entropy_drop=2.0))
    assert [algorithm.target_entropy(number) for number in (0, 492, 984)] == [-4.0, -8.0, -12.0]


def test_policy_narrows_with_the_target(toy, drive) -> None:
    algorithm = Sac(toy("terminal", calm=2.0), dataclasses.replace(BANDIT, entropy_drop=1.0))
    state = drive(algorithm, 500)
    _, log_prob = algorithm._act(jax.random.key(1), state.learned.actor, state.observation.repeat(100, 0))
    assert -9.0 < float(-jnp.mean(log_prob)) < -5.5  # on the way from -4 to -8


def test_one_smooth_critic_is_enough(toy, drive) -> None:
    algorithm = Sac(toy("terminal", aim=2.0), dataclasses.replace(BANDIT, critics=1, critic_activation="tanh"))
    state = drive(algorithm, 400)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state.learned.critics)} == {1}
    x = jnp.linspace(-0.9, 0.9, 19)
    action = algorithm.policy(state).action(jnp.stack([jnp.full_like(x, -1.0), x], -1))
    np.testing.assert_allclose(action[:, 0], 0.5 * x, atol=0.15)


def test_memory_keeps_what_truly_followed(toy, drive) -> None:
    # After a cycle's last slot, the next action is for a new cycle, but the observation stored is that of slot 2.
    state = drive(Sac(toy("terminal", late=1.0, length=2), SETTINGS), 10)
    rows = jax.tree.map(lambda row: np.asarray(row)[:160], state.replay.rows)
    last = rows.observation[:, 0] == 1.0
    assert set(rows.observation[:, 0]) == {-1.0, 1.0}
    np.testing.assert_array_equal(rows.done, last.astype(np.float32))
    np.testing.assert_array_equal(rows.following[last, 0], 3.0)
    np.testing.assert_array_equal(rows.following[~last, 0], 1.0)
    np.testing.assert_allclose(rows.reward, last, rtol=1e-6)  # 10, divided by 10 K
    unscaled = dataclasses.replace(SETTINGS, reward_scale="none")
    raw = drive(Sac(toy("terminal", late=1.0, length=2), unscaled), 10).replay.rows.reward[:160]
    np.testing.assert_allclose(raw, 10.0 * last, rtol=1e-6)
    # Within a cycle, the observation stored is the one that the next block acted on.
    np.testing.assert_array_equal(rows.following[:16], rows.observation[16:32])


def test_warm_up_acts_uniformly_and_learns_nothing(toy, drive, numbers) -> None:
    algorithm = Sac(toy("terminal", late=1.0, length=2), SETTINGS)
    assert algorithm.warmup_steps == 8
    state = drive(algorithm, 8)
    action = np.asarray(state.replay.rows.action[:128]).ravel()
    assert np.abs(np.histogram(action, 4, (-1, 1))[0] - 128).max() < 5 * np.sqrt(128)
    for before, after in zip(numbers(drive(algorithm, 0).learned), numbers(state.learned), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.fixture(scope="module")
def learned(toy):
    """Untrained weights, and critics shifted by 1 from them."""
    fresh = jax.jit(Sac(toy("terminal"), SETTINGS).init)(jax.random.key(0)).learned
    return fresh, jax.tree.map(lambda x: x + 1.0, fresh.critics)


def test_hard_target_copies_every_period(toy, learned) -> None:
    fresh, moved = learned
    algorithm = Sac(toy("terminal"), dataclasses.replace(SETTINGS, target="hard", target_period=3))
    for number, copied in enumerate([False, False, True, False, False, True]):
        targets = algorithm._targets(fresh.targets, moved, jnp.asarray(number))
        expected = moved if copied else fresh.targets
        np.testing.assert_array_equal(targets.layers[0].weight, expected.layers[0].weight)


def test_soft_target_moves_by_its_rate(toy, learned) -> None:
    fresh, moved = learned
    algorithm = Sac(toy("terminal"), dataclasses.replace(SETTINGS, target="soft", target_rate=0.05))
    targets = algorithm._targets(fresh.targets, moved, jnp.asarray(0))
    np.testing.assert_allclose(targets.layers[0].weight, fresh.targets.layers[0].weight + 0.05, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("edge_cpu", ["shares", "requests"])
def test_device_rewards_average_to_the_reward(edge_cpu: str) -> None:
    environment = DTSync(load_scenario("paper", ["device_count=3"]), Interface(edge_cpu=edge_cpu))
    rewards = {}
    for kind in ("total", "devices"):
        settings = dataclasses.replace(SETTINGS, edge_cpu=edge_cpu, architecture="set", critic_reward=kind)
        algorithm = Sac(environment, settings)
        state, _ = jax.jit(lambda key, a=algorithm: a.warm_up(a.init(key), jnp.asarray(0)))(jax.random.key(0))
        rewards[kind] = np.asarray(state.replay.rows.reward[:16])
    assert rewards["devices"].shape == (16, 3)
    np.testing.assert_allclose(rewards["devices"].mean(-1), rewards["total"], rtol=1e-5)
    assert np.ptp(rewards["devices"], axis=-1).min() > 0.0


def test_falling_rate() -> None:
    # From 5e-3 to a tenth of it over 100 updates; (5 + 0.5) / 2 e-3 half-way.
    rate = falling_rate(dataclasses.replace(SETTINGS, learning_rate_end=0.1), 100)
    assert callable(rate)
    np.testing.assert_allclose([rate(n) for n in (0, 50, 100)], [5e-3, 2.75e-3, 5e-4], rtol=1e-5)
    assert falling_rate(SETTINGS, 100) == 5e-3
