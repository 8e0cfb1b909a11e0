"""Tables for people: a scenario's constants, solved slots, an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from twinsync.cli.fitting import FittedTable
from twinsync.experiments.columns import COLUMNS, Column
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS
from twinsync.experiments.records import NOTHING, ConstantEntry, Estimate, Evaluation, Measured, Pair
from twinsync.storage import convert

TAG_STYLES = {"stated": "green", "derived": "cyan", "assumed": "yellow", "user": "magenta"}

# Title of a section and its first key.
SECTIONS = (
    ("Size and time (Section III)", "device_count"),
    ("Placement and mobility (III-A)", "start_x_m"),
    ("Sensing (III-B)", "data_min_bits"),
    ("Semantic extraction and recovery (III-C, III-D)", "extraction_factor_min"),
    ("Radio (III-D)", "bandwidth_hz"),
    ("Budgets and penalties (III-E, IV-A)", "energy_budget_j"),
)

SLOTS_SHOWN = 20

_LEAST = {"bounds": 12, "where from": 30}  # widths at which these may be folded


def constants_tables(name: str, description: str, entries: Sequence[ConstantEntry]) -> RenderableType:
    """A scenario's constants (from `describe_constants`) by section."""
    starts = {key: title for title, key in SECTIONS}
    tables: list[RenderableType] = [Text(f"{name}: {description}" if description else name, style="bold"), Text()]
    table = FittedTable("")
    for entry in entries:
        if entry.key in starts:
            table = FittedTable(starts[entry.key], leave=("where from", "bounds", "symbol"))
            for column in ("key", "symbol", "value", "tag", "bounds", "where from"):
                table.add_column(column, least=_LEAST.get(column))
            tables += [table, Text()]
        table.add_row(
            Text(entry.key, style="bold"),
            Text(entry.symbol),
            Text(entry.text),
            Text(entry.tag, style=TAG_STYLES[entry.tag]),
            Text(_bound(entry)),
            Text(entry.source, style="dim"),
        )
    legend = Text("stated: printed in the paper   derived: follows from it, or measured   assumed: ours   user: yours")
    return Group(*tables, legend)


def _bound(entry: ConstantEntry) -> str:
    return f"{entry.bound} {entry.unit}".strip() if entry.bound else ""


def solution_table(slots: Sequence[Mapping[str, Any]], device_count: int) -> RenderableType:
    """Solved slots as `solve --json` writes them: one row a slot, or one row a device where there is a single slot."""
    table = _device_table(slots[0]) if len(slots) == 1 else _slots_table(slots)
    cost = np.array([slot["cost"] for slot in slots])
    bound = np.array([slot["lower_bound"] for slot in slots])
    latency = np.mean([slot["latency_s"] for slot in slots])
    gap = np.max((cost - bound) / np.abs(cost))
    lines = [
        f"{len(slots)} slots of {device_count} devices: mean latency T {latency:.4g} s, cost T + P {cost.mean():.4g}",
        f"certified: no allocation costs less than the lower bounds; the largest gap to them is {gap:.1e} of the cost",
    ]
    return Group(table, Text("\n".join(lines)))


def _slots_table(slots: Sequence[Mapping[str, Any]]) -> FittedTable:
    table = FittedTable("Exact optimum per slot (allocations: mean over the devices)")
    _columns(table, "latency T [s]", "cost T + P", "lower bound", "phi", "f [GHz]", "p [W]", "f_e [GHz]", first="slot")
    for index, slot in enumerate(slots[:SLOTS_SHOWN]):
        means = [f"{np.mean(values):.3g}" for values in _decisions(slot)]
        numbers = (f"{slot[key]:.6g}" for key in ("latency_s", "cost", "lower_bound"))
        table.add_row(str(index), *numbers, *means)
    if len(slots) > SLOTS_SHOWN:
        table.add_row("...", "--json has", f"{len(slots) - SLOTS_SHOWN} more")
    return table


def _device_table(slot: Mapping[str, Any]) -> FittedTable:
    table = FittedTable("Exact optimum of the slot, device by device")
    columns = ("data [Mbit]", "distance [m]", "gain", "phi", "f [GHz]", "p [W]", "f_e [GHz]")
    _columns(table, *columns, first="device")
    rows = zip(slot["data_bits"], slot["distance_m"], slot["channel_gain"], *_decisions(slot), strict=True)
    for device, (data, distance, gain, *decisions) in enumerate(rows):
        shown = "-" if distance is None else f"{distance:.4g}"
        table.add_row(str(device), f"{data / 1e6:.4g}", shown, f"{gain:.3g}", *(f"{value:.3g}" for value in decisions))
    return table


def _decisions(slot: Mapping[str, Any]) -> list[np.ndarray]:
    allocation = slot["allocation"]
    scales = {"extraction_factor": 1.0, "device_cpu_hz": 1e9, "transmit_power_w": 1.0, "edge_cpu_hz": 1e9}
    return [np.asarray(allocation[key]) / scale for key, scale in scales.items()]


def evaluation_tables(summary: Mapping[str, Any]) -> RenderableType:
    """An evaluation (from `summarise`) as tables, cheapest scheme first, and its notes."""
    evaluation: Evaluation = convert(summary, Evaluation)
    ranked = sorted(evaluation.allocators.items(), key=lambda item: item[1].cost.mean)
    sets = f"{evaluation.seeds} sets of {evaluation.slots} slots, the same for all; in brackets 95 % intervals"
    known = [column for column in COLUMNS if _known(column, ranked)]
    estimates = [column for column in known if column.full or column.middle]
    numbers = [column for column in known if column not in estimates]
    first = next(iter(evaluation.allocators))
    tables = [
        _measures(f"Latency and cost per slot, {sets}", estimates, ranked),
        _measures("Limits, energy and freshness (rates: share of device-slots)", numbers, ranked),
        _stages(ranked),
        *([_paired(first, evaluation.paired[first])] if len(ranked) > 1 else []),
    ]
    notes = Text("\n".join(f"* {note}" for note in evaluation.notes), style="dim")
    return Group(*(part for table in tables for part in (table, Text())), notes)


# Keys of the columns that go first where there is no room.
_LEAVE = ("gap_to_expected", "median", "latency_s", "jain_index", "extraction_factor")

Ranked = Sequence[tuple[str, Measured]]


def _known(column: Column, ranked: Ranked) -> bool:
    """Whether any scheme has the quantity: training is not known here, nor a gap to what was not evaluated."""
    return any(not math.isnan((column.of(measured) or NOTHING).mean) for _, measured in ranked)


def _measures(title: str, columns: Sequence[Column], ranked: Ranked) -> FittedTable:
    table = FittedTable(title, leave=[column.heading for key in _LEAVE for column in columns if column.key == key])
    _columns(table, *(column.heading for column in columns), first="allocator")
    for name, measured in ranked:
        table.add_row(Text(name), *(_cell(column, measured) for column in columns))
    return table


def _cell(column: Column, measured: Measured) -> str:
    estimate = column.of(measured) or NOTHING
    if column.middle:
        return f"{_short(estimate.median, column.factor)} ({_short(estimate.p95, column.factor)})"
    return _estimate(estimate, column.factor)


def _stages(ranked: Ranked) -> FittedTable:
    table = FittedTable("Where latency [s] and energy [J] of a slot go, sums over the devices")
    columns = (*(f"{part} [s]" for part in LATENCY_PARTS), *(f"{part} [J]" for part in ENERGY_PARTS))
    _columns(table, *columns, first="allocator")
    for name, measured in ranked:
        values = [*measured.latency_parts_s.values(), *measured.energy_parts_j.values()]
        table.add_row(Text(name), *(_short(value) for value in values))
    return table


def _paired(first: str, against: Mapping[str, Pair]) -> FittedTable:
    table = FittedTable(f"{first} against each other allocator, paired on the same slots")
    columns = ("latency lower by [%], 95 %", "latency difference [s], 95 %", "cost difference, 95 %")
    _columns(table, *columns, first="against")
    for name, pair in against.items():
        cells = (pair.latency_reduction_percent, pair.latency_s, pair.cost)
        table.add_row(Text(name), *(_estimate(cell) for cell in cells))
    return table


def _columns(table: FittedTable, *headers: str, first: str) -> None:
    """A column of names, then columns of numbers."""
    table.add_column(first, style="bold")
    for header in headers:
        table.add_column(header, right=True)


def _estimate(estimate: Estimate, factor: float = 1.0) -> str:
    ends = f" [{_short(estimate.low, factor)}, {_short(estimate.high, factor)}]" if estimate.has_interval else ""
    return f"{_short(estimate.mean, factor)}{ends}"


def _short(value: float, factor: float = 1.0) -> str:
    """Four significant digits, two decimals at most beyond ten; a dash for NaN."""
    shown = factor * value
    if math.isnan(shown):
        return "-"
    if shown == 0 or not 1e-3 <= abs(shown) < 1e5:
        return f"{shown:.3g}"
    return f"{shown:.{max(0, 3 - max(0, math.floor(math.log10(abs(shown)))))}f}"
