"""The raw files a reproduce run leaves in its folder, read and checked: the report knows nothing else."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.errors import InputError
from twinsync.experiments.records import Estimate

MANIFEST, SCENARIO, LEARNING = "manifest.json", "scenario.json", "learning.json"
EVALUATION, CONVERGENCE = "evaluation.json", "convergence.csv"
OPTIMUM = "optimum"
_MANIFEST_KEYS = (
    *("command", "budget", "budget_note", "seed", "scenario", "versions", "device", "machine", "git_revision"),
    *("started", "timings_s", "total_s", "schemes"),
)
_CONSTANT_KEYS = ("key", "symbol", "value", "text", "tag", "source", "meaning", "bound")
_COLUMNS = ("scheme", "seed", "slots", "cost", "latency_s", "training_reward")


@dataclass(frozen=True)
class Deviation:
    """One setting that differs from the paper's, and why."""

    setting: str
    paper: str
    here: str
    reason: str


@dataclass(frozen=True)
class Scheme:
    """One contender: its key in the raw files, its name for people, and how it was set up."""

    name: str
    label: str
    group: str
    description: str
    settings: dict[str, Any]
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True)
class Row:
    """What the evaluation measured for one allocator, at the preset or at a point of a sweep.

    `unit` is what was repeated, training seeds or sets of slots, `unit_count` times, and `units_*` are the means of
    each. `numbers` are the plain figures of merit by name, see `value`; `*_parts` means per slot, summed over the UDs.
    `training_slots` is what SAC, PPO or the gradient was trained on and `training_seeds` by how many seeds, NaN where
    nothing is trained or it is not known.
    """

    scheme: Scheme
    latency_s: Estimate
    cost: Estimate
    gap: Estimate | None
    blind_gap: Estimate | None
    numbers: dict[str, float]
    units_latency_s: tuple[float, ...]
    units_cost: tuple[float, ...]
    latency_parts_s: dict[str, float]
    energy_parts_j: dict[str, float]
    unit: str
    unit_count: int
    training_slots: float = math.nan
    training_seeds: float = math.nan

    def value(self, key: str) -> float:
        """A plain figure of merit. Raises `InputError` where the evaluation lacks it."""
        if key not in self.numbers:
            raise InputError(f"{EVALUATION}: allocators: {self.scheme.name}: {key!r} is missing; run it again")
        return self.numbers[key]


@dataclass(frozen=True)
class Curve:
    """Convergence of one scheme: arrays [S, P] over seeds and places `slots` [P]; NaN where nothing was measured."""

    scheme: Scheme
    slots: np.ndarray
    cost: np.ndarray
    latency_s: np.ndarray
    training_reward: np.ndarray


@dataclass(frozen=True)
class RunFolder:
    """Everything in a run's folder."""

    path: Path
    manifest: dict[str, Any]
    scenario: list[dict[str, Any]]
    learning: list[dict[str, Any]]
    evaluation: dict[str, Any]
    schemes: dict[str, Scheme]
    rows: dict[str, Row]
    curves: dict[str, Curve]
    learner: str
    benchmarks: tuple[str, ...]

    def constant(self, key: str) -> Any:
        """The SI value of one of the scenario's constants."""
        for entry in self.scenario:
            if entry["key"] == key:
                return entry["value"]
        raise InputError(f"{self.path / SCENARIO}: no constant {key!r}; run `twinsync reproduce` again")

    def paired(self, name: str, key: str) -> Estimate:
        """The headline's learner against scheme `name` on the same slots, by one key of the evaluation's comparison."""
        return self._paired(self.learner, name, key)

    def reduction(self, scheme: str, benchmark: str) -> Estimate:
        """By how many percent the mean latency of `scheme` lies below that of `benchmark` on the same slots."""
        return self._paired(scheme, benchmark, "latency_reduction_percent")

    def _paired(self, scheme: str, other: str, key: str) -> Estimate:
        where = f"{EVALUATION}: paired"
        pair = need(need(need(self.evaluation, "paired", EVALUATION), scheme, where), other, where)
        return estimate(need(pair, key, where), f"{where}: {scheme}: {other}: {key}")

    @property
    def deadline_s(self) -> float:
        """Deadline of synchronisation, (1 - eta) tau of eq. (16) [s]."""
        return (1.0 - self.constant("sensing_share")) * self.constant("cycle_s") / self.constant("slot_count")


def read_run_folder(folder: Path) -> RunFolder:
    """Read a run's raw files. `InputError` names the file, and in it the key or line, that is missing or unreadable."""
    manifest = read_manifest(folder)
    for inner in ("slots", "seeds"):
        where = f"{MANIFEST}: evaluation"
        need(mapping(need(manifest, "evaluation", MANIFEST), where), inner, where)
    evaluation = mapping(read_json_file(folder / EVALUATION), EVALUATION)
    where = f"{EVALUATION}: allocators"
    allocators = mapping(need(evaluation, "allocators", EVALUATION), where)
    need(allocators, OPTIMUM, where)
    schemes = read_schemes(manifest)
    rows = {name: row_of(scheme_of(schemes, name), value, f"{where}: {name}") for name, value in allocators.items()}
    headline = mapping(need(manifest, "headline", MANIFEST), f"{MANIFEST}: headline")
    learner = need(headline, "learner", f"{MANIFEST}: headline")
    benchmarks = tuple(need(headline, "benchmarks", f"{MANIFEST}: headline"))
    for name in (learner, *benchmarks):
        need(rows, name, where)
    return RunFolder(
        path=folder,
        manifest=manifest,
        scenario=read_constants(folder / SCENARIO),
        learning=read_constants(folder / LEARNING),
        evaluation=evaluation,
        schemes=schemes,
        rows=rows,
        curves=_curves(folder / CONVERGENCE, schemes),
        learner=learner,
        benchmarks=benchmarks,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """How the results in `folder` were made; `InputError` where the folder, the file or a key is missing."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that `twinsync reproduce --out` wrote")
    manifest = mapping(read_json_file(folder / MANIFEST), MANIFEST)
    for key in _MANIFEST_KEYS:
        need(manifest, key, MANIFEST)
    for inner in ("name", "overrides"):
        need(mapping(manifest["scenario"], f"{MANIFEST}: scenario"), inner, f"{MANIFEST}: scenario")
    return manifest


def need(entry: Mapping[str, Any], key: str, where: str) -> Any:
    """`entry[key]`, or an `InputError` that says where it is missing."""
    if key not in entry:
        raise InputError(f"{where}: {key!r} is missing; run `twinsync reproduce` again into a fresh folder")
    return entry[key]


def scheme_of(schemes: Mapping[str, Scheme], name: str) -> Scheme:
    """The scheme called `name`; one the manifest does not describe goes by its own name."""
    return schemes.get(name) or Scheme(name, name, "heuristic", "", {}, ())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: missing; a report needs every raw file of its run, so run it again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text: {error}") from None


def read_json_file(path: Path) -> Any:
    """The file's content, or an `InputError` that names the file."""
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None


def mapping(value: Any, where: str) -> dict[str, Any]:
    """The value if it is a JSON object, or an `InputError` that says where it is not."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, got {type(value).__name__}")
    return value


def read_constants(path: Path) -> list[dict[str, Any]]:
    """The constants a run was made with, each with value, tag and source."""
    entries = read_json_file(path)
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a list of constants, got {type(entries).__name__}")
    for place, entry in enumerate(entries):
        for key in _CONSTANT_KEYS:
            need(mapping(entry, f"{path}: entry {place}"), key, f"{path}: entry {place}")
    return entries


def read_schemes(manifest: dict[str, Any]) -> dict[str, Scheme]:
    """The schemes a manifest describes, by name."""
    schemes = {}
    for place, entry in enumerate(manifest["schemes"]):
        where = f"{MANIFEST}: schemes[{place}]"
        name, label, group = (need(entry, key, where) for key in ("name", "label", "group"))
        deviations = tuple(
            Deviation(*(str(need(item, key, where)) for key in ("setting", "paper", "here", "reason")))
            for item in entry.get("deviations", [])
        )
        settings = dict(entry.get("settings", {}))
        schemes[name] = Scheme(name, label, group, entry.get("description", ""), settings, deviations)
    return schemes


def estimate(value: Any, where: str) -> Estimate:
    """A plain number, or an object with mean, ci_low, ci_high and perhaps median, p95; null reads as NaN."""
    if not isinstance(value, dict):
        return Estimate(_number(value, where))
    rest = (_number(value.get(key), where) for key in ("ci_low", "ci_high", "median", "p95"))
    return Estimate(_number(need(value, "mean", where), where), *rest)


def _number(value: Any, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where}: expected a number, got {value!r}")
    return float(value)


def row_of(scheme: Scheme, value: Any, where: str) -> Row:
    """An allocator's entry of an evaluation; `InputError` says where what is missing or wrong."""
    entry = mapping(value, where)
    gap, blind = entry.get("gap_to_optimum"), entry.get("gap_to_expected")
    return Row(
        scheme=scheme,
        latency_s=estimate(need(entry, "latency_s", where), f"{where}: latency_s"),
        cost=estimate(need(entry, "cost", where), f"{where}: cost"),
        gap=None if gap is None else estimate(gap, f"{where}: gap_to_optimum"),
        blind_gap=None if blind is None else estimate(blind, f"{where}: gap_to_expected"),
        numbers={
            key: _number(item, f"{where}: {key}")
            for key, item in entry.items()
            if key != "unit" and not isinstance(item, (dict, list))
        },
        units_latency_s=_units(entry, "unit_latency_s", where),
        units_cost=_units(entry, "unit_cost", where),
        latency_parts_s=_parts(entry, "latency_parts_s", where),
        energy_parts_j=_parts(entry, "energy_parts_j", where),
        unit=str(need(entry, "unit", where)),
        unit_count=int(_finite(need(entry, "unit_count", where), f"{where}: unit_count")),
        training_slots=_number(entry.get("training_slots"), f"{where}: training_slots"),
        training_seeds=_number(entry.get("training_seeds"), f"{where}: training_seeds"),
    )


def _finite(value: Any, where: str) -> float:
    found = _number(value, where)
    if not math.isfinite(found):
        raise InputError(f"{where}: expected a finite number, got {value!r}")
    return found


def _units(entry: dict[str, Any], key: str, where: str) -> tuple[float, ...]:
    return tuple(estimate(value, f"{where}: {key}").mean for value in need(entry, key, where))


def _parts(entry: dict[str, Any], key: str, where: str) -> dict[str, float]:
    parts = mapping(need(entry, key, where), f"{where}: {key}")
    return {name: estimate(value, f"{where}: {key}: {name}").mean for name, value in parts.items()}


def _curves(path: Path, schemes: dict[str, Scheme]) -> dict[str, Curve]:
    lines = list(csv.DictReader(_text(path).splitlines()))
    if not lines:
        raise InputError(f"{path}: no rows; expected the columns {', '.join(_COLUMNS)} and a row for each evaluation")
    table: dict[str, dict[tuple[str, int], tuple[float, float, float]]] = {}
    for number, line in enumerate(lines, start=2):
        for column in _COLUMNS:
            if line.get(column) is None:
                raise InputError(f"{path}: line {number} has no {column}; expected the columns {', '.join(_COLUMNS)}")
        try:
            place = (line["seed"], int(float(line["slots"])))
            values = tuple(float(line[column] or "nan") for column in _COLUMNS[3:])
        except (ValueError, OverflowError) as error:
            raise InputError(f"{path}: line {number}: {error}") from None
        table.setdefault(line["scheme"], {})[place] = (values[0], values[1], values[2])
    return {name: _curve(scheme_of(schemes, name), measured) for name, measured in table.items()}


def _curve(scheme: Scheme, measured: dict[tuple[str, int], tuple[float, float, float]]) -> Curve:
    seeds = sorted({seed for seed, _ in measured})
    slots = sorted({slot for _, slot in measured})
    values = np.full((3, len(seeds), len(slots)), np.nan)
    for (seed, slot), numbers in measured.items():
        values[:, seeds.index(seed), slots.index(slot)] = numbers
    return Curve(scheme, np.asarray(slots), *values)
