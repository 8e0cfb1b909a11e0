"""Figures 4 to 7 and their kind: mean latency against what is varied, and the cost above the optimum beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from twinsync.experiments.columns import exported
from twinsync.experiments.figures.chart import Chart, Mark, draw_line, legend
from twinsync.experiments.figures.scheme_styles import Style
from twinsync.experiments.figures.style import new_figure
from twinsync.experiments.formatting import NBSP, interval, number, share, symbol
from twinsync.experiments.records import Estimate
from twinsync.experiments.run_folder import OPTIMUM, Row, Scheme
from twinsync.experiments.sweep_folder import TRAINED, Point, Sweep

HEADER = [*("x", "x_label", "scheme", "scheme_label"), *exported(), *("unit", "unit_count", "missing")]
_UNKNOWN = Estimate(math.nan)
_NEAR_GAP = 3.0  # gaps up to this many per cent need no logarithm
_GAP_TICKS = (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


def sweep_rows(sweep: Sweep) -> list[list[object]]:
    """The figure's data, one row for each point and scheme; NaN, with the reason, where there is no value."""
    rows: list[list[object]] = []
    for point in sweep.points:
        for scheme in sweep.schemes:
            found = point.measured.get(scheme.name)
            numbers = [math.nan if found is None else value(found) for value in exported().values()]
            unit = ("", "") if found is None else (found.unit, found.unit_count)
            reason = sweep.lacks(scheme.name).get(point.label, "")
            rows.append([point.x, point.label, scheme.name, scheme.label, *numbers, *unit, reason])
    return rows


def draw_sweep(sweep: Sweep, look: dict[str, Style], *, narrow: bool) -> Chart:
    """Latency, and where the optimum is known the cost above it, side by side (one above the other on a phone)."""
    panels = 2 if sweep.has_gaps else 1
    figure = new_figure(2.6 * panels + 1.2 if narrow else 3.7, narrow=narrow)
    columns, rows = (1, panels) if narrow else (panels, 1)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    marks = _panel(axes[0], sweep, look, lambda item: item.latency_s, 1.0)
    axes[0].set_title("Mean latency of a slot [s]")
    _latency_scale(axes[0])
    if panels == 2:
        marks += _panel(axes[1], sweep, look, lambda item: item.gap or _UNKNOWN, 100.0)
        axes[1].set_title("Cost above the optimum [%]")
        _gap_scale(axes[1])
    for panel in axes:
        _axis(panel, sweep, narrow=narrow, panels=panels)
    legend(figure, axes[0], narrow=narrow)
    return Chart(figure, tuple(marks))


def words_of(sweep: Sweep, point: Point, scheme: Scheme) -> tuple[str, ...]:
    """What there is to say of one point: scheme, place, latency and cost with intervals, gap, outage."""
    found = point.measured[scheme.name]
    gap = found.gap or _UNKNOWN
    lines = [
        symbol(scheme.label),
        f"{sweep.axis.label}: {point.label}{NBSP * bool(sweep.axis.unit)}{sweep.axis.unit}",
        f"latency {spelt(found.latency_s, 2)}{NBSP}s",
        f"cost {spelt(found.cost, 1)}",
    ]
    if scheme.name != OPTIMUM and math.isfinite(gap.mean):
        lines.append(f"{spelt(gap, 1, factor=100.0)}{NBSP}% above the optimum")
    lines.append(f"outage {share(found.value('outage_rate'))}, mean φ {number(found.value('extraction_factor'), 2)}")
    return tuple(lines)


def spelt(value: Estimate, digits: int, *, factor: float = 1.0) -> str:
    """`13.90 (13.82 to 13.97)` on one line."""
    mean = number(factor * value.mean, digits)
    return mean if math.isnan(value.low) else f"{mean} ({interval(value, digits, factor=factor)})"


def _panel(
    axes: Axes, sweep: Sweep, look: dict[str, Style], of: Callable[[Row], Estimate], factor: float
) -> list[Mark]:
    marks = []
    x = [point.x for point in sweep.points]
    for scheme in sweep.schemes:
        style = look[scheme.name]
        found = [point.measured.get(scheme.name) for point in sweep.points]
        values = [_UNKNOWN if item is None else of(item) for item in found]
        mean, low, high = (
            factor * np.array([getattr(value, part) for value in values]) for part in ("mean", "low", "high")
        )
        if any(item is not None and item.unit == TRAINED and item.unit_count > 1 for item in found):
            axes.fill_between(x, low, high, color=style.colour, alpha=0.18, linewidth=0)
        draw_line(axes, x, list(mean), scheme, style)
        marks += [
            Mark(axes, point.x, float(y), words_of(sweep, point, scheme))
            for point, y in zip(sweep.points, mean, strict=True)
            if scheme.name in point.measured
        ]
    return marks


def _latency_scale(axes: Axes) -> None:
    low, high = axes.get_ylim()
    # A curve that climbs by much is read from zero; near-level ones would lose their differences that way.
    if 0 < low < 0.35 * high:
        axes.set_ylim(0, high)
    axes.yaxis.set_major_locator(MaxNLocator(6))


def _gap_scale(axes: Axes) -> None:
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    known = drawn[np.isfinite(drawn)]
    low, high = np.min(known, initial=0.0), np.max(known, initial=0.0)
    if max(high, -low) > _NEAR_GAP:
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.6)
        axes.set_ylim(min(1.5 * low, -0.25), max(1.5 * high, 0.25))
        axes.yaxis.set_major_locator(FixedLocator(_GAP_TICKS))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def _axis(axes: Axes, sweep: Sweep, *, narrow: bool, panels: int) -> None:
    x = [point.x for point in sweep.points]
    if evenly_spread_in_log(x):
        axes.set_xscale("log")
    width_pt = 235.0 if narrow or panels == 2 else 500.0
    low, high = axes.transData.transform([(x[0], 1.0), (x[-1], 1.0)])[:, 0]
    places = [axes.transData.transform((value, 1.0))[0] for value in x]
    across = [0.9 * width_pt * (place - low) / ((high - low) or 1.0) for place in places]
    labels = [point.label.replace(" to ", "–") for point in sweep.points]
    shown = thinned(across, [5.3 * len(label) + 4.0 for label in labels])
    axes.set_xticks([x[place] for place in shown], [labels[place] for place in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(symbol(sweep.axis.title))


def evenly_spread_in_log(x: Sequence[float]) -> bool:
    """Whether ascending places, over a factor of 8 or more, lie more evenly by their logarithms than as they are."""
    if len(x) < 3 or x[0] <= 0 or x[-1] / x[0] < 8:
        return False
    unevenness = [np.std(steps) / np.mean(steps) for steps in (np.diff(x), np.diff(np.log(x)))]
    return bool(unevenness[1] < 0.75 * unevenness[0])


def thinned(places: Sequence[float], widths: Sequence[float]) -> list[int]:
    """Indices of labels, centred at ascending `places`, that do not touch: first and last, and what fits between."""
    last = len(places) - 1
    shown = [0]
    for place in range(1, last):
        near = [abs(places[place] - places[other]) < (widths[place] + widths[other]) / 2 for other in (shown[-1], last)]
        if not any(near):
            shown.append(place)
    return [*shown, last] if last > 0 else shown
