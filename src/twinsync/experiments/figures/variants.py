"""The figure of the study of settings: the cost of each learner with one setting changed, towards repaired and back."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twinsync.experiments.figures.chart import Chart, FigurePlan
from twinsync.experiments.figures.style import BLUE, GRID, INK, ORANGE, VERMILLION, new_figure
from twinsync.experiments.records import VariantRow
from twinsync.experiments.variants import BACK, PPO, RANDOM, SAC, TOWARDS

WHAT_DECIDES = "what_decides"  # the figure's name
HEADER = (
    "direction", "change", "setting", "role", "scheme", "training_slots", "seeds", "diverged", "cost_mean",
    "cost_of_each_seed",
)  # fmt: skip
ROLES = {SAC: "SAC", PPO: "PPO", RANDOM: "Random strategy"}
_STYLES = {SAC: (BLUE, "o"), PPO: (VERMILLION, "s"), RANDOM: (ORANGE, "^")}
_OFFSETS = {SAC: -0.22, PPO: 0.0, RANDOM: 0.22}  # of a learner's marks from its row's line, in rows
_TITLES = {TOWARDS: "As printed, one setting changed", BACK: "Repaired, one setting changed"}


def variants_plan(rows: Sequence[VariantRow], optimum: float | None = None) -> FigurePlan:
    """The figure of the study of settings; optimum: the optimum's cost on the same slots, if it was computed."""
    return FigurePlan(
        WHAT_DECIDES, lambda narrow: draw_variants(rows, optimum, narrow=narrow), HEADER, variants_data(rows)
    )


def at_change(rows: Sequence[VariantRow], direction: str, change: str) -> dict[str, VariantRow]:
    """The rows of a study at one change, by role."""
    return {row.role: row for row in rows if (row.direction, row.change) == (direction, change)}


def changes_of(rows: Sequence[VariantRow], direction: str) -> list[str]:
    """Keys of the changes in one direction, in order; the empty key is the baseline, without a change."""
    return list(dict.fromkeys(row.change for row in rows if row.direction == direction))


def exchanged(row: VariantRow) -> str:
    """The changed setting as `key = value`; empty if nothing is changed."""
    return row.label.partition("; ")[2]


def settings_of(by_role: Mapping[str, VariantRow]) -> list[tuple[str, str]]:
    """The new setting at one change, and who has it: empty if all do, ` (PPO)` where learners differ."""
    roles: dict[str, list[str]] = {}
    for role, row in by_role.items():
        if row.change:
            roles.setdefault(exchanged(row), []).append(ROLES[role])
    return [(setting, f" ({', '.join(who)})" if len(roles) > 1 else "") for setting, who in roles.items()]


def variants_data(rows: Sequence[VariantRow]) -> list[list[object]]:
    """The figure's data, one row per variant; costs are those of the seeds that were not lost."""
    return [
        [
            row.direction, row.change, exchanged(row), row.role, row.scheme, row.training_slots, row.trained,
            row.diverged, math.nan if row.measured is None else row.measured.cost.mean,
            " ".join(str(cost) for cost in (() if row.measured is None else row.measured.unit_cost)),
        ]
        for row in rows
    ]  # fmt: skip


def draw_variants(rows: Sequence[VariantRow], optimum: float | None, *, narrow: bool) -> Chart:
    """A panel per direction, a row per change, a mark per learner with a tick per seed; a cross if a seed is lost.

    The panels have axes of their own: towards repaired, costs differ by hundreds; back, by a few.
    """
    directions = [direction for direction in _TITLES if changes_of(rows, direction)]
    names = [_names(rows, direction, narrow=narrow) for direction in directions]
    counts = [len(of_panel) for of_panel in names]
    lines = max(name.count("\n") + 1 for of_panel in names for name in of_panel)
    pitch_in = max(0.36, 0.06 + 0.14 * lines)
    figure = new_figure(0.9 + pitch_in * sum(counts) + 0.45 * len(counts), narrow=narrow)
    panels = figure.subplots(len(directions), 1, squeeze=False, height_ratios=counts)[:, 0]
    for axes, direction, of_panel in zip(panels, directions, names, strict=True):
        _panel(axes, rows, direction, of_panel, optimum)
    panels[-1].set_xlabel("cost per slot (lower is better)")
    shown = [role for role in ROLES if any(row.role == role for row in rows)]
    handles = [
        Line2D([], [], linestyle="", marker=_STYLES[role][1], color=_STYLES[role][0], label=ROLES[role])
        for role in shown
    ]
    if optimum is not None:
        handles.append(Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=1.0, label="optimum"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.4)
    return Chart(figure)


def _names(rows: Sequence[VariantRow], direction: str, *, narrow: bool) -> list[str]:
    """The rows' names in one panel: the new setting of each change."""
    settings = [settings_of(at_change(rows, direction, change)) for change in changes_of(rows, direction)]
    texts = ["; ".join(f"{setting}{who}" for setting, who in row) or "nothing changed" for row in settings]
    return [textwrap.fill(text, 22 if narrow else 44) for text in texts]


def _panel(axes: Axes, rows: Sequence[VariantRow], direction: str, names: Sequence[str], optimum: float | None) -> None:
    if optimum is not None:
        axes.axvline(optimum, color=INK, linestyle=(0, (4, 2)), linewidth=1.0)
    for place, change in enumerate(changes_of(rows, direction)):
        axes.axhline(place, color=GRID, linewidth=0.8, zorder=0)
        for role, row in at_change(rows, direction, change).items():
            colour, marker = _STYLES[role]
            height = place + _OFFSETS[role]
            if row.measured is not None:
                seeds = row.measured.unit_cost
                axes.plot(seeds, [height] * len(seeds), "|", color=colour, markersize=7, markeredgewidth=0.9)
                axes.plot(row.measured.cost.mean, height, marker, color=colour, markersize=5)
            if row.evaluated < row.trained:
                axes.plot(1.0, height, "x", color=colour, transform=axes.get_yaxis_transform(), clip_on=False)
    axes.set_yticks(range(len(names)), names, linespacing=1.1)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(_TITLES[direction], color=INK)
