"""The study's raw files, study.json and curves.csv, read: figures and page know nothing else."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.experiments.study.record import StudyCurve, to_arrays
from twinsync.learning.training import CurveRow
from twinsync.storage import read_json

STUDY, CURVES = "study.json", "curves.csv"


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
    return Study(out, read_json(out / STUDY), {name: to_arrays(found) for name, found in rows.items()})
