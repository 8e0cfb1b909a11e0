"""`DTSync` as a Gymnasium environment: `gymnasium.make("twinsync/DTSync-v0")`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np

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
from twinsync.environment.render import Frame, picture, table
from twinsync.errors import InputError
from twinsync.scenario import Scenario
from twinsync.streams import root_key


@jax.jit
def _reset(mdp: DTSync, key: Key):
    return mdp.reset(key)


@jax.jit
def _step(mdp: DTSync, state: EnvState, action: jax.Array):
    step = mdp.step(state, action)
    returned = (step.observation, step.reward, step.terminated, step.truncated)
    return step.state, returned, decided(mdp, state, action, step.outcome)


class DTSyncEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """Digital twin synchronisation of K devices, one slot per step.

    | | |
    |---|---|
    | observation | float32 [features * K]: distances, data sizes; log gains (`csi`); phi (random extraction) |
    | action | float32 [decisions * K] in [-1, 1], clipped beyond: phi (if chosen), f, p, f^e |
    | reward | reward_scale * (-T[n] - P), eq. (22) |
    | end | after N slots: terminated (`cycle_end = "terminal"`) or truncated (`"truncation"`) |
    | info | the slot just decided, see `slot_info`: draws, allocation and outcome in SI units; empty after a reset |

    scenario: a preset's name, a TOML file's path or a `Scenario`. overrides: `key=value` strings, for a name or a path.
    observation, edge_cpu, extraction, encoding: as in `Interface`; observations are O(1) unless `unscaled`. cycle_end:
    see `end` above. reward_scale: a factor above 0. render_mode: `rgb_array` for a picture or `ansi` for a text table.

    `reset(seed=s)` starts the cycle `model.draw_cycle(streams.root_key(s), scenario)`; each later `reset()` starts the
    cycle of `dtsync.next_cycle` of the previous key. Raises `InputError` for wrong options, seeds and actions. Source:
    Section IV-A, eqs. (20) to (22).
    """

    metadata = {"render_modes": ["rgb_array", "ansi"], "render_fps": 2}  # noqa: RUF012 - typed so by Gymnasium

    def __init__(
        self,
        scenario: str | Path | Scenario = "paper",
        overrides: Sequence[str] = (),
        observation: str = "paper",
        edge_cpu: str = "requests",
        extraction: str = "chosen",
        cycle_end: str = "terminal",
        reward_scale: float = 1.0,
        render_mode: str | None = None,
        encoding: str = "affine",
    ) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise InputError(f"render_mode = {render_mode!r} is not one of {', '.join(modes)}")
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
        self.render_mode = render_mode
        self.observation_space = observation_space(self.mdp)
        self.action_space = action_space(self.mdp)
        self._on_device = on_device(self.mdp)
        self._state: EnvState | None = None
        self._over = False
        self._frame: Frame | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a cycle (see the class for which one); returns its first observation and an empty info."""
        no_options(options)
        if seed is not None:
            seed = checked_seed(seed)
            super().reset(seed=seed)
            key = root_key(seed)
        elif self._state is not None:
            key = next_cycle(self._state.key)
        else:
            key = root_key(int(self.np_random.integers(SEED_LIMIT)))
        state, observation = _reset(self._on_device, key)
        self._state, self._over = state, False
        if self.render_mode is not None:
            position_m, slot = jax.device_get((state.motion.position_m, state.slot))
            self._frame = Frame(self.mdp.scenario, 1, position_m[None], slot)
        return np.array(observation, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Decide the current slot and move to the next; raises `ResetNeeded` when the cycle is over or not begun."""
        action = checked_action(action, (self.mdp.action_size,))
        if self._state is None or self._over:
            raise gymnasium.error.ResetNeeded("the cycle is over or has not begun; call reset() before step()")
        self._state, returned, done = _step(self._on_device, self._state, action)
        (observation, reward, terminated, truncated), done = jax.device_get((returned, done))
        self._over = bool(terminated or truncated)
        if self._frame is not None:
            self._frame = self._frame.after(done)
        scaled = self.reward_scale * float(reward)
        return np.array(observation, np.float32), scaled, bool(terminated), bool(truncated), slot_info(done)

    def render(self) -> np.ndarray | str | None:
        """The slot just decided, or after a reset the one to decide, as the render mode says; None without a mode."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() draws nothing: make the environment with render_mode rgb_array or ansi")
            return None
        if self._frame is None:
            raise gymnasium.error.ResetNeeded("nothing to render yet; call reset() first")
        return picture(self._frame) if self.render_mode == "rgb_array" else table(self._frame)
