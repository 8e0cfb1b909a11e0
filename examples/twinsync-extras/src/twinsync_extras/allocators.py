"""A rule that knows the mean channel only."""

import jax
import jax.numpy as jnp

from twinsync.model import Allocation, Slot, slot_outcome
from twinsync.model.channel import path_gain

CANDIDATES = 16


def mean_channel(scenario, sight, key):
    """The extraction factor of least cost for each device [..., K] if its channel gain were at its mean."""
    slot = Slot(sight.distance_m, sight.data_bits, path_gain(sight.distance_m, scenario)[..., None])

    def allocation(extraction_factor):
        one = jnp.ones_like(sight.data_bits)
        return Allocation(
            extraction_factor=extraction_factor * one,
            device_cpu_hz=0.9 * scenario.device_cpu_max_hz * one,
            transmit_power_w=scenario.transmit_power_max_w * one,
            edge_cpu_hz=scenario.edge_cpu_max_hz / scenario.device_count * one,
        )

    candidates = jnp.geomspace(scenario.extraction_factor_min, 1.0, CANDIDATES)
    costs = jax.vmap(lambda phi: slot_outcome(scenario, slot, allocation(phi)).device_cost)(candidates)
    return allocation(candidates[jnp.argmin(costs, axis=0)])
