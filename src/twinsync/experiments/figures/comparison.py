"""Every scheme's mean latency and cost with 95 % intervals, as dots on two scales, best cost first."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from twinsync.experiments.figures.scheme_styles import Style
from twinsync.experiments.figures.style import GRID, INK, MUTED, PAPER, name_rows, new_figure
from twinsync.experiments.formatting import number
from twinsync.experiments.records import Estimate
from twinsync.experiments.run_folder import OPTIMUM, Row, RunFolder

HEADER = [
    "scheme",
    "label",
    "group",
    "latency_s_mean",
    "latency_s_low",
    "latency_s_high",
    "cost_mean",
    "cost_low",
    "cost_high",
]


def by_cost(run: RunFolder) -> list[Row]:
    """Rows of the evaluation, least mean cost first; a cost that is not a number goes last."""
    return sorted(run.rows.values(), key=lambda row: row.cost.mean if math.isfinite(row.cost.mean) else math.inf)


def comparison_rows(run: RunFolder) -> list[list[object]]:
    """The figure's data, one row a scheme."""
    return [
        [
            row.scheme.name,
            row.scheme.label,
            row.scheme.group,
            *(getattr(estimate, key) for estimate in (row.latency_s, row.cost) for key in ("mean", "low", "high")),
        ]
        for row in by_cost(run)
    ]


def draw_comparison(run: RunFolder, look: dict[str, Style], *, narrow: bool) -> Figure:
    """Latency and cost side by side (one above the other on a phone)."""
    rows = by_cost(run)
    panel = 0.26 * len(rows) + 0.75
    figure = new_figure(2 * panel + 0.35 if narrow else panel + 0.35, narrow=narrow)
    left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2, sharey=True)
    _panel(left, rows, [(row.latency_s, row.units_latency_s) for row in rows], look, "Mean latency of a slot [s]", 2)
    name_rows(left, rows, narrow=narrow)
    _panel(right, rows, [(row.cost, row.units_cost) for row in rows], look, "Mean cost of a slot", 1)
    name_rows(right, rows, narrow=narrow)
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=6, markerfacecolor=fill, markeredgecolor=INK, label=label)
        for fill, label in ((PAPER, "as printed"), (INK, "others"))
    ]
    marks.append(Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=1.0, label="optimum"))
    figure.legend(handles=marks, loc="outside lower right", ncols=3, fontsize=8.0, handletextpad=0.4)
    return figure


def _panel(
    axes: Axes,
    rows: list[Row],
    measured: list[tuple[Estimate, tuple[float, ...]]],
    look: dict[str, Style],
    title: str,
    digits: int,
) -> None:
    means = [value.mean for value, _ in measured]
    finite = [mean for mean in means if math.isfinite(mean)]
    span = max(finite) - min(finite) or abs(finite[0]) or 1.0
    start = min(finite) - 0.08 * span
    for place, (row, (value, units)) in enumerate(zip(rows, measured, strict=True)):
        style = look[row.scheme.name]
        if not math.isfinite(value.mean):
            axes.text(min(finite) + 0.04 * span, place, "no finite mean", va="center", fontsize=8.0, color=MUTED)
            continue
        axes.plot([start, value.mean], [place, place], color=GRID, linewidth=0.8, zorder=0)
        _dot(axes, place, value, units, style, "D" if row.scheme.name == OPTIMUM else "o")
        end = max(mark for mark in (value.mean, value.high, *units) if math.isfinite(mark))
        weight = "bold" if style.width > 2 else "normal"
        near = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(number(value.mean, digits), (end, place), **near, fontsize=8.0, fontweight=weight)
    optimum = means[[row.scheme.name for row in rows].index(OPTIMUM)]
    if math.isfinite(optimum):
        axes.axvline(optimum, color=INK, dashes=(4, 2), linewidth=0.9, zorder=1)
    axes.set_xlim(start, max(finite) + 0.24 * span)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title)


def _dot(axes: Axes, place: int, value: Estimate, units: tuple[float, ...], style: Style, marker: str) -> None:
    # Single units stand in a row of small ticks under the dot, which would hide them.
    axes.plot(units, [place + 0.3] * len(units), "|", color=style.colour, markersize=3.6, markeredgewidth=0.8)
    axes.plot([value.low, value.high], [place, place], color=style.colour, linewidth=2.2, solid_capstyle="butt")
    fill = style.colour if style.filled else PAPER
    axes.plot(value.mean, place, marker, color=style.colour, markersize=4.6, markerfacecolor=fill)
