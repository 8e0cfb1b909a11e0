"""Sweeps as TOML files: those that ship with the package, including the paper's figures, and users' own."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from twinsync.allocators.registry import known_names
from twinsync.errors import InputError
from twinsync.experiments.records import Axis
from twinsync.experiments.schemes import SchemePlan
from twinsync.experiments.sweep import SweepPlan
from twinsync.learning.validation import override
from twinsync.presets import preset_names
from twinsync.storage import convert
from twinsync.suggest import did_you_mean

PAPER = ("fig4", "fig5", "fig6", "fig7")
BEYOND = ("bandwidth", "path-loss", "speed", "fading-blocks", "energy-budget", "extraction-floor")

Quantity = int | float | str


class AxisTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An axis of a file: one `key` with a value per point, or several `keys` with a list of values per point."""

    values: tuple[Quantity | tuple[Quantity, ...], ...]
    key: str = ""
    keys: tuple[str, ...] = ()
    label: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.keys):
            raise ValueError("give either key or keys")
        for value in self.values:
            count = len(value) if isinstance(value, tuple) else 0
            if count != len(self.keys):
                expected = f"a list of {len(self.keys)}" if self.keys else "a number or a quantity such as '2 MHz'"
                raise ValueError(f"value {value!r} is not {expected}")

    def axis(self) -> Axis:
        """The axis, with each value as text for `--set`."""
        keys = self.keys or (self.key,)
        rows = (value if isinstance(value, tuple) else (value,) for value in self.values)
        return Axis(
            keys, self.label or " and ".join(keys), self.unit, tuple(tuple(str(item) for item in row) for row in rows)
        )


class LearnerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A learner defined in a file: a known learned scheme (`base`) with other settings."""

    base: str
    label: str = ""
    learning: dict[str, Any] = msgspec.field(default_factory=dict)


class SweepTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"overrides": "set"}):
    """The whole file."""

    name: str = ""
    title: str = ""
    figure: str = ""
    scenario: str = "paper"
    overrides: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    axes: tuple[AxisTable, ...] = ()
    learners: dict[str, LearnerTable] = msgspec.field(default_factory=dict)

    def sweep(self, stem: str, folder: Path) -> SweepPlan:
        """The sweep of a file named `stem`; files that it refers to are relative to `folder`."""
        name = self.name or stem
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise InputError(f"name {name!r}: letters, digits, - and _ only, since files are named by it")
        return SweepPlan(
            name=name,
            title=self.title or name,
            scenario=self.scenario if self.scenario in preset_names() else str(folder / self.scenario),
            overrides=self.overrides,
            axes=tuple(table.axis() for table in self.axes),
            schemes=self.schemes,
            figure=self.figure,
        )


def shipped_sweep(name: str) -> SweepPlan:
    """A sweep named in `PAPER` or `BEYOND`, starting from the preset `paper`."""
    text = (resources.files("twinsync.experiments") / "sweeps" / f"{name}.toml").read_text("utf-8")
    return convert(tomllib.loads(text), SweepTable).sweep(name, Path())


def read_sweep(path: Path, known: Mapping[str, SchemePlan]) -> tuple[SweepPlan, dict[str, SchemePlan]]:
    """A user's sweep, and the schemes it names: from `known`, its own learners, and allocators by name.

    Raises `InputError` that names the file and what is wrong in it.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a sweep's TOML file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    try:
        table: SweepTable = convert(content, SweepTable)
        sweep = table.sweep(path.stem, path.parent)
        own = {name: _learner(name, learner, known) for name, learner in table.learners.items()}
    except InputError as error:
        raise InputError(f"{path}: {error}{_hint(str(error))}") from None
    schemes = {**known, **own}
    return sweep, {name: schemes.get(name) or _allocator(name, path.parent) for name in sweep.schemes}


def _hint(error: str) -> str:
    """A suggestion for an unknown key, if a known one is similar."""
    unknown = re.search(r"unknown field `(.+?)`", error)
    known = [key for table in (SweepTable, AxisTable, LearnerTable) for key in table.__struct_encode_fields__]
    return did_you_mean(unknown[1], known) if unknown else ""


def _allocator(name: str, folder: Path) -> SchemePlan:
    return SchemePlan(name, name, "heuristic", "An allocator of the user's.", path=_found(name, folder))


def _found(name: str, folder: Path) -> str:
    """Where an allocator is found from any folder: file.py:function, an exported policy or a training run is relative
    to the sweep's folder, the latter two otherwise to the current one. Other names as they are."""
    place, colon, attribute = name.rpartition(":")
    if place.endswith(".py"):
        return f"{(folder / place).resolve()}{colon}{attribute}"
    for path in (folder / name, Path(name)):
        if path.exists() and name not in known_names():
            return str(path.resolve())
    return name


def _learner(name: str, table: LearnerTable, known: Mapping[str, SchemePlan]) -> SchemePlan:
    where = f"learners.{name}"
    if name in known:
        raise InputError(f"{where}: {name!r} is a scheme already; choose another name")
    base = known.get(table.base)
    if base is None or base.settings is None:
        learned = ", ".join(scheme.name for scheme in known.values() if scheme.settings is not None)
        hint = did_you_mean(table.base, learned.split(", "))
        raise InputError(f"{where}: base {table.base!r} is not one of the learned schemes {learned}{hint}")
    try:
        settings = override(base.settings, {key: _setting(value) for key, value in table.learning.items()})
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return dataclasses.replace(
        base, name=name, label=table.label or name, group="fixed", settings=settings,
        description=f"{base.label} with settings of the user's.",
    )  # fmt: skip


def _setting(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
