"""A study's records: of each run its learning curve, whether it fell back or diverged, and why; of all, study.json and
curves.csv, which figures and page are made from."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.experiments.report.findings import WORSE
from twinsync.experiments.study.plan import StudyRun
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE
from twinsync.learning.training import CurveRow
from twinsync.storage import read_json

STUDY, CURVES = "study.json", "curves.csv"
STEADY, FELL_BACK, DIVERGED = "steady", "fell back", "diverged"


@dataclass(frozen=True)
class StudyCurve:
    """A run's learning curve: arrays [S, P] over seeds and places `slots` [P]; NaN where there is no number."""

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


def record_of(run: StudyRun, folder: Path, devices: int) -> dict[str, Any]:
    """Everything the study says of a finished run, but the final cost on fresh slots."""
    manifest = read_json(folder / MANIFEST_FILE)
    curve = to_arrays(read_curve(folder / CURVE_FILE))
    seeds = [_seed(curve, place) for place in range(len(curve.cost))]
    fallen = [place for place, seed in enumerate(seeds) if seed["fell_back"]]
    diverged = manifest["diverged"]
    values = _values(curve, run.settings.reward_factor(devices))
    outcome = DIVERGED if diverged else FELL_BACK if fallen else STEADY
    return {
        "name": run.name,
        "group": run.group,
        "label": run.label,
        "changed": list(run.changed),
        "outcome": outcome,
        "why": _why(outcome, seeds, diverged, values),
        "seeds": len(seeds),
        "fell_back": fallen,
        "diverged": diverged,
        "curve": seeds,
        "values": values,
        "training_s": manifest["training_s"],
    }


def _seed(curve: StudyCurve, place: int) -> dict[str, Any]:
    cost = curve.cost[place]
    if not np.isfinite(cost).any():
        return {"best_cost": math.nan, "best_slots": 0, "end_cost": math.nan, "fell_back": False}
    best = int(np.nanargmin(cost))
    end = float(cost[-1])
    fell = math.isfinite(end) and end > cost[best] + WORSE * abs(cost[best])
    return {"best_cost": cost[best], "best_slots": int(curve.slots[best]), "end_cost": end, "fell_back": bool(fell)}


def _values(curve: StudyCurve, reward_factor: float) -> dict[str, float]:
    """Mean |Q| at the end against its bound, and in rewards of one slot: how many slots the critic adds up.

    reward_factor: what the critic's rewards are those of the curve times.
    """
    size, bound = float(np.mean(curve.value_size[:, -1])), float(np.mean(curve.value_bound[:, -1]))
    reward = float(np.mean(np.abs(curve.training_reward[:, -1]))) * reward_factor
    return {"size": size, "bound": bound, "share": size / bound, "slots_of_reward": size / reward}


def _why(outcome: str, seeds: list[dict[str, Any]], diverged: list[dict[str, Any]], values: dict[str, float]) -> str:
    if outcome == DIVERGED:
        return f"seed {diverged[0]['seed']} by slot {diverged[0]['slots']:,}: {diverged[0]['reason']}"
    if outcome == FELL_BACK:
        worst = max(
            (seed for seed in seeds if seed["fell_back"]), key=lambda seed: seed["end_cost"] / seed["best_cost"]
        )
        return (
            f"cost {worst['best_cost']:.1f} after {worst['best_slots']:,} slots, {worst['end_cost']:.1f} at the end; "
            f"mean |Q| is then {values['slots_of_reward']:.1f} slots' reward"
        )
    return ""


@dataclass(frozen=True)
class Study:
    """A study's folder: study.json as it is, and the learning curve of each run."""

    path: Path
    payload: dict[str, Any]
    curves: dict[str, StudyCurve]

    @property
    def optimum(self) -> float | None:
        """Mean cost of the exact optimum on the slots of the final costs, if it is certified."""
        return self.payload["optimum_cost"]

    def of(self, group: str) -> list[dict[str, Any]]:
        """The records of one group's runs."""
        return [run for run in self.payload["runs"] if run["group"] == group]


def read_study(out: Path) -> Study:
    """Read the raw files of a study that `run.study` wrote."""
    rows: dict[str, list[CurveRow]] = {}
    with (out / CURVES).open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            values = (float(line[key]) for key in CurveRow._fields[2:])
            rows.setdefault(line["run"], []).append(CurveRow(int(line["seed"]), int(line["slots"]), *values))
    return Study(out, read_json(out / STUDY), {name: to_arrays(points) for name, points in rows.items()})
