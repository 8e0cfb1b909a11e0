"""Section III-B: sensing, eqs. (3) to (6)."""

from __future__ import annotations

import jax.numpy as jnp

from twinsync.arrays import Array, Float, Scalar
from twinsync.scenario import Scenario


def data_bits(share: Float[Array, "*b K"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Data to sense in a slot, D_k[n], uniform in [D_min, D_max] if `share` is uniform in (0, 1) [bit]."""
    return scenario.data_min_bits + (scenario.data_max_bits - scenario.data_min_bits) * share


def sensing_rate_bps(scenario: Scenario) -> Scalar:
    """Sensing rate v_s [bit/s]; if the scenario's is None (auto), D_max/(eta tau), the least that satisfies (19b)."""
    if scenario.sensing_rate_bps is not None:
        return scenario.sensing_rate_bps
    return scenario.data_max_bits / (scenario.sensing_share * scenario.slot_s)


def sensed_bits(scenario: Scenario) -> Scalar:
    """Data that a UD can sense in the sensing share of a slot, D_s = eta tau v_s, eq. (3) [bit]."""
    return scenario.sensing_share * scenario.slot_s * sensing_rate_bps(scenario)


def sensing_latency_s(data_bits: Float[Array, "*b K"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Time to sense the data, eq. (5) [s]."""
    return jnp.asarray(data_bits / sensing_rate_bps(scenario))


def sensing_energy_j(data_bits: Float[Array, "*b K"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Energy to sense the data, eqs. (4) and (6) [J]."""
    return jnp.asarray(scenario.sensing_energy_j_bit * data_bits)
