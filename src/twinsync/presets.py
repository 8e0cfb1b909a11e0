"""Scenario files: TOML presets, users' own files and `key=value` overrides, with the provenance of each value.

A file is flat: `key = value`, where value is a number in SI units, a string with a unit ("0.2 MHz"), or a table
`{ value = ..., tag = "stated|derived|assumed|user", source = "..." }`. `base = "paper"` starts from a preset.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.plugins import SCENARIOS, plugin_names, scenario_file, warn_of_clash
from twinsync.quantity import parse_quantity
from twinsync.scenario import Constant, Scenario, constants, defaults, validate
from twinsync.suggest import did_you_mean

_LISTED = "`twinsync scenario show paper` lists every key"

TAGS = ("stated", "derived", "assumed", "user")


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from: `tag` is stated, derived, assumed or user; `source` says where exactly or why."""

    tag: str
    source: str


@dataclass(frozen=True)
class Preset:
    """A scenario with the provenance of each key."""

    name: str
    description: str
    scenario: Scenario
    provenance: dict[str, Provenance]


def preset_names() -> list[str]:
    """Names of the presets that ship with the package, then of those that installed packages add."""
    shipped = _shipped()
    return [*shipped, *plugin_names(SCENARIOS, shipped)]


def _shipped() -> list[str]:
    folder = resources.files("twinsync") / "scenarios"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_scenario(spec: str = "paper", overrides: Sequence[str] = ()) -> Scenario:
    """The scenario called `spec` (a preset's name or a TOML file's path), changed by `key=value` overrides.

    Raises `InputError` that names the file, key, value and bound.
    """
    return load_preset(spec, overrides).scenario


def load_preset(spec: str = "paper", overrides: Sequence[str] = ()) -> Preset:
    """Like `load_scenario`, with the tag and source of each value. Raises `InputError` likewise."""
    layers, name, description = _layers(spec, seen=())
    layers.append(("--set", dict(_split(item) for item in overrides)))
    values: dict[str, Any] = {}
    provenance: dict[str, Provenance] = {}
    origins: dict[str, str] = {}
    known = constants()
    for origin, table in layers:
        for key, entry in table.items():
            where = f"{origin}: {key}"
            if key not in known:
                raise InputError(f"{origin}: unknown key {key!r}{did_you_mean(key, known, otherwise=_LISTED)}")
            raw, provenance[key] = _entry(entry, where, origin)
            values[key] = _convert(raw, known[key], key, where)
            origins[key] = origin
    for key, value in defaults().items():
        if key not in values:
            values[key], provenance[key] = value, Provenance("assumed", "the default: no file gives it")
    missing = [key for key in known if key not in values]
    if missing:
        names = ", ".join(missing)
        raise InputError(f'{spec}: missing keys {names}; add them, or start from a preset: base = "paper"')
    validate(values, origins)  # the constructor checks too, but cannot name the file
    return Preset(name, description, Scenario(**values), provenance)


def _layers(spec: str, seen: tuple[str, ...]) -> tuple[list[tuple[str, dict[str, Any]]], str, str]:
    """Tables from the outermost `base` to `spec` itself, each with its origin; then name and description of `spec`."""
    names = preset_names()
    identity = spec if spec in names else os.path.realpath(spec)
    if identity in seen:
        raise InputError(f"{spec}: base refers back to itself ({' -> '.join((*seen, identity))})")
    table, folder = _read(spec)
    base = table.pop("base", None)
    description = str(table.pop("description", ""))
    if base is not None and not isinstance(base, str):
        raise InputError(f"{spec}: base must be a preset's name or a file's path, got {base!r}")
    if base is not None and base not in names and not (folder / base).exists():
        hint = did_you_mean(base, names)
        raise InputError(f"{spec}: base = {base!r} is neither a preset ({', '.join(names)}) nor a file{hint}")
    below = []
    if base is not None:
        below = _layers(base if base in names else str(folder / base), (*seen, identity))[0]
    return [*below, (spec, table)], Path(spec).stem if spec.endswith(".toml") else spec, description


def _read(spec: str) -> tuple[dict[str, Any], Path]:
    """The table of a preset or file, and the folder that its `base` is relative to."""
    path = Path(spec)
    if spec in _shipped():
        warn_of_clash(SCENARIOS, spec)
        text = (resources.files("twinsync") / "scenarios" / f"{spec}.toml").read_text("utf-8")
    else:
        if not spec.strip():
            raise InputError(f"the scenario has no name; give a preset ({', '.join(preset_names())}) or a TOML file")
        path = scenario_file(spec) or path
        try:
            text = path.read_text("utf-8-sig")
        except FileNotFoundError:
            presets = ", ".join(preset_names())
            hint = did_you_mean(spec, preset_names())
            raise InputError(
                f"scenario {spec!r} is neither a preset ({presets}) nor a file that exists{hint}"
            ) from None
        except OSError as error:
            raise InputError(f"{spec}: cannot be read: {error.strerror}") from None
        except ValueError:
            raise InputError(f"{spec}: cannot be read: expected a TOML file in UTF-8") from None
    try:
        return tomllib.loads(text), path.parent
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, a number of thousands of digits, deep nesting
        hint = "; is a quotation mark missing?" if "Illegal character '\\n'" in str(error) else ""
        raise InputError(f"{spec}: not valid TOML: {error}{hint}") from None


def _entry(entry: Any, where: str, origin: str) -> tuple[Any, Provenance]:
    if not isinstance(entry, dict):
        return entry, Provenance("user", origin)
    extra = set(entry) - {"value", "tag", "source"}
    if extra or "value" not in entry:
        raise InputError(f"{where}: expected a value, or a table with value, tag and source; got keys {sorted(entry)}")
    tag = entry.get("tag", "user")
    if tag not in TAGS:
        raise InputError(f"{where}: tag {tag!r} is not one of {', '.join(TAGS)}")
    return entry["value"], Provenance(tag, str(entry.get("source", origin)))


def _split(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise InputError(f"--set {item!r}: expected key=value, for example --set bandwidth_hz=2e6")
    return key.strip(), value.strip()


def _convert(raw: Any, constant: Constant, key: str, where: str) -> Any:
    if constant.columns:
        return _rows(raw, constant.columns, where)
    if constant.choices:
        if raw not in constant.choices:
            raise InputError(f"{where} = {raw!r} is not {constant.bound()}")
        return raw
    if constant.optional and raw == "auto":
        return None
    if not constant.decibels:
        _no_decibels(raw, where)
    value = parse_quantity(raw, constant.unit, where=where)
    if constant.integer:
        if not value.is_integer():
            raise InputError(f"{where} = {raw!r} must be a whole number within {constant.bound()}")
        return int(value)
    return value


def _rows(raw: Any, columns: Sequence[str], where: str) -> tuple[tuple[float, ...], ...]:
    expected = f"expected rows [[{', '.join(columns)}], ...]"
    if isinstance(raw, str):
        try:
            raw = tomllib.loads(f"rows = {raw}")["rows"]
        except ValueError:
            raise InputError(f"{where}: {expected}, got {raw!r}") from None
    if not isinstance(raw, list) or any(not isinstance(row, list) or len(row) != len(columns) for row in raw):
        raise InputError(f"{where}: {expected}, got {raw!r}")
    for value in (value for row in raw for value in row):
        _no_decibels(value, where)
    return tuple(tuple(parse_quantity(value, "", where=where) for value in row) for row in raw)


def _no_decibels(raw: Any, where: str) -> None:
    """Raise `InputError` for decibels of what is no power ratio: 10 dB of devices would be 10 devices."""
    if isinstance(raw, str) and raw.rstrip().endswith("dB"):
        raise InputError(f"{where}: {raw!r} is no power ratio; give a number without dB")
