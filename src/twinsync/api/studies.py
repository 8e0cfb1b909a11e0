"""Sweeps, and reading of result folders."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.api.table import Table
from twinsync.errors import InputError
from twinsync.experiments.compute.executors import local_executor
from twinsync.experiments.plan import sweep_plan
from twinsync.experiments.records import Measured
from twinsync.experiments.reproduce import reproduce
from twinsync.experiments.results import read_results
from twinsync.experiments.schemes import find_budget
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE
from twinsync.storage import CONFIG, plain, read

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, repr=False)
class Run:
    """A folder of results.

    table: the learning curve of a training run; for a reproduction or sweep, one row per scheme at the preset (`sweep`
    empty) and at each point of each sweep. manifest: how it was made (command, versions, device, seed).
    """

    path: Path
    table: Table
    manifest: Mapping[str, Any]

    def to_pandas(self) -> Any:
        """`table` as a `pandas.DataFrame`. Raises `InputError` if pandas is not installed."""
        return self.table.to_pandas()

    def __repr__(self) -> str:
        return f"{self.path}\n{self.table}"


def sweep(
    file: str | Path,
    out: str | Path,
    *,
    budget: str = "quick",
    seeds: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train and evaluate the schemes of a sweep's TOML file at every point of its axes, like `twinsync sweep`.

    budget: `quick` or another of `twinsync sweep --budget`. seeds: training seeds, by default the budget's. seed: root
    seed. workers: number of processes, by default one per core. progress: called with the current activity, steps done
    and total steps. The folder `out` also gets the report, report.html. Raises `InputError` if the file is wrong, for
    less than one seed, or if `out` exists without `resume`.
    """
    if seeds is not None and seeds < 1:
        raise InputError(f"seeds = {seeds} must be at least 1")
    plan = sweep_plan(Path(file), find_budget(budget).with_seeds(seeds), seed)
    executor = local_executor(workers)
    try:
        reproduce(plan, Path(out), executor, command="twinsync.sweep", resume=resume, progress=progress)
    finally:
        executor.close()
    return read_run(out)


def read_run(folder: str | Path) -> Run:
    """The results in the folder of a training run, a reproduction or a sweep.

    Raises `InputError` for any other folder, and for missing or damaged files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that `twinsync train`, `reproduce` or `sweep` wrote")
    if (folder / CONFIG).is_file() and (folder / CURVE_FILE).is_file():
        return Run(folder, _curve(folder / CURVE_FILE), read(folder / MANIFEST_FILE, dict[str, Any]))
    results = read_results(folder)
    places = [] if results.comparison is None else [("", results.comparison.point)]
    places += [(sweep.name, point) for sweep in results.sweeps for point in sweep.points]
    rows = [
        {"sweep": sweep, "point": point.label, "x": point.x, "scheme": scheme, **_figures_of_merit(measured)}
        for sweep, point in places
        for scheme, measured in point.evaluation.allocators.items()
    ]
    return Run(folder, Table(rows), plain(results.manifest))


def _curve(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    whole = ("seed", "slots")
    try:
        return Table([{key: int(row[key]) if key in whole else float(row[key]) for key in row} for row in rows])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: not a learning curve ({error}); train again with --resume") from None


def _figures_of_merit(measured: Measured) -> dict[str, Any]:
    """Means with their intervals, and every scalar figure of merit, by column."""
    gap = measured.gap_to_optimum
    numbers = {key: getattr(measured, key) for key in measured.__struct_fields__}
    return {
        "latency_s": measured.latency_s.mean,
        "latency_low_s": measured.latency_s.low,
        "latency_high_s": measured.latency_s.high,
        "cost": measured.cost.mean,
        "cost_low": measured.cost.low,
        "cost_high": measured.cost.high,
        "gap_to_optimum": math.nan if gap is None else gap.mean,
        **{key: value for key, value in numbers.items() if isinstance(value, (int, float))},
    }
