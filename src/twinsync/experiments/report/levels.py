"""The three levels: what the paper does as printed, what it does with settings that fit, and the best possible.

The schemes as printed come from the run itself or from the record (see `recorded`); every line says how long its
learner trained.
"""

from __future__ import annotations

import math
from dataclasses import replace

from twinsync.experiments.figures import sweep_figure
from twinsync.experiments.formatting import NBSP, change, compared, listing, number, seconds, share, with_interval
from twinsync.experiments.recorded import printed_curves, recorded_sweeps
from twinsync.experiments.records import Estimate
from twinsync.experiments.report import findings, tables
from twinsync.experiments.report.document import (
    Block,
    Box,
    Bullets,
    Folded,
    Heading,
    Made,
    Paragraph,
    Picture,
    Table,
    Tile,
    Tiles,
)
from twinsync.experiments.report.sweep_sections import values
from twinsync.experiments.report_folder import SAC_AS_PRINTED, ReportFolder
from twinsync.experiments.run_folder import OPTIMUM, Row, RunFolder
from twinsync.experiments.sweep_folder import Sweep

EXPECTED = "expected"
PRINTED_CURVES = "fig3_printed"
# The benchmarks of each level, as columns.
_BENCHMARKS = ("PPO", "Random strategy", "w/o SC")
_NAMES = {
    SAC_AS_PRINTED: ("ppo-paper", "random-strategy-paper", "without-sc-paper"),
    "sac-tuned": ("ppo-tuned", "random-strategy", "without-sc"),
}


def levels(run: RunFolder, record: ReportFolder | None) -> list[Block]:
    """The answer in three sentences and a table: as printed, repaired, best possible."""
    printed = None if record is None else record.run
    told = []
    if printed is not None and SAC_AS_PRINTED in printed.rows:
        told.append(f"**As printed.** {_level(printed, SAC_AS_PRINTED)}")
    told += [f"**Repaired.** {_level(run, run.learner)}", f"**Best possible.** {_best(run)}"]
    return [Bullets(told), table(run, printed)]


def _level(run: RunFolder, learner: str) -> str:
    row, optimum = run.rows[learner], run.rows[OPTIMUM]
    cost = compared(row.cost.mean, optimum.cost.mean)
    words = (
        f"{row.scheme.label}{trained(row)} costs {number(row.cost.mean)} per slot, {cost} the certified optimum; its "
        f"mean latency, all UDs together, is {seconds(row.latency_s.mean)}"
    )
    gains = [
        f"{_gain(run.reduction(learner, name).mean)} {_plain_name(run.rows[name])}"
        for name in (run.benchmarks if learner == run.learner else _NAMES[learner])
        if name in run.rows
    ]
    return f"{words}, {listing(gains)}." if gains else f"{words}."


def _plain_name(row: Row) -> str:
    """A benchmark's name without its level, which the sentence has said, in the genitive."""
    name = row.scheme.label.partition(", as printed")[0].removesuffix(", repaired")
    return f"the {name.lower()}'s" if name == "Random strategy" else f"{name}'s"


def _gain(percent: float) -> str:
    return f"{number(abs(percent))}{NBSP}% {'below' if percent >= 0 else 'above'}"


def trained(row: Row) -> str:
    """`, trained on 100,000 slots with 5 seeds,`; nothing for what learns nothing."""
    if math.isnan(row.training_slots):
        return ""
    seeds = f"{number(row.training_seeds, 0)} seed{'' if row.training_seeds == 1 else 's'}"
    return f", trained on {number(row.training_slots, 0)} slots with {seeds},"


def _best(run: RunFolder) -> str:
    optimum = run.rows[OPTIMUM]
    words = (
        f"The certified optimum, which knows the channel, costs {number(optimum.cost.mean)} at "
        f"{seconds(optimum.latency_s.mean)}"
    )
    if EXPECTED not in run.rows:
        return f"{words}."
    blind = run.rows[EXPECTED]
    return (
        f"{words}; the best that can be done without knowing it costs {number(blind.cost.mean)} at "
        f"{seconds(blind.latency_s.mean)}."
    )


def tiles(run: RunFolder, record: ReportFolder | None) -> Tiles:
    """How far above the optimum each level costs, and whether anyone meets the deadline."""
    printed = None if record is None else record.run
    levels = [(run, run.learner), (run, EXPECTED)]
    if printed is not None and SAC_AS_PRINTED in printed.rows:
        levels.insert(0, (printed, SAC_AS_PRINTED))
    shown = []
    for source, name in levels:
        if name in source.rows:
            row, optimum = source.rows[name], source.rows[OPTIMUM]
            label = "the best without channel knowledge" if name == EXPECTED else row.scheme.label
            shown.append(Tile(change(row.cost.mean, optimum.cost.mean), f"cost above the optimum's: {label}"))
    missed = run.rows[OPTIMUM].value("deadline_miss_rate")
    return Tiles([*shown, Tile(share(missed), "of UD-slots are late even at the optimum")])


def table(run: RunFolder, printed: RunFolder | None) -> Table:
    """SAC as printed and repaired, and the two optima; how far SAC's latency lies below its benchmarks'."""
    entries: list[tuple[str, RunFolder, str]] = []
    if printed is not None and SAC_AS_PRINTED in printed.rows:
        entries.append(("As printed", printed, SAC_AS_PRINTED))
    entries.append(("Repaired", run, run.learner))
    if EXPECTED in run.rows:
        entries.append(("Best without channel knowledge", run, EXPECTED))
    entries.append(("Best, channel known", run, OPTIMUM))
    rows = [_row(level, source, name) for level, source, name in entries]
    header = [
        *("Level", "Scheme", "Trained on [slots]", "Latency of a slot [s]", "Cost of a slot", "Above the optimum [%]"),
        *(f"Latency below {name}'s [%]" for name in _BENCHMARKS),
    ]
    caption = (
        "Small print: 95 % intervals. Benchmarks are those of the same level; each gap is to the optimum on the same "
        "slots."
    )
    return Table(caption, header, rows, words=(0, 1), strong=[place for place, row in enumerate(rows) if place == 0])


def _row(level: str, run: RunFolder, name: str) -> list[str]:
    row = run.rows[name]
    gap = row.gap or Estimate(math.nan)
    reductions = [
        with_interval(run.reduction(name, other), 1) if other in run.rows else "–" for other in _NAMES.get(name, ())
    ]
    return [
        level, row.scheme.label, number(row.training_slots, 0), with_interval(row.latency_s, 2),
        with_interval(row.cost, 1), with_interval(gap, 1, factor=100), *(reductions or ["–"] * len(_BENCHMARKS)),
    ]  # fmt: skip


def printed_section(folder: ReportFolder, record: ReportFolder | None) -> list[Block]:
    """The schemes as printed: table, learning curves, and where they are recorded Figs. 4 to 7 too."""
    if folder.run is None:
        return []
    heading = Heading("The paper as printed")
    if record is None or record.run is None:
        words = (
            "The schemes as printed were not trained in this run, and none are recorded for this scenario and seed. "
            "`--budget printed` trains them at the printed size, `--retrain-printed` at this budget's."
        )
        return [heading, Paragraph(words)]
    run = record.run
    recorded = record is not folder
    blocks: list[Block] = [heading]
    if recorded:
        blocks.append(Box("note", "Recorded, not trained in this run", [Paragraph(_where(record))]))
    blocks += [_comparison(run), *_curves(run)]
    if recorded:
        blocks += [block for swept in recorded_sweeps(record) for block in _sweep(swept)]
    return blocks


def _where(record: ReportFolder) -> str:
    commits = listing([f"`{commit}`" for commit in record.manifest.get("comparison_commits", [])] or ["unknown"])
    return (
        f"A run of 100,000 slots with networks 256 wide takes hours. What follows is the recorded run of the same "
        f"scenario and root seed, made by `{record.manifest['command']}` at revision {commits}. `--retrain-printed` "
        "trains these schemes anyway, at this budget's size and labelled with it."
    )


def _comparison(run: RunFolder) -> Table:
    """The schemes as printed and the optima beside them, on the record's own slots."""
    names = [name for name in run.rows if run.rows[name].scheme.group == "paper" or name in (OPTIMUM, EXPECTED)]
    shown = replace(run, rows={name: run.rows[name] for name in names}, learner=SAC_AS_PRINTED)
    return tables.comparison(shown)


def _curves(run: RunFolder) -> list[Block]:
    unstable = [item.sentence() for item in findings.instabilities(printed_curves(run))]
    made = Made(run.manifest["command"], run.manifest.get("comparison_commits", []))
    labels = listing([curve.scheme.label for curve in printed_curves(run).curves.values()])
    counts = sorted({len(curve.cost) for curve in printed_curves(run).curves.values()})
    caption = (
        f"The paper's Fig. 3 as printed: reward −(T[n] + P) of (22) per slot of the deterministic policy on fixed "
        f"slots, trained on {number(run.rows[SAC_AS_PRINTED].training_slots, 0)} slots. Lines are means over "
        f"{listing([str(n) for n in counts])} "
        "training seeds, bands 95 % bootstrap intervals. Dashed: the certified optimum."
    )
    blocks: list[Block] = [Picture(PRINTED_CURVES, caption, f"Learning curves of {labels}.", made)]
    return [*blocks, Box("trouble", "Training that did not hold", [Bullets(unstable)])] if unstable else blocks


def _sweep(swept: Sweep) -> list[Block]:
    ends = [point for point in swept.points if SAC_AS_PRINTED in point.measured]
    words = ""
    if len(ends) > 1:
        first, last = (point.measured[SAC_AS_PRINTED].latency_s.mean for point in (ends[0], ends[-1]))
        words = f"SAC's mean latency goes from {seconds(first)} to {seconds(last)} ({change(last, first)})."
    caption = f"{swept.figure} as printed, recorded: {words}"
    made = Made(swept.command, swept.commits)
    return [
        Heading(f"{swept.figure}: {swept.title}", 3),
        Picture(sweep_figure(swept), caption, f"{swept.title}. {words}", made),
        Folded("All values of this figure", [values(swept)]),
    ]
