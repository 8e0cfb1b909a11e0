"""The columns of every table of schemes, in HTML, Markdown, CSV and on the console. A new column is an entry here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from twinsync.experiments.formatting import decimals, interval, listing, number, symbol
from twinsync.experiments.records import NOTHING, Estimate, Measured, Scheme
from twinsync.experiments.results import Comparison, Results

# Tables: the comparison in one scenario, the columns it leaves out, and all points of a sweep.
COMPARISON, MORE, SWEEP = "comparison", "more", "sweep"
_PARTS = ("mean", "low", "high", "median", "p95")


class Row(NamedTuple):
    """A scheme and its measurements."""

    scheme: Scheme
    measured: Measured


class TableCell(NamedTuple):
    """One cell of a table: a number or text, and a qualification in small print, which may be empty."""

    main: str
    small: str = ""


def cell_of(
    estimate: Estimate | None, digits: int, *, significant: int = 0, factor: float = 1.0, sign: bool = False
) -> TableCell:
    """A mean with its interval in small print, if it has one; a dash for None.

    digits: decimals, or more if the mean would otherwise have fewer than `significant` significant digits.
    """
    value = estimate or NOTHING
    digits = decimals(factor * value.mean, digits, significant)
    mean = ("+" if sign and value.mean > 0 else "") + number(factor * value.mean, digits)
    return TableCell(mean, interval(value, digits, factor=factor, sign=sign) if value.has_interval else "")


@dataclass(frozen=True)
class Column:
    """One quantity of a scheme.

    key: its name in evaluation.json and table.csv. title, unit: for display. of: the estimate to show (as a mean alone
    if its interval is NaN); None if there is none. digits, significant, factor: format of the number, as in `cell_of`.
    middle: show median and 95th percentile instead of mean and interval. tables: the report's tables that have it; the
    console has all columns. exported: whether CSV files have it; if `full`, with interval and quantiles, otherwise as a
    single number.
    """

    key: str
    title: str
    unit: str
    of: Callable[[Measured], Estimate | None]
    digits: int
    factor: float = 1.0
    middle: bool = False
    tables: tuple[str, ...] = (COMPARISON, SWEEP)
    exported: bool = True
    full: bool = False
    significant: int = 0

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def cell(self, measured: Measured | None) -> TableCell:
        """The number as a table shows it; a dash if nothing was measured."""
        estimate = (None if measured is None else self.of(measured)) or NOTHING
        if self.middle and math.isfinite(estimate.median):
            return TableCell(*(number(self.factor * value, self.digits) for value in (estimate.median, estimate.p95)))
        shown = NOTHING if self.middle else estimate
        return cell_of(shown, self.digits, significant=self.significant, factor=self.factor)

    def exports(self) -> Iterator[tuple[str, Callable[[Measured], float]]]:
        """Names of its CSV columns, each with a function that returns the value, in SI units and shares."""
        if not self.exported:
            return
        for part in _PARTS if self.full else ("mean",):
            name = f"{self.key}_{part}" if self.full else self.key
            yield name, lambda measured, part=part: getattr(self.of(measured) or NOTHING, part)


def _plain(key: str) -> Callable[[Measured], Estimate]:
    """A figure of merit without an interval."""
    return lambda measured: Estimate(getattr(measured, key))


def _rate(key: str, title: str) -> Column:
    return Column(key, title, "%", _plain(key), 1, 100.0)


COLUMNS = (
    Column("latency_s", "Latency of a slot", "s", lambda row: row.latency_s, 2, full=True),
    Column("median", "Median (95th pct.)", "s", lambda row: row.latency_s, 2, middle=True, tables=(MORE, SWEEP),
           exported=False),
    Column("cost", "Cost of a slot", "", lambda row: row.cost, 1, full=True, significant=3),
    Column("gap_to_optimum", "Above the optimum", "%", lambda row: row.gap_to_optimum, 1, 100.0, full=True),
    Column(
        "gap_to_expected", "Above the best without channel knowledge", "%", lambda row: row.gap_to_expected, 1, 100.0,
        tables=(MORE,), full=True,
    ),
    _rate("deadline_miss_rate", "Missed deadline"),
    _rate("energy_violation_rate", "Over energy budget"),
    Column("energy_excess_j", "Energy over budget", "J", _plain("energy_excess_j"), 3, tables=(MORE,)),
    _rate("outage_rate", "Outage"),
    Column("radio_load", "Radio load", "", _plain("radio_load"), 2, tables=(MORE, SWEEP)),
    Column("energy_j", "Energy of a slot", "J", _plain("energy_j"), 2, tables=(SWEEP,)),
    # Late updates count when they arrive; by the deadline alone, all schemes would be equally old at `paper`.
    Column(
        "age_with_late_updates_s", "Age of information", "s", _plain("age_with_late_updates_s"), 2,
        tables=(MORE,),
    ),
    Column("jain_index", "Jain index", "", _plain("jain_index"), 3, tables=(MORE,)),
    Column("extraction_factor", "Mean φ", "", _plain("extraction_factor"), 2, significant=2),
    Column("sent_bits", "On air", "Mbit", _plain("sent_bits"), 3, 1e-6, tables=(), exported=False),
    Column(
        "age_with_late_updates_s", "Age, late updates counted", "s", _plain("age_with_late_updates_s"), 2, tables=(),
        exported=False,
    ),
    Column("training_slots", "Trained on", "slots", _plain("training_slots"), 0),
    Column("training_seeds", "Seeds", "", _plain("training_seeds"), 0),
)  # fmt: skip


def columns_of(table: str) -> list[Column]:
    """The columns of `COMPARISON`, `MORE` or `SWEEP`, in their order."""
    return [column for column in COLUMNS if table in column.tables]


def exported(*keys: str) -> dict[str, Callable[[Measured], float]]:
    """The CSV columns of a scheme, by name, each with its value's function: estimates first, then single numbers.

    keys: of the columns to keep; all if none is given.
    """
    ordered = sorted(COLUMNS, key=lambda column: not column.full)
    kept = [column for column in ordered if not keys or column.key in keys]
    return {name: value for column in kept for name, value in column.exports()}


def compared(results: Results) -> Comparison:
    """The comparison of results, which must have one."""
    assert results.comparison is not None
    return results.comparison


def by_cost(results: Results) -> list[Row]:
    """The schemes of the comparison, lowest mean cost first; non-finite costs come last."""
    return least_first(
        Row(results.schemes[name], item) for name, item in compared(results).evaluation.allocators.items()
    )


def least_first(rows: Iterable[Row]) -> list[Row]:
    """Rows by rising mean cost; non-finite costs come last."""
    return sorted(rows, key=lambda row: row.measured.cost.mean if math.isfinite(row.measured.cost.mean) else math.inf)


def training(rows: Iterable[Row]) -> str:
    """One sentence on how long the learners among `rows` were trained, with exceptions; empty if there are none."""
    labels: dict[float, dict[str, None]] = {}
    for scheme, measured in rows:
        if math.isfinite(measured.training_slots):
            labels.setdefault(measured.training_slots, {})[symbol(scheme.label)] = None
    if not labels:
        return ""
    usual = max(labels, key=lambda slots: len(labels[slots]))
    others = [
        f"{number(slots, 0)} for {label}" for slots in sorted(labels) if slots != usual for label in labels[slots]
    ]
    who = "Each learner"
    if len(labels[usual]) == 1 and not others:
        (who,) = labels[usual]
        who += "," * (", " in who)
    return f"{who} was trained on {number(usual, 0)} slots{f', apart from {listing(others)}' if others else ''}."
