"""Toy environments with known values, and runs so small that most of their time is compilation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.environment.dtsync import DTSync, Step, next_cycle
from twinsync.learning import PpoSettings, RunConfig, SacSettings, Training, train
from twinsync.presets import load_scenario


class ToyState(NamedTuple):
    key: jax.Array
    n: jax.Array


class Toy(DTSync):
    """Cycles of `length` slots. One device observes (2 n - 1, x), x ~ U(-1, 1) new in each slot, and decides 4 numbers.

    With a `period`, n mod period is observed instead of n, so the slot after a cycle's last looks like a first. The
    reward is always + late [n = 1] - aim (a_0 - x / 2)^2 - calm |a|^2. All are leaves, so toys share a compilation.
    """

    length: int = 1
    period: int = 1000
    always: float = 0.0
    late: float = 0.0
    aim: float = 0.0
    calm: float = 0.0

    def reward(self, observation, action):
        mark, x = observation
        paid = self.always + self.late * (mark == 1.0) - self.aim * (action[0] - 0.5 * x) ** 2
        return 10.0 * (paid - self.calm * jnp.sum(action**2))  # learners see a tenth of it

    def reset(self, key):
        state = ToyState(key, jnp.asarray(0))
        return state, self.observe(state)

    def observe(self, state):
        x = jax.random.uniform(jax.random.fold_in(state.key, state.n), minval=-1.0, maxval=1.0)
        return jnp.stack([2.0 * (state.n % self.period) - 1.0, x])

    def step_autoreset(self, state, action):
        reward = self.reward(self.observe(state), jnp.clip(action, -1.0, 1.0))
        following = ToyState(state.key, state.n + 1)
        seen = self.observe(following)
        over = following.n >= self.length
        ends = (over, ~over & over) if self.cycle_end == "terminal" else (~over & over, over)
        fresh = self.reset(next_cycle(state.key))
        state, observation = jax.tree.map(lambda new, old: jnp.where(over, new, old), fresh, (following, seen))
        return Step(state, observation, reward, *ends, None), seen


@pytest.fixture(scope="session")
def toy() -> Callable[..., Toy]:
    """A toy environment, e.g. `toy("terminal", late=1.0, length=2)`."""
    one_device = load_scenario("paper", ["device_count=1"])
    return lambda cycle_end, **terms: Toy(one_device, cycle_end=cycle_end, **terms)


@pytest.fixture(scope="session")
def drive() -> Callable[..., Any]:
    """One seed's state after some steps of an algorithm, warm-up included."""

    @jax.jit
    def go(algorithm, key, steps):
        state = algorithm.init(key)
        for begin, end, step in (
            (0, algorithm.warmup_steps, algorithm.warm_up),
            (algorithm.warmup_steps, steps, algorithm.step),
        ):
            state = jax.lax.fori_loop(begin, end, lambda i, now, step=step: step(now, i)[0], state)
        return state

    return lambda algorithm, steps, seed=0: go(algorithm, jax.random.key(seed), steps)


TINY_SAC = SacSettings(
    slots=96,
    batch_size=16,
    hidden=(8,),
    parallel_slots=8,
    warmup_slots=16,
    learning_rate=1e-2,
    target="soft",
)
TINY_PPO = PpoSettings(slots=96, rollout_slots=16, batch_size=8, passes=1, hidden=(8,))


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Settings of 12 SAC steps and of 6 PPO rollouts."""
    return {"sac": TINY_SAC, "ppo": TINY_PPO}


@pytest.fixture(scope="session")
def config(tiny) -> RunConfig:
    """Two seeds of the tiny SAC on two devices."""
    return RunConfig("paper", ("device_count=2",), tiny["sac"], seeds=2, seed=7, stretches=3)


@pytest.fixture(scope="session")
def whole(config, tmp_path_factory) -> tuple[Path, Training]:
    """An uninterrupted run and its folder, which tests must not change."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, train(config, out, command="twinsync train")


@pytest.fixture(scope="session")
def numbers() -> Callable[[Any], list[np.ndarray]]:
    """A tree's leaves as NumPy arrays, keys as their data, for exact comparisons."""

    def plain(leaf: Any) -> np.ndarray:
        key = jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if key else leaf)

    return lambda tree: [plain(leaf) for leaf in jax.tree.leaves(tree)]
