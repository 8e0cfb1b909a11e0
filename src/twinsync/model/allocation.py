"""What a slot brings and what is decided in it."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from twinsync.arrays import Array, Float


class Slot(eqx.Module):
    """What nature hands out in one slot, before anything is decided.

    distance_m: distance of each UD to the BS, never below the scenario's floor [m].
    data_bits: data each UD must synchronise, D_k[n] [bit].
    block_gain: channel power gain |g_k|^2 of eq. (10) in each of the slot's L fading blocks, path loss included.
    """

    distance_m: Float[Array, "*b K"]
    data_bits: Float[Array, "*b K"]
    block_gain: Float[Array, "*b K L"]

    @property
    def channel_gain(self) -> Float[Array, "*b K"]:
        """The gain an edge server would report for the slot: the mean over its blocks (the gain itself for L = 1)."""
        return jnp.mean(self.block_gain, axis=-1)


class Allocation(eqx.Module):
    """What is decided for every UD in one slot: the action of eq. (21) in SI units.

    extraction_factor: phi_k, share of the data that is sent.
    device_cpu_hz: CPU frequency f_k of the UD [Hz].
    transmit_power_w: transmit power p_k [W].
    edge_cpu_hz: edge CPU frequency f_k^e requested for the UD [Hz]; more than the server has is scaled down.
    codec: False sends raw data: nothing is extracted or recovered, and neither is charged.
    """

    extraction_factor: Float[Array, "*b K"]
    device_cpu_hz: Float[Array, "*b K"]
    transmit_power_w: Float[Array, "*b K"]
    edge_cpu_hz: Float[Array, "*b K"]
    codec: bool = eqx.field(static=True, default=True)
