"""A sweep as data: axes of scenario constants, the schemes to compare along them, and the places of its points."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from twinsync.errors import InputError
from twinsync.experiments.records import Axis, Place
from twinsync.presets import load_scenario
from twinsync.quantity import parse_quantity
from twinsync.scenario import Scenario, constants
from twinsync.suggest import did_you_mean


@dataclass(frozen=True)
class SweepPlan:
    """Schemes, by name, to run at every point of the grid of `axes`, starting from a scenario.

    figure: the paper's figure it corresponds to, if any. The first axis is drawn; each combination of values on the
    others is a separate figure.
    """

    name: str
    title: str
    scenario: str
    overrides: tuple[str, ...]
    axes: tuple[Axis, ...]
    schemes: tuple[str, ...]
    figure: str = ""


def check_sweep(sweep: SweepPlan) -> None:
    """Raise `InputError` that names the sweep and its fault: an empty or repeated axis or value, a duplicate scheme, or
    an impossible value anywhere along an axis. Scheme names are checked when they are looked up."""
    where = f"sweep {sweep.name!r}"
    if not sweep.axes:
        raise InputError(f"{where}: no axis; give at least one, with key and values")
    if not sweep.schemes:
        raise InputError(f"{where}: no schemes; name at least one")
    _unlike(sweep.schemes, f"{where}: scheme")
    keys = [key for axis in sweep.axes for key in axis.keys]
    _unlike(keys, f"{where}: axis key")
    known = constants()
    for key in keys:
        if key not in known:
            hint = did_you_mean(key, known)
            raise InputError(f"{where}: axis key {key!r} is not a constant{hint}; `twinsync scenario show` lists them")
        if known[key].choices or known[key].columns:
            raise InputError(f"{where}: axis key {key!r} is not a number; sweep it by two sweeps with `set`")
    for axis in sweep.axes:
        name = " and ".join(axis.keys)
        if not axis.values:
            raise InputError(f"{where}: axis {name} has no values; give at least one")
        _unlike(axis.values, f"{where}: axis {name}: value")
    for part in split(sweep):
        for place in places(part):
            try:
                load_scenario(part.scenario, (*part.overrides, *place.overrides))
            except InputError as error:
                told = str(error).removeprefix("--set: ")
                raise InputError(f"{where}: at {', '.join(place.overrides)}: {told}") from None


def _unlike(items: Sequence[object], what: str) -> None:
    for index, item in enumerate(items):
        if item in items[:index]:
            shown = item if isinstance(item, str) else ", ".join(map(str, item)) if isinstance(item, tuple) else item
            raise InputError(f"{what} {shown} is given twice; remove one")


def split(sweep: SweepPlan) -> list[SweepPlan]:
    """Sweeps of one axis each: the first axis, at each combination of the others' values."""
    drawn, *others = sweep.axes
    parts = []
    for rows in itertools.product(*(axis.values for axis in others)):
        pairs = [pair for axis, row in zip(others, rows, strict=True) for pair in zip(axis.keys, row, strict=True)]
        fixed = [f"{key}={value}" for key, value in pairs]
        name = "--".join([sweep.name, *(item.replace("=", "-").replace(" ", "") for item in fixed)])
        title = sweep.title + (f" ({', '.join(fixed)})" if fixed else "")
        overrides = (*sweep.overrides, *fixed)
        parts.append(dataclasses.replace(sweep, name=name, title=title, overrides=overrides, axes=(drawn,)))
    return parts


def places(sweep: SweepPlan) -> list[Place]:
    """The places of the points of a sweep of one axis; x is the mean of the values if the axis has several keys."""
    axis = sweep.axes[0]
    along = []
    for row in axis.values:
        unit = constants()[axis.keys[0]].unit
        numbers = [parse_quantity(value, unit, where=f"sweep {sweep.name!r}: {axis.keys[0]}") for value in row]
        scale = parse_quantity(f"1 {axis.unit}", unit, where=f"sweep {sweep.name!r}: unit") if axis.unit else 1.0
        shown = [number / scale for number in numbers]
        label = "–".join(f"{number:.6g}" for number in shown)
        overrides = tuple(f"{key}={value}" for key, value in zip(axis.keys, row, strict=True))
        along.append(Place(round(sum(shown) / len(shown), 9), label, overrides))
    return along


def scenario_at(sweep: SweepPlan, place: Place) -> Scenario:
    """The scenario at a place of a sweep of one axis."""
    return load_scenario(sweep.scenario, (*sweep.overrides, *place.overrides))


def thinned(sweep: SweepPlan) -> SweepPlan:
    """The sweep with only the first, middle and last value of each axis."""
    axes = []
    for axis in sweep.axes:
        count = len(axis.values)
        kept = sorted({0, count // 2, count - 1}) if count else []
        axes.append(replace(axis, values=tuple(axis.values[index] for index in kept)))
    return dataclasses.replace(sweep, axes=tuple(axes))
