"""Section III-D: the Rayleigh channel, the achievable rate, latency and energy of the uplink, eqs. (10) to (13)."""

from __future__ import annotations

import math

import jax.numpy as jnp

from twinsync.arrays import Array, Float, Key
from twinsync.scenario import Scenario
from twinsync.streams import stream, uniform


def distance_m(position_m: Float[Array, "*b K 2"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Distance d_k of each UD to the BS antenna, at least the scenario's floor [m]."""
    squared = jnp.sum(position_m**2, axis=-1) + scenario.station_height_m**2
    return jnp.maximum(jnp.sqrt(squared), scenario.distance_floor_m)


def path_gain(distance: Float[Array, "*b K"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Mean channel power gain beta_k = beta_0 d^-alpha_3, defined below eq. (10), where the minus sign is missing."""
    # exp and log take a tenth of the time of a power and agree with it to a few roundings.
    return scenario.reference_gain * jnp.exp(-scenario.path_loss_exponent * jnp.log(distance))


def fading(share: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """|g^NLoS|^2 for g ~ CN(0, 1): unit exponential for a uniform draw `share` in the open interval (0, 1)."""
    return -jnp.log(share)


def stratified_fading(key: Key, shape: tuple[int, ...], draws: int) -> Float[Array, "M *b K L"]:
    """Stratified draws of |g^NLoS|^2: M = `draws` for each entry of `shape` = [*b, K, L].

    An entry's draws fall one into each of M strata of equal probability, so their mean of a smooth function is far
    closer to its expectation than that of independent draws. Each entry has its own random order of strata, so UDs are
    independent within a draw. With several fading blocks, L > 1, draws are independent: strata would correlate blocks.
    """
    share = uniform(key, (draws, *shape))
    if shape[-1] == 1:
        strata = jnp.argsort(uniform(stream(key, "order of strata"), (draws, *shape)), axis=0)
        # Rounding may reach 1, where the gain would be 0.
        share = jnp.minimum((strata + share) / draws, 1.0 - 2.0**-24)
    return fading(share)


def block_gain(
    distance: Float[Array, "*b K"], fading: Float[Array, "*b K L"], scenario: Scenario
) -> Float[Array, "*b K L"]:
    """Channel power gain |g_k|^2 of eq. (10) in each of the L fading blocks."""
    return path_gain(distance, scenario)[..., None] * fading


def rate_bps(
    transmit_power_w: Float[Array, "*b K"], gain: Float[Array, "*b K L"], scenario: Scenario
) -> Float[Array, "*b K"]:
    """Achievable rate, eq. (11) with B_k = B/K, averaged over the slot's fading blocks [bit/s]."""
    snr = transmit_power_w[..., None] * (gain / scenario.noise_power_w)
    efficiency = jnp.mean(jnp.log1p(snr), axis=-1) / math.log(2.0)
    return scenario.bandwidth_hz / scenario.device_count * efficiency


def uplink_latency_s(
    data_bits: Float[Array, "*b K"], extraction_factor: Float[Array, "*b K"], rate_bps: Float[Array, "*b K"]
) -> Float[Array, "*b K"]:
    """Time to send the extracted semantics, eq. (12) [s]."""
    return data_bits * extraction_factor / rate_bps


def uplink_energy_j(
    uplink_latency_s: Float[Array, "*b K"], transmit_power_w: Float[Array, "*b K"]
) -> Float[Array, "*b K"]:
    """Energy to send the extracted semantics, eq. (13) [J]."""
    return uplink_latency_s * transmit_power_w
