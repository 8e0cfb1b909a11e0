"""The report's sections on sweeps: Figs. 4 to 7 of the paper, further sweeps, frontiers and feasibility."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from twinsync.experiments.figures import sweep_figures
from twinsync.experiments.figures.sweep import SweepFigure, as_printed_sweeps
from twinsync.experiments.formatting import NBSP, listing, number, seconds, sentence, share, symbol
from twinsync.experiments.records import Sweep
from twinsync.experiments.report import tables
from twinsync.experiments.report.document import Block, Bullets, Folded, Heading, Made, Paragraph, Picture
from twinsync.experiments.results import OPTIMUM, Results

_HOW_TO_READ = (
    "The mean latency of a slot is T[n] of (19a), summed over the UDs. The cost adds the penalties of (22) and is what "
    "every scheme minimises, so it is shown too, relative to the certified optimum (wide ranges are logarithmic above "
    "1 %). Learners were trained anew at every point, and all schemes at a point were evaluated on the same slots. "
    "Bands are 95 % intervals over training seeds, which are very wide where there are only two; a gap in a line is a "
    "point without a value. On the HTML page, point at a mark, or step through the marks with the arrow keys, to see "
    "its numbers."
)


def paper_sweeps(results: Results) -> list[Block]:
    """The sweeps behind the paper's own figures."""
    sweeps = [sweep for sweep in results.sweeps if sweep.figure]
    names = [sweep.figure.removeprefix("Fig. ") for sweep in sweeps]
    title = f"Latency against one parameter at a time: Fig{'s' * (len(names) > 1)}. {listing(names or [''])}"
    return _sweeps(title, sweeps, results, _HOW_TO_READ)


def further_sweeps(results: Results) -> list[Block]:
    """The sweeps that the paper does not have."""
    sweeps = [sweep for sweep in results.sweeps if not sweep.figure]
    if len(sweeps) == len(results.sweeps):
        return _sweeps("What latency depends on", sweeps, results, _HOW_TO_READ)
    words = "The paper has no such figures. They read like those above."
    return _sweeps("Beyond the paper", sweeps, results, words)


def _sweeps(title: str, sweeps: Sequence[Sweep], results: Results, words: str) -> list[Block]:
    if not sweeps:
        return []
    return [Heading(title), Paragraph(words), *(block for sweep in sweeps for block in _sweep(sweep, results))]


def _sweep(sweep: Sweep, results: Results) -> list[Block]:
    words, figures = finding(sweep, results), [figure for figure, _ in sweep_figures([sweep]) if not figure.title]
    remarks = [*lacks(sweep, results), *diverged(sweep, results)]
    return [
        Heading(f"{sweep.figure}: {sweep.title}" if sweep.figure else sweep.title, 3),
        Paragraph(words),
        *(_picture(figure, sweep, results, f"{sweep.title}. {words}") for figure in figures),
        *([Bullets(remarks)] if remarks else []),
        Folded("All values of this figure", [tables.values(sweep, results)]),
    ]


def _picture(figure: SweepFigure, sweep: Sweep, results: Results, message: str) -> Picture:
    return Picture(figure.name(sweep), figure.caption(sweep, results), message, Made(sweep.command, sweep.commits))


def recorded_sweeps(record: Results) -> list[Block]:
    """Figs. 4 to 7 of a record, as printed."""
    return [block for sweep in as_printed_sweeps(record) for block in _sweep(sweep, record)]


def finding(sweep: Sweep, results: Results) -> str:
    """How the latency changes along the axis, and how far each scheme's cost lies above the optimum's, in words."""
    lead = OPTIMUM if OPTIMUM in sweep.schemes else sweep.schemes[0]
    whose = "the optimum" if lead == OPTIMUM else symbol(results.label(lead))
    latency = "the optimum's mean latency" if lead == OPTIMUM else f"the mean latency of {whose}"
    ends = [
        (point.label, measured.latency_s.mean)
        for point in sweep.points
        if (measured := point.measured(lead)) is not None and math.isfinite(measured.latency_s.mean)
    ]
    unit = _unit(sweep)
    words = sentence(f"{whose} has no value at any point")
    if len(ends) == 1:
        words = f"{sentence(whose)[:-1]} has a value only at {ends[0][0]}{unit}: {seconds(ends[0][1])}."
    elif ends:
        (first, start), (last, end) = ends[0], ends[-1]
        axis = symbol(sweep.axis.label.partition(",")[0])
        words = (
            f"As the {axis} goes from {first}{unit} to {last}{unit}, {latency} goes from {seconds(start)} to "
            f"{seconds(end)}."
        )
    gaps = [_gaps(sweep, name, results.label(name)) for name in sweep.schemes if name != OPTIMUM]
    known = [gap for gap in gaps if gap]
    if len(ends) > 1:
        return f"{words} Cost above the optimum's, from the first to the last: {'; '.join(known)}." if known else words
    return f"{words} Cost above the optimum's: {'; '.join(known)}." if known else words


def _unit(sweep: Sweep) -> str:
    """The axis's unit with the space before it; empty if it has none."""
    return f"{NBSP}{sweep.axis.unit}" if sweep.axis.unit else ""


def _gaps(sweep: Sweep, scheme: str, label: str) -> str:
    measured = [item for point in sweep.points if (item := point.measured(scheme)) is not None]
    gaps = [item.gap_to_optimum for item in measured if item.gap_to_optimum is not None]
    means = [100.0 * gap.mean for gap in gaps if math.isfinite(gap.mean)]
    if not means:
        return ""
    ends = dict.fromkeys(number(value) for value in (means[0], means[-1]))
    words = f"{symbol(label)} {' to '.join(ends)}{NBSP}%"
    beyond = [value for value in (min(means), max(means)) if value not in (means[0], means[-1])]
    return f"{words} (in between {listing([number(value) for value in beyond])}{NBSP}%)" if beyond else words


def lacks(sweep: Sweep, results: Results) -> list[str]:
    """Remarks on missing values, with the reasons; schemes that lack the same points share a remark."""
    by_places: dict[tuple[str, ...], list[str]] = {}
    for name in sweep.schemes:
        places: dict[str, list[str]] = {}
        for label, reason in sweep.lacks(name).items():
            places.setdefault(_why(reason), []).append(label)
        for reason, labels in places.items():
            by_places.setdefault(tuple(labels), []).append(f"for **{symbol(results.label(name))}**: {reason}")
    unit = _unit(sweep)
    return [
        sentence(f"No value at {symbol(sweep.axis.label)} = {listing(labels)}{unit} {'; '.join(reasons)}")
        for labels, reasons in by_places.items()
    ]


def _why(reason: str) -> str:
    """A reason without the scheme's name and the value at the point, which the remark already gives."""
    reason = re.sub(r"^allocator '[^']*': |, got [^,]*$", "", reason.removesuffix("."))
    # A first word that is a symbol or an abbreviation keeps its case.
    return reason[:1].lower() + reason[1:] if re.match("[A-Z][a-z]|A ", reason) else reason


def diverged(sweep: Sweep, results: Results) -> list[str]:
    """Remarks on points at which seeds of a learner diverged, from the evaluation's notes."""
    remarks = []
    for point in sweep.points:
        for note in point.evaluation.notes:
            if "diverged" in note:
                name, mark, rest = note.partition(":")
                named = f"**{symbol(results.label(name))}**{mark}{rest}" if name in sweep.schemes else note
                remarks.append(f"At {symbol(sweep.axis.label)} = {point.label}{_unit(sweep)}, {named}.")
    return remarks


def frontier_section(results: Results) -> list[Block]:
    """The frontiers: latency against energy and against accuracy."""
    blocks: list[Block] = []
    for figure, sweep in sweep_figures(results.sweeps):
        if figure.title:
            message = f"{figure.title}, one line per scheme, with {len(sweep.points)} points each."
            blocks += [Heading(figure.title, 3), _picture(figure, sweep, results, message)]
    return [Heading("Latency trade-offs"), *blocks] if blocks else []


def feasibility_section(results: Results) -> list[Block]:
    """How often even the optimum misses the deadline at the points of the sweeps."""
    rows = list(tables.optima(results))
    if not rows:
        return []
    # Several sweeps pass through the preset.
    distinct = {row.measured.unit_cost: row for row in rows}.values()
    late = sum(row.measured.deadline_miss_rate >= 0.5 for row in distinct)
    sweep, point, measured = min(rows, key=lambda row: row.measured.deadline_miss_rate)
    words = (
        f"At {late} of the {len(distinct)} points of the sweeps, where those with the same optimum count once, even "
        "the optimum, which knows the channel, misses the deadline in at least half of the UD-slots. "
        f"The lowest share is {share(measured.deadline_miss_rate)}, at "
        f"{symbol(sweep.axis.label)} = {point.label}{_unit(sweep)}."
    )
    folded = Folded("Every point", [tables.feasibility(rows)])
    return [Heading("How often the optimum meets the deadline"), Paragraph(words), folded]
