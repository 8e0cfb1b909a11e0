"""Figures of sweeps: one or two quantities against the varied one. A new figure is an entry of `FIGURES`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from msgspec import structs

from twinsync.experiments.columns import Row, exported, training
from twinsync.experiments.figures.chart import Chart, FigurePlan, Mark, draw_line, legend
from twinsync.experiments.figures.style import Style, new_figure
from twinsync.experiments.formatting import NBSP, decimals, drawn_symbol, interval, listing, number, share, symbol
from twinsync.experiments.records import NOTHING, Estimate, Measured, Point, Scheme, Sweep
from twinsync.experiments.results import OPTIMUM, TRAINING_SEED, Results

HEADER = ("x", "x_label", "scheme", "scheme_label", *exported(), "unit", "unit_count", "missing")
_NEAR_GAP = 3.0  # [%]; gaps up to this need no logarithmic scale
_X_ROOM = 0.05  # margin left and right of the values on the x axis, as a share of their span
_GAP_TICKS = (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)

Value = Callable[[Measured], Estimate | None]


@dataclass(frozen=True)
class SweepFigure:
    """A kind of figure that sweeps may have, in `figures/` and in the report.

    name: the file's name. applies: whether a sweep has this figure. caption: its text. draw: the chart, for a page or
    (`narrow`) for a phone. header, rows: its data. title: its heading in the report's section on latency trade-offs;
    empty for a figure shown under the heading of its sweep.
    """

    name: Callable[[Sweep], str]
    applies: Callable[[Sweep], bool]
    caption: Callable[[Sweep, Results], str]
    draw: Callable[[Sweep, Results, Mapping[str, Style], bool], Chart]
    header: Sequence[str]
    rows: Callable[[Sweep, Results], Sequence[Sequence[object]]]
    title: str = ""

    def plan(self, sweep: Sweep, results: Results, styles: Mapping[str, Style]) -> FigurePlan:
        """The figure of one sweep."""
        return FigurePlan(
            self.name(sweep), lambda narrow: self.draw(sweep, results, styles, narrow), self.header,
            self.rows(sweep, results),
        )  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """A quantity against the axis, times `factor`; `scale` sets its axes' limits and ticks."""

    title: str
    of: Value
    factor: float = 1.0
    scale: Callable[[Axes], None] = lambda axes: None


def sweep_rows(sweep: Sweep, results: Results) -> list[list[object]]:
    """A row per point and scheme with all measurements; NaN, with the reason, where there is no value."""
    rows: list[list[object]] = []
    for point in sweep.points:
        for name in sweep.schemes:
            measured = point.measured(name)
            numbers = [math.nan if measured is None else value(measured) for value in exported().values()]
            unit = ("", "") if measured is None else (measured.unit, measured.unit_count)
            reason = sweep.lacks(name).get(point.label, "")
            rows.append([point.x, point.label, name, results.label(name), *numbers, *unit, reason])
    return rows


def measured_rows(sweep: Sweep, results: Results) -> list[Row]:
    """Every scheme at every point where it was measured."""
    return [
        Row(results.schemes[name], measured)
        for point in sweep.points
        for name in sweep.schemes
        if (measured := point.measured(name)) is not None
    ]


def caption_of(sweep: Sweep, results: Results, quantities: str) -> str:
    """The caption: quantities, axis, fixed overrides, seeds behind the bands, and how long learners were trained."""
    rows = measured_rows(sweep, results)
    held = f", with `{'`, `'.join(sweep.overrides)}`" if sweep.overrides else ""
    parts = (f"{quantities} against the {symbol(sweep.axis.label)}{held}.", _bands(sweep), training(rows))
    return " ".join(part for part in parts if part)


def _bands(sweep: Sweep) -> str:
    """How many seeds are behind the bands; of two numbers, the higher one's places and the lower one elsewhere."""
    measured = [
        [item for name in sweep.schemes if (item := point.measured(name)) is not None] for point in sweep.points
    ]
    seeds = [{item.unit_count for item in items if item.unit == TRAINING_SEED} for items in measured]
    counts = sorted(set().union(*seeds))
    if not counts:
        return ""
    unit = f"{NBSP}{sweep.axis.unit}" if sweep.axis.unit else ""
    most = [f"{point.label}{unit}" for point, here in zip(sweep.points, seeds, strict=True) if here == {counts[-1]}]
    if len(counts) == 2 and most and all(len(here) < 2 for here in seeds):
        where = f"{counts[1]} training seeds at {listing(most)}, {counts[0]} elsewhere"
    else:
        where = f"{listing([str(count) for count in counts])} training seeds"
    if counts == [1]:
        return "One training seed each, so there are no bands."
    return f"Bands: 95{NBSP}% intervals over {where}."


def words_of(sweep: Sweep, point: Point, scheme: Scheme, measured: Measured) -> tuple[str, ...]:
    """The text shown for one point: scheme, place, latency and cost with intervals, gap, outage, training."""
    gap, phi = measured.gap_to_optimum or NOTHING, measured.extraction_factor
    lines = [
        symbol(scheme.label),
        f"{drawn_symbol(sweep.axis.label)}: {point.label}{NBSP * bool(sweep.axis.unit)}{sweep.axis.unit}",
        f"latency {spelt(measured.latency_s, 2)}{NBSP}s",
        f"cost {spelt(measured.cost, decimals(measured.cost.mean, 1, 3))}",
    ]
    if scheme.name != OPTIMUM and math.isfinite(gap.mean):
        lines.append(f"{spelt(gap, 1, factor=100.0)}{NBSP}% above the optimum")
    lines.append(f"outage {share(measured.outage_rate)}, mean φ {number(phi, decimals(phi, 2, 2))}")
    if math.isfinite(measured.training_slots):
        lines.append(f"trained on {number(measured.training_slots, 0)} slots")
    return tuple(lines)


def spelt(value: Estimate, digits: int, *, factor: float = 1.0) -> str:
    """`13.90 (13.82 to 13.97)` on one line."""
    mean = number(factor * value.mean, digits)
    return f"{mean} ({interval(value, digits, factor=factor)})" if value.has_interval else mean


def draw_panels(
    sweep: Sweep, results: Results, styles: Mapping[str, Style], narrow: bool, panels: Sequence[Panel]
) -> Chart:
    """The panels side by side (stacked on a phone), with one legend."""
    figure = new_figure(2.6 * len(panels) + 1.2 if narrow else 3.7, narrow=narrow)
    columns, rows = (1, len(panels)) if narrow else (len(panels), 1)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    marks: list[Mark] = []
    for axes, panel in zip(grid, panels, strict=True):
        marks += _draw_panel(axes, sweep, results, styles, panel)
        axes.set_title(panel.title)
        panel.scale(axes)
        _scale_x(axes, sweep, width_pt=235.0 if narrow or len(panels) > 1 else 500.0)
    legend(figure, grid[0], narrow=narrow)
    return Chart(figure, tuple(marks))


def _draw_panel(axes: Axes, sweep: Sweep, results: Results, styles: Mapping[str, Style], panel: Panel) -> list[Mark]:
    marks = []
    x = [point.x for point in sweep.points]
    for name in sweep.schemes:
        scheme, style = results.schemes[name], styles[name]
        measured = [point.measured(name) for point in sweep.points]
        values = [(None if item is None else panel.of(item)) or NOTHING for item in measured]
        mean, low, high = (
            panel.factor * np.array([getattr(value, part) for value in values]) for part in ("mean", "low", "high")
        )
        if any(item is not None and item.unit == TRAINING_SEED and item.unit_count > 1 for item in measured):
            axes.fill_between(x, low, high, color=style.colour, alpha=0.18, linewidth=0)
        draw_line(axes, x, list(mean), scheme, style)
        marks += [
            Mark(axes, point.x, float(y), words_of(sweep, point, scheme, item))
            for point, item, y in zip(sweep.points, measured, mean, strict=True)
            if item is not None
        ]
    return marks


def _scale_latency(axes: Axes) -> None:
    low, high = axes.get_ylim()
    # A steep curve is best read from zero; nearly level ones would then be hard to tell apart.
    if 0 < low < 0.35 * high:
        axes.set_ylim(0, high)
    axes.yaxis.set_major_locator(MaxNLocator(6))


def _scale_gap(axes: Axes) -> None:
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    known = drawn[np.isfinite(drawn)]
    low, high = np.min(known, initial=0.0), np.max(known, initial=0.0)
    if max(high, -low) > _NEAR_GAP:
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.6)
        axes.set_ylim(min(1.5 * low, -0.25), max(1.5 * high, 0.25))
        axes.yaxis.set_major_locator(FixedLocator(_GAP_TICKS))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def _scale_x(axes: Axes, sweep: Sweep, *, width_pt: float) -> None:
    x = [point.x for point in sweep.points]
    if evenly_spread_in_log(x):
        axes.set_xscale("log")
    _limit_x(axes, x)
    low, high = axes.transData.transform([(x[0], 1.0), (x[-1], 1.0)])[:, 0]
    places = [axes.transData.transform((value, 1.0))[0] for value in x]
    across = [0.9 * width_pt * (place - low) / ((high - low) or 1.0) for place in places]
    labels = [point.label for point in sweep.points]
    shown = thinned(across, [5.3 * len(label) + 4.0 for label in labels])
    axes.set_xticks([x[place] for place in shown], [labels[place] for place in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(drawn_symbol(sweep.axis.title))


def _limit_x(axes: Axes, x: Sequence[float]) -> None:
    """Limit the axis to its first and last places, whether or not these have values."""
    if x[-1] <= x[0]:
        return
    if axes.get_xscale() == "log":
        room = (x[-1] / x[0]) ** _X_ROOM
        axes.set_xlim(x[0] / room, x[-1] * room)
    else:
        room = _X_ROOM * (x[-1] - x[0])
        axes.set_xlim(x[0] - room, x[-1] + room)


def evenly_spread_in_log(x: Sequence[float]) -> bool:
    """Whether ascending places span a factor of 8 or more and are more even on a logarithmic than on a linear axis."""
    if len(x) < 3 or x[0] <= 0 or x[-1] / x[0] < 8:
        return False
    unevenness = [np.std(steps) / np.mean(steps) for steps in (np.diff(x), np.diff(np.log(x)))]
    return bool(unevenness[1] < 0.75 * unevenness[0])


def thinned(places: Sequence[float], widths: Sequence[float]) -> list[int]:
    """Indices of labels, centred at ascending `places`, that do not touch: the first, the last, and those that fit."""
    last = len(places) - 1
    shown = [0]
    for place in range(1, last):
        near = [abs(places[place] - places[other]) < (widths[place] + widths[other]) / 2 for other in (shown[-1], last)]
        if not any(near):
            shown.append(place)
    return [*shown, last] if last > 0 else shown


def as_printed_sweeps(record: Results) -> list[Sweep]:
    """Figs. 4 to 7 of a record, renamed so as not to clash with the run's own."""
    return [
        structs.replace(sweep, name=f"printed-{sweep.name}", title=f"{sweep.title} (as printed)")
        for sweep in record.sweeps
        if sweep.figure
    ]


_LATENCY = Panel("Mean latency of a slot [s]", lambda item: item.latency_s, scale=_scale_latency)
_GAP = Panel("Cost above the optimum [%]", lambda item: item.gap_to_optimum, 100.0, _scale_gap)


def _latency_caption(sweep: Sweep, results: Results) -> str:
    return caption_of(sweep, results, f"Mean latency{' and cost above the optimum' if sweep.has_gaps else ''}")


def _draw_latency(sweep: Sweep, results: Results, styles: Mapping[str, Style], narrow: bool) -> Chart:
    return draw_panels(sweep, results, styles, narrow, (_LATENCY, _GAP) if sweep.has_gaps else (_LATENCY,))


LATENCY = SweepFigure(
    name=lambda sweep: f"sweep_{sweep.slug}",
    applies=lambda sweep: True,
    caption=_latency_caption,
    draw=_draw_latency,
    header=HEADER,
    rows=sweep_rows,
)
FIGURES = (LATENCY,)
