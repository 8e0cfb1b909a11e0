"""Many copies of `DTSync` as one Gymnasium vector environment; a step of all copies is one jitted call."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from twinsync.arrays import Key
from twinsync.environment.dtsync import DTSync, EnvState, next_cycle
from twinsync.environment.gym_support import (
    SEED_LIMIT,
    action_space,
    build_mdp,
    checked_action,
    checked_scale,
    checked_seed,
    decided,
    no_options,
    observation_space,
    on_device,
    slot_info,
)
from twinsync.errors import InputError
from twinsync.scenario import Scenario


@jax.jit
def _reset(mdp: DTSync, keys: Key):
    return jax.vmap(mdp.reset)(keys)


@jax.jit
def _step(mdp: DTSync, states: EnvState, actions: jax.Array):
    def one(state: EnvState, action: jax.Array):
        step, final_observation = mdp.step_autoreset(state, action)
        returned = (step.observation, final_observation, step.reward, step.terminated, step.truncated)
        return step.state, returned, decided(mdp, state, action, step.outcome)

    return jax.vmap(one)(states, actions)


class DTSyncVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """`num_envs` copies of `DTSyncEnv`, with the same options; arrays have a leading axis [num_envs].

    The step that ends a cycle starts the next one (`AutoresetMode.SAME_STEP`): the observation returned is then the
    first of the next cycle, and `info` holds `final_obs` and `final_info`. All copies have the same N and end together.

    `reset(seed=s)` seeds copy i with s + i (or s[i], where None is a random seed), as `DTSyncEnv` does; without a seed,
    each copy continues with its next cycle. There is no rendering: use `DTSyncEnv` for that. Raises `InputError` for
    wrong options, seeds and actions.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - typed so by Gymnasium

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Path | Scenario = "paper",
        overrides: Sequence[str] = (),
        observation: str = "paper",
        edge_cpu: str = "requests",
        extraction: str = "chosen",
        cycle_end: str = "terminal",
        reward_scale: float = 1.0,
        encoding: str = "affine",
        render_mode: str | None = None,
    ) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, numbers.Integral) or num_envs < 1:
            raise InputError(f"num_envs = {num_envs!r} must be a whole number of at least 1")
        if render_mode is not None:
            raise InputError(f"render_mode = {render_mode!r}: many copies are not drawn; use DTSyncEnv")
        self.mdp = build_mdp(
            scenario,
            overrides,
            observation=observation,
            edge_cpu=edge_cpu,
            extraction=extraction,
            cycle_end=cycle_end,
            encoding=encoding,
        )
        self.reward_scale = checked_scale(reward_scale)
        self.num_envs = num_envs = int(num_envs)
        self.single_observation_space = observation_space(self.mdp)
        self.single_action_space = action_space(self.mdp)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._on_device = on_device(self.mdp)
        self._states: EnvState | None = None

    def reset(
        self, *, seed: int | Sequence[int | None] | np.ndarray | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a cycle in every copy (see the class for which ones); returns first observations and an empty info."""
        no_options(options)
        if seed is not None:
            seeds = self._seeds(seed)
            super().reset(seed=int(seeds[0]))
            keys = _keys(seeds)
        elif self._states is not None:
            keys = jax.vmap(next_cycle)(self._states.key)
        else:
            keys = _keys(self.np_random.integers(SEED_LIMIT, size=self.num_envs))
        self._states, observations = _reset(self._on_device, keys)
        return np.array(observations, np.float32), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Decide the current slot of every copy; raises `ResetNeeded` before the first `reset`."""
        actions = checked_action(actions, (self.num_envs, self.mdp.action_size))
        if self._states is None:
            raise ResetNeeded("call reset() before step()")
        self._states, returned, done = _step(self._on_device, self._states, actions)
        (observation, final_observation, reward, terminated, truncated), done = jax.device_get((returned, done))
        info = slot_info(done)
        if (terminated | truncated).any():
            info = {"final_obs": _objects(np.array(final_observation, np.float32)), "final_info": info}
        info = _with_masks(info, self.num_envs)
        scaled = self.reward_scale * reward.astype(np.float64)
        return np.array(observation, np.float32), scaled, np.array(terminated), np.array(truncated), info

    def _seeds(self, seed: int | Sequence[int | None] | np.ndarray) -> np.ndarray:
        given = seed.tolist() if isinstance(seed, np.ndarray) else seed
        seeds = list(given) if isinstance(given, Sequence) else [checked_seed(given) + i for i in range(self.num_envs)]
        if len(seeds) != self.num_envs:
            raise InputError(f"seed has {len(seeds)} entries, expected one for each of {self.num_envs} copies")
        drawn = [int(self.np_random.integers(SEED_LIMIT)) if entry is None else entry for entry in seeds]
        return np.array([checked_seed(entry) for entry in drawn], np.uint32)


def _keys(seeds: np.ndarray) -> Key:
    return jax.vmap(jax.random.key)(seeds.astype(np.uint32))  # `streams.root_key` of each


def _objects(rows: np.ndarray) -> np.ndarray:
    """An object array of arrays, the form that Gymnasium uses for `final_obs`."""
    objects = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        objects[i] = row
    return objects


def _with_masks(info: dict[str, Any], count: int) -> dict[str, Any]:
    """`info` in Gymnasium's form: beside each entry, a mask `_entry` of the copies that have it; here all do."""
    masked: dict[str, Any] = {}
    for name, value in info.items():
        masked[name] = _with_masks(value, count) if isinstance(value, dict) else value
        masked[f"_{name}"] = np.ones(count, bool)
    return masked
