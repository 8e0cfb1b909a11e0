"""A study's records: each run's learning curve, and whether and why it fell back or diverged. study.json and curves.csv
hold them, and figures and page are made from these two files."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.experiments.records import Sign
from twinsync.experiments.report.findings import WORSE
from twinsync.experiments.study.plan import StudyRun
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE
from twinsync.learning.training import CurveRow
from twinsync.storage import Number, Numbers, Record, plain, read, read_json

STUDY, CURVES = "study.json", "curves.csv"
STEADY, FELL_BACK, DIVERGED = "steady", "fell back", "diverged"


@dataclass(frozen=True)
class StudyCurve:
    """A run's learning curve: arrays [S, P] over seeds and points `slots` [P]; NaN where there is no value."""

    slots: np.ndarray
    cost: np.ndarray
    training_reward: np.ndarray
    value_size: np.ndarray
    value_bound: np.ndarray


def read_curve(path: Path) -> list[CurveRow]:
    """The rows of a run's curve.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        CurveRow(int(row["seed"]), int(row["slots"]), *(float(row[k]) for k in CurveRow._fields[2:])) for row in rows
    ]


def to_arrays(rows: list[CurveRow]) -> StudyCurve:
    """Rows as arrays."""
    slots = sorted({row.slots for row in rows})
    seeds = sorted({row.seed for row in rows})
    values = {name: np.full((len(seeds), len(slots)), np.nan) for name in StudyCurve.__annotations__ if name != "slots"}
    for row in rows:
        for name, array in values.items():
            array[seeds.index(row.seed), slots.index(row.slots)] = getattr(row, name)
    return StudyCurve(np.asarray(slots), **values)


def finished(folder: Path) -> bool:
    """Whether a run in `folder` was trained to its end."""
    manifest = folder / MANIFEST_FILE
    return manifest.exists() and "diverged" in read_json(manifest)


class SeedRecord(Record, frozen=True):
    """The lowest and the final cost of one training seed's learning curve; NaN if it has no finite value."""

    best_cost: Number
    best_slots: int
    end_cost: Number
    fell_back: bool


class Values(Record, frozen=True):
    """Mean |Q| at the end (`size`), its bound by the rewards seen, its share of that bound, and its size divided by one
    slot's mean reward, which tells how many slots the critic adds up."""

    size: Number
    bound: Number
    share: Number
    slots_of_reward: Number


class FinalCost(Record, frozen=True, rename={"low": "ci_low", "high": "ci_high"}):
    """Mean cost on fresh slots over training seeds, with its 95 % interval, and the cost of each seed."""

    mean: Number
    low: Number
    high: Number
    each: Numbers


class RunRecord(Record, frozen=True):
    """Everything that the study records of a run. outcome: `STEADY`, `FELL_BACK` or `DIVERGED`; why: its reason.
    fell_back: the seeds that did."""

    name: str
    group: str
    label: str
    changed: tuple[str, ...]
    outcome: str
    why: str
    seeds: int
    fell_back: tuple[int, ...]
    diverged: tuple[Sign, ...]
    curve: tuple[SeedRecord, ...]
    values: Values
    training_s: float
    settings: dict[str, Any]
    final_cost: FinalCost

    @property
    def bootstraps(self) -> bool:
        """Whether the critic's targets contain values."""
        return self.settings["discount"] > 0


class StudyFile(Record, frozen=True):
    """study.json. optimum_cost: on the slots of the final costs, NaN if it is not certified."""

    command: str
    seed: int
    versions: dict[str, str]
    device: str
    machine: str
    git_revision: str | None
    started: str
    study: str
    budget: dict[str, Any]
    scenario: str
    overrides: tuple[str, ...]
    learning: dict[str, str]
    budget_note: str
    optimum_cost: Number
    optimum_note: str
    runs: tuple[RunRecord, ...]


def record_of(run: StudyRun, folder: Path, devices: int, final_cost: FinalCost) -> RunRecord:
    """The record of the finished run in `folder`."""
    manifest = read_json(folder / MANIFEST_FILE)
    curve = to_arrays(read_curve(folder / CURVE_FILE))
    seeds = tuple(_seed(curve, place) for place in range(len(curve.cost)))
    fallen = tuple(place for place, seed in enumerate(seeds) if seed.fell_back)
    diverged = tuple(Sign(**sign) for sign in manifest["diverged"])
    values = _values(curve, run.settings.reward_factor(devices))
    outcome = DIVERGED if diverged else FELL_BACK if fallen else STEADY
    return RunRecord(
        name=run.name,
        group=run.group,
        label=run.label,
        changed=run.changed,
        outcome=outcome,
        why=_why(outcome, seeds, diverged, values),
        seeds=len(seeds),
        fell_back=fallen,
        diverged=diverged,
        curve=seeds,
        values=values,
        training_s=manifest["training_s"],
        settings=plain(dataclasses.asdict(run.settings)),
        final_cost=final_cost,
    )


def _seed(curve: StudyCurve, place: int) -> SeedRecord:
    cost = curve.cost[place]
    if not np.isfinite(cost).any():
        return SeedRecord(math.nan, 0, math.nan, fell_back=False)
    best, end = int(np.nanargmin(cost)), float(cost[-1])
    fell_back = math.isfinite(end) and end > cost[best] + WORSE * abs(cost[best])
    return SeedRecord(float(cost[best]), int(curve.slots[best]), end, bool(fell_back))


def _values(curve: StudyCurve, reward_factor: float) -> Values:
    """The critic's values at the end; its rewards are those of the curve times `reward_factor`."""
    size, bound = float(np.mean(curve.value_size[:, -1])), float(np.mean(curve.value_bound[:, -1]))
    reward = float(np.mean(np.abs(curve.training_reward[:, -1]))) * reward_factor
    return Values(size, bound, size / bound, size / reward)


def _why(outcome: str, seeds: Sequence[SeedRecord], diverged: Sequence[Sign], values: Values) -> str:
    if outcome == DIVERGED:
        return f"seed {diverged[0].seed} by slot {diverged[0].slots:,}: {diverged[0].reason}"
    if outcome == FELL_BACK:
        worst = max((seed for seed in seeds if seed.fell_back), key=lambda seed: seed.end_cost / seed.best_cost)
        return (
            f"cost {worst.best_cost:.1f} after {worst.best_slots:,} slots, {worst.end_cost:.1f} at the end; "
            f"mean |Q| over the seeds is then {values.slots_of_reward:.1f} slots' reward"
        )
    return ""


@dataclass(frozen=True)
class StudyFolder:
    """A study's folder: study.json, and the learning curve of each run."""

    path: Path
    file: StudyFile
    curves: dict[str, StudyCurve]

    @property
    def optimum(self) -> float | None:
        """Mean cost of the exact optimum on the slots of the final costs, if it is certified."""
        return None if math.isnan(self.file.optimum_cost) else self.file.optimum_cost

    def of(self, group: str) -> list[RunRecord]:
        """The records of one group's runs."""
        return [run for run in self.file.runs if run.group == group]


def write_curves(out: Path, folders: Mapping[str, Path]) -> None:
    """Write the learning curves of all runs, by name, into one file."""
    with (out / CURVES).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("run", *CurveRow._fields))
        for name, folder in folders.items():
            writer.writerows((name, *row) for row in read_curve(folder / CURVE_FILE))


def read_study(out: Path) -> StudyFolder:
    """Read the raw files of a study that `run.study` wrote."""
    rows: dict[str, list[CurveRow]] = {}
    with (out / CURVES).open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            values = (float(line[key]) for key in CurveRow._fields[2:])
            rows.setdefault(line["run"], []).append(CurveRow(int(line["seed"]), int(line["slots"]), *values))
    return StudyFolder(out, read(out / STUDY, StudyFile), {name: to_arrays(points) for name, points in rows.items()})
