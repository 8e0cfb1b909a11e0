"""Section III-D: sending the semantics, eqs. (12) and (13)."""

from __future__ import annotations

from twinsync.arrays import Array, Float


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
