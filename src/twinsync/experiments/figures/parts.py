"""Where the latency and the energy go: stacked bars, one a scheme, least cost first."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from twinsync.experiments.figures.comparison import by_cost
from twinsync.experiments.figures.style import BLUE, GREEN, INK, ORANGE, PAPER, SKY, name_rows, new_figure
from twinsync.experiments.formatting import number
from twinsync.experiments.run_folder import OPTIMUM, Row, RunFolder

# Light and dark alternate along the bar, so that neighbours differ in grey too.
_COLOURS = {"sensing": SKY, "extraction": BLUE, "uplink": ORANGE, "recovery": GREEN}
_ON = {"sensing": "#10151a", "extraction": PAPER, "uplink": "#10151a", "recovery": PAPER}


def parts_rows(run: RunFolder, parts_of: Callable[[Row], dict[str, float]]) -> list[list[object]]:
    """The figure's data, one row for each scheme and part."""
    return [
        [row.scheme.name, row.scheme.label, part, value]
        for row in by_cost(run)
        for part, value in parts_of(row).items()
    ]


def deadline_total_s(run: RunFolder) -> float:
    """Latency of a slot in which every UD synchronises exactly at its deadline, K (1 - eta) tau + sensing [s]."""
    return run.constant("device_count") * run.deadline_s + run.rows[OPTIMUM].latency_parts_s["sensing"]


def energy_budget_total_j(run: RunFolder) -> float:
    """Energy budgets of all UDs together, K E_max [J]."""
    return run.constant("device_count") * run.constant("energy_budget_j")


def draw_latency_parts(run: RunFolder, *, narrow: bool) -> Figure:
    """Mean latency of a slot by part, all UDs together, with the deadline as a line."""
    quantity = "mean latency of a slot [s]"
    return _draw(run, lambda row: row.latency_parts_s, quantity, deadline_total_s(run), "all at their deadline", narrow)


def draw_energy_parts(run: RunFolder, *, narrow: bool) -> Figure:
    """Mean energy of a slot by part, all UDs together, with their budgets as a line."""
    quantity = "mean energy of a slot [J]"
    return _draw(run, lambda row: row.energy_parts_j, quantity, energy_budget_total_j(run), "budget of all UDs", narrow)


def _draw(
    run: RunFolder,
    parts_of: Callable[[Row], dict[str, float]],
    quantity: str,
    limit: float,
    limit_name: str,
    narrow: bool,
) -> Figure:
    rows = by_cost(run)
    figure = new_figure(0.27 * len(rows) + 1.15, narrow=narrow)
    axes = figure.subplots()
    totals = [sum(parts_of(row).values()) for row in rows]
    right = 1.1 * max(total for total in (*totals, limit) if math.isfinite(total))
    axes.axvline(limit, color=INK, dashes=(4, 2), linewidth=1.2)
    for place, row in enumerate(rows):
        measured = math.isfinite(totals[place])
        if measured:
            _bar(axes, place, parts_of(row), right, narrow)
        at = ((totals[place] if measured else 0.0) + 0.012 * right, place)
        words = number(totals[place], 2) if measured else "no finite mean"
        axes.text(*at, words, va="center", fontsize=8.0, bbox=_box(PAPER), zorder=4)
    # The limit's name stands on the side of its line that has room.
    side, offset = ("right", -4) if limit > 0.6 * right else ("left", 4)
    at = (limit, len(rows) - 0.1)
    words = f"{limit_name}: {limit:.2f}"
    axes.annotate(words, at, (offset, 0), textcoords="offset points", va="center", ha=side, fontsize=8.0)
    axes.set_xlim(0, right)
    axes.set_ylim(len(rows) + 0.35, -0.6)
    axes.set_xlabel(quantity)
    name_rows(axes, rows, narrow=narrow)
    handles = [Patch(facecolor=_COLOURS[part], label=part) for part in parts_of(rows[0])]
    loc, columns = ("outside upper center", 2) if narrow else ("outside upper right", 4)
    figure.legend(handles=handles, loc=loc, ncols=columns, columnspacing=1.2, handlelength=1.2)
    return figure


def _box(colour: str) -> dict[str, object]:
    """A ground that keeps a number clear of the limit's line."""
    return {"facecolor": colour, "edgecolor": "none", "pad": 0.6}


def _bar(axes: Axes, place: int, parts: dict[str, float], widest: float, narrow: bool) -> None:
    left = 0.0
    for part, value in parts.items():
        axes.barh(place, value, 0.74, left, color=_COLOURS[part], edgecolor=PAPER, linewidth=1.0)
        if not narrow and value > 0.055 * widest:
            words = f"{value:.2f}"
            at = (left + value / 2, place)
            axes.text(
                *at, words, ha="center", va="center", fontsize=7.5, color=_ON[part], bbox=_box(_COLOURS[part]), zorder=4
            )
        left += value
