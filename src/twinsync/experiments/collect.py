"""From results of cells to what is said of a point: the evaluation of all schemes that were measured there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.store import CellResult, Store
from twinsync.experiments.evaluate import CERTIFIED_GAP, Evaluation, Optimum, Scheme
from twinsync.experiments.run_folder import OPTIMUM
from twinsync.experiments.schemes import Budget, Contender
from twinsync.experiments.summary import summarise
from twinsync.experiments.sweep import Point, Sweep, points, scenario_at
from twinsync.scenario import Scenario


def cells_of(
    schemes: Sequence[Contender], scenario: Scenario, budget: Budget, seed: int, seeds: int | None = None
) -> list[Cell]:
    """A cell per training seed (the budget's number, or `seeds`) of each learner, one of each scheme that learns
    nothing."""
    return [
        Cell(
            scheme.name, scenario, scheme.settings, "" if scheme.settings else scheme.name, seed, number,
            budget.evaluation_slots, budget.evaluation_seeds, budget.stretches, scheme.library,
        )
        for scheme in schemes
        for number in range((seeds or budget.seeds) if scheme.settings else 1)
    ]  # fmt: skip


def sweep_cells(
    sweep: Sweep, schemes: Mapping[str, Contender], budget: Budget, seed: int, base: Scenario | None = None
) -> list[Cell]:
    """All cells of a sweep of one axis; a point that is the scenario `base` of the comparison has its results."""
    return [
        cell
        for point in points(sweep)
        for cell in _cells_at(scenario_at(sweep, point), sweep, schemes, budget, seed, base)
    ]


def _cells_at(
    scenario: Scenario, sweep: Sweep, schemes: Mapping[str, Contender], budget: Budget, seed: int, base: Scenario | None
) -> list[Cell]:
    named = [schemes[name] for name in sweep.schemes]
    # Else one scheme would have two numbers at the same point, of few seeds and of more.
    seeds = budget.seeds if scenario == base else budget.sweep_seeds
    return cells_of(named, scenario, budget, seed, seeds)


def read_results(store: Store, cells: Sequence[Cell], *, partial: bool = False) -> dict[str, list[CellResult]]:
    """Results by scheme, in the order of their training seeds. All must be there, unless `partial`: then those that are
    not are left out, and a scheme of which nothing is there has an empty list."""
    found: dict[str, list[CellResult]] = {}
    for cell in cells:
        result = store.read(cell)
        if result is None and not partial:
            raise RuntimeError(f"{store.path(cell)}: the result of {cell.label} is gone")
        found.setdefault(cell.scheme, []).extend([] if result is None else [result])
    return found


def evaluation_of(
    found: Mapping[str, Sequence[CellResult]], scenario: Scenario, budget: Budget, seed: int
) -> Evaluation:
    """The evaluation of all schemes that were measured; a seed whose policy is lost is left out."""
    schemes = {}
    for name, results in found.items():
        measured = [result.measured for result in results if result.measured is not None]
        if measured:
            schemes[name] = _joined(measured)
    optimum, note = _optimum(found)
    return Evaluation(
        scenario, budget.evaluation_slots, budget.evaluation_seeds, seed, schemes, optimum, note
    )  # fmt: skip


def missing_of(found: Mapping[str, Sequence[CellResult]]) -> dict[str, str]:
    """Why each scheme that could not be measured was not."""
    return {
        name: results[0].trouble if results else "not computed yet"
        for name, results in found.items()
        if all(result.measured is None for result in results)
    }


def commits_of(found: Mapping[str, Sequence[CellResult]]) -> list[str]:
    """Revisions that made the results; none is known outside a repository."""
    revisions = {result.provenance.get("git_revision") for results in found.values() for result in results}
    return sorted(revision for revision in revisions if revision)


def divergence_notes(found: Mapping[str, Sequence[CellResult]]) -> list[str]:
    """A sentence for each learner of which a seed diverged."""
    notes = []
    for name, results in found.items():
        count = sum(bool(result.diverged) for result in results)
        if count:
            notes.append(f"{name}: training diverged in {count} of {len(results)} seeds")
    return notes


def sweep_json(
    sweep: Sweep,
    schemes: Mapping[str, Contender],
    store: Store,
    budget: Budget,
    seed: int,
    command: str,
    base: Scenario | None = None,
    *,
    partial: bool = False,
) -> dict[str, Any]:
    """Everything a report says of a sweep of one axis; `base` as in `sweep_cells`, `partial` as in `read_results`."""
    named = [schemes[name] for name in sweep.schemes]
    rows, commits, spent = [], set[str](), 0.0
    for point in points(sweep):
        scenario = scenario_at(sweep, point)
        found = read_results(store, _cells_at(scenario, sweep, schemes, budget, seed, base), partial=partial)
        commits |= set(commits_of(found))
        spent += sum(result.total_s for results in found.values() for result in results)
        rows.append(_point_json(point, found, scenario, budget, seed, named))
    axis = sweep.axes[0]
    return {
        "name": sweep.name,
        "figure": sweep.figure,
        "title": sweep.title,
        "axis": {"keys": list(axis.keys), "label": axis.label, "unit": axis.unit},
        "set": list(sweep.overrides),
        "schemes": list(sweep.schemes),
        "command": command,
        "commits": sorted(commits),
        "training_s": round(spent, 1),
        "points": rows,
    }


def _point_json(
    point: Point,
    found: Mapping[str, Sequence[CellResult]],
    scenario: Scenario,
    budget: Budget,
    seed: int,
    schemes: Sequence[Contender],
) -> dict[str, Any]:
    told = summarise(evaluation_of(found, scenario, budget, seed))
    add_training(told, schemes, found)
    told["notes"] += divergence_notes(found)
    return {
        "x": point.x,
        "label": point.label,
        "set": list(point.overrides),
        "evaluation": {key: value for key, value in told.items() if key not in ("definitions", "scenario")},
        "missing": missing_of(found),
    }


def add_training(
    summary: dict[str, Any], schemes: Sequence[Contender], found: Mapping[str, Sequence[CellResult]]
) -> None:
    """Say of each scheme in a summary how many slots it was trained on, and by how many seeds; null where nothing is
    trained."""
    for scheme in schemes:
        if scheme.name in summary["allocators"]:
            seeds = sum(result.measured is not None for result in found[scheme.name])
            size = (scheme.settings.slots, seeds) if scheme.settings else (None, None)
            summary["allocators"][scheme.name] |= dict(zip(("training_slots", "training_seeds"), size, strict=True))


def _joined(measured: Sequence[Scheme]) -> Scheme:
    """Schemes of one policy each as one of several policies."""
    return Scheme(
        np.concatenate([scheme.latency_s for scheme in measured]),
        np.concatenate([scheme.cost for scheme in measured]),
        {name: np.concatenate([scheme.means[name] for scheme in measured]) for name in measured[0].means},
    )


def _optimum(found: Mapping[str, Sequence[CellResult]]) -> tuple[Optimum | None, str]:
    if not found.get(OPTIMUM):
        return None, "the optimum is not among the schemes"
    result = found[OPTIMUM][0]
    if result.measured is None or result.relative_gap is None:
        return None, result.trouble or f"its proven gap exceeds {CERTIFIED_GAP:g} in some slots"
    return Optimum(result.measured.cost[0], result.relative_gap), ""
