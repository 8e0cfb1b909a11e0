"""The comparison at the preset itself, Fig. 3: all schemes, their learning curves, their policies as run folders."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.policy import save_policies
from twinsync.errors import InputError
from twinsync.experiments.budgets import HEADLINE_BENCHMARKS, HEADLINE_LEARNER, Budget, Contender
from twinsync.experiments.evaluate import Evaluation, optimum_cost
from twinsync.experiments.folder import write_json
from twinsync.experiments.run_folder import CONVERGENCE, EVALUATION, OPTIMUM
from twinsync.experiments.summary import summarise
from twinsync.experiments.sweeps.gather import (
    add_training,
    cells_of,
    commits_of,
    evaluation_of,
    missing_of,
    read_results,
)
from twinsync.experiments.sweeps.result import CellResult
from twinsync.experiments.sweeps.store import Store
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE, write_curve
from twinsync.learning.training import curve_slots
from twinsync.scenario import Scenario
from twinsync.writing import whole_file

UNITS, RUNS = "evaluation_units.csv", "runs"
_CURVE_COLUMNS = ("seed", "slots", "cost", "latency_s", "training_reward")


def write_comparison(
    out: Path, schemes: Sequence[Contender], scenario: Scenario, store: Store, budget: Budget, seed: int,
    origin: Mapping[str, Any], *, partial: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Write evaluation.json, evaluation_units.csv, convergence.csv and runs/ from the stored results.

    `origin` goes into each run's manifest; `partial` is as in `read_results`. Returns what the reproduction's manifest
    says of the comparison. Raises `InputError` where nothing is there of the optimum or of the headline's learner.
    """
    found = read_results(store, cells_of(schemes, scenario, budget, seed), partial=partial)
    for name in (HEADLINE_LEARNER, OPTIMUM):
        if not found.get(name):
            raise InputError(f"{store.folder}: no result of {name} yet, which a report needs; continue with --resume")
    evaluation = evaluation_of(found, scenario, budget, seed)
    _write_units(out / UNITS, evaluation)
    summary = summarise(evaluation)
    add_training(summary, schemes, found)
    write_json(out / EVALUATION, summary)
    learned = {scheme.name: found[scheme.name] for scheme in schemes if scheme.settings and found[scheme.name]}
    _write_convergence(out / CONVERGENCE, learned)
    for name, results in learned.items():
        _write_run(out / RUNS / name, results, origin)
    lost = missing_of(found)
    return {
        "schemes": [_scheme_json(scheme, found[scheme.name]) for scheme in schemes],
        "headline": {
            "learner": HEADLINE_LEARNER,
            "benchmarks": [name for name in HEADLINE_BENCHMARKS if name in found and name not in lost],
        },
        "comparison_commits": commits_of(found),
        "timings_s": {name: round(sum(result.total_s for result in results), 1) for name, results in found.items()},
        **_curve_reference(scenario, seed),
    }


def _write_units(path: Path, evaluation: Evaluation) -> None:
    rows = evaluation.units_rows()
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _write_convergence(path: Path, learned: Mapping[str, Sequence[CellResult]]) -> None:
    """All learning curves in one file, a row per scheme, seed and place."""
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("scheme", *_CURVE_COLUMNS))
        for name, results in learned.items():
            rows = (row for result in results for row in result.curve)
            writer.writerows((name, *(getattr(row, column) for column in _CURVE_COLUMNS)) for row in rows)


def _write_run(folder: Path, results: Sequence[CellResult], origin: Mapping[str, Any]) -> None:
    """A learner's policies and curve as a training run's folder, which `evaluate` and `export` take; another library's
    leave a curve alone."""
    folder.mkdir(parents=True, exist_ok=True)
    curve = sorted((row for result in results for row in result.curve), key=lambda row: (row.slots, row.seed))
    write_curve(folder / CURVE_FILE, curve)
    diverged = [sign for result in results for sign in result.diverged]
    spent = round(sum(result.training_s for result in results), 2)
    write_json(folder / MANIFEST_FILE, {**origin, "training_s": spent, "diverged": diverged})
    whole = [result for result in results if result.measured is not None and result.weights]
    if not whole:
        return
    stacked = [np.concatenate(leaves) for leaves in zip(*(result.weights for result in whole), strict=True)]
    cards = [result.card for result in whole if result.card is not None]
    costs = [cost for card in cards for cost in card["curve_cost"]]
    save_policies(folder / POLICY_FILE, stacked, {**cards[0], "seeds": len(whole), "curve_cost": costs})


def _scheme_json(scheme: Contender, results: Sequence[CellResult]) -> dict[str, Any]:
    told = scheme.as_json()
    if scheme.settings is not None:
        told["diverged"] = [sign for result in results for sign in result.diverged]
    return told


def _curve_reference(scenario: Scenario, seed: int) -> dict[str, float]:
    """The optimum's mean cost on the slots that judge the learning curves; nothing where there is no optimum."""
    slots = jax.device_get(curve_slots(scenario, seed))
    cost = optimum_cost(scenario, jax.tree.map(np.float64, slots))
    return {} if cost is None else {"optimum_on_curve_slots": cost}
