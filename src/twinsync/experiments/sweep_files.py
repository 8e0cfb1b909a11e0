"""Sweeps as TOML files: those that ship with the package, the paper's figures among them, and users' own."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.experiments.records import Axis
from twinsync.experiments.schemes import SchemePlan
from twinsync.experiments.sweep import SweepPlan
from twinsync.learning.settings import override
from twinsync.presets import preset_names
from twinsync.suggest import did_you_mean

PAPER = ("fig4", "fig5", "fig6", "fig7")
BEYOND = ("bandwidth", "path-loss", "speed", "fading-blocks", "energy-budget", "extraction-floor")

_KEYS = {"name", "title", "figure", "scenario", "set", "schemes", "axes", "learners"}
_AXIS_KEYS = {"key", "keys", "values", "label", "unit"}
_LEARNER_KEYS = {"base", "label", "learning"}


def shipped_sweep(name: str) -> SweepPlan:
    """One of `PAPER` and `BEYOND`, around the preset `paper`."""
    text = (resources.files("twinsync.experiments") / "sweeps" / f"{name}.toml").read_text("utf-8")
    return _sweep(tomllib.loads(text), name, Path())


def read_sweep(path: Path, known: Mapping[str, SchemePlan]) -> tuple[SweepPlan, dict[str, SchemePlan]]:
    """A user's sweep, and the schemes it names: those of `known`, its own learners, and allocators by name.

    Raises `InputError` naming the file and what is wrong in it.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a sweep's TOML file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    try:
        sweep = _sweep(table, path.stem, path.parent)
        learners = {**known, **_learners(table.get("learners", {}), known)}
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    schemes = {name: learners.get(name) or _own(name) for name in sweep.schemes}
    return sweep, schemes


def _own(name: str) -> SchemePlan:
    return SchemePlan(name, name, "heuristic", "An allocator of the user's.")


def _sweep(table: dict[str, Any], stem: str, folder: Path) -> SweepPlan:
    _known_keys(table, _KEYS, "")
    name = _text(table, "name", stem)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise InputError(f"name {name!r}: letters, digits, - and _ only, since files are named by it")
    scenario = _text(table, "scenario", "paper")
    axes = table.get("axes", [])
    if not isinstance(axes, list):
        raise InputError("axes: expected [[axes]] tables")
    return SweepPlan(
        name=name,
        title=_text(table, "title", name),
        scenario=scenario if scenario in preset_names() else str(folder / scenario),
        overrides=tuple(_texts(table, "set")),
        axes=tuple(_axis(axis, f"axes[{place}]") for place, axis in enumerate(axes)),
        schemes=tuple(_beside(name, folder) for name in _texts(table, "schemes")),
        figure=_text(table, "figure", ""),
    )


def _axis(table: Any, where: str) -> Axis:
    if not isinstance(table, dict):
        raise InputError(f"{where}: expected a table with key and values")
    _known_keys(table, _AXIS_KEYS, f"{where}: ")
    if ("key" in table) == ("keys" in table):
        raise InputError(f"{where}: give either key or keys")
    keys = tuple(_texts(table, "keys")) if "keys" in table else (_text(table, "key", ""),)
    values = table.get("values")
    if not isinstance(values, list):
        raise InputError(f"{where}: values must be a list, got {values!r}")
    rows = []
    for value in values:
        row = value if "keys" in table else [value]
        if not isinstance(row, list) or len(row) != len(keys):
            raise InputError(f"{where}: value {value!r} must be a list of {len(keys)}, one for each of keys")
        if any(isinstance(item, bool) or not isinstance(item, (int, float, str)) for item in row):
            raise InputError(f"{where}: value {value!r} is not a number or a quantity such as '2 MHz'")
        rows.append(tuple(str(item) for item in row))
    return Axis(keys, _text(table, "label", " and ".join(keys)), _text(table, "unit", ""), tuple(rows))


def _learners(table: Any, known: Mapping[str, SchemePlan]) -> dict[str, SchemePlan]:
    if not isinstance(table, dict):
        raise InputError("learners: expected tables [learners.NAME]")
    own = {}
    for name, entry in table.items():
        where = f"learners.{name}"
        if not isinstance(entry, dict):
            raise InputError(f"{where}: expected a table with base and learning")
        _known_keys(entry, _LEARNER_KEYS, f"{where}: ")
        if name in known:
            raise InputError(f"{where}: {name!r} is a scheme already; choose another name")
        base = known.get(_text(entry, "base", ""))
        if base is None or base.settings is None:
            learned = ", ".join(scheme.name for scheme in known.values() if scheme.settings is not None)
            hint = did_you_mean(str(entry.get("base", "")), learned.split(", "))
            raise InputError(f"{where}: base {entry.get('base')!r} is none of the learned schemes {learned}{hint}")
        try:
            settings = override(
                base.settings, {key: _setting(value) for key, value in entry.get("learning", {}).items()}
            )
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        label = _text(entry, "label", name)
        own[name] = dataclasses.replace(base, name=name, label=label, group="fixed", settings=settings,
                                          description=f"{base.label} with settings of the user's.")  # fmt: skip
    return own


def _setting(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _beside(name: str, folder: Path) -> str:
    """A scheme's name; file.py:function is taken from the sweep's own folder."""
    place, colon, attribute = name.rpartition(":")
    return f"{folder / place}{colon}{attribute}" if place.endswith(".py") else name


def _known_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(
            f"{where}unknown key {unknown[0]!r}{did_you_mean(unknown[0], known)}; known: {', '.join(sorted(known))}"
        )


def _text(table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{key} = {value!r} must be a string")
    return value


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
        raise InputError(f"{key} must be a list of strings, got {value!r}")
    return value
