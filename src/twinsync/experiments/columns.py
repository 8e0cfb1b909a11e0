"""The columns of every table of schemes: a new one is an entry here, and stands in HTML, Markdown and CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from twinsync.experiments.formatting import number, with_interval
from twinsync.experiments.records import Estimate
from twinsync.experiments.run_folder import Row

COMPARISON, SWEEP = "comparison", "sweep"  # tables: of one scenario, and of all points of a sweep
_PARTS = ("mean", "low", "high", "median", "p95")
_UNKNOWN = Estimate(math.nan)


@dataclass(frozen=True)
class Column:
    """One quantity of a scheme.

    key: its name in evaluation.json and table.csv. title, unit: for people. of: the estimate it shows (one whose
    interval is NaN shows as a mean alone), NaN or None where there is none. digits, factor: of the number shown.
    middle: show median and 95th percentile in the place of mean and interval. tables: where it stands. exported:
    whether CSV files have it; a `full` one with interval and quantiles, else as one number.
    """

    key: str
    title: str
    unit: str
    of: Callable[[Row], Estimate | None]
    digits: int
    factor: float = 1.0
    middle: bool = False
    tables: tuple[str, ...] = (COMPARISON, SWEEP)
    exported: bool = True
    full: bool = False

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def cell(self, row: Row | None) -> str:
        """The number as a table shows it, its interval (or 95th percentile) on a second line; a dash for none."""
        estimate = (None if row is None else self.of(row)) or _UNKNOWN
        if self.middle:
            ends = (number(self.factor * value, self.digits) for value in (estimate.median, estimate.p95))
            return "\n".join(ends) if math.isfinite(estimate.median) else number(math.nan)
        return with_interval(estimate, self.digits, factor=self.factor)

    def exports(self) -> Iterator[tuple[str, Callable[[Row], float]]]:
        """Names and values of what CSV files have of it, in SI units and shares."""
        if not self.exported:
            return
        for part in _PARTS if self.full else ("mean",):
            name = f"{self.key}_{part}" if self.full else self.key
            yield name, lambda row, part=part: getattr(self.of(row) or _UNKNOWN, part)


def _value(key: str) -> Callable[[Row], Estimate]:
    return lambda row: Estimate(row.value(key))


def _rate(key: str, title: str) -> Column:
    return Column(key, title, "%", _value(key), 1, 100.0)


COLUMNS = (
    Column("latency_s", "Latency of a slot", "s", lambda row: row.latency_s, 2, full=True),
    Column("median", "Median (95th pct.)", "s", lambda row: row.latency_s, 2, middle=True, exported=False),
    Column("cost", "Cost of a slot", "", lambda row: row.cost, 1, full=True),
    Column("gap_to_optimum", "Above the optimum", "%", lambda row: row.gap, 1, 100.0, full=True),
    Column(
        "gap_to_expected", "Above the best without channel knowledge", "%", lambda row: row.blind_gap, 1, 100.0,
        tables=(COMPARISON,), full=True,
    ),
    _rate("deadline_miss_rate", "Missed deadline"),
    _rate("energy_violation_rate", "Over energy budget"),
    _rate("outage_rate", "Outage"),
    Column("energy_j", "Energy of a slot", "J", _value("energy_j"), 2, tables=(SWEEP,)),
    Column("age_of_information_s", "Age of information", "s", _value("age_of_information_s"), 2, tables=(COMPARISON,)),
    Column("jain_index", "Jain index", "", _value("jain_index"), 3, tables=(COMPARISON,)),
    Column("extraction_factor", "Mean φ", "", _value("extraction_factor"), 2),
    Column("training_slots", "Trained on", "slots", lambda row: Estimate(row.training_slots), 0),
    Column("training_seeds", "Seeds", "", lambda row: Estimate(row.training_seeds), 0),
)  # fmt: skip


def columns_of(table: str) -> list[Column]:
    """The columns of `COMPARISON` or `SWEEP`, in their order."""
    return [column for column in COLUMNS if table in column.tables]


def exported() -> dict[str, Callable[[Row], Any]]:
    """What CSV files have of a row, by the name of their column: estimates first, then single numbers."""
    ordered = sorted(COLUMNS, key=lambda column: not column.full)
    return {name: value for column in ordered for name, value in column.exports()}
