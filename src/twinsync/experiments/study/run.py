"""The study in one folder: train every run, evaluate all on the same fresh slots, write raw files and the page."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.protocol import Allocator
from twinsync.allocators.registry import find_allocators
from twinsync.experiments.evaluate import Progress, evaluate
from twinsync.experiments.records import NOTHING
from twinsync.experiments.schemes import Budget
from twinsync.experiments.statistics import mean_interval
from twinsync.experiments.study.page import write_page
from twinsync.experiments.study.peer import find_peers, require_peer, train_peer
from twinsync.experiments.study.plan import PEER, StudyRun, chosen, plan
from twinsync.experiments.study.record import STUDY, FinalCost, StudyFile, finished, record_of, write_curves
from twinsync.learning.run import RunConfig, train
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.storage import encode, open_folder, write_text

RUNS = "runs"


def study(
    budget: Budget,
    out: Path,
    *,
    scenario: str = "paper",
    overrides: Sequence[str] = (),
    learning: dict[str, str] | None = None,
    seed: int = 0,
    runs: str = "*",
    peer: bool = False,
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train the runs that `runs` selects, then evaluate and describe all finished runs in `out`; return study.md.

    A run that diverges is recorded, and the study goes on. `resume=True` continues an interrupted study, also with
    other `runs` or `peer`. Raises `InputError` if `out` cannot be used, or if `peer` needs a library that is missing.
    """
    if peer:
        require_peer()
    setting = load_scenario(scenario, overrides)
    every = plan(budget, learning=learning or {}, peer=True)
    wanted = chosen([run for run in every if peer or run.group != PEER], runs)
    asked = {
        "study": "sac", "budget": dataclasses.asdict(budget), "scenario": scenario, "overrides": list(overrides),
        "learning": learning or {}, "seed": seed,
    }  # fmt: skip
    with open_folder(out, asked, "study", resume=resume):
        tell = progress or (lambda what, done, total: None)
        for place, run in enumerate(wanted):
            config = RunConfig(scenario, tuple(overrides), run.settings, budget.seeds, seed, budget.stretches)
            counted = _counted(tell, f"[{place + 1}/{len(wanted)}] ")
            if run.group == PEER:
                train_peer(config, out / RUNS / run.name, command=command, progress=counted)
            else:
                folder = out / RUNS / run.name
                train(config, folder, command=command, resume=True, progress=counted, stop_if_diverged=False)
        done = [run for run in every if finished(out / RUNS / run.name)]
        write_curves(out, {run.name: out / RUNS / run.name for run in done})
        judged = _judged(out, done, setting, budget, seed, tell)
        about = {**provenance(command, seed), **asked, "overrides": tuple(overrides)}
        write_text(out / STUDY, encode(StudyFile(**about, budget_note=budget.note(), **judged)))
        return write_page(out)


def _counted(tell: Progress, prefix: str) -> Progress:
    return lambda what, done, total: tell(prefix + what, done, total)


def _judged(
    out: Path, runs: list[StudyRun], scenario: Scenario, budget: Budget, seed: int, tell: Progress
) -> dict[str, Any]:
    """Records of all runs with their final costs on common fresh slots, and the optimum's cost on the same slots."""
    policies_of: dict[str, list[Allocator]] = {}
    for run in runs:
        folder = out / RUNS / run.name
        policies = find_peers(folder, run.settings) if run.group == PEER else _policies(folder, scenario)
        if policies:
            policies_of[run.name] = policies
    judged = evaluate(
        scenario, policies_of, slots=budget.evaluation_slots, seeds=budget.evaluation_seeds, seed=seed, progress=tell
    )
    records = []
    for run in runs:
        each = judged.schemes[run.name].cost.mean(axis=(1, 2)) if run.name in policies_of else np.array([])
        mean = mean_interval(each) if len(each) else NOTHING
        final_cost = FinalCost(mean.mean, mean.low, mean.high, tuple(each.tolist()))
        records.append(record_of(run, out / RUNS / run.name, scenario.device_count, final_cost))
    return {
        "optimum_cost": math.nan if judged.optimum is None else float(judged.optimum.cost.mean()),
        "optimum_note": judged.optimum_note,
        "runs": tuple(records),
    }


def _policies(folder: Path, scenario: Scenario) -> list[Allocator]:
    """The run's policies; empty if no seed has finite weights."""
    return find_allocators(str(folder), scenario) if (folder / POLICY_FILE).exists() else []
