"""A scenario's constants for people and for files: value as the paper prints it, SI value, tag and source."""

from __future__ import annotations

import math
from typing import Any

from twinsync.experiments.jsonable import jsonable
from twinsync.model.sensing import sensing_rate_bps
from twinsync.presets import Preset
from twinsync.scenario import Scenario, constants

# The unit a reader of the paper expects, with what it is in SI.
_SHOWN_UNITS = {
    "data_min_bits": ("Mbit", 1e6),
    "data_max_bits": ("Mbit", 1e6),
    "sensing_rate_bps": ("Mbit/s", 1e6),
    "device_cpu_min_hz": ("GHz", 1e9),
    "device_cpu_max_hz": ("GHz", 1e9),
    "edge_cpu_min_hz": ("GHz", 1e9),
    "edge_cpu_max_hz": ("GHz", 1e9),
    "bandwidth_hz": ("MHz", 1e6),
}


def scenario_values(scenario: Scenario) -> dict[str, Any]:
    """Every constant by key as an SI value; an automatic sensing rate is resolved, an infinite cap is None."""
    values = {key: getattr(scenario, key) for key in constants()}
    return jsonable({**values, "sensing_rate_bps": sensing_rate_bps(scenario)})


def describe_constants(preset: Preset) -> list[dict[str, Any]]:
    """One entry a constant, in the paper's order: key, symbol, value (SI), text (for people), unit, tag, source,
    meaning, bound."""
    values = scenario_values(preset.scenario)
    return [
        {
            "key": key,
            "symbol": constant.symbol,
            "value": values[key],
            "text": value_text(preset.scenario, key),
            "unit": constant.unit,
            "tag": preset.provenance[key].tag,
            "source": preset.provenance[key].source,
            "meaning": constant.meaning,
            "bound": "" if key == "workload_knots" else constant.bound(),
        }
        for key, constant in constants().items()
    ]


def value_text(scenario: Scenario, key: str) -> str:
    """A constant in the unit the paper prints; reads back through `parse_quantity` unless it is automatic."""
    value, unit = getattr(scenario, key), constants()[key].unit
    if key == "workload_knots":
        return "; ".join("(" + ", ".join(f"{float(number):g}" for number in row) + ")" for row in value) or "none"
    if isinstance(value, str):
        return value
    if value is None:
        return f"auto: {_number(float(sensing_rate_bps(scenario)), key, unit)}"
    return _number(float(value), key, unit)


def _number(value: float, key: str, unit: str) -> str:
    if key == "reference_gain":
        return f"{10 * math.log10(value):.6g} dB"
    if key == "noise_power_w":
        return f"{10 * math.log10(value) + 30:.6g} dBm"
    shown, factor = _SHOWN_UNITS.get(key, (unit, 1.0))
    return f"{value / factor:.6g} {shown}".strip()
