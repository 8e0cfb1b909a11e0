"""SAC: updates a second, alone and end to end."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import stable_baselines3
import torch
from benchmarks.harness import Run, Section, Table, interleave, section

from twinsync.environment import DTSync
from twinsync.environment.gym import DTSyncEnv
from twinsync.learning.sac import Sac, SacState
from twinsync.learning.settings import SacSettings
from twinsync.learning.training import over_seeds
from twinsync.presets import load_scenario
from twinsync.streams import fold

BATCH, MEMORY, WARMUP = 256, 20_000, 512
SBX = importlib.util.find_spec("sbx") is not None

TEXT = f"""The same algorithm on the same environment: flat networks of two hidden layers, twin critics, soft target,
temperature learned, batch {BATCH}, Adam, learning rate 3e-4, gamma 0.99, one update per slot, float32. `updates`
are gradient steps alone, on a filled replay memory and with its sampling: Stable-Baselines3 and SBX through
`model.train(gradient_steps)`. `end to end` is training as a user calls it, one slot and one update in turn: ours
steps its own environment in the compiled loop, the others `learn()` on our Gymnasium environment. Five seeds are one
program in ours, in which they take turns on a CPU; in the others they run one after the other. Stable-Baselines3 runs
with one thread and with all cores; the bar applies to the faster of the two."""


def _settings(width: int) -> SacSettings:
    return SacSettings(
        hidden=(width, width), batch_size=BATCH, slots=MEMORY, target="soft", target_rate=0.005, learning_rate=3e-4,
        warmup_slots=WARMUP,
    )  # fmt: skip


@functools.partial(jax.jit, static_argnames="warm")
def _train(algorithm: Sac, state: SacState, first: jax.Array, last: jax.Array, *, warm: bool) -> SacState:
    step = algorithm.warm_up if warm else algorithm.step

    def of_seed(state: SacState) -> SacState:
        return jax.lax.fori_loop(first, last, lambda i, now: step(now, i)[0], state)

    return over_seeds(of_seed, state)


@jax.jit
def _update(algorithm: Sac, state: SacState, first: jax.Array, last: jax.Array) -> SacState:
    """Updates alone, from the replay memory as it is."""

    def once(i: jax.Array, state: SacState) -> SacState:
        learned, _ = algorithm.learn(fold(state.key, i), state.learned, state.replay, jnp.asarray(WARMUP), i)
        return state._replace(learned=learned)

    return over_seeds(lambda now: jax.lax.fori_loop(first, last, once, now), state)


class Ours:
    """A training in memory, filled so far that updates can begin."""

    def __init__(self, width: int, seeds: int) -> None:
        environment = jax.tree.map(jnp.asarray, DTSync(load_scenario("paper")))
        self.algorithm = Sac(environment, _settings(width))
        keys = jax.random.split(jax.random.key(0), seeds)
        state = jax.jit(lambda algorithm, keys: jax.vmap(algorithm.init)(keys))(self.algorithm, keys)
        self.state = _train(self.algorithm, state, jnp.asarray(0), jnp.asarray(WARMUP), warm=True)
        self.done = WARMUP

    def train(self, steps: int) -> None:
        """Slots and updates in turn."""
        bounds = jnp.asarray(self.done), jnp.asarray(self.done + steps)
        self.state = jax.block_until_ready(_train(self.algorithm, self.state, *bounds, warm=False))
        self.done += steps

    def update(self, steps: int) -> None:
        """Updates alone."""
        bounds = jnp.asarray(self.done), jnp.asarray(self.done + steps)
        self.state = jax.block_until_ready(_update(self.algorithm, self.state, *bounds))
        self.done += steps


class Theirs:
    """A model of Stable-Baselines3 or SBX, its memory filled so far that updates can begin."""

    def __init__(self, build: Callable[..., Any], width: int) -> None:
        environment = DTSyncEnv(reward_scale=1.0 / 60.0)
        self.model = build(
            "MlpPolicy", environment, learning_rate=3e-4, buffer_size=MEMORY, learning_starts=WARMUP, batch_size=BATCH,
            tau=0.005, gamma=0.99, train_freq=1, gradient_steps=1, ent_coef="auto_1.0", seed=0,
            policy_kwargs={"net_arch": [width, width]},
        )  # fmt: skip
        self.model.learn(WARMUP)

    def train(self, steps: int) -> None:
        """Slots and updates in turn."""
        self.model.learn(steps, reset_num_timesteps=False)

    def update(self, steps: int) -> None:
        """Updates alone; SBX hands back before they are done, so the weights are waited for."""
        self.model.train(steps, BATCH)
        jax.block_until_ready(getattr(getattr(self.model.policy, "actor_state", None), "params", None))


def _with_threads(threads: int, run: Callable[[int], None], steps: int) -> None:
    torch.set_num_threads(threads)
    run(steps)


def _candidates(
    width: int, seeds: int, steps: int, kind: str, threads: tuple[int, ...]
) -> dict[str, tuple[Run, float]]:
    ours = Ours(width, seeds)
    candidates: dict[str, tuple[Run, float]] = {"twinsync": (lambda: getattr(ours, kind)(steps), seeds * steps)}
    sb3 = Theirs(stable_baselines3.SAC, width)
    for count in threads:
        name = f"Stable-Baselines3, {count} thread{'s' * (count > 1)}"
        candidates[name] = (lambda count=count: _with_threads(count, getattr(sb3, kind), steps), steps)
    if SBX:
        import sbx

        peer = Theirs(sbx.SAC, width)
        candidates["SBX"] = (lambda: getattr(peer, kind)(steps), steps)
    return candidates


@section("sac")
def sac(quick: bool) -> Section:
    """Ours against Stable-Baselines3 and SBX."""
    cores = torch.get_num_threads()
    threads = (1,) if quick or cores == 1 else (1, cores)
    cases = [(8, 2)] if quick else [(64, 1), (256, 1), (64, 5), (256, 5)]
    bars = {64: (4.0, 1.4), 256: (2.0, 1.2)}
    section = Section("SAC", TEXT, versions=_versions())
    for width, seeds in cases:
        steps = 4 if quick else 200 if width == 64 else 60
        # Five seeds tell how seeds share the machine; the stepping around the updates is no other than one seed's.
        kinds = (("update", "updates"), ("train", "end to end"))[: 2 if seeds == 1 else 1]
        for kind, title in kinds:
            timings = interleave(_candidates(width, seeds, steps, kind, threads), 1 if quick else 5)
            peers = [name for name in timings if name.startswith("Stable")]
            best = max(peers, key=lambda name: timings[name].median)
            asked = bars.get(width) if seeds == 1 else None
            named = {best: asked[0], **({"SBX": asked[1]} if SBX else {})} if asked else {}
            plural = "one seed" if seeds == 1 else f"{seeds} seeds"
            section.tables.append(Table(f"Width {width}, {plural}: {title}", "updates/s", timings, bars=named))
    torch.set_num_threads(cores)
    if not SBX:
        section.checks.append("SBX is not installed here; `make bench` installs it.")
    return section


def _versions() -> dict[str, str]:
    names = ["stable-baselines3", "torch", *(["sbx-rl", "flax"] if SBX else [])]
    return {name: version(name) for name in names} | {"numpy": np.__version__}
