"""The scenarios that a policy is trained on: one, or a wide range around it."""

from __future__ import annotations

import math
from typing import Literal

import jax
import jax.numpy as jnp

from twinsync.arrays import Key, Scalar
from twinsync.scenario import Scenario
from twinsync.streams import stream

Ranges = Literal["scenario", "wide"]

# Factors on the scenario's own values, drawn log-uniformly. For bandwidth and edge CPU they act on a device's equal
# share: the ranges include one device with the resources of six, and ten times the paper's bandwidth.
FACTORS = {
    "bandwidth_hz": (0.4, 16.0),
    "edge_cpu_max_hz": (0.4, 8.0),
    "data_min_bits": (0.3, 2.0),
    "device_cpu_max_hz": (0.3, 2.0),
    "energy_budget_j": (0.5, 2.0),
}
# Drawn uniformly from these, or as far as the scenario's own value if that lies outside.
PATH_LOSS_EXPONENT = (2.0, 3.5)
EXTRACTION_FACTOR_MIN = (0.1, 1.0)


def draw_scenario(key: Key, scenario: Scenario, ranges: Ranges) -> Scenario:
    """The scenario itself (`ranges = "scenario"`), or one drawn from the wide ranges; counts and options are unchanged.

    data_min_bits and data_max_bits have the same factor. The least CPU frequencies are lowered where they would exceed
    the drawn maxima.
    """
    if ranges == "scenario":
        return scenario
    drawn = {name: jnp.exp(_uniform(key, name, *map(math.log, pair))) for name, pair in FACTORS.items()}
    device_max = scenario.device_cpu_max_hz * drawn["device_cpu_max_hz"]
    edge_max = scenario.edge_cpu_max_hz * drawn["edge_cpu_max_hz"]
    return scenario.replace(
        bandwidth_hz=scenario.bandwidth_hz * drawn["bandwidth_hz"],
        edge_cpu_max_hz=edge_max,
        edge_cpu_min_hz=jnp.minimum(scenario.edge_cpu_min_hz, edge_max / scenario.device_count),
        data_min_bits=scenario.data_min_bits * drawn["data_min_bits"],
        data_max_bits=scenario.data_max_bits * drawn["data_min_bits"],
        device_cpu_max_hz=device_max,
        device_cpu_min_hz=jnp.minimum(scenario.device_cpu_min_hz, device_max),
        energy_budget_j=scenario.energy_budget_j * drawn["energy_budget_j"],
        path_loss_exponent=_uniform(key, "path_loss_exponent", *_with(PATH_LOSS_EXPONENT, scenario.path_loss_exponent)),
        extraction_factor_min=_uniform(
            key, "extraction_factor_min", *_with(EXTRACTION_FACTOR_MIN, scenario.extraction_factor_min)
        ),
    )


def _with(ends: tuple[float, float], value: Scalar) -> tuple[jax.Array, jax.Array]:
    """The range from low to high, or as far as the scenario's own value lies beyond it."""
    return jnp.minimum(ends[0], value), jnp.maximum(ends[1], value)


def _uniform(key: Key, name: str, low: Scalar, high: Scalar) -> jax.Array:
    return jax.random.uniform(stream(key, name), minval=low, maxval=high)
