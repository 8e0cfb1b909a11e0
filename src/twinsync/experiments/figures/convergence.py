"""Fig. 3: reward of each learner against slots of experience, with the optimum as a line."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from twinsync.arrays import Float
from twinsync.experiments.columns import compared
from twinsync.experiments.figures.chart import Chart, FigurePlan
from twinsync.experiments.figures.style import INK, MUTED, PAPER, Style, new_figure, spread
from twinsync.experiments.formatting import cost, number
from twinsync.experiments.records import NOTHING
from twinsync.experiments.results import OPTIMUM, Comparison, Curve, Results
from twinsync.experiments.statistics import mean_interval

HEADER = (
    *("scheme", "label", "slots", "seeds_measured", "reward_mean", "reward_low", "reward_high"),
    *("latency_s_mean", "training_reward_mean"),
)
_LINE_PT = 12.5  # height of the label at a curve's end


@dataclass(frozen=True)
class Band:
    """Mean over seeds with its 95 % interval, arrays [P]; NaN where no seed has a finite value."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def seed_mean(values: Float[np.ndarray, "S P"]) -> Float[np.ndarray, " P"]:
    """Mean over the seeds with finite values; NaN where there are none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")
        return np.nanmean(np.where(np.isfinite(values), values, np.nan), axis=0)


def seed_band(values: Float[np.ndarray, "S P"]) -> Band:
    """Mean over the seeds with finite values, with its interval."""
    columns = [column[np.isfinite(column)] for column in values.T]
    estimates = [mean_interval(column) if len(column) else NOTHING for column in columns]
    return Band(*np.array([(item.mean, item.low, item.high) for item in estimates]).T)


def convergence_plan(name: str, results: Results, styles: Mapping[str, Style]) -> FigurePlan:
    """The figure of the comparison's learning curves; the horizontal axis ends with the headline learner's training."""
    comparison = compared(results)
    bands = {name: seed_band(-curve.cost) for name, curve in comparison.curves.items()}
    labels = {name: results.label(name) for name in bands}

    def draw(narrow: bool) -> Chart:
        # Curves are evaluated on fixed slots of their own, where the optimum's cost is slightly different.
        own = results.manifest.optimum_on_curve_slots
        optimum = comparison.evaluation.allocators[OPTIMUM].cost.mean if math.isnan(own) else own
        return _draw_convergence(comparison, bands, labels, -optimum, styles, narrow=narrow)

    return FigurePlan(name, draw, HEADER, _rows(comparison, bands, labels))


def _rows(comparison: Comparison, bands: Mapping[str, Band], labels: Mapping[str, str]) -> list[list[object]]:
    rows: list[list[object]] = []
    for name, curve in comparison.curves.items():
        band, measured = bands[name], np.isfinite(curve.cost).sum(axis=0)
        arrays = (band.mean, band.low, band.high, seed_mean(curve.latency_s), seed_mean(curve.training_reward))
        for place, slot in enumerate(curve.slots):
            numbers = (float(array[place]) for array in arrays)
            rows.append([name, labels[name], slot, measured[place], *numbers])
    return rows


def _draw_convergence(
    comparison: Comparison, bands: Mapping[str, Band], labels: Mapping[str, str], optimum: float,
    styles: Mapping[str, Style], *, narrow: bool,
) -> Chart:  # fmt: skip
    """Two panels, the whole range and the final values; schemes below the second are named at its lower edge."""
    curves, best = comparison.curves, styles[OPTIMUM]
    figure = new_figure(6.4 if narrow else 5.4, narrow=narrow)
    whole, zoom = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 1.25))
    for axes, title in ((whole, "Whole range"), (zoom, "The final values, enlarged")):
        for place, (name, curve) in enumerate(curves.items()):
            _draw(axes, curve, labels[name], bands[name], styles[name], place)
        axes.axhline(optimum, color=best.colour, linestyle=best.dash, linewidth=1.2, label="Optimum")
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        axes.set_ylabel("reward per slot (−cost)")
        axes.set_title(title)
    # A learner with more slots than the headline's continues beyond the frame; its final value is still labelled.
    last = float(curves[comparison.learner].slots[-1])
    zoom.set_xlim(0, 1.012 * last)
    zoom.xaxis.set_major_locator(MaxNLocator(4 if narrow else 5))
    zoom.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 0)))
    zoom.set_xlabel("slots of experience")
    ends = [_end(labels[name], curve, bands[name].mean, last, styles[name]) for name, curve in curves.items()]
    low, high = zoom_limits([end.reward for end in ends], optimum)
    zoom.set_ylim(low, high)
    below = [end for end in ends if end.reward < low]
    ends.append(_End("Optimum", optimum, optimum, best))
    if narrow:
        columns = 2 if max(len(end.label) for end in ends) <= 20 else 1
        zoom.set_xlabel("\n".join((zoom.get_xlabel(), *(f"↓ {end.label} ends at {cost(end.reward)}" for end in below))))
        figure.legend(*zoom.get_legend_handles_labels(), loc="outside lower center", ncols=columns, handlelength=3.2)
    else:
        _label(zoom, ends, last)
        # In the upper panel, label only what the lower one leaves out, and the two curves to compare it with.
        framing = [end for end in ends if end.style in (styles[comparison.learner], best)]
        _label(whole, [*below, *framing], last)
    return Chart(figure)


def zoom_limits(ends: Sequence[float], optimum: float) -> tuple[float, float]:
    """Axis limits that separate the final rewards: up to just above the best, and leaving out far outliers below."""
    finite = [end for end in (*ends, optimum) if np.isfinite(end)]
    if not finite:
        return -1.0, 0.0
    best = optimum if np.isfinite(optimum) else max(finite)
    short = [max(best - end, 0.0) for end in ends if np.isfinite(end)] or [0.0]
    reach = max(value for value in short if value <= 2.5 * np.median(short))
    room = max(reach, 0.02 * abs(best), 1e-9)
    return best - 1.15 * room, max(finite) + 0.12 * room


@dataclass(frozen=True)
class _End:
    """The final reward of a curve, its reward at the edge of the frame, and how it is drawn."""

    label: str
    reward: float
    framed_reward: float
    style: Style


def _end(label: str, curve: Curve, mean: Float[np.ndarray, " P"], last: float, style: Style) -> _End:
    """The end of a curve in a frame that ends at slot `last`; the label has the final slot if the curve goes on."""
    measured = np.isfinite(mean)
    if not measured.any():
        return _End(label, math.nan, math.nan, style)
    slots, rewards = curve.slots[measured], mean[measured]
    label += f" at {number(float(slots[-1]), 0)}" if slots[-1] > last else ""
    return _End(label, float(rewards[-1]), float(np.interp(last, slots, rewards)), style)


def _draw(axes: Axes, curve: Curve, label: str, band: Band, style: Style, place: int) -> None:
    every = max(1, len(curve.slots) // 7)
    axes.fill_between(curve.slots, band.low, band.high, color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(
        curve.slots,
        band.mean,
        color=style.colour,
        linestyle=style.dash,
        linewidth=style.width,
        marker=style.marker,
        markersize=4.5,
        markerfacecolor=style.colour if style.filled else PAPER,
        markevery=(place % every, every),
        label=label,
        zorder=3 if style.width > 2 else 2,
    )
    lost = ~np.isfinite(curve.cost).all(axis=0)
    if lost.any():
        # A seed whose values are no longer finite drops out of the mean: a cross marks where.
        first = max(int(np.argmax(lost)) - 1, 0)
        axes.plot(curve.slots[first], band.mean[first], marker="x", color=style.colour, markersize=9, markeredgewidth=2)


def _label(axes: Axes, ends: Sequence[_End], last: float) -> None:
    """Label each curve at slot `last`, with labels moved apart where they would overlap; an arrow marks curves that end
    below the frame."""
    low, high = axes.get_ylim()
    shown = sorted((end for end in ends if end.reward <= high), key=lambda end: end.reward)
    framed = [min(max(end.framed_reward, low), high) for end in shown]
    points = axes.get_window_extent().height * 72.0 / axes.figure.dpi
    places = spread(framed, _LINE_PT * (high - low) / points, low, high)
    for end, reward, place in zip(shown, framed, places, strict=True):
        below = end.reward < low
        line = {"arrowstyle": "-", "color": end.style.colour, "linewidth": end.style.width}
        axes.annotate(
            f"{'↓ ' if below else ''}{end.label}  {cost(end.reward)}",
            xy=(last, reward),
            xytext=(1.05, place),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
            fontweight="bold" if end.style.width > 2 else "normal",
            color=MUTED if below else INK,
            annotation_clip=False,
            arrowprops=None if below else {**line, "relpos": (0.0, 0.5), "shrinkA": 0, "shrinkB": 0},
        )
