"""The study's charts: learning curves and critics by discount, the tuned settings one by one, and the peer library."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from twinsync.experiments.figures.convergence import seed_band
from twinsync.experiments.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, VERMILLION, look, new_figure, save
from twinsync.experiments.formatting import number
from twinsync.experiments.study.plan import DISCOUNTS, GRID, PEER, TUNED
from twinsync.experiments.study.record import STEADY, RunRecord, StudyCurve, StudyFolder

_COLOURS = {"terminal": BLUE, "truncation": VERMILLION}
_DASHES: dict[str, Any] = {"hard": "solid", "soft": (0, (4, 1.6))}


def write_figures(study: StudyFolder) -> list[str]:
    """Draw the charts for which the study has runs into `figures/`; return their names."""
    folder = study.path / "figures"
    folder.mkdir(exist_ok=True)
    drawn = []
    for name, (group, draw) in _FIGURES.items():
        if study.of(group):
            with look():
                save(draw(study), folder, name)
            drawn.append(name)
    return drawn


def draw_curves(study: StudyFolder) -> Figure:
    """Cost on fixed slots against slots of experience, with a panel per discount."""
    figure, panels = _panels(study, lambda curve: curve.cost)
    _frame_costs(panels, study, [study.curves[run.name] for run in study.of(GRID)])
    _legend(figure, study, optimum=True)
    return figure


def draw_critics(study: StudyFolder) -> Figure:
    """Mean |Q| against slots of experience, with the bound from the rewards seen, and a panel per discount."""
    figure, panels = _panels(study, lambda curve: curve.value_size)
    for run in study.of(GRID):
        curve = study.curves[run.name]
        colour = GREEN if run.settings["discount"] == 0 else _COLOURS[run.settings["cycle_end"]]
        bound = float(np.nanmean(curve.value_bound[:, -1]))
        panels[run.settings["discount"]].axhline(bound, color=colour, linewidth=1.0, linestyle=(0, (1, 1.5)))
    for axes in panels.values():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(10.0))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    for place, axes in enumerate(panels.values()):
        axes.set_ylabel("mean |Q|, in the critic's rewards" if place % 2 == 0 else "")
    _legend(figure, study, optimum=False)
    return figure


def draw_tuned(study: StudyFolder) -> Figure:
    """Final cost of the tuned settings and with each put back, best first: seeds as dots, their mean as a bar's end."""
    runs = sorted(study.of(TUNED), key=_cost_or_inf)
    figure = new_figure(0.9 + 0.3 * len(runs), narrow=False)
    axes = figure.subplots()
    low = study.optimum if study.optimum is not None else 0.0
    for place, run in enumerate(runs):
        mean, each = run.final_cost.mean, run.final_cost.each
        colour = BLUE if run.name == "tuned" else INK if run.outcome == STEADY else VERMILLION
        if math.isnan(mean):
            axes.text(low, place, " no finite policy", va="center", color=VERMILLION)
            continue
        axes.plot([low, mean], [place, place], color=colour, linewidth=1.4, alpha=0.45, zorder=1)
        axes.plot(each, [place] * len(each), "o", color=colour, markersize=4, alpha=0.45, markeredgewidth=0)
        axes.plot(mean, place, "o", color=colour, markersize=7)
        axes.annotate(
            number(mean),
            (max(*each, mean), place),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(range(len(runs)), [_named(run) for run in runs])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    if study.optimum is not None:
        axes.axvline(study.optimum, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
        axes.annotate("optimum, channel known", (study.optimum, 1.0), xycoords=("data", "axes fraction"),
                      xytext=(4, 3), textcoords="offset points", fontsize=8.0, color=MUTED)  # fmt: skip
    axes.margins(x=0.08)
    axes.set_xlabel("cost per slot, fresh slots (lower is better)")
    return figure


def draw_peer(study: StudyFolder) -> Figure:
    """Our learning curve and Stable-Baselines3's, with a panel per cycle end."""
    figure = new_figure(3.1, narrow=False)
    panels = dict(zip(_COLOURS, figure.subplots(1, 2, sharey=True), strict=True))
    shown = []
    for end, axes in panels.items():
        axes.set_title(f"γ = 0.99, {end}")
        for name, colour, dash in (
            (f"gamma-0.99-{end}-soft", BLUE, "solid"),
            (f"sb3-gamma-0.99-{end}", ORANGE, _DASHES["soft"]),
        ):
            if name in study.curves:
                shown.append(study.curves[name])
                _line(axes, study, study.curves[name], lambda curve: curve.cost, colour, dash)
    _frame_costs(panels, study, shown)
    ours = Line2D([], [], color=BLUE, label="twinsync")
    theirs = Line2D([], [], color=ORANGE, linestyle=_DASHES["soft"], label="Stable-Baselines3")
    handles = [ours, theirs, *_optimum(study)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=3.2)
    return figure


_FIGURES: dict[str, tuple[str, Callable[[StudyFolder], Figure]]] = {
    "learning_curves": (GRID, draw_curves),
    "critics": (GRID, draw_critics),
    "tuned": (TUNED, draw_tuned),
    "peer": (PEER, draw_peer),
}


def _panels(study: StudyFolder, of: Callable[[StudyCurve], np.ndarray]) -> tuple[Figure, dict[Any, Axes]]:
    """A panel per discount that has runs, with a line and a band for each run."""
    runs = study.of(GRID)
    shown = [discount for discount in DISCOUNTS if any(run.settings["discount"] == discount for run in runs)]
    rows = -(-len(shown) // 2)
    figure = new_figure(0.5 + 2.5 * rows, narrow=False)
    grid = figure.subplots(rows, min(len(shown), 2), sharex=True, sharey=True, squeeze=False).flat
    panels = dict(zip(shown, grid, strict=False))
    for axes in list(grid)[len(shown) :]:
        axes.set_visible(False)
    for discount, axes in panels.items():
        axes.set_title(f"γ = {discount:g}" + (", nothing bootstrapped" if discount == 0 else ""))
    for run in runs:
        settings = run.settings
        plain = settings["discount"] == 0
        colour = GREEN if plain else _COLOURS[settings["cycle_end"]]
        dash = "solid" if plain else _DASHES[settings["target"]]
        _line(panels[settings["discount"]], study, study.curves[run.name], of, colour, dash)
    _slots_axis(panels)
    return figure, panels


def _line(
    axes: Axes, study: StudyFolder, curve: StudyCurve, of: Callable[[StudyCurve], np.ndarray], colour: str, dash: Any
) -> None:
    band = seed_band(of(curve))
    axes.fill_between(curve.slots, band.low, band.high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(curve.slots, band.mean, color=colour, linestyle=dash, linewidth=1.6)
    lost = np.flatnonzero(~np.isfinite(curve.cost).all(axis=0))
    if len(lost):
        # A seed whose cost is no longer finite drops out of the mean: a cross marks where.
        place = max(int(lost[0]) - 1, 0)
        axes.plot(curve.slots[place], band.mean[place], "x", color=colour, markersize=8, markeredgewidth=2)


def _frame_costs(panels: dict[Any, Axes], study: StudyFolder, curves: list[StudyCurve]) -> None:
    """Limit costs to between the optimum and the highest mean after the first tenth; untrained policies lie above."""
    late = [np.nanmean(c.cost, axis=0)[c.slots >= 0.1 * c.slots[-1]] for c in curves if np.isfinite(c.cost).any()]
    top = max((float(np.nanmax(values)) for values in late), default=1.0)
    low = study.optimum if study.optimum is not None else min(float(np.nanmin(values)) for values in late)
    for place, axes in enumerate(panels.values()):
        axes.set_ylim(low - 0.05 * (top - low), top + 0.08 * (top - low))
        axes.set_ylabel("cost per slot" if place % 2 == 0 else "")
        if study.optimum is not None:
            axes.axhline(study.optimum, color=INK, linestyle=(0, (4, 2)), linewidth=1.0)
    _slots_axis(panels)


def _slots_axis(panels: dict[Any, Axes]) -> None:
    for place, axes in enumerate(panels.values()):
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 0)))
        axes.set_xlim(left=0)
        axes.set_xlabel("slots of experience" if place >= len(panels) - 2 else "")


def _legend(figure: Figure, study: StudyFolder, *, optimum: bool) -> None:
    handles = [
        Line2D([], [], color=_COLOURS[end], linestyle=_DASHES[target], label=f"{end}, {target} target")
        for end in _COLOURS
        for target in _DASHES
    ]
    bound = Line2D([], [], color=MUTED, linestyle=(0, (1, 1.5)), label="bound by the rewards seen")
    figure.legend(
        handles=[*handles, *(_optimum(study) if optimum else [bound])],
        loc="outside lower center", ncols=3, handlelength=3.2,
    )  # fmt: skip


def _optimum(study: StudyFolder) -> list[Line2D]:
    label = "optimum, channel known"
    return [] if study.optimum is None else [Line2D([], [], color=INK, linestyle=(0, (4, 2)), label=label)]


def _named(run: RunRecord) -> str:
    return "tuned" if run.name == "tuned" else run.label.replace(", ", ",\n") if len(run.label) > 34 else run.label


def _cost_or_inf(run: RunRecord) -> float:
    return math.inf if math.isnan(run.final_cost.mean) else run.final_cost.mean
