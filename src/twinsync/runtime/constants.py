"""The scenario constants that a decision depends on, with the same bounds as in `twinsync.scenario`."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

from twinsync.errors import InputError


class Bound(NamedTuple):
    """Allowed values of a constant: finite, from `low` to `high`; `above` excludes `low`, `whole`: integers only."""

    low: float
    high: float
    above: bool = False
    whole: bool = False

    def admits(self, value: float) -> bool:
        """Whether a number is allowed; False for NaN and infinity."""
        over = value > self.low if self.above else value >= self.low
        return over and value <= self.high and math.isfinite(value) and (not self.whole or value == int(value))

    def __str__(self) -> str:
        upper = "" if self.high == math.inf else f" and at most {self.high:g}"
        return (
            f"{'a whole number' if self.whole else 'a number'} {'above' if self.above else 'from'} {self.low:g}{upper}"
        )


BOUNDS = {
    "slot_count": Bound(1, 1e6, whole=True),
    "cycle_s": Bound(0, math.inf, above=True),
    "start_x_m": Bound(-1e6, 1e6),
    "start_y_m": Bound(-1e6, 1e6),
    "start_radius_m": Bound(0, 1e6),
    "station_height_m": Bound(0, 1e5),
    "distance_floor_m": Bound(0, 1e4, above=True),
    "speed_mean_m_s": Bound(0, 1e3),
    "data_min_bits": Bound(0, 1e12, above=True),
    "data_max_bits": Bound(0, 1e12, above=True),
    "extraction_factor_min": Bound(0, 1, above=True),
    "cycles_per_bit": Bound(0, 1e9, above=True),
    "capacitance": Bound(0, 1e-15),
    "device_cpu_min_hz": Bound(0, 1e12, above=True),
    "device_cpu_max_hz": Bound(0, 1e12, above=True),
    "edge_cpu_min_hz": Bound(0, 1e15, above=True),
    "edge_cpu_max_hz": Bound(0, 1e18, above=True),
    "bandwidth_hz": Bound(0, 1e12, above=True),
    "transmit_power_min_w": Bound(0, 1e4, above=True),
    "transmit_power_max_w": Bound(0, 1e4, above=True),
    "reference_gain": Bound(0, 1e3, above=True),
    "path_loss_exponent": Bound(0, 10),
    "noise_power_w": Bound(0, 1, above=True),
    "energy_budget_j": Bound(0, 1e9, above=True),
}
_ORDERED = (
    ("data_min_bits", "data_max_bits"),
    ("device_cpu_min_hz", "device_cpu_max_hz"),
    ("transmit_power_min_w", "transmit_power_max_w"),
)
_ALLOCATION = (
    *("extraction_factor_min", "device_cpu_min_hz", "device_cpu_max_hz", "edge_cpu_min_hz", "edge_cpu_max_hz"),
    *("transmit_power_min_w", "transmit_power_max_w", "distance_floor_m"),
)
_AFFINE = (
    *("start_x_m", "start_y_m", "station_height_m", "start_radius_m", "speed_mean_m_s", "cycle_s"),
    *("data_min_bits", "data_max_bits"),
)
_PHYSICAL = (
    *("noise_power_w", "bandwidth_hz", "cycle_s", "slot_count", "cycles_per_bit", "capacitance", "energy_budget_j"),
)
_GAIN = ("reference_gain", "path_loss_exponent")


def entering(interface: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the constants that a policy with this interface depends on, in the scenario's order."""
    csi, encoding = interface["observation"] == "csi", interface["encoding"]
    # The affine encoding divides an observed gain by a typical one; the physical one computes a gain not observed.
    gain = _GAIN if (encoding, csi) in (("affine", True), ("physical", False)) else ()
    scales = {"affine": _AFFINE, "unscaled": (), "physical": _PHYSICAL}[encoding]
    names = {*_ALLOCATION, *scales, *gain}
    return tuple(name for name in BOUNDS if name in names)


def check_constant(name: str, value: Any, where: str = "") -> float:
    """The value as a float. Raises `InputError`, beginning with `where`, unless it is a number within its bound."""
    bound = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not bound.admits(float(value)):
        raise InputError(f"{where}{name} = {value!r} must be {bound}")
    return float(value)


def check_order(values: Mapping[str, float]) -> None:
    """Raise `InputError` if a lower limit exceeds its upper limit."""
    for low, high in _ORDERED:
        if values.get(low, 0.0) > values.get(high, math.inf):
            raise InputError(f"{low} = {values[low]:g} exceeds {high} = {values[high]:g}; lower one or raise the other")


def overridden(
    values: Mapping[str, float], scenario: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, float]:
    """`values` with `overrides` applied and checked.

    Raises `InputError` for an unknown name, a value out of bounds, and a constant that the policy does not depend on,
    unless it has its value in training: another value would silently change nothing.
    """
    changed = dict(values)
    for name, value in overrides.items():
        if name in values:
            changed[name] = check_constant(name, value)
        elif name == "device_count":
            raise InputError("device_count follows from the last axis of distance_m; do not give it")
        elif name not in scenario:
            close = difflib.get_close_matches(name, values, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"this policy takes {', '.join(values)}"
            raise InputError(f"unknown constant {name!r}; {hint}")
        elif value != scenario[name]:
            raise InputError(
                f"{name} = {value!r}: this policy cannot follow it; it was trained at {scenario[name]!r} and does not "
                "observe it; train one for it"
            )
    check_order(changed)
    return changed


def check_server(values: Mapping[str, float], devices: int) -> None:
    """Raise `InputError` if the edge server cannot give each of `devices` devices its least CPU frequency."""
    least = devices * values["edge_cpu_min_hz"]
    if least > values["edge_cpu_max_hz"]:
        raise InputError(
            f"edge_cpu_min_hz = {values['edge_cpu_min_hz']:g} Hz for each of {devices} devices exceeds edge_cpu_max_hz "
            f"= {values['edge_cpu_max_hz']:g} Hz; raise edge_cpu_max_hz to at least {least:g}, or lower edge_cpu_min_hz"
        )
