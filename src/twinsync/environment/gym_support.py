"""Code shared by the single and the vector environment: options, checks of actions and seeds, `info`, and spaces.

The bounds of the observation space are finite, and no observation can leave them.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box

from twinsync.arrays import Array, Float
from twinsync.environment.dtsync import DTSync, EnvState
from twinsync.environment.interface import Interface, Sight, observe
from twinsync.errors import InputError
from twinsync.model import Allocation, Outcome, Slot
from twinsync.model.channel import path_gain
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

SEED_LIMIT = 2**32
_STARTED_IN: dict[str, int] = {}  # pid: of the process that made the first environment, and with it started JAX


def build_mdp(
    scenario: str | Path | Scenario,
    overrides: Sequence[str],
    *,
    observation: str,
    edge_cpu: str,
    extraction: str,
    cycle_end: str,
    encoding: str,
) -> DTSync:
    """The functional environment that the options describe.

    Raises `InputError` that names the wrong option, and in a process that was forked after JAX had started.
    """
    _check_not_forked()
    interface = Interface(observation, edge_cpu, extraction, encoding)
    return DTSync(_scenario(scenario, overrides), interface, cycle_end)


def _check_not_forked() -> None:
    """Raise `InputError` in a fork of a process that has used JAX, whose threads a fork lacks: it would hang."""
    started_in = _STARTED_IN.setdefault("pid", os.getpid())
    if started_in != os.getpid():
        raise InputError(
            "this process was forked after JAX had started, in which JAX would hang; start it anew, for "
            "AsyncVectorEnv with context='spawn' (gymnasium.make_vec: vector_kwargs={'context': 'spawn'})"
        )


def _scenario(scenario: str | Path | Scenario, overrides: Sequence[str]) -> Scenario:
    if isinstance(overrides, str):
        raise InputError(f"overrides = {overrides!r} must be a list of key=value strings; write [{overrides!r}]")
    if isinstance(scenario, Scenario):
        if overrides:
            raise InputError("overrides apply to a preset or a file; change a Scenario by scenario.replace(key=value)")
        if any(np.ndim(leaf) for leaf in jax.tree.leaves(scenario)):
            raise InputError("scenario has batched leaves; give one scenario of plain numbers")
        return scenario
    return load_scenario(str(scenario), overrides)


def on_device(mdp: DTSync) -> DTSync:
    """The environment with its numbers as JAX arrays, so that calls of jitted functions need not convert them."""
    return jax.tree.map(jnp.asarray, mdp)


def checked_scale(reward_scale: float) -> float:
    """`reward_scale` as a float. Raises `InputError` unless it is finite and above 0."""
    if not isinstance(reward_scale, numbers.Real) or not 0.0 < float(reward_scale) < math.inf:
        raise InputError(f"reward_scale = {reward_scale!r} must be a finite number above 0")
    return float(reward_scale)


def checked_seed(seed: int) -> int:
    """A seed as an int. Raises `InputError` unless it is a whole number below 2**32, all that JAX keys distinguish."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < SEED_LIMIT:
        raise InputError(f"seed = {seed!r} must be a whole number from 0 to 2**32 - 1")
    return int(seed)


def checked_action(action: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The action as float32, clipped to [-1, 1]. Raises `InputError` for another shape, NaN or infinity."""
    try:
        array = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"action must be an array of numbers of shape {shape}, got {type(action).__name__}") from None
    if array.shape != shape:
        raise InputError(f"action has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise InputError(f"action{where} = {array[tuple(where)]} is not finite; give values in [-1, 1]")
    return np.clip(array, -1.0, 1.0).astype(np.float32)


def no_options(options: dict[str, Any] | None) -> None:
    """Raise `InputError` if `reset` is given options: it has none, and unknown ones must not be ignored silently."""
    if options:
        raise InputError(f"unknown reset options {', '.join(map(str, options))}; this environment has none")


class Decided(NamedTuple):
    """A slot, its allocation and its outcome; arrays of one copy of the environment, or [num_envs, ...]."""

    n: Array  # index of the slot, from 0
    position_m: Float[Array, "*b K 2"]
    slot: Slot
    allocation: Allocation
    outcome: Outcome


def decided(mdp: DTSync, state: EnvState, action: Float[Array, " A"], outcome: Outcome) -> Decided:
    """The slot of `state`, which `action` decided with the result `outcome`."""
    return Decided(state.n, state.motion.position_m, state.slot, mdp.allocation(state, action), outcome)


def slot_info(done: Decided) -> dict[str, Any]:
    """`info` of a step, given NumPy arrays: the fields of `Slot`, `Allocation` and `Outcome` by name, in SI units.

    `slot` counts from 1; `channel_gain` is the mean over the fading blocks. Entries per UD are arrays [K], totals plain
    numbers; with several copies all are arrays [num_envs, ...].
    """
    slot = {
        "slot": done.n + 1,
        "distance_m": done.slot.distance_m,
        "data_bits": done.slot.data_bits,
        "channel_gain": done.slot.block_gain.mean(-1),
    }
    return _plain({**slot, **_parts(done.allocation), **_parts(done.outcome)})


def _parts(module: eqx.Module) -> dict[str, Any]:
    parts = {f.name: getattr(module, f.name) for f in dataclasses.fields(module) if not f.metadata.get("static")}
    return {name: _parts(part) if isinstance(part, eqx.Module) else part for name, part in parts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    array = np.array(value)  # a copy: arrays that come from JAX are read-only
    return array if array.ndim else array.item()


# With 53-bit uniforms, no normal draw exceeds sqrt(2) erfinv(1 - 2^-53) and no exponential one 53 ln 2.
NORMAL_LIMIT = 8.3
EXPONENTIAL_LIMIT = 36.8
MARGIN = 1e-3  # room for float32 rounding, and a positive width for entries that never change


def observation_space(mdp: DTSync) -> Box:
    """Box of float32 [features * K] that contains every observation of a cycle.

    Every entry of every encoding is monotonic in distance, data size, gain and phi, so the extreme values of these give
    the bounds.
    """
    scenario, count = mdp.scenario, mdp.scenario.device_count
    near_m, far_m = distance_range_m(scenario)
    ends = []
    for distance_m, data_bits, fading, phi in (
        (near_m, scenario.data_max_bits, EXPONENTIAL_LIMIT, 1.0),
        (far_m, scenario.data_min_bits, 0.0, scenario.extraction_factor_min),
    ):
        distance = jnp.full(count, distance_m)
        sight = Sight(distance, jnp.full(count, data_bits), path_gain(distance, scenario) * fading)
        ends.append(np.asarray(observe(mdp.interface, scenario, sight, jnp.full(count, phi)), np.float32))
    return Box(np.minimum(*ends) - MARGIN, np.maximum(*ends) + MARGIN, dtype=np.float32)


def action_space(mdp: DTSync) -> Box:
    """Box of float32 [decisions * K] in [-1, 1]."""
    return Box(-1.0, 1.0, (mdp.action_size,), np.float32)


def distance_range_m(scenario: Scenario) -> tuple[float, float]:
    """Least and greatest distance to the BS that a UD can reach within a cycle [m]."""
    memory, slots = float(scenario.speed_memory), scenario.slot_count
    # The Gauss-Markov recursion with every noise draw at its limit; the speed starts at its mean.
    kept = slots if memory == 1.0 else (1.0 - memory**slots) / (1.0 - memory)
    noise_m_s = math.sqrt(1.0 - memory**2) * float(scenario.speed_std_m_s) * NORMAL_LIMIT
    walk_m = (float(scenario.speed_mean_m_s) + noise_m_s * kept) * float(scenario.cycle_s)
    reach_m = float(scenario.start_radius_m) + walk_m
    if scenario.boundary == "reflect":
        reach_m = min(reach_m, float(scenario.area_radius_m))
    centre_m = math.hypot(scenario.start_x_m, scenario.start_y_m)
    near_m = math.hypot(max(centre_m - reach_m, 0.0), scenario.station_height_m)
    far_m = math.hypot(centre_m + reach_m, scenario.station_height_m)
    floor_m = float(scenario.distance_floor_m)
    return max(near_m, floor_m), max(far_m, floor_m)
