"""The figures of the comparison: latency and cost of every scheme as dots, and parts of latency and energy as bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from twinsync.experiments.columns import Row, by_cost, compared, exported, least_first
from twinsync.experiments.figures.chart import Chart, FigurePlan
from twinsync.experiments.figures.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    SKY,
    Style,
    name_rows,
    new_figure,
)
from twinsync.experiments.formatting import decimals, number
from twinsync.experiments.records import Estimate, Measured
from twinsync.experiments.results import EXPECTED, OPTIMUM, Results

GLANCE = "at_a_glance"  # the name of the first figure
_PARTS_HEADER = ("scheme", "label", "part", "mean")
# Light and dark alternate along the bar, so that neighbours differ in grey too.
_COLOURS = {"sensing": SKY, "extraction": BLUE, "uplink": ORANGE, "recovery": GREEN}
_ON = {"sensing": "#10151a", "extraction": PAPER, "uplink": "#10151a", "recovery": PAPER}

Parts = Callable[[Measured], Mapping[str, float]]


def comparison_plans(results: Results, styles: Mapping[str, Style], record: Results | None = None) -> list[FigurePlan]:
    """The figures of the comparison, apart from learning curves. record: may supply SAC as printed for the first."""
    values = {
        name: value
        for name, value in exported("latency_s", "cost").items()
        if name.endswith(("_mean", "_low", "_high"))
    }
    rows = [
        [*_names(row), row.scheme.group, *(value(row.measured) for value in values.values())]
        for row in by_cost(results)
    ]
    dots = FigurePlan(
        "comparison",
        lambda narrow: draw_comparison(results, styles, narrow=narrow),
        ("scheme", "label", "group", *values),
        rows,
    )
    few = headline_rows(results, record)
    glance = FigurePlan(
        GLANCE,
        lambda narrow: _draw_glance(few, styles, narrow=narrow),
        ("scheme", "label", "group", *(name for name in values if name.startswith("cost"))),
        [
            [*_names(row), row.scheme.group, *(of(row.measured) for name, of in values.items() if name[:4] == "cost")]
            for row in few
        ],
    )
    return [
        glance,
        dots,
        _parts(results, "latency_parts", lambda row: row.latency_parts_s, "mean latency of a slot [s]",
               deadline_total_s(results), "all at their deadline"),
        _parts(results, "energy_parts", lambda row: row.energy_parts_j, "mean energy of a slot [J]",
               energy_budget_total_j(results), "budget of all UDs"),
    ]  # fmt: skip


def headline_rows(results: Results, record: Results | None = None) -> list[Row]:
    """The headline learner, its benchmarks, the optima, and the schemes as printed (from the record if this run lacks
    them)."""
    comparison = compared(results)
    names = {comparison.learner, *comparison.benchmarks, EXPECTED, OPTIMUM}
    rows = [row for row in by_cost(results) if row.scheme.name in names or row.scheme.group == "paper"]
    own = {row.scheme.name for row in rows}
    if record is not None and record.comparison is not None:
        rows += [row for row in by_cost(record) if row.scheme.group == "paper" and row.scheme.name not in own]
    return least_first(rows)


def _draw_glance(rows: Sequence[Row], styles: Mapping[str, Style], *, narrow: bool) -> Chart:
    """Mean cost with 95 % intervals, in a panel small enough for the first screen together with the main result."""
    figure = new_figure((0.24 if narrow else 0.27) * len(rows) + 0.5, narrow=narrow)
    axes = figure.subplots()
    values = [(row.measured.cost, row.measured.unit_cost) for row in rows]
    _panel(axes, rows, values, styles, "Mean cost of a slot: lower is better", 1, 3)
    name_rows(axes, [row.scheme.label for row in rows], narrow=narrow)
    return Chart(figure)


def _names(row: Row) -> tuple[str, str]:
    return row.scheme.name, row.scheme.label


def draw_comparison(results: Results, styles: Mapping[str, Style], *, narrow: bool) -> Chart:
    """Mean latency and cost with 95 % intervals, lowest cost first, side by side (stacked on a phone)."""
    rows = by_cost(results)
    panel = 0.26 * len(rows) + 0.75
    figure = new_figure(2 * panel + 0.35 if narrow else panel + 0.35, narrow=narrow)
    left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2, sharey=True)
    names = [row.scheme.label for row in rows]
    latency = [(row.measured.latency_s, row.measured.unit_latency_s) for row in rows]
    cost = [(row.measured.cost, row.measured.unit_cost) for row in rows]
    for axes, values, title, digits, significant in (
        (left, latency, "Mean latency of a slot [s]", 2, 0),
        (right, cost, "Mean cost of a slot", 1, 3),
    ):
        _panel(axes, rows, values, styles, title, digits, significant)
        name_rows(axes, names, narrow=narrow)
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=6, markerfacecolor=fill, markeredgecolor=INK, label=label)
        for fill, label in ((PAPER, "as printed"), (INK, "others"))
        if any(row.scheme.group == "paper" for row in rows)
    ]
    marks.append(Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=1.0, label="optimum"))
    figure.legend(handles=marks, loc="outside lower right", ncols=len(marks), fontsize=8.0, handletextpad=0.4)
    return Chart(figure)


def _panel(
    axes: Axes, rows: Sequence[Row], values: Sequence[tuple[Estimate, tuple[float, ...]]], styles: Mapping[str, Style],
    title: str, digits: int, significant: int,
) -> None:  # fmt: skip
    means = {row.scheme.name: value.mean for row, (value, _) in zip(rows, values, strict=True)}
    finite = [mean for mean in means.values() if math.isfinite(mean)]
    span = max(finite) - min(finite) or abs(finite[0]) or 1.0
    start = min(finite) - 0.08 * span
    for place, (row, (value, units)) in enumerate(zip(rows, values, strict=True)):
        style = styles[row.scheme.name]
        if not math.isfinite(value.mean):
            axes.text(min(finite) + 0.04 * span, place, "no finite mean", va="center", fontsize=8.0, color=MUTED)
            continue
        axes.plot([start, value.mean], [place, place], color=GRID, linewidth=0.8, zorder=0)
        _dot(axes, place, value, units, style, "D" if row.scheme.name == OPTIMUM else "o")
        end = max(mark for mark in (value.mean, value.high, *units) if math.isfinite(mark))
        weight = "bold" if style.width > 2 else "normal"
        near = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
        text = number(value.mean, decimals(value.mean, digits, significant))
        axes.annotate(text, (end, place), **near, fontsize=8.0, fontweight=weight)
    if math.isfinite(means.get(OPTIMUM, math.nan)):
        axes.axvline(means[OPTIMUM], color=INK, dashes=(4, 2), linewidth=0.9, zorder=1)
    axes.set_xlim(start, max(finite) + 0.24 * span)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title)


def _dot(axes: Axes, place: int, value: Estimate, units: tuple[float, ...], style: Style, marker: str) -> None:
    # Individual units are ticks in a row of their own, below the dot that would hide them.
    axes.plot(units, [place + 0.3] * len(units), "|", color=style.colour, markersize=3.6, markeredgewidth=0.8)
    axes.plot([value.low, value.high], [place, place], color=style.colour, linewidth=2.2, solid_capstyle="butt")
    fill = style.colour if style.filled else PAPER
    axes.plot(value.mean, place, marker, color=style.colour, markersize=4.6, markerfacecolor=fill)


def deadline_total_s(results: Results) -> float:
    """Latency of a slot in which every UD synchronises exactly at its deadline, K (1 - eta) tau + sensing [s]."""
    optimum = compared(results).evaluation.allocators[OPTIMUM]
    return results.constant("device_count") * results.deadline_s + optimum.latency_parts_s["sensing"]


def energy_budget_total_j(results: Results) -> float:
    """Sum of the UDs' energy budgets, K E_max [J]."""
    return results.constant("device_count") * results.constant("energy_budget_j")


def _parts(results: Results, name: str, parts: Parts, quantity: str, limit: float, limit_name: str) -> FigurePlan:
    """Means per slot by stage as stacked bars, lowest cost first, with a limit as a line."""
    rows = by_cost(results)
    data = [[*_names(row), part, value] for row in rows for part, value in parts(row.measured).items()]

    def draw(narrow: bool) -> Chart:
        return Chart(_draw_parts(rows, parts, quantity, limit, limit_name, narrow=narrow))

    return FigurePlan(name, draw, _PARTS_HEADER, data)


def _draw_parts(
    rows: Sequence[Row], parts: Parts, quantity: str, limit: float, limit_name: str, *, narrow: bool
) -> Figure:
    figure = new_figure(0.27 * len(rows) + 1.15, narrow=narrow)
    axes = figure.subplots()
    totals = [sum(parts(row.measured).values()) for row in rows]
    right = 1.1 * max(total for total in (*totals, limit) if math.isfinite(total))
    axes.axvline(limit, color=INK, dashes=(4, 2), linewidth=1.2)
    for place, (row, total) in enumerate(zip(rows, totals, strict=True)):
        measured = math.isfinite(total)
        if measured:
            _bar(axes, place, parts(row.measured), right, narrow)
        at = ((total if measured else 0.0) + 0.012 * right, place)
        text = number(total, 2) if measured else "no finite mean"
        axes.text(*at, text, va="center", fontsize=8.0, bbox=_box(PAPER), zorder=4)
    # The limit is labelled on the side of its line that has room.
    side, offset = ("right", -4) if limit > 0.6 * right else ("left", 4)
    near = {"textcoords": "offset points", "va": "center", "ha": side, "fontsize": 8.0}
    axes.annotate(f"{limit_name}: {limit:.2f}", (limit, len(rows) - 0.1), (offset, 0), **near)
    axes.set_xlim(0, right)
    axes.set_ylim(len(rows) + 0.35, -0.6)
    axes.set_xlabel(quantity)
    name_rows(axes, [row.scheme.label for row in rows], narrow=narrow)
    handles = [Patch(facecolor=_COLOURS[part], label=part) for part in parts(rows[0].measured)]
    loc, columns = ("outside upper center", 2) if narrow else ("outside upper right", 4)
    figure.legend(handles=handles, loc=loc, ncols=columns, columnspacing=1.2, handlelength=1.2)
    return figure


def _box(colour: str) -> dict[str, object]:
    """A background that keeps a number readable where the limit's line crosses it."""
    return {"facecolor": colour, "edgecolor": "none", "pad": 0.6}


def _bar(axes: Axes, place: int, parts: Mapping[str, float], widest: float, narrow: bool) -> None:
    left = 0.0
    for part, value in parts.items():
        axes.barh(place, value, 0.74, left, color=_COLOURS[part], edgecolor=PAPER, linewidth=1.0)
        if not narrow and value > 0.055 * widest:
            look = {"color": _ON[part], "bbox": _box(_COLOURS[part]), "zorder": 4}
            axes.text(left + value / 2, place, f"{value:.2f}", ha="center", va="center", fontsize=7.5, **look)
        left += value
