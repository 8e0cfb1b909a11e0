"""The whole evaluation in one folder: compute every result that is missing, collect the records, check, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twinsync.errors import InputError
from twinsync.experiments.collect import Stored, collect
from twinsync.experiments.compute.executors import Executor
from twinsync.experiments.compute.schedule import Progress, run
from twinsync.experiments.compute.store import Store
from twinsync.experiments.plan import Plan, read_plan
from twinsync.experiments.report import write_report
from twinsync.experiments.results import read_results, write_results
from twinsync.experiments.run_folders import write_run_folders
from twinsync.experiments.verdicts import verdicts
from twinsync.manifest import provenance
from twinsync.storage import open_folder, write_json

RESULTS, PLAN = "results", "plan.json"


def reproduce(
    plan: Plan,
    out: Path,
    executor: Executor,
    *,
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Compute a plan, evaluate and report into `out`; returns the report's path.

    Interrupted, it continues with `resume=True` where it stopped, to the same result; asked for other figures, it
    computes what they lack. Raises `InputError` where `out` exists without `resume`, cannot be written, or was made for
    something else.
    """
    tell = progress or (lambda what, done, total: None)
    open_folder(out, dict(plan.identity), "reproduction", resume=resume)
    write_json(out / PLAN, {"command": command, **plan.recipe})
    store = Store(out / RESULTS)
    run(plan.cells(), store, executor, tell, say)
    tell("report", 0, 1)
    _collect(out, plan, store, command)
    page = _report(out, tell)
    tell("report", 1, 1)
    return page


def report(out: Path) -> Path:
    """Write the report of a finished or interrupted run again, from what is there; nothing is computed.

    Raises `InputError` naming the file that is missing or damaged.
    """
    if not out.is_dir():
        raise InputError(f"{out}: no such folder; give the folder that `twinsync reproduce --out` wrote")
    if (out / PLAN).exists() and (out / RESULTS).is_dir():
        plan, command = read_plan(out / PLAN)
        store = Store(out / RESULTS)
        _collect(out, plan, store, command, partial=True)
        if store.damaged:
            raise InputError(f"{store.damaged[0]}; compute it again with: {command} --resume")
    return _report(out)


def _collect(out: Path, plan: Plan, store: Store, command: str, *, partial: bool = False) -> None:
    origin = provenance(command, plan.seed)
    write_results(out, collect(plan, store, command, origin, partial=partial))
    if plan.compared:
        write_run_folders(out, Stored(plan, store, partial), origin)


def _report(out: Path, progress: Progress | None = None) -> Path:
    manifest = read_results(out).manifest
    claims = verdicts(out, manifest.scenario.name, manifest.scenario.overrides, manifest.seed, progress)
    return write_report(out, claims)
