"""Observation and action spaces of the Gymnasium face: finite bounds that no draw can leave."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box

from twinsync.environment.dtsync import DTSync
from twinsync.environment.interface import observe
from twinsync.environment.sight import Sight
from twinsync.model.channel import path_gain
from twinsync.scenario import Scenario

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
