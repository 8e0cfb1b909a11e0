"""The raw file sweeps leave in their folder, read and checked: what was measured at every point of every axis."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.experiments.run_folder import (
    Row,
    Scheme,
    estimate,
    mapping,
    need,
    read_json_file,
    row_of,
    scheme_of,
)

SWEEPS = "sweeps.json"
TRAINED = "training seed"  # the unit of schemes that learn


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
class Point:
    """One place on the axis: every scheme is in `measured`, or in `missing` with the reason. `notes` are remarks."""

    x: float
    label: str
    overrides: tuple[str, ...]
    measured: dict[str, Row]
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
    compared = tuple(scheme_of(schemes, item) for item in named)
    found = sorted(
        (_point(item, f"{where}: points[{place}]", compared) for place, item in enumerate(points)),
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
        schemes=compared,
        command=_text(entry, "command", where),
        commits=tuple(_texts(entry, "commits", where)),
        training_s=_number(entry, "training_s", where),
        points=tuple(found),
        raw=entry,
    )


def _point(value: Any, where: str, schemes: Sequence[Scheme]) -> Point:
    entry = mapping(value, where)
    evaluation = mapping(need(entry, "evaluation", where), f"{where}: evaluation")
    within = f"{where}: evaluation: allocators"
    allocators = mapping(need(evaluation, "allocators", f"{where}: evaluation"), within)
    missing = mapping(entry.get("missing", {}), f"{where}: missing")
    names = [scheme.name for scheme in schemes]
    for name in names:
        if name not in allocators and name not in missing:
            raise InputError(f"{within}: {name!r} is missing, and `missing` does not say why")
    return Point(
        x=_number(entry, "x", where),
        label=_text(entry, "label", where),
        overrides=tuple(_texts(entry, "set", where)),
        measured={
            scheme.name: row_of(scheme, allocators[scheme.name], f"{within}: {scheme.name}")
            for scheme in schemes
            if scheme.name not in missing
        },
        missing={name: _text(missing, name, f"{where}: missing") for name in names if name in missing},
        notes=tuple(_texts(evaluation, "notes", f"{where}: evaluation")),
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
