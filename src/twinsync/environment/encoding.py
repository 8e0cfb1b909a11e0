"""What a decision-maker is told of a slot, as numbers per device: three encodings of the same sight.

`affine` maps each quantity of (20) from its range in the scenario to about [-1, 1]: the paper's state, for a policy
that serves one scenario. `unscaled` is the same state as it stands, in metres and Mbit. `physical` gives the
logarithms of the dimensionless groups that the decision depends on. Bandwidth, edge CPU and the number of devices enter
it only as what one device's equal share would do, so a policy trained on it can serve any K, and any scenario whose
groups it has seen.
"""

from __future__ import annotations

import jax.numpy as jnp

from twinsync.arrays import Array, Float
from twinsync.environment.sight import Sight
from twinsync.errors import InputError
from twinsync.model.channel import path_gain
from twinsync.model.semantics import extraction_energy_j
from twinsync.scenario import Scenario

MBIT = 1e6
LEAST_UNSCALED_GAIN = 1e-30  # of the unscaled encoding, whose gain is a logarithm; no usable link is as weak


def affine(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance and data size, each affine, and with `csi` the gain's decimal logarithm; one array per quantity."""
    centre = jnp.sqrt(scenario.start_x_m**2 + scenario.start_y_m**2 + scenario.station_height_m**2)
    spread = scenario.start_radius_m + 0.5 * scenario.speed_mean_m_s * scenario.cycle_s + scenario.distance_floor_m
    parts = [(sight.distance_m - centre) / spread]
    middle = 0.5 * (scenario.data_min_bits + scenario.data_max_bits)
    # A fixed data size has no range; a hundredth of its size keeps the quotient finite and the entry 0.
    half = jnp.maximum(0.5 * (scenario.data_max_bits - scenario.data_min_bits), 0.01 * middle)
    parts.append((sight.data_bits - middle) / half)
    if csi:
        typical = path_gain(jnp.maximum(centre, scenario.distance_floor_m)[None], scenario)
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight) / typical, 1e-6)))
    return parts


def unscaled(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance [m] and data size [Mbit], the units of Tables I and II, and with `csi` the gain's decimal logarithm."""
    parts = [jnp.asarray(sight.distance_m), jnp.asarray(sight.data_bits) / MBIT]
    if csi:
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight), LEAST_UNSCALED_GAIN)))
    return parts


def physical(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """The groups of `twinsync.groups.PHYSICAL`; the gain is its mean (path gain), with `csi` the slot's own."""
    data = jnp.asarray(sight.data_bits)
    gain = _known_gain(sight) if csi else path_gain(jnp.asarray(sight.distance_m), scenario)
    count, slot_s, one = scenario.device_count, scenario.slot_s, jnp.ones_like(data)
    cycles = scenario.cycles_per_bit * data
    full_speed = scenario.device_cpu_max_hz * one
    groups = (
        gain / scenario.noise_power_w * scenario.transmit_power_max_w,
        data / (scenario.bandwidth_hz / count) / slot_s,
        cycles / scenario.device_cpu_max_hz / slot_s,
        cycles / (scenario.edge_cpu_max_hz / count) / slot_s,
        extraction_energy_j(data, full_speed, scenario) / scenario.energy_budget_j,
        scenario.transmit_power_max_w * slot_s / scenario.energy_budget_j * one,
        scenario.extraction_factor_min * one,
    )
    # A capacitance of 0 is allowed and makes an energy 0; no group of a working device is as small as this.
    return [jnp.log(jnp.maximum(group, 1e-12)) for group in groups]


def _known_gain(sight: Sight) -> Float[Array, "*b K"]:
    if sight.channel_gain is None:
        raise InputError("observation = csi needs channel_gain in what the edge sees, got None")
    return jnp.asarray(sight.channel_gain)
