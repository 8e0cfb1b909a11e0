"""From the stored results of cells to records: the comparison at the preset, sweeps, studies, and the manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import jax
import numpy as np
from msgspec.structs import replace

from twinsync.errors import InputError
from twinsync.experiments import records
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.store import CellResult, Store
from twinsync.experiments.constants import describe_constants, learning_constants
from twinsync.experiments.evaluate import CERTIFIED_GAP, RawEvaluation, RawScheme, Reference, optimum_cost
from twinsync.experiments.plan import Plan
from twinsync.experiments.records import Manifest, Place, Point, ResultCounts, Sizes, Study, Sweep
from twinsync.experiments.results import OPTIMUM, Comparison, Results, curve_of
from twinsync.experiments.schemes import HEADLINE_BENCHMARKS, HEADLINE_LEARNER, SchemePlan
from twinsync.experiments.summary import evaluation_record, measured_record
from twinsync.experiments.sweep import SweepPlan, places, scenario_at
from twinsync.experiments.variants import change_label
from twinsync.learning.settings import Settings
from twinsync.learning.training import curve_slots
from twinsync.scenario import Scenario

ByScheme = Mapping[str, Sequence[CellResult]]


@dataclass(frozen=True)
class Stored:
    """Reads a plan's results from a store. partial: leave out what is not computed yet, instead of raising an error."""

    plan: Plan
    store: Store
    partial: bool = False

    def results(self, cells: Sequence[Cell]) -> dict[str, list[CellResult]]:
        """Results by scheme, in the order of their training seeds; an empty list if there are none yet."""
        by_scheme: dict[str, list[CellResult]] = {}
        for cell in cells:
            result = self.store.read(cell)
            if result is None and not self.partial:
                raise RuntimeError(f"{self.store.path(cell)}: the result of {cell.label} has disappeared")
            by_scheme.setdefault(cell.scheme, []).extend([] if result is None else [result])
        return by_scheme

    def compared(self) -> dict[str, list[CellResult]]:
        """Results of the comparison. Raises `InputError` if the optimum or the headline learner was not measured."""
        results = self.results(self.plan.compared_cells())
        missing = missing_of(results)
        for name in (HEADLINE_LEARNER, OPTIMUM):
            if not results.get(name):
                raise InputError(
                    f"{self.store.folder}: no result of {name} yet, which a report needs; continue with --resume"
                )
            if name in missing:
                raise InputError(
                    f"{self.store.folder}: a report needs {name}, which could not be evaluated: {missing[name]}; "
                    "compute without the comparison: --figures 4,5,6,7"
                )
        return results

    def evaluation(self, results: ByScheme, scenario: Scenario) -> RawEvaluation:
        """The evaluation of all schemes that were measured, without the seeds whose policy is lost."""
        schemes = {}
        for name, of_scheme in results.items():
            measured = [result.measured for result in of_scheme if result.measured is not None]
            if measured:
                schemes[name] = _joined(measured, trained=any(result.curve for result in of_scheme))
        optimum, note = _optimum(results)
        budget = self.plan.budget
        return RawEvaluation(
            scenario, budget.evaluation_slots, budget.evaluation_seeds, self.plan.seed, schemes, optimum, note
        )

    def each_once(self) -> tuple[list[CellResult], int]:
        """The plan's results so far, each only once even if parts share it, and the planned number."""
        cells = {cell.address: cell for cell in self.plan.cells()}
        results = [self.store.read(cell) for cell in cells.values()]
        return [result for result in results if result is not None], len(cells)


def collect(plan: Plan, store: Store, command: str, origin: Mapping[str, Any], *, partial: bool = False) -> Results:
    """Collect a plan's stored results. command: the command that made them. origin: `manifest.provenance` of the run.

    Raises `InputError` if a comparison lacks the optimum or the headline learner.
    """
    stored = Stored(plan, store, partial)
    compared = stored.compared() if plan.compared else {}
    sweeps = tuple(_sweep(stored, sweep, _command(plan, sweep.name, command)) for sweep in plan.sweeps)
    return Results(
        manifest=_manifest(stored, origin, compared, sweeps),
        scenario=tuple(describe_constants(plan.preset)),
        learning=tuple(learning_constants()),
        comparison=_comparison(stored, compared) if compared else None,
        sweeps=sweeps,
        studies={name: _study(stored, name, _command(plan, name, command)) for name in plan.studies},
    )


def _comparison(stored: Stored, results: ByScheme) -> Comparison:
    raw = stored.evaluation(results, stored.plan.preset.scenario)
    evaluation = evaluation_record(raw, _training(stored.plan.compared, results))
    evaluation = replace(evaluation, notes=(*evaluation.notes, *_divergence_notes(results)))
    curves = {
        scheme.name: curve_of(scheme.name, (row for result in results[scheme.name] for row in result.curve))
        for scheme in stored.plan.compared
        if scheme.settings and results[scheme.name]
    }
    return Comparison(evaluation, curves, HEADLINE_LEARNER, _benchmarks(results))


def _benchmarks(results: ByScheme) -> tuple[str, ...]:
    missing = missing_of(results)
    return tuple(name for name in HEADLINE_BENCHMARKS if name in results and name not in missing)


def _sweep(stored: Stored, sweep: SweepPlan, command: str) -> Sweep:
    points, commits, spent_s = [], set[str](), 0.0
    for place in places(sweep):
        results = stored.results(stored.plan.cells_at(sweep, place))
        commits |= set(_commits(results))
        spent_s += sum(result.total_s for of_scheme in results.values() for result in of_scheme)
        points.append(_point(stored, sweep, place, results))
    return Sweep(
        name=sweep.name,
        figure=sweep.figure,
        title=sweep.title,
        axis=replace(sweep.axes[0], values=()),
        overrides=sweep.overrides,
        schemes=sweep.schemes,
        command=command,
        commits=tuple(sorted(commits)),
        training_s=round(spent_s, 1),
        points=tuple(points),
    )


def _point(stored: Stored, sweep: SweepPlan, place: Place, results: ByScheme) -> Point:
    schemes = [stored.plan.swept[name] for name in sweep.schemes]
    raw = stored.evaluation(results, scenario_at(sweep, place))
    evaluation = evaluation_record(raw, _training(schemes, results))
    notes = (*evaluation.notes, *_divergence_notes(results))
    # The scenario follows from the sweep and `set`, and the definitions are those of the comparison.
    evaluation = replace(evaluation, scenario={}, definitions={}, notes=notes)
    return Point(place.x, place.label, place.overrides, evaluation, missing_of(results))


def _command(plan: Plan, part: str, command: str) -> str:
    """The command that computes this part alone: a sweep or a study."""
    if not plan.figures:
        return command
    return f"{re.sub(r' --figures[ =][^ ]+', '', command)} --figures {part.removeprefix('fig')}"


def _study(stored: Stored, name: str, command: str) -> Study:
    results = stored.results(stored.plan.study_cells(name))
    scenario = stored.plan.preset.scenario
    raw = stored.evaluation(results, scenario)
    rows = []
    for variant in stored.plan.studies[name]:
        scheme, of_scheme = variant.scheme, results[variant.scheme.name]
        assert scheme.settings is not None
        if not of_scheme:
            continue
        measured = raw.schemes.get(scheme.name)
        rows.append(
            records.VariantRow(
                scheme=scheme.name,
                label=scheme.label,
                role=variant.role,
                direction=variant.direction,
                change=variant.change,
                change_label=change_label(variant.change),
                library=scheme.library,
                training_slots=_slots(scheme.settings, of_scheme),
                measured=None if measured is None else measured_record(scenario, measured, None, None),
                diverged=sum(result.measured is None or bool(result.diverged) for result in of_scheme),
                trouble=next((result.trouble for result in of_scheme if result.measured is None), ""),
                curve=records.VariantCurve(
                    tuple(row.slots for row in of_scheme[0].curve),
                    tuple(tuple(float(row.cost) for row in result.curve) for result in of_scheme),
                ),
                training_s=sum(result.training_s for result in of_scheme),
            )
        )
    return Study(command, tuple(rows), tuple(_commits(results)))


def _manifest(stored: Stored, origin: Mapping[str, Any], compared: ByScheme, sweeps: Sequence[Sweep]) -> Manifest:
    plan, budget = stored.plan, stored.plan.budget
    named = {scheme.name for scheme in plan.compared}
    others = {name for sweep in plan.sweeps for name in sweep.schemes} - named
    computed, planned = stored.each_once()
    spent_s = {name: round(sum(result.total_s for result in results), 1) for name, results in compared.items()}
    headline = records.Headline(HEADLINE_LEARNER, _benchmarks(compared)) if compared else None
    return Manifest(
        command=origin["command"],
        seed=origin["seed"],
        git_revision=origin["git_revision"],
        written=origin["started"],
        **_made_with(computed, origin),
        budget=budget.name,
        budget_note=budget.note(paper=bool(plan.figures)),
        figures=plan.figures,
        scenario=records.ScenarioName(plan.preset.name, plan.overrides),
        # Parts share results, so the sum of their times would be larger.
        total_s=round(sum(result.total_s for result in computed), 1),
        results=ResultCounts(len(computed), planned),
        evaluation=Sizes(budget.evaluation_slots, budget.evaluation_seeds),
        timings_s=spent_s | {sweep.name: sweep.training_s for sweep in sweeps},
        schemes=(
            *(scheme.record(_signs(compared[scheme.name])) for scheme in plan.compared),
            *(scheme.record() for name, scheme in plan.swept.items() if name in others),
        ),
        headline=headline,
        comparison_commits=tuple(_commits(compared)),
        optimum_on_curve_slots=_optimum_on_curve_slots(plan) if compared else nan,
    )


def _made_with(results: Sequence[CellResult], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, device and machine of the results, each value once; those of the page for what no result states."""
    known = [result.provenance for result in results if result.provenance.get("versions")]
    versions: dict[str, list[str]] = {name: [] for name in origin["versions"]}
    for provenance in known:
        for name, version in provenance["versions"].items():
            versions.setdefault(name, []).append(version)
    made: dict[str, Any] = {
        key: "; ".join(dict.fromkeys(item[key] for item in known if key in item)) or origin[key]
        for key in ("device", "machine")
    }
    made["versions"] = {
        name: ", ".join(sorted(set(several))) or origin["versions"][name] for name, several in versions.items()
    }
    return made


def _signs(results: Sequence[CellResult]) -> tuple[records.Sign, ...]:
    return tuple(records.Sign(**sign) for result in results for sign in result.diverged)


def _optimum_on_curve_slots(plan: Plan) -> float:
    """The optimum's mean cost on the learning curves' evaluation slots; NaN if there is no certified optimum."""
    slots = jax.device_get(curve_slots(plan.preset.scenario, plan.seed))
    cost = optimum_cost(plan.preset.scenario, jax.tree.map(np.float64, slots))
    return nan if cost is None else cost


def _training(schemes: Sequence[SchemePlan], results: ByScheme) -> dict[str, tuple[float, float]]:
    """The number of training slots and of seeds of each scheme that was measured; NaN for those not trained."""
    training = {}
    for scheme in schemes:
        seeds = sum(result.measured is not None for result in results[scheme.name])
        if seeds:
            slots = float(_slots(scheme.settings, results[scheme.name])) if scheme.settings else nan
            training[scheme.name] = slots, float(seeds) if scheme.settings else nan
    return training


def _slots(settings: Settings, of_scheme: Sequence[CellResult]) -> int:
    """The slots that each seed was trained on: the settings' number, or more, since PPO completes its last rollout."""
    return max((result.curve[-1].slots for result in of_scheme if result.curve), default=settings.slots)


def missing_of(results: ByScheme) -> dict[str, str]:
    """The reason for each scheme that was not measured."""
    return {
        name: of_scheme[0].trouble if of_scheme else "not computed yet"
        for name, of_scheme in results.items()
        if all(result.measured is None for result in of_scheme)
    }


def _commits(results: ByScheme) -> list[str]:
    """The revisions that made the results; those made outside a repository have none."""
    revisions = {result.provenance.get("git_revision") for of_scheme in results.values() for result in of_scheme}
    return sorted(revision for revision in revisions if revision)


def _divergence_notes(results: ByScheme) -> list[str]:
    """A note for each learner with diverged seeds, which says how many of them are left out."""
    notes = []
    for name, of_scheme in results.items():
        lost = [result.trouble for result in of_scheme if result.measured is None and result.curve]
        other = sum(bool(result.diverged) for result in of_scheme if result.measured is not None)
        if lost or other:
            left_out = f", {len(lost)} of them left out: {lost[0]}" if lost else ""
            notes.append(f"{name}: training diverged in {len(lost) + other} of {len(of_scheme)} seeds{left_out}")
    return notes


def _joined(measured: Sequence[RawScheme], *, trained: bool) -> RawScheme:
    """Several results of one policy each as one scheme of several policies."""
    return RawScheme(
        np.concatenate([scheme.latency_s for scheme in measured]),
        np.concatenate([scheme.cost for scheme in measured]),
        # Older results may lack a figure of merit that newer ones have.
        {
            name: np.concatenate([scheme.means[name] for scheme in measured])
            for name in measured[0].means
            if all(name in scheme.means for scheme in measured)
        },
        trained,
    )


def _optimum(results: ByScheme) -> tuple[Reference | None, str]:
    if not results.get(OPTIMUM):
        return None, "the optimum is not among the schemes"
    result = results[OPTIMUM][0]
    if result.measured is None or result.relative_gap is None:
        return None, result.trouble or f"its proven gap exceeds {CERTIFIED_GAP:g} in some slots"
    return Reference(result.measured.cost[0], result.relative_gap), ""
