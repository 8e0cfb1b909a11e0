"""The report's charts: drawn from results, in widths for a page and for a phone, each with its data as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from twinsync.experiments.figures import frontier, sweep
from twinsync.experiments.figures.chart import Drawn, FigurePlan, write
from twinsync.experiments.figures.comparison import comparison_plans
from twinsync.experiments.figures.convergence import convergence_plan
from twinsync.experiments.figures.policy import policy_plan
from twinsync.experiments.figures.style import styles
from twinsync.experiments.figures.sweep import SweepFigure, as_printed_sweeps
from twinsync.experiments.figures.variants import variants_plan
from twinsync.experiments.records import Sweep
from twinsync.experiments.results import OPTIMUM, Results, shown_study
from twinsync.experiments.variants import SETTINGS

__all__ = ["Drawn", "sweep_figures", "write_figures"]

SWEEP_FIGURES = (*sweep.FIGURES, *frontier.FIGURES)


def sweep_figures(sweeps: Iterable[Sweep]) -> Iterator[tuple[SweepFigure, Sweep]]:
    """Every figure of the given sweeps with its sweep, in drawing order."""
    for figure, one in product(SWEEP_FIGURES, sweeps):
        if figure.applies(one):
            yield figure, one


def write_figures(folder: Path, results: Results, record: Results | None = None) -> dict[str, Drawn]:
    """Draw every figure into `figures/` of a folder as PNG, SVG, PDF and CSV; return the SVGs by name.

    record: results of the schemes as printed, drawn only beside a comparison; may be `results` itself.
    """
    target = folder / "figures"
    target.mkdir(exist_ok=True)
    return {plan.name: write(plan, target) for plan in _plans(results, record)}


def _plans(results: Results, record: Results | None) -> Iterator[FigurePlan]:
    look = styles(results.schemes if record is None else {**record.schemes, **results.schemes})
    if results.comparison is not None:
        yield convergence_plan("fig3_convergence", results.with_curves(printed=False), look)
        yield from comparison_plans(results, look, record)
        if results.policy is not None:
            yield policy_plan(results.policy, results.schemes, look)
    for figure, one in sweep_figures(results.sweeps):
        yield figure.plan(one, results, look)
    if results.comparison is not None and record is not None:
        if record.comparison is not None:
            yield convergence_plan("fig3_printed", record.with_curves(printed=True), look)
        if record is not results:
            for figure, one in sweep_figures(as_printed_sweeps(record)):
                yield figure.plan(one, record, look)
    settings = shown_study(SETTINGS, results, record)
    if settings is not None:
        study, source = settings
        yield variants_plan(study.rows, _optimum(source))


def _optimum(results: Results) -> float | None:
    """The optimum's cost per slot at the preset, if it was computed."""
    compared = {} if results.comparison is None else results.comparison.evaluation.allocators
    return compared[OPTIMUM].cost.mean if OPTIMUM in compared else None
