"""A made-up study: run folders with plausible curves, in the shape that training leaves them."""

from __future__ import annotations

import csv
import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinsync.experiments.schemes import BUDGETS, Budget
from twinsync.experiments.study.plan import StudyRun, plan
from twinsync.experiments.study.record import CURVES, STUDY, FinalCost, StudyFile, record_of, write_curves
from twinsync.learning.divergence import find_divergences
from twinsync.learning.training import CurveRow
from twinsync.storage import encode

SMALL = dataclasses.replace(BUDGETS["quick"], slots=2000, seeds=3)


def _curve(run: StudyRun, seeds: int, slots: int) -> list[CurveRow]:
    """Costs that fall to 90, but where values bootstrap across the cycle's end turn back at half time."""
    rng, rows = np.random.default_rng(zlib.crc32(run.name.encode())), []
    gamma = run.settings.discount
    back = gamma >= 0.9 and run.settings.cycle_end == "truncation"
    explodes = run.name == "gamma-0.99-truncation-hard"
    for place in range(11):
        share = place / 10
        for seed in range(seeds):
            cost = 90 + 40 * gamma + 230 * np.exp(-6 * share) + 2 * rng.normal()
            cost += back * max(share - 0.5, 0.0) * 120
            size = 2.2 * (1 - (1 - share) ** 2) / (1 - gamma) * 0.4 + 1
            bound = 12 / (1 - gamma)
            if explodes and seed == 1 and share > 0.6:
                size = bound * 10 ** (4 * (share - 0.5))
            if explodes and seed == 2 and share > 0.7:
                cost = np.nan
            numbers = (cost, cost / 6, -cost, 1.0, 10.0, 0.5, size, bound)
            if place == 0:
                numbers = (*numbers[:2], *[float("nan")] * 6)
            rows.append(CurveRow(seed, int(share * slots), *map(float, numbers)))
    return rows


@pytest.fixture(scope="session")
def write_study() -> Callable[..., Path]:
    """Writes a made-up study's raw files into a folder: `write_study(folder, keep=lambda run: ...)`."""

    def write(out: Path, keep: Callable[[StudyRun], bool] = lambda run: True, budget: Budget = SMALL) -> Path:
        runs = [run for run in plan(budget, learning={}, peer=True) if keep(run)]
        records = []
        for run in runs:
            folder = out / "runs" / run.name
            folder.mkdir(parents=True)
            rows = _curve(run, budget.seeds, budget.slots)
            with (folder / "curve.csv").open("w", newline="") as file:
                csv.writer(file).writerows([CurveRow._fields, *rows])
            signs = [{"seed": d.seed, "slots": d.slots, "reason": d.reason} for d in find_divergences(rows)]
            (folder / "manifest.json").write_text(json.dumps({"training_s": 62.5, "diverged": signs}))
            each = [row.cost + 1 for row in rows[-budget.seeds :] if np.isfinite(row.cost)]
            records.append(
                record_of(run, folder, 6, FinalCost(float(np.mean(each)), min(each), max(each), tuple(each)))
            )
        write_curves(out, {run.name: out / "runs" / run.name for run in runs})
        made = StudyFile(
            command="twinsync study sac --out runs/study", seed=0, git_revision="0a841f0", started="", study="sac",
            machine="x86_64, 2 cores", device="cpu: cpu", versions={"twinsync": "0.1.0", "jax": "0.10.2"},
            budget=dataclasses.asdict(budget), budget_note=budget.note(), scenario="paper",
            overrides=("path_loss_exponent=3",), learning={}, optimum_cost=84.6, optimum_note="", runs=tuple(records),
        )  # fmt: skip
        (out / STUDY).write_text(encode(made), "utf-8")
        assert (out / CURVES).exists()
        return out

    return write
