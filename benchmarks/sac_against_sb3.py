"""Our SAC and Stable-Baselines3's with the same hyperparameters, on the same tasks, evaluated by the same code.

Run it by hand from the repository's root: `python benchmarks/sac_against_sb3.py`. It prints a table and writes a page.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import torch
from stable_baselines3 import SAC

from twinsync.allocators.heuristics import Random
from twinsync.environment import DTSync, Interface, Step, observe, to_allocation
from twinsync.environment.dtsync import next_cycle
from twinsync.environment.gym import DTSyncEnv
from twinsync.experiments.evaluate import evaluate
from twinsync.learning import SacSettings, advance, start_training
from twinsync.learning.sac import Sac
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.streams import root_key, stream

RESULTS = Path(__file__).parent / "results" / "sac_against_sb3.md"
EPISODE = 200  # steps of Pendulum-v1 before its time limit
SHARED = SacSettings(batch_size=256, hidden=(64, 64), learning_rate=1e-3, target="soft", target_rate=0.005)
FACE = Interface(edge_cpu="shares")

Act = Callable[[np.ndarray], np.ndarray]  # observations [B, F] to actions [B, A] in the task's own units


class Result(NamedTuple):
    """One library's result on one task: a figure per seed, and the wall time of training all seeds [s]."""

    per_seed: list[float]
    wall_s: float


# Pendulum-v1 as a JAX environment; its observation and action count as those of one device.


@dataclasses.dataclass(frozen=True)
class PendulumFace:
    """The pendulum's interface: three numbers observed, one decided."""

    observation: str = "paper"
    features: int = 3
    decisions: int = 1


class PendulumSettings(SacSettings):
    """Settings with the pendulum's interface."""

    @property
    def interface(self) -> PendulumFace:
        return PendulumFace()


class Swing(NamedTuple):
    """Angle from upright [rad], angular velocity [rad/s], steps taken, the episode's key."""

    angle: jax.Array
    speed: jax.Array
    n: jax.Array
    key: jax.Array


class Pendulum(DTSync):
    """Gymnasium's Pendulum-v1: torque 2 a, 50 ms per step, rod of 1 m and 1 kg, g = 10 m/s^2; cut at 200 steps."""

    def reset(self, key):
        angle, speed = jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)
        state = Swing(jnp.pi * angle, speed, jnp.asarray(0), key)
        return state, self.observe(state)

    def observe(self, state):
        return jnp.stack([jnp.cos(state.angle), jnp.sin(state.angle), state.speed])

    def move(self, state, action):
        """State after one step, and the reward."""
        torque = 2.0 * jnp.clip(action[0], -1.0, 1.0)
        off = jnp.mod(state.angle + jnp.pi, 2 * jnp.pi) - jnp.pi
        reward = -(off**2 + 0.1 * state.speed**2 + 0.001 * torque**2)
        speed = jnp.clip(state.speed + 0.05 * (15.0 * jnp.sin(state.angle) + 3.0 * torque), -8.0, 8.0)
        return Swing(state.angle + 0.05 * speed, speed, state.n + 1, state.key), reward

    def step_autoreset(self, state, action):
        following, reward = self.move(state, action)
        seen = self.observe(following)
        over = following.n >= EPISODE
        fresh = self.reset(next_cycle(state.key))
        state, observation = jax.tree.map(lambda new, old: jnp.where(over, new, old), fresh, (following, seen))
        # Our learner divides rewards by 10 K; here both libraries must see the same rewards.
        return Step(state, observation, 10.0 * reward, ~over & over, over, None), seen


def pendulum() -> Pendulum:
    """The port of Pendulum-v1, as an environment of one device."""
    return Pendulum(load_scenario("paper", ["device_count=1"]), PendulumFace(), "truncation")


def check_pendulum(environment: Pendulum, steps: int = 1000) -> float:
    """Largest difference between the port and Gymnasium's own over single steps from the same states."""
    real = gymnasium.make("Pendulum-v1", max_episode_steps=steps).unwrapped
    real.reset(seed=0)
    move = jax.jit(environment.move)
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(steps):
        action = rng.uniform(-1.0, 1.0, 1)
        state = Swing(*(jnp.asarray(x) for x in real.state), jnp.asarray(0), jax.random.key(0))
        following, reward = move(state, jnp.asarray(action))
        observation, expected, *_ = real.step(2.0 * action)
        error = np.abs(np.append(np.asarray(environment.observe(following)) - observation, reward - expected))
        worst = max(worst, float(error.max()))
    if worst > 1e-3:
        raise SystemExit(f"the port of Pendulum-v1 differs from Gymnasium's by {worst}")
    return worst


def pendulum_return(act: Act, episodes: int = 20) -> float:
    """Mean return of a deterministic policy in Gymnasium's own Pendulum-v1, always from the same starts."""
    copies = gymnasium.make_vec("Pendulum-v1", num_envs=episodes, vectorization_mode="sync")
    observation, _ = copies.reset(seed=1000)
    total = np.zeros(episodes)
    for _ in range(EPISODE):
        observation, reward, *_ = copies.step(act(observation))
        total += reward
    copies.close()
    return float(total.mean())


def ours_on_pendulum(settings: PendulumSettings, seeds: int) -> Result:
    """Train all seeds side by side."""
    algorithm = Sac(pendulum(), settings)

    @jax.jit
    def run(algorithm: Sac, keys: jax.Array):
        def phase(first: int, last: int, step: Callable, states):
            return jax.lax.fori_loop(first, last, lambda i, now: jax.vmap(step, (0, None))(now, i)[0], states)

        states = phase(0, algorithm.warmup_steps, algorithm.warm_up, jax.vmap(algorithm.init)(keys))
        return phase(algorithm.warmup_steps, settings.slots, algorithm.step, states)

    began = time.perf_counter()
    states = jax.block_until_ready(run(algorithm, jax.random.split(stream(root_key(0), "training"), seeds)))
    wall = time.perf_counter() - began
    actors = [jax.tree.map(lambda leaf, s=s: leaf[s], states.learned.actor) for s in range(seeds)]
    mean = jax.jit(lambda actor, observation: 2.0 * jnp.tanh(actor(observation)[:, :1]))
    return Result([pendulum_return(lambda seen, a=a: np.asarray(mean(a, jnp.asarray(seen)))) for a in actors], wall)


def ours_on_dtsync(settings: SacSettings, seeds: int, slots: int) -> Result:
    """Train all seeds side by side."""
    scenario = load_scenario("paper")
    began = time.perf_counter()
    training = start_training(scenario, settings, seeds=seeds, seed=0)
    advance(training, stretches=1)
    stacked = jax.block_until_ready(training.policies())
    wall = time.perf_counter() - began
    return Result(costs([jax.tree.map(lambda leaf, s=s: leaf[s], stacked) for s in range(seeds)], slots), wall)


def theirs(environment: Callable[[], gymnasium.Env], settings: SacSettings, seeds: int) -> tuple[list[SAC], float]:
    """Train Stable-Baselines3's SAC with the same settings, seed by seed; returns the models and the wall time [s]."""
    models = []
    began = time.perf_counter()
    for seed in range(seeds):
        model = SAC(
            "MlpPolicy", environment(), seed=seed, device="cpu",
            learning_rate=settings.learning_rate, buffer_size=settings.slots, learning_starts=settings.warmup_slots,
            batch_size=settings.batch_size, tau=settings.target_rate, gamma=settings.discount,
            ent_coef=f"auto_{settings.initial_alpha}", policy_kwargs={"net_arch": list(settings.hidden)},
        )  # fmt: skip
        models.append(model.learn(settings.slots))
    return models, time.perf_counter() - began


def theirs_on_pendulum(settings: SacSettings, seeds: int) -> Result:
    """Train and evaluate on Gymnasium's Pendulum-v1."""
    models, wall = theirs(lambda: gymnasium.make("Pendulum-v1"), settings, seeds)
    return Result([pendulum_return(lambda seen, m=m: m.predict(seen, deterministic=True)[0]) for m in models], wall)


def theirs_on_dtsync(settings: SacSettings, seeds: int, slots: int) -> Result:
    """Train on the Gymnasium environment, evaluate with our evaluation."""

    def environment() -> gymnasium.Env:
        return DTSyncEnv(edge_cpu="shares", reward_scale=1.0 / 60.0)

    def allocator(model: SAC):
        def decide(scenario, sight, key):
            seen = np.asarray(observe(FACE, scenario, sight), np.float32)
            return to_allocation(FACE, scenario, jnp.asarray(model.predict(seen, deterministic=True)[0]))

        return decide

    models, wall = theirs(environment, settings, seeds)
    return Result(costs([allocator(model) for model in models], slots), wall)


def costs(allocators: list, slots: int) -> list[float]:
    """Mean cost T + P of each allocator on the same fresh slots."""
    found = evaluate(load_scenario("paper"), {"it": allocators}, slots=slots, seeds=1, seed=1)
    return [float(row.mean()) for row in found.schemes["it"].cost]


def references(slots: int) -> tuple[float, float]:
    """Mean cost of random allocations and of the clairvoyant optimum on the same slots."""
    found = evaluate(load_scenario("paper"), {"random": [Random()]}, slots=slots, seeds=1, seed=1)
    assert found.optimum is not None
    return float(found.schemes["random"].cost.mean()), float(found.optimum.cost.mean())


def row(task: str, library: str, result: Result) -> str:
    """One line of the table."""
    each = ", ".join(f"{value:.1f}" for value in result.per_seed)
    mean, spread = np.mean(result.per_seed), np.std(result.per_seed, ddof=1)
    middle = np.median(result.per_seed)
    return f"| {task} | {library} | {each} | {mean:.1f} ± {spread:.1f} | {middle:.1f} | {result.wall_s:.0f} s |"


def apart(ours: Result, other: Result) -> str:
    """The difference between two libraries, also in standard errors."""
    difference = np.mean(ours.per_seed) - np.mean(other.per_seed)
    error = np.sqrt(sum(np.var(r.per_seed, ddof=1) / len(r.per_seed) for r in (ours, other)))
    return f"{difference:+.1f}, {abs(difference) / error:.1f} standard errors"


def settings_line(settings: SacSettings) -> str:
    """The hyperparameters both libraries were given."""
    return (
        f"{settings.slots} steps, one update a step after {settings.warmup_slots} uniform ones, batch "
        f"{settings.batch_size}, hidden {settings.hidden}, learning rate {settings.learning_rate}, gamma "
        f"{settings.discount}, soft target {settings.target_rate}, temperature learned from {settings.initial_alpha} "
        "towards a target entropy of -dim(A)"
    )


def main() -> None:
    """Train, evaluate, print the table and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6, help="training seeds, at least 2")
    parser.add_argument("--pendulum-steps", type=int, default=8000)
    parser.add_argument("--slots", type=int, default=4000, help="training slots on our environment")
    parser.add_argument("--evaluation-slots", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.seeds < 2:
        parser.error("--seeds must be at least 2: the table shows a spread")
    torch.set_num_threads(1)  # networks this small are slower on more
    shared = {item.name: getattr(SHARED, item.name) for item in dataclasses.fields(SHARED)}
    swing = PendulumSettings(**{**shared, "slots": args.pendulum_steps})
    twin = dataclasses.replace(SHARED, slots=args.slots, discount=0.0, edge_cpu="shares", initial_alpha=0.02)

    worst = check_pendulum(pendulum())
    print(f"port of Pendulum-v1 checked: largest difference {worst:.1e}", flush=True)
    lines, pairs = [], []
    for task, runs in (
        (
            "Pendulum-v1, return",
            (lambda: ours_on_pendulum(swing, args.seeds), lambda: theirs_on_pendulum(swing, args.seeds)),
        ),
        (
            "twinsync/DTSync-v0, cost",
            (
                lambda: ours_on_dtsync(twin, args.seeds, args.evaluation_slots),
                lambda: theirs_on_dtsync(twin, args.seeds, args.evaluation_slots),
            ),
        ),
    ):
        pair = []
        for library, run in zip(("twinsync", "Stable-Baselines3"), runs, strict=True):
            pair.append(run())
            lines.append(row(task, library, pair[-1]))
            print(lines[-1], flush=True)
        pairs.append(pair)
    page = report(args, lines, pairs, (swing, twin), worst)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page, "utf-8")
    print(f"written: {args.out}")


def report(args: argparse.Namespace, lines: list[str], pairs: list, settings: tuple, worst: float) -> str:
    """The page of results."""
    chance = np.random.default_rng(0)
    idle = pendulum_return(lambda seen: chance.uniform(-2.0, 2.0, (len(seen), 1)).astype(np.float32))
    random_cost, optimum_cost = references(args.evaluation_slots)
    made = provenance("", 0)
    versions = {**made["versions"], **{name: version(name) for name in ("stable-baselines3", "torch")}}
    return "\n".join(
        [
            "# Our SAC beside Stable-Baselines3's",
            "",
            f"Made by `python benchmarks/sac_against_sb3.py --seeds {args.seeds} "
            f"--pendulum-steps {args.pendulum_steps} --slots {args.slots} --evaluation-slots {args.evaluation_slots}`.",
            "",
            "| task | library | each seed | mean ± std over seeds | median | training, all seeds |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            f"- Pendulum-v1: mean return of the deterministic policy over 20 episodes of Gymnasium's own environment "
            f"(higher is better; uniform actions: {idle:.1f}). Ours less theirs: {apart(*pairs[0])}.",
            f"- twinsync/DTSync-v0, preset `paper`, edge CPU as shares: mean cost T + P of the deterministic policy "
            f"over {args.evaluation_slots} fresh slots (lower is better; random allocations: {random_cost:.1f}, "
            f"optimum that knows the channel: {optimum_cost:.1f}). Ours less theirs: {apart(*pairs[1])}.",
            f"- Pendulum: {settings_line(settings[0])}.",
            f"- DTSync: {settings_line(settings[1])}; rewards divided by 60.",
            f"- Our learner runs on JAX environments, so Pendulum-v1 is ported; from the same state a step of the port "
            f"differs from Gymnasium's by at most {worst:.1e} over 1000 random steps.",
            "- What still differs: initial weights (LeCun uniform and a small last layer; PyTorch's default), the "
            "lower bound of the log standard deviation (-10; -20), the temperature's loss (alpha; ln alpha), "
            "random numbers.",
            "- A single seed of either library may end with a policy that fails on Pendulum from some of the "
            "starts: read the medians.",
            "- Our seeds train side by side in one compiled program, compilation included in the time; theirs one "
            "after the other, on one thread. Times are from a shared machine and say little.",
            f"- {made['machine']}, {made['device']}; "
            + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
            "",
        ]
    )  # fmt: skip


if __name__ == "__main__":
    main()
