"""The report's sections on sweeps: the paper's figures 4 to 7, what lies beyond them, frontiers, feasibility."""

from __future__ import annotations

import math
from collections.abc import Sequence

from twinsync.experiments.columns import SWEEP, columns_of
from twinsync.experiments.figures import frontiers, sweep_figure
from twinsync.experiments.formatting import NBSP, duration, listing, number, sentence, share, symbol
from twinsync.experiments.report.document import Block, Bullets, Folded, Heading, Made, Paragraph, Picture, Table
from twinsync.experiments.report_folder import ReportFolder
from twinsync.experiments.run_folder import OPTIMUM, Scheme
from twinsync.experiments.sweep_folder import TRAINED, Sweep

_HOW_TO_READ = (
    "Mean latency of a slot is T[n] of (19a), all UDs together; the cost adds the penalties of (22) and is what every "
    "scheme minimises, so it is shown too, as a distance from the certified optimum (logarithmic from 1 % on). What "
    "learns was trained anew at every point, and all schemes of a point met the same slots. Bands are 95 % bootstrap "
    "intervals over training seeds; a gap in a line is a point without a value. Point at a mark, or step through them "
    "with the arrow keys, for its numbers."
)


def paper_sweeps(folder: ReportFolder) -> list[Block]:
    """The figures that the paper has."""
    found = [swept for swept in folder.sweeps if swept.figure]
    return _sweeps(f"Latency against one thing at a time: {_numbered(found)}", found, _HOW_TO_READ) if found else []


def further_sweeps(folder: ReportFolder) -> list[Block]:
    """The sweeps that the paper does not have."""
    found = [swept for swept in folder.sweeps if not swept.figure]
    if not found:
        return []
    if len(found) == len(folder.sweeps):
        return _sweeps("What latency depends on", found, _HOW_TO_READ)
    return _sweeps("Beyond the paper", found, "The paper has no such figures; they are to be read as those above.")


def _numbered(found: Sequence[Sweep]) -> str:
    names = [swept.figure.removeprefix("Fig. ") for swept in found]
    return f"Fig{'s' * (len(names) > 1)}. {listing(names)}"


def _sweeps(title: str, found: Sequence[Sweep], words: str) -> list[Block]:
    return [Heading(title), Paragraph(words), *(block for swept in found for block in _sweep(swept))]


def _sweep(swept: Sweep) -> list[Block]:
    told = finding(swept)
    lacking = [*lacks(swept), *diverged(swept)]
    return [
        Heading(f"{swept.figure}: {swept.title}" if swept.figure else swept.title, 3),
        Paragraph(told),
        Picture(sweep_figure(swept), _caption(swept), f"{swept.title}. {told}", Made(swept.command, swept.commits)),
        *([Bullets(lacking)] if lacking else []),
        Folded("All values of this figure", [values(swept)]),
    ]


def _caption(swept: Sweep) -> str:
    counts = sorted(
        {item.unit_count for point in swept.points for item in point.measured.values() if item.unit == TRAINED}
    )
    bands = f" Bands: {listing([str(count) for count in counts])} training seeds." if counts else ""
    trained = sorted(
        {
            item.training_slots
            for point in swept.points
            for name, item in point.measured.items()
            if not name.startswith("gradient") and math.isfinite(item.training_slots)
        }
    )
    bands += (
        f" SAC and PPO were trained on {listing([number(slots, 0) for slots in trained])} slots." if trained else ""
    )
    beside = " and cost above the optimum" if swept.has_gaps else ""
    fixed = f", with `{'`, `'.join(swept.overrides)}`" if swept.overrides else ""
    return f"Mean latency{beside} against the {symbol(swept.axis.label)}{fixed}.{bands}"


def finding(swept: Sweep) -> str:
    """From where to where the latency goes, and how near to the optimum each scheme stays."""
    optimum = next((scheme for scheme in swept.schemes if scheme.name == OPTIMUM), None)
    lead, whose = (optimum, "the optimum") if optimum else (swept.schemes[0], symbol(swept.schemes[0].label))
    ends = [
        (point.label, point.measured[lead.name].latency_s.mean)
        for point in swept.points
        if lead.name in point.measured and math.isfinite(point.measured[lead.name].latency_s.mean)
    ]
    unit = f"{NBSP}{swept.axis.unit}" if swept.axis.unit else ""
    words = sentence(f"{whose} has no value at any point")
    if len(ends) == 1:
        words = f"{sentence(whose)[:-1]} has a value at {ends[0][0]}{unit} alone, {number(ends[0][1], 2)}{NBSP}s."
    elif ends:
        (first, start), (last, end) = ends[0], ends[-1]
        words = (
            f"From {first}{unit} to {last}{unit}, the mean latency of {whose} goes from "
            f"{number(start, 2)}{NBSP}s to {number(end, 2)}{NBSP}s."
        )
    gaps = [_gaps(swept, scheme) for scheme in swept.schemes if scheme.name != OPTIMUM]
    known = [gap for gap in gaps if gap]
    return f"{words} Cost above the optimum's: {'; '.join(known)}." if known else words


def _gaps(swept: Sweep, scheme: Scheme) -> str:
    found = [point.measured[scheme.name].gap for point in swept.points if scheme.name in point.measured]
    means = [100.0 * gap.mean for gap in found if gap is not None and math.isfinite(gap.mean)]
    if not means:
        return ""
    ends = dict.fromkeys(number(value) for value in (min(means), max(means)))
    return f"{symbol(scheme.label)} {' to '.join(ends)}{NBSP}%"


def lacks(swept: Sweep) -> list[str]:
    """Which schemes have no value where, and why; places with the same reason together."""
    found = []
    for scheme in swept.schemes:
        places: dict[str, list[str]] = {}
        for label, reason in swept.lacks(scheme.name).items():
            places.setdefault(reason, []).append(label)
        for reason, labels in places.items():
            at = f"{symbol(swept.axis.label)} = {listing(labels)}"
            found.append(f"No value of **{symbol(scheme.label)}** at {at}. {sentence(reason)}")
    return found


def diverged(swept: Sweep) -> list[str]:
    """Where some seeds of a learner were lost or fell back, in the evaluation's words."""
    return [
        f"At {symbol(swept.axis.label)} = {point.label}, {_named(swept, note)}."
        for point in swept.points
        for note in point.notes
        if "diverged" in note
    ]


def _named(swept: Sweep, note: str) -> str:
    """A remark that knows a scheme by its key, with its name for people."""
    key, mark, rest = note.partition(":")
    names = {scheme.name: symbol(scheme.label) for scheme in swept.schemes}
    return f"**{names[key]}**{mark}{rest}" if key in names else note


def values(swept: Sweep) -> Table:
    """What the figure shows, in numbers."""
    columns = columns_of(SWEEP)
    rows = [
        [point.label, symbol(scheme.label), *(column.cell(point.measured.get(scheme.name)) for column in columns)]
        for point in swept.points
        for scheme in swept.schemes
    ]
    header = [symbol(swept.axis.title), "Scheme", *(column.heading for column in columns)]
    return Table("Small print: 95 % intervals of the mean.", header, rows, words=(0, 1))


def frontier_section(folder: ReportFolder) -> list[Block]:
    """What a shorter latency has to be paid with."""
    told = {
        "frontier_energy": (
            "Latency against energy",
            "Each line is one scheme under budgets of energy from small to large; the optimum's points carry the "
            "budget of a UD and slot. Further down and further left is better.",
        ),
        "frontier_accuracy": (
            "Latency against accuracy",
            "Each line is one scheme as the least φ rises; the optimum's points carry the least φ. Further left, less "
            "of the signal is lost; further down, it is sooner there. The accuracy is **assumed**: A(φ) = 1 − 2^(−2bφ) "
            "with b = 8 bits a sample, the distortion-rate function of a Gaussian source without memory, taken at the "
            "mean φ. A is concave, so where φ varies the mean of A lies below that.",
        ),
    }
    blocks: list[Block] = []
    for edge in frontiers(folder):
        title, caption = told[edge.name]
        made = Made(edge.sweep.command, edge.sweep.commits)
        message = f"{title}, one line a scheme, with {len(edge.sweep.points)} points each."
        blocks += [Heading(title, 3), Picture(edge.name, caption, message, made)]
    return [Heading("What a shorter latency is paid with"), *blocks] if blocks else []


def feasibility_section(folder: ReportFolder) -> list[Block]:
    """Where on the sweeps' axes even the optimum is late."""
    found = [
        (swept, point, point.measured[OPTIMUM])
        for swept in folder.sweeps
        for point in swept.points
        if OPTIMUM in point.measured
    ]
    if not found:
        return []
    missed = [item.value("deadline_miss_rate") for *_, item in found]
    late = sum(rate >= 0.5 for rate in missed)
    swept, point, _ = found[min(range(len(found)), key=missed.__getitem__)]
    words = (
        f"At {late} of the {len(found)} points of the sweeps even the optimum, which knows the channel, misses the "
        f"deadline in half of the UD-slots or more. Least are late at {symbol(swept.axis.label)} = {point.label}"
        f"{NBSP * bool(swept.axis.unit)}{swept.axis.unit}: {share(min(missed))}."
    )
    keys = ("deadline_miss_rate", "energy_violation_rate", "outage_rate")
    rows = [
        [symbol(swept.axis.title), point.label, *(number(100 * item.value(key), 1) for key in keys)]
        for swept, point, item in found
    ]
    header = ["Varied", "Value", "Missed deadline [%]", "Over energy budget [%]", "Outage [%]"]
    table = Table("At the optimum, shares of UD-slots.", header, rows, words=(0, 1))
    return [Heading("Where the deadline can be met"), Paragraph(words), Folded("Every point", [table])]


def timings(folder: ReportFolder) -> Table:
    """How long the sweeps took, and at which revisions they ran."""
    rows = [
        [
            swept.figure or swept.title,
            str(len(swept.points)),
            str(len(swept.schemes)),
            duration(swept.training_s),
            ", ".join(swept.commits) or "–",
        ]
        for swept in folder.sweeps
    ]
    header = ["Sweep", "Points", "Schemes", "Computing time", "Revisions"]
    return Table("Computing time behind each sweep, all tasks together.", header, rows, words=(0, 4))
