"""What a comparison writes besides its records: the learners' policies as training runs, and means over each set."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.policy import save_policies
from twinsync.experiments.collect import Stored
from twinsync.experiments.compute.store import CellResult
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE, write_curve
from twinsync.storage import write_json

UNITS, RUNS = "evaluation_units.csv", "runs"


def write_run_folders(out: Path, stored: Stored, origin: Mapping[str, Any]) -> None:
    """Write evaluation_units.csv and a folder in runs/ for each learner of the comparison; `origin` goes into each
    run's manifest. Raises `InputError` if the comparison lacks results that a report needs."""
    results = stored.compared()
    rows = stored.evaluation(results, stored.plan.preset.scenario).units_rows()
    with (out / UNITS).open("w", newline="", encoding="utf-8") as file:
        # Results from before a figure of merit existed have no value for it.
        writer = csv.DictWriter(file, dict.fromkeys(name for row in rows for name in row))
        writer.writeheader()
        writer.writerows(rows)
    for scheme in stored.plan.compared:
        if scheme.settings and results[scheme.name]:
            write_run_folder(out / RUNS / scheme.name, results[scheme.name], origin)


def write_run_folder(folder: Path, results: Sequence[CellResult], origin: Mapping[str, Any]) -> None:
    """Write a learner's policies and curve as a training run's folder, which `evaluate` and `export` accept. For a
    learner of another library there is only the curve."""
    folder.mkdir(parents=True, exist_ok=True)
    curve = sorted((row for result in results for row in result.curve), key=lambda row: (row.slots, row.seed))
    write_curve(folder / CURVE_FILE, curve)
    diverged = [sign for result in results for sign in result.diverged]
    spent_s = round(sum(result.training_s for result in results), 2)
    write_json(folder / MANIFEST_FILE, {**origin, "training_s": spent_s, "diverged": diverged})
    whole = [result for result in results if result.measured is not None and result.weights]
    if not whole:
        return
    stacked = [np.concatenate(leaves) for leaves in zip(*(result.weights for result in whole), strict=True)]
    cards = [result.card for result in whole if result.card is not None]
    costs = [cost for card in cards for cost in card["curve_cost"]]
    save_policies(folder / POLICY_FILE, stacked, {**cards[0], "seeds": len(whole), "curve_cost": costs})
