"""What the single and the vector environment share: options in, actions and seeds checked, `info` out, and spaces
with finite bounds that no draw can leave."""

from __future__ import annotations

import dataclasses
import math
import numbers
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
    """The functional environment that the options describe; `InputError` names the option that is wrong."""
    interface = Interface(observation, edge_cpu, extraction, encoding)
    return DTSync(_scenario(scenario, overrides), interface, cycle_end)


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
    """The same with its numbers as JAX arrays, so that a call of a jitted function need not convert each of them."""
    return jax.tree.map(jnp.asarray, mdp)


def checked_scale(reward_scale: float) -> float:
    """`reward_scale` as a float; it must be finite and above 0."""
    if not isinstance(reward_scale, numbers.Real) or not 0.0 < float(reward_scale) < math.inf:
        raise InputError(f"reward_scale = {reward_scale!r} must be a finite number above 0")
    return float(reward_scale)


def checked_seed(seed: int) -> int:
    """A seed as a plain int; JAX keys tell no more than 2**32 of them apart."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < SEED_LIMIT:
        raise InputError(f"seed = {seed!r} must be a whole number from 0 to 2**32 - 1")
    return int(seed)


def checked_action(action: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The action as float32 of this shape, free of NaN and infinity; values beyond [-1, 1] are clipped."""
    try:
        array = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"action must be numbers of shape {shape}, got a {type(action).__name__} of other things"
        ) from None
    if array.shape != shape:
        raise InputError(f"action has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise InputError(f"action{where} = {array[tuple(where)]} is not finite; give values in [-1, 1]")
    return np.clip(array, -1.0, 1.0).astype(np.float32)


def no_options(options: dict[str, Any] | None) -> None:
    """`reset` has no options of its own; a misspelt or unsupported one must not pass unseen."""
    if options:
        raise InputError(f"unknown reset options {', '.join(map(str, options))}; this environment has none")


class Decided(NamedTuple):
    """A slot, what was decided in it and what came of it; arrays of one copy, or with a leading axis of copies."""

    n: Array  # counts from 0
    position_m: Float[Array, "*b K 2"]
    slot: Slot
    allocation: Allocation
    outcome: Outcome


def decided(mdp: DTSync, state: EnvState, action: Float[Array, " A"], outcome: Outcome) -> Decided:
    """The slot of `state`, decided by `action`, which came to `outcome`."""
    return Decided(state.n, state.motion.position_m, state.slot, mdp.allocation(state, action), outcome)


def slot_info(told: Decided) -> dict[str, Any]:
    """`info` of a step, from NumPy arrays: everything by the names of `Slot`, `Allocation` and `Outcome`, in SI units.

    `slot` counts from 1. Per-UD entries are arrays, totals plain numbers; of many copies, all arrays [num_envs, ...].
    """
    slot = {
        "slot": told.n + 1,
        "distance_m": told.slot.distance_m,
        "data_bits": told.slot.data_bits,
        "channel_gain": told.slot.block_gain.mean(-1),
    }
    return _plain({**slot, **_parts(told.allocation), **_parts(told.outcome)})


def _parts(module: eqx.Module) -> dict[str, Any]:
    parts = {f.name: getattr(module, f.name) for f in dataclasses.fields(module) if not f.metadata.get("static")}
    return {name: _parts(part) if isinstance(part, eqx.Module) else part for name, part in parts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    array = np.array(value)  # a copy: arrays that come from JAX are read-only
    return array if array.ndim else array.item()


# From uniforms of 53 bits no normal draw lies beyond sqrt(2) erfinv(1 - 2^-53), no exponential one beyond 53 ln 2.
NORMAL_LIMIT = 8.3
EXPONENTIAL_LIMIT = 36.8
MARGIN = 1e-3  # observations are float32: room for rounding, and some width for an entry that never changes


def observation_space(mdp: DTSync) -> Box:
    """Box of float32 [features * K] between what a UD as near and as far as it can walk in a cycle would see.

    Every entry of every encoding rises or falls with distance, data size, gain and phi, so the ends bound it.
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
    """Least and greatest distance to the BS that a UD can reach before a cycle ends [m]."""
    memory, slots = float(scenario.speed_memory), scenario.slot_count
    # The Gauss-Markov recursion with every noise draw at its limit; speed starts at its mean.
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
