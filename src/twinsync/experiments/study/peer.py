"""Stable-Baselines3's SAC on the Gymnasium face of the same environment, in run folders shaped like ours."""

from __future__ import annotations

import csv
import json
import math
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.protocol import Allocator
from twinsync.arrays import Key
from twinsync.environment.gym import DTSyncEnv
from twinsync.environment.interface import Interface, Sight, observe, to_allocation
from twinsync.environment.sight import see
from twinsync.errors import InputError
from twinsync.experiments.folder import read_json, write_json
from twinsync.learning.divergence import discount_sum, find_divergences, value_bound
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE, Progress, RunConfig
from twinsync.learning.settings import SacSettings
from twinsync.learning.training import CurveRow, curve_slots
from twinsync.manifest import provenance
from twinsync.model import Allocation, slot_outcome
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario


def require_peer() -> None:
    """Raise `InputError` where Stable-Baselines3 is not installed."""
    if find_spec("stable_baselines3") is None:
        raise InputError("--peer sb3: Stable-Baselines3 is not installed; run: pip install stable-baselines3")


class PeerPolicy:
    """A trained model's deterministic policy as an allocator."""

    def __init__(self, model: Any, interface: Interface) -> None:
        self.model, self.interface, self.observation = model, interface, interface.observation

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        seen = np.asarray(observe(self.interface, scenario, sight), np.float32)
        return to_allocation(self.interface, scenario, jnp.asarray(self.model.predict(seen, deterministic=True)[0]))


def find_peers(folder: Path, settings: SacSettings) -> list[Allocator]:
    """The policies of a finished run, one per training seed; needs Stable-Baselines3."""
    require_peer()
    from stable_baselines3 import SAC

    models = sorted(folder.glob("seed-*.zip"), key=lambda path: int(path.stem.split("-")[1]))
    return [PeerPolicy(SAC.load(path, device="cpu"), settings.interface) for path in models]


def train_peer(config: RunConfig, folder: Path, *, command: str, progress: Progress) -> None:
    """Train one seed after the other at the run's settings; a seed that is done is not trained again."""
    settings, scenario = config.settings, load_scenario(config.scenario, config.overrides)
    assert isinstance(settings, SacSettings)
    _check_same(settings)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [_seed(config, settings, scenario, folder, seed, progress) for seed in range(config.seeds)]
    rows = sorted((CurveRow(*row) for seed in seeds for row in seed["curve"]), key=lambda row: (row.slots, row.seed))
    with (folder / CURVE_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CurveRow._fields)
        writer.writerows(rows)
    found = find_divergences(rows)
    diverged = [{"seed": item.seed, "slots": item.slots, "reason": item.reason} for item in found]
    took = round(sum(seed["training_s"] for seed in seeds), 1)
    write_json(folder / MANIFEST_FILE, {**provenance(command, config.seed), "training_s": took, "diverged": diverged})


def _check_same(settings: SacSettings) -> None:
    plain = SacSettings()
    for name in ("architecture", "critic_reward", "learning_rate_end", "parallel_slots", "extraction"):
        if getattr(settings, name) != getattr(plain, name):
            raise InputError(f"--peer sb3 cannot do {name} = {getattr(settings, name)}; leave that out of --learning")


def _seed(
    config: RunConfig, settings: SacSettings, scenario: Scenario, folder: Path, seed: int, progress: Progress
) -> dict[str, Any]:
    file = folder / f"seed-{seed}.json"
    if file.exists():
        return read_json(file)
    import torch
    from stable_baselines3.common.callbacks import BaseCallback

    torch.set_num_threads(1)  # networks this small are slower on more
    judge = _Judge(config, settings, scenario, seed)
    every = max(settings.slots // config.stretches, 1)

    class Watch(BaseCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps % every == 0 or self.num_timesteps == settings.slots:
                judge.note(self.model, self.num_timesteps)
            progress(f"{folder.name} seed {seed}", self.num_timesteps, settings.slots)
            return True

    began = time.perf_counter()
    model = _model(config, settings, scenario, seed)
    judge.note(model, 0)
    model.learn(settings.slots, callback=Watch())
    model.save(folder / f"seed-{seed}.zip")
    told = {"training_s": time.perf_counter() - began, "curve": [list(row) for row in judge.rows]}
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(told), "utf-8")  # NaN and all, read by Python alone
    partial.replace(file)
    return told


def _model(config: RunConfig, settings: SacSettings, scenario: Scenario, seed: int) -> Any:
    from stable_baselines3 import SAC

    environment = DTSyncEnv(
        scenario, observation=settings.observation, edge_cpu=settings.edge_cpu, cycle_end=settings.cycle_end,
        reward_scale=1.0 / (10.0 * scenario.device_count),
    )  # fmt: skip
    hard = settings.target == "hard"
    return SAC(
        "MlpPolicy", environment, seed=1000 * config.seed + seed, device="cpu",
        learning_rate=settings.learning_rate, buffer_size=min(settings.buffer_size, settings.slots),
        learning_starts=settings.warmup_slots, batch_size=settings.batch_size, gamma=settings.discount,
        gradient_steps=settings.updates_per_step, tau=1.0 if hard else settings.target_rate,
        target_update_interval=settings.target_period if hard else 1, ent_coef=f"auto_{settings.initial_alpha}",
        target_entropy=settings.entropy_per_decision * environment.mdp.action_size,
        policy_kwargs={"net_arch": list(settings.hidden)},
    )  # fmt: skip


class _Judge:
    """Notes a model's curve as ours are noted: cost on the same fixed slots, mean |Q| and its bound."""

    def __init__(self, config: RunConfig, settings: SacSettings, scenario: Scenario, seed: int) -> None:
        self.settings, self.scenario, self.seed, self.rows = settings, scenario, seed, []
        self.slots = curve_slots(scenario, config.seed)
        self.key = jax.random.key(0)  # nothing is drawn from it: phi is chosen

    def note(self, model: Any, reached: int) -> None:
        """One point of the curve."""
        policy = PeerPolicy(model, self.settings.interface)
        sight = see(self.slots, policy.observation)
        outcome = slot_outcome(self.scenario, self.slots, policy(self.scenario, sight, self.key))
        cost, latency = float(jnp.mean(outcome.cost)), float(jnp.mean(outcome.total_latency_s))
        size, bound, reward = self._values(model) if reached > self.settings.warmup_slots else (math.nan,) * 3
        alpha = float(model.log_ent_coef.exp().detach())
        self.rows.append(
            CurveRow(self.seed, reached, cost, latency, reward, math.nan, math.nan, alpha, size, bound)
        )  # fmt: skip

    def _values(self, model: Any) -> tuple[float, float, float]:
        """Mean |Q| and its bound in the critic's units, and the mean reward of the slots seen last."""
        import torch

        memory = model.replay_buffer
        seen = np.asarray(memory.rewards[: memory.pos or None])
        recent = np.random.default_rng(0).integers(0, len(seen), 512)
        with torch.no_grad():
            rows = [torch.as_tensor(np.asarray(part)[recent, 0]) for part in (memory.observations, memory.actions)]
            size = float(torch.cat(model.critic(*rows)).abs().mean())
        settings, scenario = self.settings, self.scenario
        discounts = discount_sum(settings.discount, scenario.slot_count, settings.cycle_end)
        first = settings.initial_alpha * model.action_space.shape[0] * math.log(2.0)
        bound = value_bound(float(np.abs(seen).max()), math.inf, first, discounts)
        last = seen[-max(len(seen) // 20, 1) :]
        return size, bound, float(last.mean()) * 10.0 * scenario.device_count
