"""The report's tables, and the comparison once more as rows with all their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twinsync.experiments.columns import COMPARISON, columns_of, exported
from twinsync.experiments.figures.comparison import by_cost
from twinsync.experiments.formatting import plain, symbol, with_interval
from twinsync.experiments.records import Estimate
from twinsync.experiments.report.document import Table
from twinsync.experiments.run_folder import OPTIMUM, Deviation, Row, RunFolder

CSV_HEADER = ("scheme", "label", "group", *exported())


def comparison(run: RunFolder) -> Table:
    """Every scheme, least cost first; the headline's learner and the optimum stressed."""
    rows = by_cost(run)
    sets = run.manifest["evaluation"]
    caption = (
        f"All schemes on the same {sets['seeds']} × {sets['slots']:,} slots, least cost first; small print: "
        "95 % intervals of the mean. Latency and cost are sums over the UDs; cost adds the penalties of (22)."
    )
    strong = [place for place, row in enumerate(rows) if row.scheme.name in (run.learner, OPTIMUM)]
    columns = columns_of(COMPARISON)
    cells = [[row.scheme.label, *(column.cell(row) for column in columns)] for row in rows]
    return Table(caption, ["Scheme", *(column.heading for column in columns)], cells, strong=strong)


def comparison_csv(run: RunFolder) -> list[list[Any]]:
    """The same rows with all their digits, in SI units and shares, under `CSV_HEADER`."""
    values = exported().values()
    return [
        [row.scheme.name, row.scheme.label, row.scheme.group, *(value(row) for value in values)] for row in by_cost(run)
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
