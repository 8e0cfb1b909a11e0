"""The columns of every table of schemes: a new one is an entry here, for HTML, Markdown, CSV and the console."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from twinsync.experiments.formatting import decimals, interval, listing, number, symbol
from twinsync.experiments.records import NOTHING, Estimate, Measured, Scheme
from twinsync.experiments.results import Comparison, Results

# Tables: of one scenario, what that one leaves out, and of all points of a sweep.
COMPARISON, MORE, SWEEP = "comparison", "more", "sweep"
_PARTS = ("mean", "low", "high", "median", "p95")


class Row(NamedTuple):
    """A scheme, and what was measured of it."""

    scheme: Scheme
    measured: Measured


class TableCell(NamedTuple):
    """What a table shows at one place: a number or words, and in small print what qualifies it (may be empty)."""

    main: str
    small: str = ""


def cell_of(
    estimate: Estimate | None, digits: int, *, significant: int = 0, factor: float = 1.0, sign: bool = False
) -> TableCell:
    """A mean with its interval in small print; the mean alone where there is none, a dash for None.

    digits: decimals, more of them where the mean would have fewer than `significant` significant digits.
    """
    value = estimate or NOTHING
    digits = decimals(factor * value.mean, digits, significant)
    mean = ("+" if sign and value.mean > 0 else "") + number(factor * value.mean, digits)
    return TableCell(mean, interval(value, digits, factor=factor, sign=sign) if value.has_interval else "")


@dataclass(frozen=True)
class Column:
    """One quantity of a scheme.

    key: its name in evaluation.json and table.csv. title, unit: for people. of: the estimate it shows (one whose
    interval is NaN shows as a mean alone), None where there is none. digits, significant, factor: of the
    number shown, as `cell_of` takes them. middle: show median and 95th percentile in the place of mean and interval.
    tables: of reports in which it stands; the console has all. exported: whether CSV files have it; a `full` one with
    interval and quantiles, else as one number.
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
        """The number as a table shows it; a dash where nothing was measured."""
        estimate = (None if measured is None else self.of(measured)) or NOTHING
        if self.middle and math.isfinite(estimate.median):
            return TableCell(*(number(self.factor * value, self.digits) for value in (estimate.median, estimate.p95)))
        shown = NOTHING if self.middle else estimate
        return cell_of(shown, self.digits, significant=self.significant, factor=self.factor)

    def exports(self) -> Iterator[tuple[str, Callable[[Measured], float]]]:
        """Names and values of what CSV files have of it, in SI units and shares."""
        if not self.exported:
            return
        for part in _PARTS if self.full else ("mean",):
            name = f"{self.key}_{part}" if self.full else self.key
            yield name, lambda measured, part=part: getattr(self.of(measured) or NOTHING, part)


def _plain(key: str) -> Callable[[Measured], Estimate]:
    """A figure of merit that has no interval."""
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
    # An update that is late counts when it arrives; by deadline alone all schemes would be equally old at `paper`.
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
    """What CSV files have of a scheme, by the name of their column: estimates first, then single numbers.

    keys: of the columns to keep, all where none is given.
    """
    ordered = sorted(COLUMNS, key=lambda column: not column.full)
    kept = [column for column in ordered if not keys or column.key in keys]
    return {name: value for column in kept for name, value in column.exports()}


def compared(results: Results) -> Comparison:
    """The comparison of results that have one."""
    assert results.comparison is not None
    return results.comparison


def by_cost(results: Results) -> list[Row]:
    """The schemes of the comparison, least mean cost first; a cost that is not a number goes last."""
    return least_first(
        Row(results.schemes[name], item) for name, item in compared(results).evaluation.allocators.items()
    )


def least_first(rows: Iterable[Row]) -> list[Row]:
    """Rows by their mean cost; one that is not a number goes last."""
    return sorted(rows, key=lambda row: row.measured.cost.mean if math.isfinite(row.measured.cost.mean) else math.inf)


def training(rows: Iterable[Row]) -> str:
    """How long the learners among `rows` trained, in one sentence with the exceptions; empty where nothing learns."""
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
