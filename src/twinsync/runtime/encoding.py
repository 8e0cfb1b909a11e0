"""The network's inputs, as in `twinsync.environment.interface`, but in NumPy and float64.

Products are computed as sums of logarithms: two array logarithms instead of a dozen products and seven logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from twinsync.quantity import PHYSICAL

AFFINE = ("distance", "data size", "channel gain")
GIVEN_PHI = "given phi"

# Floors, as in the environment: of a physical group, of the gain in the affine and in the unscaled encoding, and of the
# range of phi.
LEAST_GROUP = 1e-12
LEAST_GAIN = 1e-6
LEAST_UNSCALED_GAIN = 1e-30
LEAST_SPAN = 1e-9
MBIT = 1e6


def group_names(interface: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the network's inputs per device, in order."""
    affine = AFFINE if interface["observation"] == "csi" else AFFINE[:2]
    names = PHYSICAL if interface["encoding"] == "physical" else affine  # affine and unscaled have the same names
    return (*names, GIVEN_PHI) if interface["extraction"] == "random" else names


def encode(
    interface: Mapping[str, str],
    values: Mapping[str, float],
    distance_m: np.ndarray,
    data_bits: np.ndarray,
    channel_gain: np.ndarray | None,
    given_phi: np.ndarray | None,
) -> np.ndarray:
    """The network's inputs [n, F, K], float32, from arrays [n, K] in SI units; `values` are scenario constants."""
    fill = {"affine": _affine, "unscaled": _unscaled, "physical": _physical}[interface["encoding"]]
    count, devices = data_bits.shape
    groups = np.empty((count, len(group_names(interface)), devices), np.float32)
    fill(groups, values, np.maximum(distance_m, values["distance_floor_m"]), data_bits, channel_gain)
    if given_phi is not None:
        low = values["extraction_factor_min"]
        groups[:, -1] = (given_phi - low) * (2.0 / max(1.0 - low, LEAST_SPAN)) - 1.0
    return groups


def _affine(
    groups: np.ndarray, v: Mapping[str, float], distance: np.ndarray, data: np.ndarray, gain: np.ndarray | None
) -> None:
    centre = math.sqrt(v["start_x_m"] ** 2 + v["start_y_m"] ** 2 + v["station_height_m"] ** 2)
    spread = v["start_radius_m"] + 0.5 * v["speed_mean_m_s"] * v["cycle_s"] + v["distance_floor_m"]
    middle = 0.5 * (v["data_min_bits"] + v["data_max_bits"])
    half = max(0.5 * (v["data_max_bits"] - v["data_min_bits"]), 0.01 * middle)
    groups[:, 0] = (distance - centre) / spread
    groups[:, 1] = (data - middle) / half
    if gain is not None:
        typical = v["reference_gain"] * max(centre, v["distance_floor_m"]) ** -v["path_loss_exponent"]
        groups[:, 2] = np.log10(np.maximum(gain / typical, LEAST_GAIN))


def _unscaled(
    groups: np.ndarray, v: Mapping[str, float], distance: np.ndarray, data: np.ndarray, gain: np.ndarray | None
) -> None:
    groups[:, 0], groups[:, 1] = distance, data / MBIT
    if gain is not None:
        groups[:, 2] = np.log10(np.maximum(gain, LEAST_UNSCALED_GAIN))


def _physical(
    groups: np.ndarray, v: Mapping[str, float], distance: np.ndarray, data: np.ndarray, gain: np.ndarray | None
) -> None:
    slot_s = v["cycle_s"] / v["slot_count"]
    cycles, speed, devices = v["cycles_per_bit"], v["device_cpu_max_hz"], data.shape[-1]
    signal = v["transmit_power_max_w"] / v["noise_power_w"]
    if gain is None:
        groups[:, 0] = _log(v["reference_gain"] * signal) - v["path_loss_exponent"] * np.log(distance)
    else:
        groups[:, 0] = np.log(np.maximum(gain, np.finfo(float).tiny)) + _log(signal)
    log_data = np.log(data)
    per_bit = (
        devices / v["bandwidth_hz"] / slot_s,
        cycles / speed / slot_s,
        cycles * devices / v["edge_cpu_max_hz"] / slot_s,
        cycles * v["capacitance"] * speed * speed / v["energy_budget_j"],
    )
    for i, each in enumerate(per_bit, start=1):
        groups[:, i] = log_data + _log(each)
    groups[:, 5] = _log(v["transmit_power_max_w"] * slot_s / v["energy_budget_j"])
    groups[:, 6] = _log(v["extraction_factor_min"])
    np.maximum(groups[:, :7], math.log(LEAST_GROUP), out=groups[:, :7])


def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf
