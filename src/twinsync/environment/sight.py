"""What the edge server sees before it decides."""

from __future__ import annotations

import equinox as eqx

from twinsync.arrays import Array, Float
from twinsync.model.allocation import Slot


class Sight(eqx.Module):
    """What the edge server sees before it decides.

    distance_m, data_bits: the state of eq. (20). channel_gain: |g_k|^2, only for a decision-maker that asks for channel
    knowledge (`observation = "csi"`), else None.
    """

    distance_m: Float[Array, "*b K"]
    data_bits: Float[Array, "*b K"]
    channel_gain: Float[Array, "*b K"] | None = None


def see(slot: Slot, observation: str) -> Sight:
    """The part of a slot that a decision-maker with this observation gets to see."""
    return Sight(slot.distance_m, slot.data_bits, slot.channel_gain if observation == "csi" else None)
