"""A user's own slots, from JSON or CSV: data and channel of every device, checked number by number.

JSON: `{"slots": [{"data_bits": [K numbers], "distance_m": [K], "channel_gain": [K]}, ...]}`, other keys ignored, so
that what `solve --json` wrote reads back. CSV: one row a device, columns slot, device, data_bits, distance_m,
channel_gain. Where a file gives no gain, the mean gain at the distance is taken (no fading); a missing distance stays
unknown.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from twinsync.arrays import Float
from twinsync.errors import InputError
from twinsync.model.channel import path_gain
from twinsync.model.slot import Slot
from twinsync.scenario import Scenario

FIELDS = ("data_bits", "distance_m", "channel_gain")
_MOST = {"data_bits": 1e12}  # the scenario's own bound on D [bit]


@dataclass(frozen=True)
class SlotsFile:
    """Slots as a file gives them [N, K]; a distance or a gain the file lacks is None."""

    data_bits: Float[np.ndarray, "N K"]
    distance_m: Float[np.ndarray, "N K"] | None
    channel_gain: Float[np.ndarray, "N K"] | None

    @property
    def device_count(self) -> int:
        """Number of devices K."""
        return self.data_bits.shape[1]

    def slot(self, scenario: Scenario) -> Slot:
        """The slots in float64, one fading block; an unknown distance is NaN."""
        distance, gain = self.distance_m, self.channel_gain
        if gain is None:
            assert distance is not None
            with jax.enable_x64(True):
                gain = np.asarray(path_gain(np.maximum(distance, scenario.distance_floor_m), scenario))
        if distance is None:
            distance = np.full_like(gain, np.nan)
        return Slot(distance_m=distance, data_bits=self.data_bits, block_gain=gain[..., None])


def read_slots_file(path: Path) -> SlotsFile:
    """Read and check a slots file; `InputError` names file, slot, field and fix."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: cannot be read: expected JSON or CSV in UTF-8") from None
    rows = _from_csv(path, text) if path.suffix.lower() == ".csv" else _from_json(path, text)
    if not rows:
        raise InputError(f"{path}: holds no slots; give at least one")
    columns = {field: _column(path, field, rows) for field in FIELDS}
    data = columns["data_bits"]
    if data is None:
        raise InputError(f"{path}: slot 0: data_bits is missing; give one number per device")
    if columns["distance_m"] is None and columns["channel_gain"] is None:
        raise InputError(f"{path}: slot 0: channel_gain is missing; give it, or distance_m for the mean gain there")
    for field, values in columns.items():
        if values is not None and values.shape != data.shape:
            raise InputError(
                f"{path}: slot 0: {field} has {values.shape[1]} numbers, but data_bits has {data.shape[1]}; "
                "give one per device"
            )
    return SlotsFile(data, columns["distance_m"], columns["channel_gain"])


def _from_json(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    rows = content.get("slots") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise InputError(f'{path}: expected {{"slots": [...]}}, a list of slots under the key "slots"')
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"{path}: slot {index}: expected an object with {', '.join(FIELDS)}, got {row!r:.40}")
    return rows


def _column(path: Path, field: str, rows: list[dict[str, Any]]) -> Float[np.ndarray, "N K"] | None:
    """One field of every slot, or None where no slot has it."""
    given = [not _absent(row.get(field)) for row in rows]
    if not any(given):
        return None
    if not all(given):
        raise InputError(f"{path}: slot {given.index(False)}: {field} is missing, but slot {given.index(True)} has it")
    table = [_numbers(f"{path}: slot {index}: {field}", row[field]) for index, row in enumerate(rows)]
    for index, numbers in enumerate(table):
        if len(numbers) != len(table[0]):
            raise InputError(
                f"{path}: slot {index}: {field} has {len(numbers)} numbers, but slot 0 has {len(table[0])}; "
                "every slot needs the same devices"
            )
    return _checked(path, field, np.asarray(table))


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, list) and bool(value) and all(item is None for item in value))


def _numbers(where: str, value: Any) -> list[float]:
    if not isinstance(value, list) or not value:
        raise InputError(f"{where} must be a list of numbers, one per device, got {value!r:.40}")
    for place, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise InputError(f"{where}[{place}] must be a number, got {item!r:.40}")
    try:
        return [float(item) for item in value]
    except OverflowError:
        raise InputError(f"{where}: a number is too large") from None


def _checked(path: Path, field: str, values: Float[np.ndarray, "N K"]) -> Float[np.ndarray, "N K"]:
    wrong = np.argwhere(~_admitted(field, values))
    if len(wrong):
        slot, device = wrong[0]
        raise InputError(f"{path}: slot {slot}: {_fault(f'{field}[{device}]', field, float(values[slot, device]))}")
    return values


def _admitted(field: str, values: np.ndarray | float) -> np.ndarray | np.bool_:
    return np.isfinite(values) & (np.asarray(values) > 0) & (np.asarray(values) <= _MOST.get(field, np.inf))


def _fault(name: str, field: str, value: float) -> str:
    most = f" and at most {_MOST[field]:g}" if field in _MOST else ""
    return f"{name} = {value:g} must be a finite number above 0{most}"


def _from_csv(path: Path, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    cells: dict[tuple[int, int], dict[str, float | None]] = {}
    try:
        reader.fieldnames = header = [name.strip() for name in reader.fieldnames or []]
        for name in ("slot", "device", "data_bits"):
            if name not in header:
                raise InputError(f"{path}: column {name!r} is missing; expected slot,device,{','.join(FIELDS)}")
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise InputError(f"{where}: expected {len(header)} values, one per column")
            place = _whole(where, "slot", row["slot"]), _whole(where, "device", row["device"])
            if place in cells:
                raise InputError(f"{where}: slot {place[0]}, device {place[1]} appears twice; keep one row")
            cells[place] = {field: _cell(where, field, row.get(field) or "") for field in FIELDS}
    except csv.Error as error:
        raise InputError(f"{path}: not valid CSV: {error}") from None
    slots, devices = sorted({slot for slot, _ in cells}), sorted({device for _, device in cells})
    for slot in slots:
        for device in devices:
            if (slot, device) not in cells:
                raise InputError(f"{path}: slot {slot} has no row for device {device}; every slot needs every device")
    return [{field: [cells[slot, device][field] for device in devices] for field in FIELDS} for slot in slots]


def _whole(where: str, name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{where}: {name} = {text!r:.40} must be a whole number") from None


def _cell(where: str, field: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{where}: {field} = {text!r:.40} must be a number") from None
    if not _admitted(field, value):
        raise InputError(f"{where}: {_fault(field, field, value)}")
    return value
