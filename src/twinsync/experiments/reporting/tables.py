"""The report's tables, and the comparison once more as rows with all their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twinsync.experiments.figures.comparison import by_cost
from twinsync.experiments.reporting.document import Table
from twinsync.experiments.run_folder import OPTIMUM, Deviation, Estimate, Row, RunFolder
from twinsync.experiments.words import number, plain, symbol, with_interval

# Key in evaluation.json (or part of one) and title of each column after the scheme's name.
COLUMNS = (
    ("latency_s", "Latency of a slot [s]"),
    ("median", "Median (95th pct.) [s]"),
    ("cost", "Cost of a slot"),
    ("gap_to_optimum", "Above the optimum [%]"),
    ("gap_to_expected", "Above the best without channel knowledge [%]"),
    ("deadline_miss_rate", "Missed deadline [%]"),
    ("energy_violation_rate", "Over energy budget [%]"),
    ("outage_rate", "Outage [%]"),
    ("age_of_information_s", "Age of information [s]"),
    ("jain_index", "Jain index"),
    ("extraction_factor", "Mean φ"),
)
_SPREAD = ("mean", "low", "high", "median", "p95")
CSV_HEADER = (
    "scheme",
    "label",
    "group",
    *(f"{key}_{part}" for key in ("latency_s", "cost", "gap_to_optimum", "gap_to_expected") for part in _SPREAD),
    *(key for key, _ in COLUMNS[5:]),
    "training_slots",
)


def comparison(run: RunFolder) -> Table:
    """Every scheme, least cost first; the headline's learner and the optimum stressed."""
    rows = by_cost(run)
    sets = run.manifest["evaluation"]
    caption = (
        f"All schemes on the same {sets['seeds']} × {sets['slots']:,} slots, least cost first; small print: "
        "95 % intervals of the mean. Latency and cost are sums over the UDs; cost adds the penalties of (22)."
    )
    strong = [place for place, row in enumerate(rows) if row.scheme.name in (run.learner, OPTIMUM)]
    cells = [[row.scheme.label, *_cells(row)] for row in rows]
    return Table(caption, ["Scheme", *(title for _, title in COLUMNS), "Trained on [slots]"], cells, strong=strong)


def training_slots(slots: float) -> str:
    """Number of slots that a learner was trained on; a dash where nothing is trained."""
    return number(slots, 0)


def _cells(row: Row) -> list[str]:
    rates = ("deadline_miss_rate", "energy_violation_rate", "outage_rate")
    return [
        with_interval(row.latency_s, 2),
        f"{number(row.latency_s.median, 2)}\n{number(row.latency_s.p95, 2)}",
        with_interval(row.cost, 1),
        *("–" if gap is None else with_interval(gap, 1, factor=100) for gap in (row.gap, row.blind_gap)),
        *(number(100 * row.values[name], 1) for name in rates),
        number(row.values["age_of_information_s"], 2),
        number(row.values["jain_index"], 3),
        number(row.values["extraction_factor"], 2),
        training_slots(row.training_slots),
    ]


def comparison_csv(run: RunFolder) -> list[list[Any]]:
    """The same rows with all their digits, in SI units and shares, under `CSV_HEADER`."""
    return [
        [
            row.scheme.name,
            row.scheme.label,
            row.scheme.group,
            *(
                getattr(value, part)
                for value in (row.latency_s, row.cost, *(gap or Estimate(math.nan) for gap in (row.gap, row.blind_gap)))
                for part in _SPREAD
            ),
            *(row.values[key] for key, _ in COLUMNS[5:]),
            row.training_slots,
        ]
        for row in by_cost(run)
    ]


def paired(run: RunFolder) -> Table:
    """The headline's learner less every other scheme on the same slots; the paper's benchmarks stressed."""
    mine = run.rows[run.learner].scheme.label
    others = [row for row in by_cost(run) if row.scheme.name != run.learner]
    header = [
        f"{mine} less …",
        "Latency [s]",
        "saved [%]",
        "excludes 0",
        "Cost",
        "saved [%]",
        "excludes 0",
    ]
    caption = (
        f"Paired differences: {mine} less each other scheme on the same slots, with 95 % bootstrap intervals. "
        f"Negative: {mine} is better. Bold: the headline's benchmarks."
    )
    strong = [place for place, row in enumerate(others) if row.scheme.name in run.benchmarks]
    return Table(caption, header, [_pair(run, row) for row in others], words=(0, 3, 6), strong=strong)


def _pair(run: RunFolder, row: Row) -> list[str]:
    cells = [row.scheme.label]
    for key, saved, digits in (("latency_s", "latency_reduction_percent", 2), ("cost", "cost_reduction_percent", 1)):
        difference, reduction = run.paired(row.scheme.name, key), run.paired(row.scheme.name, saved)
        cells += [with_interval(difference, digits, sign=True), with_interval(reduction, 1), _excludes_zero(difference)]
    return cells


def _excludes_zero(difference: Estimate) -> str:
    if math.isnan(difference.low) or math.isnan(difference.high):
        return "no interval"
    return "yes" if difference.low > 0 or difference.high < 0 else "no"


def deviations(run: RunFolder) -> Table:
    """Every setting in which learners differ from the paper's, with the reason and whom it concerns."""
    shared: dict[Deviation, list[str]] = {}
    for scheme in run.schemes.values():
        for item in scheme.deviations:
            shared.setdefault(item, []).append(scheme.label)
    rows = [[f"`{item.setting}`", item.paper, item.here, "; ".join(who), item.reason] for item, who in shared.items()]
    caption = "Every setting that differs from what is printed, and in which schemes."
    return Table(caption, ["Setting", "As printed", "Here", "In", "Why"], rows, words=range(5))


def settings(run: RunFolder) -> Table:
    """All settings, one column a scheme."""
    schemes = [scheme for scheme in run.schemes.values() if scheme.settings]
    keys = list(dict.fromkeys(key for scheme in schemes for key in scheme.settings))
    rows = [[f"`{key}`", *(plain(scheme.settings.get(key, "–")) for scheme in schemes)] for key in keys]
    return Table("", ["Setting", *(scheme.label for scheme in schemes)], rows, words=range(len(schemes) + 1))


def open_constants(entries: Sequence[dict[str, Any]]) -> Table:
    """The constants the paper does not print, with the value used and why."""
    rows = [
        [entry["meaning"], symbol(entry["symbol"]), entry["text"], entry["tag"], entry["source"]]
        for entry in entries
        if entry["tag"] != "stated"
    ]
    return Table("", ["Constant", "Symbol", "Value", "Tag", "Why"], rows, words=range(5))


def all_constants(entries: Sequence[dict[str, Any]], caption: str) -> Table:
    """Every constant with its bounds, tag and source."""
    rows = [
        [f"`{entry['key']}`", symbol(entry["symbol"]), entry["text"], entry["bound"], entry["tag"], entry["source"]]
        for entry in entries
    ]
    return Table(caption, ["Key", "Symbol", "Value", "Allowed", "Tag", "Source"], rows, words=range(6))
