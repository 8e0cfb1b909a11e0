"""What all benchmarks share: interleaved timing, tables, the page, the registry.

A section is a function `(quick: bool) -> Section` under `@section("name")` in a module of `benchmarks/sections`; the
page shows sections in the order of `MODULES` in `__main__`. It states what is compared, times the candidates with
`interleave` (so that a slow minute of the machine hits all of them), and says in `checks` what it verified before
timing anything.
"""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Run = Callable[[], Any]  # does the work and waits until it is done


@dataclasses.dataclass(frozen=True)
class Timing:
    """Work done per second in each repetition of one candidate."""

    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median rate."""
        return statistics.median(self.rates)

    def cells(self, per_item: bool) -> list[str]:
        """Slowest, median and fastest repetition, as items a second or as time an item."""
        ordered = (min(self.rates), self.median, max(self.rates))
        return [seconds(1.0 / rate) if per_item else number(rate) for rate in ordered]


@dataclasses.dataclass(frozen=True)
class Table:
    """Candidates side by side; the first is ours, ratios are ours over theirs."""

    title: str
    unit: str  # of a rate, for example "slots/s"; of a time where `per_item`
    timings: Mapping[str, Timing]
    per_item: bool = False
    bars: Mapping[str, float] = dataclasses.field(default_factory=dict)  # least ratio asked for, by candidate
    ratio: str = "ours over it"

    @property
    def ratios(self) -> dict[str, float]:
        """How many times faster ours is, medians."""
        ours, *others = self.timings
        return {name: self.timings[ours].median / self.timings[name].median for name in others}

    def markdown(self) -> list[str]:
        """The table as lines of Markdown."""
        lines = [f"### {self.title}", "", f"| | slowest [{self.unit}] | median | fastest | {self.ratio} | bar |"]
        lines.append("|---|---|---|---|---|---|")
        for name, timing in self.timings.items():
            ratio = self.ratios.get(name)
            bar = self.bars.get(name)
            told = "" if bar is None else f"{bar:g}x: {'met' if ratio and ratio >= bar else 'missed'}"
            cells = [name, *timing.cells(self.per_item), "" if ratio is None else f"{ratio:.3g}x", told]
            lines.append(f"| {' | '.join(cells)} |")
        return [*lines, ""]

    def raw(self) -> dict[str, Any]:
        """Every repetition's rate."""
        return {
            "title": self.title,
            "rates_per_s": {name: timing.rates for name, timing in self.timings.items()},
            "ratios": self.ratios,
            "bars": dict(self.bars),
        }


@dataclasses.dataclass(frozen=True)
class Listing:
    """Numbers that are no race: a row of cells for each thing measured."""

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
        """All digits."""
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
        """All numbers."""
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
    """One sentence: the value, the bar, and whether it was met."""
    met = value >= bar if above else value <= bar
    return f"{what}: {value:.4g} (bar: at {'least' if above else 'most'} {bar:g}, {'met' if met else 'missed'})."


def interleave(candidates: Mapping[str, tuple[Run, float]], repetitions: int) -> dict[str, Timing]:
    """Time each candidate (run, items it does) in turn, A B C A B C ..., after one untimed run of each."""
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
    """Three significant digits of a time: 1.23 s, 45.6 ms, 7.89 us."""
    for size, suffix in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {suffix}"
    return f"{value / 1e-6:.3g} us"
