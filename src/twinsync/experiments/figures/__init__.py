"""The report's charts: drawn from a folder's raw files, for a page and for a phone, with the CSV behind each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from twinsync.experiments.figures import comparison, convergence, frontier, parts, sweep, variants
from twinsync.experiments.figures.chart import Chart, Spot
from twinsync.experiments.figures.frontier import Frontier
from twinsync.experiments.figures.scheme_styles import Style, styles
from twinsync.experiments.figures.style import look, save, save_pdf, save_svg, write_csv
from twinsync.experiments.recorded import printed_curves, recorded_sweeps, repaired_curves
from twinsync.experiments.report_folder import ReportFolder
from twinsync.experiments.run_folder import RunFolder
from twinsync.experiments.sweep_folder import Sweep
from twinsync.experiments.variants import SETTINGS


@dataclass(frozen=True)
class Drawn:
    """A figure as SVG text, as wide as a page and as wide as a phone, and the points on each that can be asked."""

    name: str
    wide_svg: str
    narrow_svg: str
    wide_spots: Sequence[Spot] = ()
    narrow_spots: Sequence[Spot] = ()


@dataclass(frozen=True)
class _Plan:
    """A figure to be drawn: its name in `figures/`, how (for a page or a phone), and its data."""

    name: str
    draw: Callable[[bool], Chart]
    header: Sequence[str]
    rows: list[list[object]]


def sweep_figure(swept: Sweep) -> str:
    """Name of a sweep's figure in `figures/`."""
    return f"sweep_{swept.slug}"


def frontiers(folder: ReportFolder) -> list[Frontier]:
    """The frontiers that the folder's sweeps allow."""
    found = []
    energy, floor = folder.sweep("energy-budget"), folder.sweep("extraction-floor")
    counts = [entry["value"] for entry in folder.scenario if entry["key"] == "device_count"]
    if energy is not None and counts:
        found.append(frontier.energy_frontier(energy, counts[0]))
    if floor is not None:
        found.append(frontier.accuracy_frontier(floor))
    return found


def write_figures(folder: ReportFolder, record: ReportFolder | None = None) -> dict[str, Drawn]:
    """Draw every figure into `figures/` of the folder as PNG, SVG, PDF and CSV; return the SVGs.

    `record` has the schemes as printed, and may be `folder` itself; they are drawn beside a comparison.
    """
    target = folder.path / "figures"
    target.mkdir(exist_ok=True)
    style = styles(folder.schemes if record is None else {**record.schemes, **folder.schemes})
    plans = [*([] if folder.run is None else _base(folder.run, style)), *_swept(folder, style)]
    if folder.run is not None and record is not None:
        plans += _printed(folder, record, style)
    studies = folder.studies or ({} if record is None else record.studies)
    if SETTINGS in studies:
        plans.append(_variants(studies[SETTINGS]["rows"]))
    return {plan.name: _write(plan, target) for plan in plans}


def _write(plan: _Plan, target: Path) -> Drawn:
    write_csv(target / f"{plan.name}.csv", plan.header, plan.rows)
    with look():
        wide = _settled(plan.draw(False))
        save_pdf(wide.figure, target / f"{plan.name}.pdf")
        save(wide.figure, target, plan.name)
        phone, narrow = io.StringIO(), _settled(plan.draw(True))
        save_svg(narrow.figure, phone)
        svg = (target / f"{plan.name}.svg").read_text("utf-8")
        return Drawn(plan.name, svg, phone.getvalue(), wide.spots(), narrow.spots())


def _settled(chart: Chart) -> Chart:
    """The same with its layout settled once and for all, so that every format has it."""
    chart.figure.draw_without_rendering()
    chart.figure.set_layout_engine("none")
    return chart


def _printed(folder: ReportFolder, record: ReportFolder, style: dict[str, Style]) -> list[_Plan]:
    """Fig. 3 as printed, and of a record that is not the folder itself Figs. 4 to 7."""
    plans = [] if record.run is None else [_convergence("fig3_printed", printed_curves(record.run), style)]
    swept = [] if record is folder else recorded_sweeps(record)
    return [*plans, *(_sweep(one, style) for one in swept)]


def _variants(rows: Sequence[Mapping[str, Any]]) -> _Plan:
    def draw(narrow: bool) -> Chart:
        return Chart(variants.draw_variants(rows, narrow=narrow))

    return _Plan("what_decides", draw, variants.HEADER, variants.variants_data(rows))


def _convergence(name: str, run: RunFolder, style: dict[str, Style]) -> _Plan:
    def draw(narrow: bool) -> Chart:
        return Chart(convergence.draw_convergence(run, style, narrow=narrow))

    return _Plan(name, draw, convergence.HEADER, convergence.convergence_rows(run))


def _sweep(swept: Sweep, style: dict[str, Style]) -> _Plan:
    def draw(narrow: bool) -> Chart:
        return sweep.draw_sweep(swept, style, narrow=narrow)

    return _Plan(sweep_figure(swept), draw, sweep.HEADER, sweep.sweep_rows(swept))


def _base(run: RunFolder, style: dict[str, Style]) -> list[_Plan]:
    split = ("scheme", "label", "part", "mean")
    return [
        _convergence("fig3_convergence", repaired_curves(run), style),
        _Plan(
            "comparison",
            lambda narrow: Chart(comparison.draw_comparison(run, style, narrow=narrow)),
            comparison.HEADER,
            comparison.comparison_rows(run),
        ),
        _Plan(
            "latency_parts",
            lambda narrow: Chart(parts.draw_latency_parts(run, narrow=narrow)),
            split,
            parts.parts_rows(run, lambda row: row.latency_parts_s),
        ),
        _Plan(
            "energy_parts",
            lambda narrow: Chart(parts.draw_energy_parts(run, narrow=narrow)),
            split,
            parts.parts_rows(run, lambda row: row.energy_parts_j),
        ),
    ]


def _swept(folder: ReportFolder, style: dict[str, Style]) -> list[_Plan]:
    def draw_frontier(edge: Frontier, narrow: bool) -> Chart:
        return frontier.draw_frontier(edge, style, narrow=narrow)

    plans = [_sweep(swept, style) for swept in folder.sweeps]
    plans += [
        _Plan(edge.name, partial(draw_frontier, edge), frontier.HEADER, frontier.frontier_rows(edge))
        for edge in frontiers(folder)
    ]
    return plans
