"""The frontiers: latency against the energy or the accuracy given up for it, one line per scheme.

A new frontier is a sweep with its `Payment`, as an entry of `FIGURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from twinsync.experiments.accuracy import SAMPLE_BITS, lost_share
from twinsync.experiments.columns import exported, training
from twinsync.experiments.figures.chart import Chart, Mark, draw_line, legend
from twinsync.experiments.figures.style import MUTED, Style, new_figure
from twinsync.experiments.figures.sweep import SweepFigure, measured_rows, words_of
from twinsync.experiments.formatting import NBSP, drawn_symbol, number
from twinsync.experiments.records import ConstantEntry, Measured, Sweep
from twinsync.experiments.results import OPTIMUM, Results
from twinsync.model.accuracy import psnr_db

_LATENCY = {name: value for name, value in exported("latency_s").items() if name.endswith(("_mean", "_low", "_high"))}
HEADER = ("set", "scheme", "scheme_label", "paid", *_LATENCY)


@dataclass(frozen=True)
class Payment:
    """The quantity traded for lower latency: its value for a scheme at a point (`of`), and that value as text (`say`).

    rising: whether latency rises with the quantity, as with a benefit that is given up; labels are then to the right of
    their points.
    """

    quantity: str
    of: Callable[[Measured, Results], float]
    say: Callable[[float], str]
    caption: str
    logarithmic: bool = False
    rising: bool = False


def _energy_per_device_j(measured: Measured, results: Results) -> float:
    return measured.energy_j / results.constant("device_count")


ENERGY = Payment(
    "mean energy per UD and slot [J]",
    _energy_per_device_j,
    lambda value: f"energy {number(value, 3)}{NBSP}J per UD and slot",
    "Each line is one scheme under increasing energy budgets; labels give the budget per UD and slot. Lower and "
    "further left is better.",
)
ASSUMED_ACCURACY = Payment(
    "share of the signal lost, 1 − A(φ)",
    lambda measured, results: lost_share(measured.extraction_factor),
    lambda value: f"1 − A(φ) = {value:.2g}",
    "Each line is one scheme as the lower limit on φ rises; labels give the limit. Further left, less of the signal is "
    "lost; lower down, latency is shorter. The accuracy law is **assumed**: A(φ) = 1 − 2^(−2bφ) with "
    f"b = {SAMPLE_BITS:g} bits per sample, the distortion-rate function of a memoryless Gaussian source, evaluated at "
    "the mean φ. A is concave, so where φ varies, the mean of A lies below that value.",
    logarithmic=True,
)
_LAW_KINDS = {"derived": "measured", "user": "yours"}  # wording by tag; other tags are used as they are


def accuracy_payment(results: Results) -> Payment:
    """The accuracy by the scenario's own law if it has one, otherwise the share lost by the assumed law."""
    law = results.accuracy_law
    return ASSUMED_ACCURACY if law is None else _own_accuracy(law)


def _own_accuracy(law: ConstantEntry) -> Payment:
    return Payment(
        "PSNR of the recovered picture [dB]",
        lambda measured, results: float(psnr_db(measured.extraction_factor, law.value)),
        lambda value: f"PSNR {value:.1f}{NBSP}dB",
        "Each line is one scheme as the lower limit on φ rises; labels give the limit. Further right, the recovered "
        "picture is closer to the sensed one; lower down, latency is shorter. The accuracy law is **"
        f"{_LAW_KINDS.get(law.tag, law.tag)}** ({law.source}): PSNR over φ, linear in ln φ between the knots of the "
        "scenario and constant beyond them, evaluated at the mean φ. Where φ varies, the mean PSNR may differ.",
        rising=True,
    )


def frontier_rows(payment: Payment, sweep: Sweep, results: Results) -> list[list[object]]:
    """The figure's data, one row per point of the sweep and scheme."""
    return [
        [
            point.label, name, results.label(name), payment.of(measured, results),
            *(value(measured) for value in _LATENCY.values()),
        ]
        for point in sweep.points
        for name in sweep.schemes
        if (measured := point.measured(name)) is not None
    ]  # fmt: skip


def draw_frontier(payment: Payment, sweep: Sweep, results: Results, styles: Mapping[str, Style], narrow: bool) -> Chart:
    """Latency against the quantity traded for it; the points of one scheme carry the sweep's labels."""
    figure = new_figure(4.4 if narrow else 4.2, narrow=narrow)
    axes = figure.subplots()
    marks = []
    for name in sweep.schemes:
        scheme = results.schemes[name]
        points = [(point, item) for point in sweep.points if (item := point.measured(name)) is not None]
        paid = [payment.of(item, results) for _, item in points]
        draw_line(axes, paid, [item.latency_s.mean for _, item in points], scheme, styles[name])
        for x, (point, item) in zip(paid, points, strict=True):
            words = words_of(sweep, point, scheme, item)
            marks.append(Mark(axes, x, item.latency_s.mean, (*words[:3], payment.say(x), *words[3:])))
    if payment.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.1, y=0.07)  # room for the outermost label, beside its point
    axes.set_xlabel(payment.quantity)
    axes.set_ylabel("mean latency of a slot [s]")
    _name_points(axes, payment, sweep, results)
    legend(figure, axes, narrow=narrow)
    return Chart(figure, tuple(marks))


def _name_points(axes: Axes, payment: Payment, sweep: Sweep, results: Results) -> None:
    """The sweep's labels beside one scheme's points: the optimum's, or the first scheme's if there is no optimum."""
    name = OPTIMUM if OPTIMUM in sweep.schemes else sweep.schemes[0]
    unit = f"{NBSP}{sweep.axis.unit}" if sweep.axis.unit else ""
    varied = drawn_symbol(sweep.axis.label.split()[-1])
    axes.figure.canvas.draw()
    last = None
    for point in sweep.points:
        measured = point.measured(name)
        if measured is None:
            continue
        at = (payment.of(measured, results), measured.latency_s.mean)
        position = axes.transData.transform(at)
        # Points close together share one label.
        if last is not None and abs(position - last).max() < 0.22 * axes.figure.dpi:
            continue
        last = position
        axes.annotate(
            f"{varied} = {point.label}{unit}", at, (5 if payment.rising else -5, -5), textcoords="offset points",
            ha="left" if payment.rising else "right", va="top", fontsize=7.5, color=MUTED,
        )  # fmt: skip


def _figure(name: str, title: str, swept: str, payment_of: Callable[[Results], Payment]) -> SweepFigure:
    def caption(sweep: Sweep, results: Results) -> str:
        return f"{payment_of(results).caption} {training(measured_rows(sweep, results))}".rstrip()

    def draw(sweep: Sweep, results: Results, styles: Mapping[str, Style], narrow: bool) -> Chart:
        return draw_frontier(payment_of(results), sweep, results, styles, narrow)

    return SweepFigure(
        name=lambda sweep: name,
        applies=lambda sweep: sweep.name == swept,
        caption=caption,
        draw=draw,
        header=HEADER,
        rows=lambda sweep, results: frontier_rows(payment_of(results), sweep, results),
        title=title,
    )


FIGURES = (
    _figure("frontier_energy", "Latency against energy", "energy-budget", lambda results: ENERGY),
    _figure("frontier_accuracy", "Latency against accuracy", "extraction-floor", accuracy_payment),
)
