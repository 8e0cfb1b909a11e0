"""The whole evaluation in one folder: compute what is missing, collect records, check claims, write the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.claims import check_claims
from twinsync.experiments.claims.sensitivity import sensitivity
from twinsync.experiments.claims.verdicts import RULES
from twinsync.experiments.collect import Stored, collect
from twinsync.experiments.compute.executors import Executor
from twinsync.experiments.compute.policy_picture import policy_picture
from twinsync.experiments.compute.schedule import run
from twinsync.experiments.compute.store import Store
from twinsync.experiments.evaluate import Progress
from twinsync.experiments.plan import Plan, read_plan
from twinsync.experiments.recorded import as_printed
from twinsync.experiments.records import Claim, PolicyPicture, Sensitivity
from twinsync.experiments.report import write_report
from twinsync.experiments.results import (
    CLAIMS,
    EXPECTED,
    MANIFEST,
    OPTIMUM,
    POLICY_PICTURE,
    SENSITIVITY,
    Results,
    read_results,
    write_claims,
    write_results,
)
from twinsync.experiments.run_folders import RUNS, write_run_folders
from twinsync.experiments.schemes import HEADLINE_LEARNER
from twinsync.learning.run import plain_values
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.storage import digest_of, encode, open_folder, read, write_json, write_text

RESULTS, PLAN = "results", "plan.json"
SENSITIVITY_SLOTS = 200  # slots at each point of the sensitivity analysis


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
    """Compute a plan and write results and report into `out`; return the report's path.

    `resume=True` continues an interrupted run where it stopped, with the same result; with other figures, it computes
    what these lack. Raises `InputError` if `out` exists without `resume`, cannot be written, or was made for something
    else.
    """
    tell = progress or (lambda what, done, total: None)
    with open_folder(out, dict(plan.identity), "reproduction", resume=resume):
        write_json(out / PLAN, {"command": command, **plan.recipe})
        store = Store(out / RESULTS)
        run(plan.cells(), store, executor, tell, say)
        tell("report", 0, 1)
        results = _collect(out, plan, store, command)
        if results.comparison is not None:
            results = _with_policy(out, plan, results, tell)
        page = _report(out, results, plan.scenario, tell)
        tell("report", 1, 1)
        return page


def report(out: Path) -> Path:
    """Rewrite the report of a finished or interrupted run from its existing results; nothing is computed.

    Raises `InputError` that names the missing or damaged file.
    """
    if out.is_dir() and not (out / MANIFEST).exists() and not (out / PLAN).exists():
        raise InputError(
            f"{out}: not the folder of a run ({MANIFEST} is missing); give the --out of reproduce or sweep"
        )
    if not ((out / PLAN).exists() and (out / RESULTS).is_dir()):
        results = read_results(out)
        return _report(out, results, results.manifest.scenario.name)
    plan, command = read_plan(out / PLAN)
    store = Store(out / RESULTS)
    results = _collect(out, plan, store, command, partial=True)
    if store.damaged:
        raise InputError(f"{store.damaged[0]}; compute it again with: {command} --resume")
    return _report(out, results, plan.scenario)


def _collect(out: Path, plan: Plan, store: Store, command: str, *, partial: bool = False) -> Results:
    """The stored results of a plan, which are also written into the folder as raw files."""
    origin = provenance(command, plan.seed)
    results = collect(plan, store, command, origin, partial=partial)
    if partial and results.comparison is not None and (out / POLICY_PICTURE).exists():
        results = replace(results, policy=read(out / POLICY_PICTURE, PolicyPicture))
    write_results(out, results)
    if plan.compared:
        write_run_folders(out, Stored(plan, store, partial), origin)
    return results


def _with_policy(out: Path, plan: Plan, results: Results, tell: Progress) -> Results:
    """The results with the policy picture of the headline learner and the optima, which is computed only once."""
    made_of = digest_of(sorted(cell.address for cell in plan.cells() if cell.scheme == HEADLINE_LEARNER))
    with suppress(InputError):  # none yet, or a damaged one
        kept: PolicyPicture = read(out / POLICY_PICTURE, PolicyPicture)
        if kept.made_of == made_of:
            return replace(results, policy=kept)
    assert results.comparison is not None
    scenario, learner = plan.preset.scenario, results.comparison.learner
    names = {learner: str(out / RUNS / learner), **{name: name for name in (EXPECTED, OPTIMUM)}}
    shown = [name for name in names if name in results.comparison.evaluation.allocators]
    schemes = {name: find_allocators(names[name], scenario) for name in shown}
    size = plan.budget.evaluation_slots
    made = policy_picture(scenario, schemes, seed=plan.seed, batch=size, tell=lambda name: tell(f"{name} drawn", 0, 1))
    made = structs.replace(made, made_of=made_of)
    write_text(out / POLICY_PICTURE, encode(made))
    return replace(results, policy=made)


def _report(out: Path, results: Results, scenario: str, progress: Progress | None = None) -> Path:
    """Check the claims and write the report; without `progress`, a missing sensitivity analysis is not computed."""
    record = as_printed(results)
    return write_report(out, results, _checked(out, results, record, scenario, progress), record)


def _checked(
    out: Path, results: Results, record: Results | None, scenario: str, progress: Progress | None
) -> list[Claim]:
    """The paper's claims, checked and written to claims.csv; empty if the results have no figure of the paper."""
    if results.comparison is None and not any(sweep.figure for sweep in results.sweeps):
        return []
    claims = check_claims(record, results, _analysis(out / SENSITIVITY, results, scenario, progress))
    write_claims(out / CLAIMS, claims)
    return claims


def _analysis(path: Path, results: Results, scenario: str, progress: Progress | None) -> Sensitivity | None:
    """The sensitivity analysis for the scenario and seed; computed once, and again if constants or rules change."""
    overrides, seed = results.manifest.scenario.overrides, results.manifest.seed
    made_of = ""
    with suppress(InputError):  # none yet, a damaged one, or a scenario's file that is no longer there
        made_of = digest_of(plain_values(load_scenario(scenario, overrides)))
        kept: Sensitivity = read(path, Sensitivity)
        if (kept.overrides, kept.seed, kept.rules, kept.made_of) == (overrides, seed, RULES, made_of):
            return kept
    if progress is None:
        return None
    made = sensitivity(scenario, overrides, slots=SENSITIVITY_SLOTS, seed=seed, progress=progress)
    made = structs.replace(made, made_of=made_of)
    write_text(path, encode(made))
    return made
