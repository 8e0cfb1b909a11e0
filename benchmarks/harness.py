"""Code shared by the sections of the benchmarks page: interleaved timing, tables, registration.

A section is a function `(quick: bool) -> Section` decorated with `@section("name")` in a module of
`benchmarks/sections`; the page shows sections in the order of `MODULES` in `__main__`. A section states what is
compared, times the candidates with `interleave`, so that a slow phase of the machine affects all of them, and lists in
`checks` what it verified before timing.
"""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Run = Callable[[], Any]  # does the work and waits for its end


@dataclasses.dataclass(frozen=True)
class Timing:
    """Items of work per second in each repetition of one candidate."""

    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median rate."""
        return statistics.median(self.rates)

    def cells(self, per_item: bool) -> list[str]:
        """Slowest, median and fastest repetition, in items per second or in time per item."""
        ordered = (min(self.rates), self.median, max(self.rates))
        return [seconds(1.0 / rate) if per_item else number(rate) for rate in ordered]


@dataclasses.dataclass(frozen=True)
class Table:
    """Candidates side by side; the first is ours, ratios are ours over theirs."""

    title: str
    unit: str  # of a rate, for example "slots/s"; of a time where `per_item`
    timings: Mapping[str, Timing]
    per_item: bool = False
    bars: Mapping[str, float] = dataclasses.field(default_factory=dict)  # least ratio aimed at, by candidate
    ratio: str = "ours over it"

    @property
    def ratios(self) -> dict[str, float]:
        """Ratio of the median rates, ours over each other candidate's; above 1, ours is faster."""
        ours, *others = self.timings
        return {name: self.timings[ours].median / self.timings[name].median for name in others}

    def markdown(self) -> list[str]:
        """The table as lines of Markdown."""
        lines = [f"### {self.title}", "", f"| | slowest [{self.unit}] | median | fastest | {self.ratio} | bar |"]
        lines.append("|---|---|---|---|---|---|")
        for name, timing in self.timings.items():
            ratio = self.ratios.get(name)
            bar = self.bars.get(name)
            verdict = "" if bar is None else f"{bar:g}x: {'met' if ratio and ratio >= bar else 'missed'}"
            cells = [name, *timing.cells(self.per_item), "" if ratio is None else f"{ratio:.3g}x", verdict]
            lines.append(f"| {' | '.join(cells)} |")
        return [*lines, ""]

    def raw(self) -> dict[str, Any]:
        """Every repetition's rate, the ratios and the bars, for the JSON file."""
        return {
            "title": self.title,
            "rates_per_s": {name: timing.rates for name, timing in self.timings.items()},
            "ratios": self.ratios,
            "bars": dict(self.bars),
        }


@dataclasses.dataclass(frozen=True)
class Listing:
    """Numbers that are not a comparison of speed: one row of cells per thing measured."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    values: Any = None  # all digits, for the JSON file

    def markdown(self) -> list[str]:
        """The listing as lines of Markdown."""
        rule = "|".join(["", "---", *["---:"] * (len(self.header) - 1), ""])
        rows = [f"| {' | '.join(row)} |" for row in (self.header, *self.rows)]
        return [f"### {self.title}", "", rows[0], rule, *rows[1:], ""]

    def raw(self) -> dict[str, Any]:
        """The listing with all digits, for the JSON file."""
        return {"title": self.title, "header": self.header, "rows": self.rows, "values": self.values}


@dataclasses.dataclass
class Section:
    """One section of the page."""

    title: str
    text: str
    tables: list[Table | Listing] = dataclasses.field(default_factory=list)
    checks: list[str] = dataclasses.field(default_factory=list)  # one sentence each, with its number
    versions: dict[str, str] = dataclasses.field(default_factory=dict)  # of the peers

    def markdown(self) -> list[str]:
        """The section as lines of Markdown."""
        lines = [f"## {self.title}", "", self.text, ""]
        for table in self.tables:
            lines.extend(table.markdown())
        return [*lines, *(f"- {check}" for check in self.checks), ""]

    def raw(self) -> dict[str, Any]:
        """All numbers of the section, for the JSON file."""
        tables = [table.raw() for table in self.tables]
        return {"title": self.title, "tables": tables, "checks": self.checks, "versions": self.versions}


SECTIONS: dict[str, Callable[[bool], Section]] = {}


def section(name: str) -> Callable[[Callable[[bool], Section]], Callable[[bool], Section]]:
    """Register a section under the name that `--only` takes."""

    def register(build: Callable[[bool], Section]) -> Callable[[bool], Section]:
        SECTIONS[name] = build
        return build

    return register


def verdict(what: str, value: float, bar: float, *, above: bool = False) -> str:
    """A sentence with the value, the bar, and whether it is met; `above`: the value should be at least the bar."""
    met = value >= bar if above else value <= bar
    return f"{what}: {value:.4g} (bar: at {'least' if above else 'most'} {bar:g}, {'met' if met else 'missed'})."


def interleave(candidates: Mapping[str, tuple[Run, float]], repetitions: int) -> dict[str, Timing]:
    """Time the candidates (run, number of items) in turn, A B C A B C ..., after one untimed run of each."""
    for run, _ in candidates.values():
        run()
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repetitions):
        for name, (run, items) in candidates.items():
            gc.collect()
            began = time.perf_counter()
            run()
            rates[name].append(items / (time.perf_counter() - began))
    return {name: Timing(tuple(each)) for name, each in rates.items()}


def number(value: float) -> str:
    """Three significant digits with a suffix: 1.23 M, 456 k, 78.9."""
    for size, suffix in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """A time with three significant digits: 1.23 s, 45.6 ms, 7.89 us."""
    for size, suffix in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {suffix}"
    return f"{value / 1e-6:.3g} us"
