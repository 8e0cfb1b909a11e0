"""Sweeps, and what a folder of results holds."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.api.table import Table
from twinsync.errors import InputError
from twinsync.experiments.budgets import find_budget
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.reproduce import reproduce, sweep_plan
from twinsync.experiments.run_folder import Row, read_json_file
from twinsync.experiments.sweeps.local import local_executor
from twinsync.learning.run import CONFIG_FILE, CURVE_FILE, MANIFEST_FILE

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, repr=False)
class Run:
    """A folder of results.

    table: of a training run its learning curve; of a reproduction or sweep a row for each scheme at the preset (`sweep`
    and `point` empty) and at each point of each sweep. manifest: how it was made: command, versions, device, seed.
    """

    path: Path
    table: Table
    manifest: Mapping[str, Any]

    def to_pandas(self) -> Any:
        """`table` as a `pandas.DataFrame`. Raises `InputError` without pandas."""
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
    """Train and judge the schemes of a sweep's TOML file at every point of its axes, as `twinsync sweep`.

    Uses `workers` processes, as many as there are cores unless told. The folder `out` also gets the report,
    report.html. Raises `InputError` where the file is wrong, or `out` exists without `resume`.
    """
    size = find_budget(budget)
    plan = sweep_plan(Path(file), dataclasses.replace(size, seeds=seeds or size.seeds), seed)
    executor = local_executor(workers)
    try:
        reproduce(plan, Path(out), executor, command="twinsync.sweep", resume=resume, progress=progress)
    finally:
        executor.close()
    return read_run(out)


def read_run(folder: str | Path) -> Run:
    """What a training run, a reproduction or a sweep left in its folder. Raises `InputError` for any other folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that `twinsync train`, `reproduce` or `sweep` wrote")
    if (folder / CONFIG_FILE).is_file() and (folder / CURVE_FILE).is_file():
        return Run(folder, _curve(folder / CURVE_FILE), read_json_file(folder / MANIFEST_FILE))
    found = read_report_folder(folder)
    rows = [] if found.run is None else [_record("", "", math.nan, row) for row in found.run.rows.values()]
    for each in found.sweeps:
        rows += [
            _record(each.name, point.label, point.x, row) for point in each.points for row in point.measured.values()
        ]
    columns = dict.fromkeys(key for row in rows for key in row)
    return Run(folder, Table([{key: row.get(key) for key in columns} for row in rows]), found.manifest)


def _curve(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    whole = ("seed", "slots")
    try:
        return Table([{key: int(row[key]) if key in whole else float(row[key]) for key in row} for row in rows])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: not a learning curve ({error}); train again with --resume") from None


def _record(sweep: str, point: str, x: float, row: Row) -> dict[str, Any]:
    return {
        "sweep": sweep,
        "point": point,
        "x": x,
        "scheme": row.scheme.name,
        "latency_s": row.latency_s.mean,
        "latency_low_s": row.latency_s.low,
        "latency_high_s": row.latency_s.high,
        "cost": row.cost.mean,
        "cost_low": row.cost.low,
        "cost_high": row.cost.high,
        "gap_to_optimum": math.nan if row.gap is None else row.gap.mean,
        **row.numbers,
    }
