"""Scenario files: the TOML presets, users' own files, and `key=value` overrides, with where each value comes from.

A file is flat: `key = value`, where value is a number in SI units, a string with a unit ("0.2 MHz"), or a table
`{ value = ..., tag = "stated|derived|assumed|user", source = "..." }`. `base = "paper"` starts from a preset.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.quantity import parse_quantity
from twinsync.scenario import Constant, Scenario, constants, validate

TAGS = ("stated", "derived", "assumed", "user")


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from: printed in the paper, following from it, our assumption, or the user's."""

    tag: str
    source: str


@dataclass(frozen=True)
class Preset:
    """A scenario with the provenance of each of its keys."""

    name: str
    description: str
    scenario: Scenario
    provenance: dict[str, Provenance]


def preset_names() -> list[str]:
    """Names of the presets that ship with the package."""
    folder = resources.files("twinsync") / "scenarios"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_scenario(spec: str = "paper", overrides: Sequence[str] = ()) -> Scenario:
    """The scenario called `spec` (a preset's name or a TOML file's path), changed by `key=value` overrides.

    Raises `InputError` naming file, key, value and bound.
    """
    return load_preset(spec, overrides).scenario


def load_preset(spec: str = "paper", overrides: Sequence[str] = ()) -> Preset:
    """Like `load_scenario`, with the tag and source of each value."""
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
                raise InputError(f"{origin}: unknown key {key!r}{_suggest(key, list(known))}")
            raw, provenance[key] = _entry(entry, where, origin)
            values[key] = _convert(raw, known[key], key, where)
            origins[key] = origin
    missing = [key for key in known if key not in values]
    if missing:
        raise InputError(f"{spec}: missing keys {', '.join(missing)}; add them, or start from a preset: base = \"paper\"")
    with_origin = {key: origin for key, origin in origins.items() if origin not in preset_names()}
    try:
        scenario = Scenario(**values)
    except InputError:
        # Build once more without the constructor's check to name the file of the offending key.
        shell = object.__new__(Scenario)
        for key, value in values.items():
            object.__setattr__(shell, key, value)
        validate(shell, with_origin)
        raise
    return Preset(name, description, scenario, provenance)


def _layers(spec: str, seen: tuple[str, ...]) -> tuple[list[tuple[str, dict[str, Any]]], str, str]:
    """The chain of tables from the outermost `base` to `spec` itself, then its name and description."""
    if spec in seen:
        raise InputError(f"{spec}: base refers back to itself ({' -> '.join((*seen, spec))})")
    table = _read(spec)
    base = table.pop("base", None)
    description = str(table.pop("description", ""))
    if base is not None and not isinstance(base, str):
        raise InputError(f"{spec}: base must be a preset's name or a file's path, got {base!r}")
    below = []
    if base is not None:
        beside = Path(spec).parent / base
        below = _layers(str(beside) if base.endswith(".toml") and not Path(base).is_absolute() else base, (*seen, spec))[0]
    return [*below, (spec, table)], Path(spec).stem if spec.endswith(".toml") else spec, description


def _read(spec: str) -> dict[str, Any]:
    if spec in preset_names():
        text = (resources.files("twinsync") / "scenarios" / f"{spec}.toml").read_text("utf-8")
    else:
        path = Path(spec)
        if not path.is_file():
            presets = ", ".join(preset_names())
            raise InputError(f"scenario {spec!r} is neither a preset ({presets}) nor a file that exists")
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{spec}: cannot be read as text: {error}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{spec}: not valid TOML: {error}") from None


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
    if key == "workload_knots":
        return _knots(raw, where)
    if constant.choices:
        if raw not in constant.choices:
            raise InputError(f"{where} = {raw!r} is not {constant.bound()}")
        return raw
    if constant.optional and raw == "auto":
        return None
    value = parse_quantity(raw, constant.unit, where=where)
    if constant.integer:
        if value != int(value) if abs(value) < 1e15 else True:
            raise InputError(f"{where} = {raw!r} must be a whole number within {constant.bound()}")
        return int(value)
    return value


def _knots(raw: Any, where: str) -> tuple[tuple[float, float, float], ...]:
    if isinstance(raw, str):
        try:
            raw = tomllib.loads(f"rows = {raw}")["rows"]
        except tomllib.TOMLDecodeError:
            raise InputError(f"{where}: expected rows [[phi, extraction, recovery], ...], got {raw!r}") from None
    if not isinstance(raw, list) or any(not isinstance(row, list) or len(row) != 3 for row in raw):
        raise InputError(f"{where}: expected rows [[phi, extraction, recovery], ...], got {raw!r}")
    rows = [[parse_quantity(value, "", where=where) for value in row] for row in raw]
    return tuple((row[0], row[1], row[2]) for row in rows)


def _suggest(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "; `twinsync scenario show paper` lists every key"
