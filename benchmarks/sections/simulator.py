"""Simulator: slots a second with random actions, everything included."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.harness import Section, Table, interleave, section
from benchmarks.peers.numpy_env import NumpyBatchEnv, NumpyEnv
from benchmarks.peers.numpy_vector import NumpyVectorEnv

from twinsync.environment import DTSync, Interface, rollout, to_allocation
from twinsync.model import Slot, slot_outcome
from twinsync.presets import load_scenario
from twinsync.streams import fold, uniform

TEXT = """Preset `paper`, K = 6, uniform actions. The time includes mobility, data, fading, observation, drawing and
decoding the action, reward and the start of new cycles. Ours is `environment.rollout`, jitted; `step by step` is ours
too, `DTSync.step_autoreset` for many copies. `NumPy loop` is a Gymnasium environment on arrays of K numbers,
`NumPy vectorised` the same code over a batch of copies (`benchmarks/peers/numpy_env.py`), at several batch sizes.
`NumPy by hand` is NumPy optimised by hand: float32, batch axis last, every operation in place
(`benchmarks/peers/numpy_vector.py`). NumPy uses one core, XLA all of them."""


@functools.partial(jax.jit, static_argnames="cycles")
def _rollout(environment: DTSync, key: jax.Array, cycles: int):
    nature, chance = jax.random.split(key)

    def act(key, observation):
        shape = (*observation.shape[:-1], environment.action_size)
        return 2.0 * uniform(key, shape) - 1.0

    told = rollout(environment, jax.random.split(nature, cycles), act, chance)
    return told.observation, told.action, told.reward


@functools.partial(jax.jit, static_argnames=("copies", "slots"))
def _steps(environment: DTSync, key: jax.Array, copies: int, slots: int):
    nature, chance = jax.random.split(key)
    state, _ = jax.vmap(environment.reset)(jax.random.split(nature, copies))

    def advance(state, n):
        shape = (copies, environment.action_size)
        action = 2.0 * uniform(fold(chance, n), shape) - 1.0
        step, _ = jax.vmap(environment.step_autoreset)(state, action)
        return step.state, (step.observation, action, step.reward)

    return jax.lax.scan(advance, state, jnp.arange(slots))[1]


def _loop(env: NumpyEnv, slots: int) -> None:
    env.reset()
    for _ in range(slots):
        _, _, terminated, truncated, _ = env.step(env.np_random.uniform(-1.0, 1.0, 24))
        if terminated or truncated:
            env.reset()


def _by_hand(env: NumpyVectorEnv, slots: int) -> None:
    env.reset()
    action = np.empty((24, env.copies), np.float32)
    for _ in range(slots):
        env.rng.random(out=action, dtype=np.float32)
        action *= np.float32(2.0)
        action -= np.float32(1.0)
        env.step(action)


def _vectorised(env: NumpyBatchEnv, slots: int) -> None:
    env.reset()
    for _ in range(slots):
        *_, terminated, truncated, _ = env.step(env.np_random.uniform(-1.0, 1.0, (env.copies, 24)))
        if terminated or truncated:
            env.reset()


def disagreement(copies: int = 200) -> float:
    """Largest relative difference of the four rewards, for the same slots and actions."""
    scenario = load_scenario("paper")
    vector, single = NumpyVectorEnv(scenario, copies, seed=1), NumpyEnv(scenario)
    vector.reset()
    action = np.random.default_rng(0).uniform(-1.1, 1.1, (24, copies)).astype(np.float32)
    slot = Slot(vector.distance.T, vector.data.T, vector.gain.T[..., None])
    ours = -np.asarray(slot_outcome(scenario, slot, to_allocation(Interface(), scenario, action.T)).cost)
    single.reset(seed=0)
    loop = []
    for i in range(copies):
        single.data, single.gain = vector.data[:, i].astype(float), vector.gain[:, i].astype(float)
        loop.append(single.reward(action[:, i].astype(float)))
    plain = NumpyBatchEnv(scenario, copies)
    plain.data, plain.gain = (x.T.astype(float) for x in (vector.data, vector.gain))
    others = (ours, plain.reward(action.T), vector.reward(action))
    return float(max(np.abs(other / np.array(loop) - 1.0).max() for other in others))


@section("simulator")
def simulator(quick: bool) -> Section:
    """Ours against the two NumPy forms."""
    worst = disagreement()
    if worst > 1e-4:
        raise SystemExit(f"the simulators disagree on the reward by {worst:.1e}")
    scenario = load_scenario("paper")
    ours = jax.tree.map(jnp.asarray, DTSync(scenario))
    cycles, copies, slots, loop_slots, batches = (16, 16, 25, 50, (64,)) if quick else (
        1024, 1024, 100, 5000, (256, 1024, 4096)
    )  # fmt: skip
    keys = iter(jax.random.split(jax.random.key(0), 1000))
    single = NumpyEnv(scenario)
    batched = {size: NumpyBatchEnv(scenario, size) for size in batches}
    vectors = {size: NumpyVectorEnv(scenario, size) for size in batches}
    candidates = {
        "twinsync": (lambda: jax.block_until_ready(_rollout(ours, next(keys), cycles)), cycles * 25),
        "twinsync, step by step": (
            lambda: jax.block_until_ready(_steps(ours, next(keys), copies, slots)), copies * slots,
        ),
        "NumPy loop": (lambda: _loop(single, loop_slots), loop_slots),
        **{
            f"NumPy vectorised, {size} copies": (lambda env=env: _vectorised(env, slots), slots * env.copies)
            for size, env in batched.items()
        },
        **{
            f"NumPy by hand, {size} copies": (lambda env=env: _by_hand(env, slots), slots * env.copies)
            for size, env in vectors.items()
        },
    }  # fmt: skip
    timings = interleave(candidates, 2 if quick else 9)
    best = max((name for name in timings if "vectorised" in name), key=lambda name: timings[name].median)
    table = Table("Slots per second", "slots/s", timings, bars={"NumPy loop": 80.0, best: 2.0})
    check = f"Same slots and actions: the four rewards differ by at most {worst:.1e}, relatively."
    return Section("Simulator", TEXT, [table], [check], {"numpy": np.__version__})
