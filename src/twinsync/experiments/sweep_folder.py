"""The raw file sweeps leave in their folder, read and checked: what was measured at every point of every axis."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.experiments.run_folder import (
    Estimate,
    Scheme,
    estimate,
    mapping,
    need,
    read_json_file,
    scheme_of,
)

SWEEPS = "sweeps.json"
TRAINED = "training seed"  # the unit of schemes that learn
VALUES = ("energy_j", "extraction_factor", "deadline_miss_rate", "energy_violation_rate", "outage_rate")


@dataclass(frozen=True)
class Axis:
    """What is varied: the scenario's keys, and how people name and measure it."""

    keys: tuple[str, ...]
    label: str
    unit: str

    @property
    def title(self) -> str:
        """The label with its unit, as a chart's axis says it."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


@dataclass(frozen=True)
class Measured:
    """One scheme at one point; `values` are the plain means in `VALUES`, a value that is not a number is NaN.

    Latency, cost and energy are per slot, all UDs together; `gap` is the cost above the optimum's, relative;
    `training_slots` is NaN where nothing is trained or it is not known.
    """

    latency_s: Estimate
    cost: Estimate
    gap: Estimate | None
    values: dict[str, float]
    unit: str
    unit_count: int
    training_slots: float = math.nan


@dataclass(frozen=True)
class Point:
    """One place on the axis: every scheme is in `measured`, or in `missing` with the reason. `notes` are remarks."""

    x: float
    label: str
    overrides: tuple[str, ...]
    measured: dict[str, Measured]
    missing: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Sweep:
    """One sweep: its points in the order of x, and what made it.

    `overrides` hold along the whole axis. `raw` is the sweep's entry in the file.
    """

    name: str
    figure: str
    title: str
    axis: Axis
    overrides: tuple[str, ...]
    schemes: tuple[Scheme, ...]
    command: str
    commits: tuple[str, ...]
    training_s: float
    points: tuple[Point, ...]
    raw: dict[str, Any]

    def lacks(self, scheme: str) -> dict[str, str]:
        """Labels of the points where `scheme` has no mean latency, with the reason."""
        found = {}
        for point in self.points:
            if scheme in point.missing:
                found[point.label] = point.missing[scheme]
            elif not math.isfinite(point.measured[scheme].latency_s.mean):
                found[point.label] = "A training diverged there, so that the mean is not a number"
        return found

    @property
    def slug(self) -> str:
        """The name as a file or a part of a page may be called."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", self.name)

    @property
    def has_gaps(self) -> bool:
        """Whether any scheme's distance from the certified optimum is known anywhere."""
        gaps = [item.gap for point in self.points for item in point.measured.values()]
        return any(gap is not None and math.isfinite(gap.mean) for gap in gaps)


def read_sweeps(folder: Path, schemes: Mapping[str, Scheme]) -> tuple[Sweep, ...]:
    """The sweeps in `folder`, none where there is no sweeps.json; `schemes` are the manifest's.

    Raises `InputError` naming the file, the sweep, the point and the key of anything missing or malformed.
    """
    path = folder / SWEEPS
    if not path.exists():
        return ()
    entries = _list(need(mapping(read_json_file(path), SWEEPS), "sweeps", SWEEPS), f"{SWEEPS}: sweeps")
    sweeps = tuple(_sweep(entry, f"{SWEEPS}: sweeps[{place}]", schemes) for place, entry in enumerate(entries))
    # The name becomes a file's, and an id of the page.
    _distinct([sweep.slug for sweep in sweeps], f"{SWEEPS}: sweeps: name")
    return sweeps


def _sweep(value: Any, where: str, schemes: Mapping[str, Scheme]) -> Sweep:
    entry = mapping(value, where)
    name = _text(entry, "name", where)
    if not re.search(r"[A-Za-z0-9]", name):
        raise InputError(f"{where}: name: {name!r} has no letter and no digit")
    where = f"{SWEEPS}: {name}"
    axis = mapping(need(entry, "axis", where), f"{where}: axis")
    named = _texts(entry, "schemes", where)
    if not named:
        raise InputError(f"{where}: schemes: empty; a sweep compares at least one scheme")
    _distinct(named, f"{where}: schemes")
    points = _list(need(entry, "points", where), f"{where}: points")
    if not points:
        raise InputError(f"{where}: points: empty; a sweep has at least one point")
    found = sorted(
        (_point(item, f"{where}: points[{place}]", named) for place, item in enumerate(points)),
        key=lambda point: point.x,
    )
    _distinct([point.x for point in found], f"{where}: points: x")
    return Sweep(
        name=name,
        figure=_text(entry, "figure", where),
        title=_text(entry, "title", where),
        axis=Axis(
            tuple(_texts(axis, "keys", f"{where}: axis")),
            _text(axis, "label", f"{where}: axis"),
            _text(axis, "unit", f"{where}: axis"),
        ),
        overrides=tuple(_texts(entry, "set", where)) if "set" in entry else (),
        schemes=tuple(scheme_of(schemes, item) for item in named),
        command=_text(entry, "command", where),
        commits=tuple(_texts(entry, "commits", where)),
        training_s=_number(entry, "training_s", where),
        points=tuple(found),
        raw=entry,
    )


def _point(value: Any, where: str, schemes: list[str]) -> Point:
    entry = mapping(value, where)
    evaluation = mapping(need(entry, "evaluation", where), f"{where}: evaluation")
    within = f"{where}: evaluation: allocators"
    allocators = mapping(need(evaluation, "allocators", f"{where}: evaluation"), within)
    missing = mapping(entry.get("missing", {}), f"{where}: missing")
    for scheme in schemes:
        if scheme not in allocators and scheme not in missing:
            raise InputError(f"{within}: {scheme!r} is missing, and `missing` does not say why")
    return Point(
        x=_number(entry, "x", where),
        label=_text(entry, "label", where),
        overrides=tuple(_texts(entry, "set", where)),
        measured={
            scheme: _measured(allocators[scheme], f"{within}: {scheme}") for scheme in schemes if scheme not in missing
        },
        missing={scheme: _text(missing, scheme, f"{where}: missing") for scheme in schemes if scheme in missing},
        notes=tuple(_texts(evaluation, "notes", f"{where}: evaluation")),
    )


def _measured(value: Any, where: str) -> Measured:
    entry = mapping(value, where)
    gap, count = entry.get("gap_to_optimum"), _number(entry, "unit_count", where)
    return Measured(
        latency_s=estimate(need(entry, "latency_s", where), f"{where}: latency_s"),
        cost=estimate(need(entry, "cost", where), f"{where}: cost"),
        gap=None if gap is None else estimate(gap, f"{where}: gap_to_optimum"),
        values={key: estimate(need(entry, key, where), f"{where}: {key}").mean for key in VALUES},
        unit=_text(entry, "unit", where),
        unit_count=int(count),
        training_slots=estimate(entry.get("training_slots"), f"{where}: training_slots").mean,
    )


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = need(entry, key, where)
    if not isinstance(value, str):
        raise InputError(f"{where}: {key}: expected text, got {value!r}")
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> list[str]:
    values = _list(need(entry, key, where), f"{where}: {key}")
    for value in values:
        if not isinstance(value, str):
            raise InputError(f"{where}: {key}: expected a list of texts, got {value!r} in it")
    return values


def _number(entry: Mapping[str, Any], key: str, where: str) -> float:
    value = estimate(need(entry, key, where), f"{where}: {key}").mean
    if not math.isfinite(value):
        raise InputError(f"{where}: {key}: expected a finite number, got {entry[key]!r}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list, got {type(value).__name__}")
    return value


def _distinct(values: list[Any], where: str) -> None:
    for value in values:
        if values.count(value) > 1:
            raise InputError(f"{where}: {value!r} comes twice")
