"""Every constant that a result rests on: value as the paper prints it, SI value, tag and source.

Those of the scenario (Tables I and II), and those of the learners (Table III and the conventions that complete it).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from twinsync.experiments.records import ConstantEntry
from twinsync.learning.settings import PpoSettings, SacSettings
from twinsync.model.sensing import sensing_rate_bps
from twinsync.presets import Preset
from twinsync.scenario import Scenario, constants
from twinsync.storage import jsonable

# The unit that a reader of the paper expects, and its value in SI.
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


def describe_constants(preset: Preset) -> list[ConstantEntry]:
    """One entry per constant of the scenario, in the paper's order."""
    values = scenario_values(preset.scenario)
    return [
        ConstantEntry(
            key=key,
            symbol=constant.symbol,
            value=values[key],
            text=value_text(preset.scenario, key),
            unit=constant.unit,
            tag=preset.provenance[key].tag,
            source=preset.provenance[key].source,
            meaning=constant.meaning,
            bound="" if constant.columns else constant.bound(),
        )
        for key, constant in constants().items()
    ]


def value_text(scenario: Scenario, key: str) -> str:
    """A constant as text in the paper's unit; unless automatic, `parse_quantity` reads it back."""
    value, constant = getattr(scenario, key), constants()[key]
    if constant.columns:
        return "; ".join("(" + ", ".join(f"{float(number):g}" for number in row) + ")" for row in value) or "none"
    if isinstance(value, str):
        return value
    if value is None:
        return f"auto: {_number(float(sensing_rate_bps(scenario)), key, constant.unit)}"
    return _number(float(value), key, constant.unit)


def _number(value: float, key: str, unit: str) -> str:
    if key == "reference_gain":
        return f"{10 * math.log10(value):.6g} dB"
    if key == "noise_power_w":
        return f"{10 * math.log10(value) + 30:.6g} dBm"
    shown, factor = _SHOWN_UNITS.get(key, (unit, 1.0))
    return f"{value / factor:.6g} {shown}".strip()


def learning_constants() -> list[ConstantEntry]:
    """Table III and the conventions that complete it; then PPO's, where they are not SAC's."""
    sac = {item.name: item for item in dataclasses.fields(SacSettings)}
    ppo = [item for item in dataclasses.fields(PpoSettings) if _differs(item, sac.get(item.name))]
    return [*map(_setting, sac.values()), *(_setting(item, "ppo.", "PPO: ") for item in ppo)]


def _differs(item: dataclasses.Field, other: dataclasses.Field | None) -> bool:
    return other is None or item.default != other.default


def _setting(item: dataclasses.Field, prefix: str = "", whose: str = "") -> ConstantEntry:
    """A learner's setting. prefix, whose: before its key and its meaning."""
    return ConstantEntry(
        key=f"{prefix}{item.name}",
        symbol=item.metadata["symbol"],
        value=item.default if not isinstance(item.default, tuple) else list(item.default),
        text=setting_text(item.default),
        unit="",
        tag=item.metadata["tag"],
        source=item.metadata["source"],
        meaning=f"{whose}{item.metadata['meaning']}",
        bound="",
    )


def setting_text(value: Any) -> str:
    """A setting's value as text."""
    if isinstance(value, tuple):
        return " x ".join(str(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
