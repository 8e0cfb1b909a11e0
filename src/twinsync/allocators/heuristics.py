"""Heuristic allocators: no learning, no optimisation."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from twinsync.arrays import Key
from twinsync.environment.interface import Interface, Sight, to_allocation
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario


class Random:
    """`random`: phi, f and p uniform within their bounds; the edge CPU in random shares of the server."""

    observation = "paper"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        shape = (*jnp.shape(sight.data_bits)[:-1], 4 * jnp.shape(sight.data_bits)[-1])
        action = jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
        return to_allocation(Interface(edge_cpu="shares"), scenario, action)


class EqualShare:
    """`equal-share`: the middle extraction factor, 90 % of the CPU, full power, equal shares of the edge CPU.

    An engineer's first guess: phi is the geometric mean of its bounds, and 0.9 f_u keeps the extraction energy, which
    grows with f^2, a fifth below its maximum.
    """

    observation = "paper"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        one = jnp.ones_like(jnp.asarray(sight.data_bits))
        device = jnp.maximum(0.9 * scenario.device_cpu_max_hz, scenario.device_cpu_min_hz)
        return Allocation(
            extraction_factor=jnp.sqrt(scenario.extraction_factor_min) * one,
            device_cpu_hz=device * one,
            transmit_power_w=scenario.transmit_power_max_w * one,
            edge_cpu_hz=scenario.edge_cpu_max_hz / scenario.device_count * one,
        )
