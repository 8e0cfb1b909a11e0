"""What decides, as dots: the cost of each learner with one setting exchanged, towards repaired and back."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from twinsync.experiments.figures.style import BLUE, GRID, INK, ORANGE, VERMILLION, new_figure
from twinsync.experiments.variants import BACK, PPO, RANDOM, SAC, TOWARDS

HEADER = ["direction", "change", "setting", "role", "scheme", "training_slots", "cost_mean", "cost_of_each_seed"]
ROLES = {SAC: "SAC", PPO: "PPO", RANDOM: "Random strategy"}
_STYLES = {SAC: (BLUE, "o"), PPO: (VERMILLION, "s"), RANDOM: (ORANGE, "^")}
_TITLES = {TOWARDS: "As printed, one setting changed", BACK: "Repaired, one setting put back"}

Row = Mapping[str, Any]


def at_change(rows: Sequence[Row], direction: str, change: str) -> dict[str, Row]:
    """Rows of studies.json at one change, by role."""
    return {row["role"]: row for row in rows if (row["direction"], row["change"]) == (direction, change)}


def changes_of(rows: Sequence[Row], direction: str) -> list[str]:
    """Keys of the changes in one direction, in their order; the empty one is what the others are held against."""
    return list(dict.fromkeys(row["change"] for row in rows if row["direction"] == direction))


def exchanged(here: Mapping[str, Row]) -> str:
    """The setting that a change exchanges, as `key = value`; empty where nothing is."""
    return next(iter(here.values()))["label"].partition("; ")[2]


def variants_data(rows: Sequence[Row]) -> list[list[object]]:
    """The figure's data, one row per variant."""
    return [
        [
            row["direction"], row["change"], row["label"].partition("; ")[2], row["role"], row["scheme"],
            row["training_slots"], row["measured"]["cost"]["mean"],
            " ".join(str(cost) for cost in row["measured"]["unit_cost"]),
        ]
        for row in rows
        if row["measured"] is not None
    ]  # fmt: skip


def draw_variants(rows: Sequence[Row], *, narrow: bool) -> Figure:
    """A panel per direction, a line per change, a dot per learner; small ticks are single seeds."""
    directions = [direction for direction in _TITLES if changes_of(rows, direction)]
    counts = [len(changes_of(rows, direction)) for direction in directions]
    figure = new_figure(0.9 + 0.36 * sum(counts) + 0.3 * len(counts), narrow=narrow)
    panels = figure.subplots(len(directions), 1, sharex=True, squeeze=False, height_ratios=counts)[:, 0]
    for axes, direction in zip(panels, directions, strict=True):
        _panel(axes, rows, direction, narrow=narrow)
    panels[-1].set_xlabel("cost per slot (lower is better)")
    shown = [role for role in ROLES if any(row["role"] == role for row in rows)]
    handles = [
        Line2D([], [], linestyle="", marker=_STYLES[role][1], color=_STYLES[role][0], label=ROLES[role])
        for role in shown
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(shown), handletextpad=0.4)
    return figure


def _panel(axes: Axes, rows: Sequence[Row], direction: str, *, narrow: bool) -> None:
    changes = changes_of(rows, direction)
    names = []
    for place, change in enumerate(changes):
        here = at_change(rows, direction, change)
        names.append(textwrap.fill(exchanged(here) or "nothing changed", 22 if narrow else 44))
        measured = [(role, row["measured"]) for role, row in here.items() if row["measured"] is not None]
        axes.axhline(place, color=GRID, linewidth=0.8, zorder=0)
        for role, numbers in measured:
            colour, marker = _STYLES[role]
            seeds = numbers["unit_cost"]
            axes.plot(seeds, [place + 0.28] * len(seeds), "|", color=colour, markersize=4, markeredgewidth=0.9)
            axes.plot(numbers["cost"]["mean"], place, marker, color=colour, markersize=6)
    axes.set_yticks(range(len(changes)), names, linespacing=0.95)
    axes.set_ylim(len(changes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(_TITLES[direction], color=INK)
