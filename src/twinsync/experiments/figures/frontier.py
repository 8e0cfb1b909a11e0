"""What latency has to be paid with: energy or accuracy against latency, one line a scheme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from twinsync.experiments.constants import lost_share
from twinsync.experiments.figures.chart import Chart, Mark, draw_line, legend
from twinsync.experiments.figures.scheme_styles import Style
from twinsync.experiments.figures.style import MUTED, new_figure
from twinsync.experiments.figures.sweep import words_of
from twinsync.experiments.formatting import NBSP, number
from twinsync.experiments.run_folder import OPTIMUM, Row
from twinsync.experiments.sweep_folder import Sweep

HEADER = ["set", "scheme", "scheme_label", "paid", "latency_s_mean", "latency_s_low", "latency_s_high"]


@dataclass(frozen=True)
class Frontier:
    """Which sweep a frontier is drawn from, what is paid there, and how that is said."""

    name: str
    sweep: Sweep
    quantity: str
    paid: Callable[[Row], float]
    say: Callable[[float], str]
    logarithmic: bool


def energy_frontier(sweep: Sweep, device_count: int) -> Frontier:
    """Energy of a UD in a slot [J] against latency, from a sweep over the energy budget."""

    def paid(item: Row) -> float:
        return item.value("energy_j") / device_count

    def say(value: float) -> str:
        return f"energy {number(value, 3)}{NBSP}J a UD and slot"

    return Frontier("frontier_energy", sweep, "mean energy of a UD and slot [J]", paid, say, False)


def accuracy_frontier(sweep: Sweep) -> Frontier:
    """Share of the signal lost, 1 - A(phi) at the mean phi, against latency, from a sweep over the least phi."""

    def paid(item: Row) -> float:
        return lost_share(item.value("extraction_factor"))

    def say(value: float) -> str:
        return f"1 − A(φ) = {value:.2g}"

    return Frontier("frontier_accuracy", sweep, "share of the signal lost, 1 − A(φ)", paid, say, True)


def frontier_rows(frontier: Frontier) -> list[list[object]]:
    """The figure's data, one row for each point of the sweep and scheme."""
    return [
        [point.label, scheme.name, scheme.label, frontier.paid(found), latency.mean, latency.low, latency.high]
        for point in frontier.sweep.points
        for scheme in frontier.sweep.schemes
        if (found := point.measured.get(scheme.name)) is not None
        for latency in (found.latency_s,)
    ]


def draw_frontier(frontier: Frontier, look: dict[str, Style], *, narrow: bool) -> Chart:
    """Latency against what is paid; the optimum's points carry the sweep's labels."""
    figure = new_figure(4.4 if narrow else 4.2, narrow=narrow)
    axes = figure.subplots()
    sweep, marks = frontier.sweep, []
    for scheme in sweep.schemes:
        found = [(point, point.measured[scheme.name]) for point in sweep.points if scheme.name in point.measured]
        paid = [frontier.paid(item) for _, item in found]
        draw_line(axes, paid, [item.latency_s.mean for _, item in found], scheme, look[scheme.name])
        for x, (point, item) in zip(paid, found, strict=True):
            words = words_of(sweep, point, scheme)
            marks.append(Mark(axes, x, item.latency_s.mean, (*words[:3], frontier.say(x), *words[3:])))
    if frontier.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.07)
    axes.set_xlabel(frontier.quantity)
    axes.set_ylabel("mean latency of a slot [s]")
    _name_points(axes, frontier)
    legend(figure, axes, narrow=narrow)
    return Chart(figure, tuple(marks))


def _name_points(axes: Axes, frontier: Frontier) -> None:
    """The sweep's labels beside one scheme's points: the optimum's, or where it is not there the first one's."""
    names = [scheme.name for scheme in frontier.sweep.schemes]
    name = OPTIMUM if OPTIMUM in names else names[0]
    unit = frontier.sweep.axis.unit
    axes.figure.canvas.draw()
    last = None
    for point in frontier.sweep.points:
        if name not in point.measured:
            continue
        item = point.measured[name]
        at = (frontier.paid(item), item.latency_s.mean)
        place = axes.transData.transform(at)
        # Where points crowd, one label speaks for them.
        if last is not None and abs(place - last).max() < 0.22 * axes.figure.dpi:
            continue
        last = place
        axes.annotate(
            f"{point.label}{NBSP * bool(unit)}{unit}", at, (-5, -5), textcoords="offset points",
            ha="right", va="top", fontsize=7.5, color=MUTED,
        )  # fmt: skip
