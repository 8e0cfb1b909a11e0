"""The whole comparison in one folder: train every scheme, evaluate all on the same slots, leave raw files, report."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.protocol import Allocator
from twinsync.allocators.registry import find_allocators
from twinsync.experiments.budgets import (
    HEADLINE_BENCHMARKS,
    HEADLINE_LEARNER,
    Budget,
    Contender,
    contenders,
    learning_constants,
)
from twinsync.experiments.describe import describe_constants
from twinsync.experiments.evaluate import evaluate, optimum_cost
from twinsync.experiments.folder import open_folder, read_json, write_json
from twinsync.experiments.report import write_report
from twinsync.experiments.run_folder import CONVERGENCE, EVALUATION, LEARNING, MANIFEST, SCENARIO
from twinsync.experiments.summary import summarise
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE, RunConfig, train
from twinsync.learning.training import curve_slots
from twinsync.manifest import provenance
from twinsync.presets import load_preset
from twinsync.scenario import Scenario

UNITS, RUNS = "evaluation_units.csv", "runs"

Progress = Callable[[str, int, int], None]


def reproduce(
    budget: Budget,
    out: Path,
    *,
    scenario: str = "paper",
    overrides: Sequence[str] = (),
    seed: int = 0,
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train, evaluate and report into `out`; returns the report's path.

    Interrupted, it continues with `resume=True` where it stopped, to the same result. Raises `InputError` where `out`
    exists without `resume`, cannot be written, or holds another reproduction.
    """
    preset = load_preset(scenario, overrides)
    schemes = contenders(budget)
    wanted = {"budget": budget.name, "scenario": scenario, "overrides": list(overrides), "seed": seed}
    open_folder(out, wanted, "reproduction", resume=resume)
    tell = progress or (lambda what, done, total: None)
    write_json(out / SCENARIO, describe_constants(preset))
    write_json(out / LEARNING, learning_constants())
    learned = [scheme for scheme in schemes if scheme.settings is not None]
    for scheme in learned:
        assert scheme.settings is not None
        config = RunConfig(scenario, tuple(overrides), scheme.settings, budget.seeds, seed, budget.stretches)
        # The paper's own settings are shown as they are, whatever comes of them.
        stop = scheme.group != "paper"
        train(config, out / RUNS / scheme.name, command=command, resume=True, progress=tell, stop_if_diverged=stop)
    _gather_curves(out, learned)
    timings = {f"train {s.name}": read_json(out / RUNS / s.name / MANIFEST_FILE)["training_s"] for s in learned}
    if not (out / MANIFEST).exists():
        timings["evaluate"] = _evaluate(out, budget, preset.scenario, schemes, seed, tell)
        _write_manifest(out, budget, schemes, scenario, overrides, timings, command, seed)
    tell("report", 0, 1)
    report = write_report(out)
    tell("report", 1, 1)
    return report


def _evaluate(out: Path, budget: Budget, scenario, schemes: list[Contender], seed: int, tell: Progress) -> float:
    began = time.perf_counter()
    found: dict[str, list[Allocator]] = {}
    for scheme in schemes:
        name = scheme.name if scheme.settings is None else str(out / RUNS / scheme.name)
        if scheme.settings is None or _has_policy(out, scheme.name):
            found[scheme.name] = find_allocators(name, scenario)
    evaluation = evaluate(
        scenario, found, slots=budget.evaluation_slots, seeds=budget.evaluation_seeds, seed=seed, progress=tell
    )
    rows = evaluation.units_rows()
    with (out / UNITS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    write_json(out / EVALUATION, summarise(evaluation))
    return round(time.perf_counter() - began, 1)


def _write_manifest(
    out: Path,
    budget: Budget,
    schemes: list[Contender],
    scenario: str,
    overrides: Sequence[str],
    timings: dict[str, float],
    command: str,
    seed: int,
) -> None:
    write_json(
        out / MANIFEST,
        {
            **provenance(command, seed),
            "budget": budget.name,
            "budget_note": budget.note(),
            "scenario": {"name": scenario, "overrides": list(overrides)},
            "timings_s": timings,
            "total_s": round(sum(timings.values()), 1),
            "schemes": [_scheme_json(out, scheme) for scheme in schemes],
            "evaluation": {"slots": budget.evaluation_slots, "seeds": budget.evaluation_seeds},
            "headline": {"learner": HEADLINE_LEARNER, "benchmarks": _benchmarks(out)},
            **_curve_reference(load_preset(scenario, overrides).scenario, seed),
        },
    )


def _has_policy(out: Path, name: str) -> bool:
    """Whether a learner ended with any policy whose weights are numbers."""
    return (out / RUNS / name / POLICY_FILE).exists()


def _benchmarks(out: Path) -> list[str]:
    trained = {folder.name for folder in (out / RUNS).iterdir()}
    return [name for name in HEADLINE_BENCHMARKS if name not in trained or _has_policy(out, name)]


def _scheme_json(out: Path, scheme: Contender) -> dict[str, Any]:
    told = scheme.as_json()
    if scheme.settings is not None:
        told["diverged"] = read_json(out / RUNS / scheme.name / MANIFEST_FILE)["diverged"]
    return told


def _curve_reference(scenario: Scenario, seed: int) -> dict[str, float]:
    """The optimum's mean cost on the slots that judge the learning curves; nothing where there is no optimum."""
    slots = jax.device_get(curve_slots(scenario, seed))
    cost = optimum_cost(scenario, jax.tree.map(np.float64, slots))
    return {} if cost is None else {"optimum_on_curve_slots": cost}


def _gather_curves(out: Path, learned: list[Contender]) -> None:
    """All learning curves in one file, a row per scheme, seed and place."""
    names = ("seed", "slots", "cost", "latency_s", "training_reward")
    with (out / CONVERGENCE).open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(("scheme", *names))
        for scheme in learned:
            with (out / RUNS / scheme.name / CURVE_FILE).open(encoding="utf-8", newline="") as source:
                writer.writerows((scheme.name, *(row[name] for name in names)) for row in csv.DictReader(source))
