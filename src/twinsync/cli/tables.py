"""Tables for people: a scenario's constants, solved slots, an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from twinsync.cli.fitting import FittedTable
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS
from twinsync.experiments.records import ConstantEntry

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
    legend = Text("stated: printed in the paper   derived: follows from it   assumed: ours   user: yours")
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
    ranked = sorted(summary["allocators"].items(), key=lambda item: item[1]["cost"]["mean"])
    parts: list[RenderableType] = [_headline(summary, ranked), Text(), _constraints(ranked), Text(), _parts(ranked)]
    first = next(iter(summary["allocators"]))
    if len(ranked) > 1:
        parts += [Text(), _paired(first, summary["paired"][first])]
    parts += [Text(), Text("\n".join(f"* {note}" for note in summary["notes"]), style="dim")]
    return Group(*parts)


def _headline(summary: Mapping[str, Any], ranked: Sequence[tuple[str, Mapping[str, Any]]]) -> FittedTable:
    title = f"Latency and cost per slot, {summary['seeds']} sets of {summary['slots']} slots, the same for all"
    table = FittedTable(title, leave=("over expected", "p95", "median", "latency T [s], 95 %"))
    _columns(
        table,
        "latency T [s], 95 %",
        "median",
        "p95",
        "cost T + P, 95 %",
        "over optimum",
        "over expected",
        first="allocator",
    )
    for name, entry in ranked:
        latency, gaps = entry["latency_s"], (entry["gap_to_optimum"], entry["gap_to_expected"])
        table.add_row(
            Text(name),
            _estimate(latency),
            _short(latency["median"]),
            _short(latency["p95"]),
            _estimate(entry["cost"]),
            *("-" if gap is None else f"{100 * gap['mean']:.2f} %" for gap in gaps),
        )
    return table


def _constraints(ranked: Sequence[tuple[str, Mapping[str, Any]]]) -> FittedTable:
    table = FittedTable("Limits, energy and freshness (rates: share of device-slots)")
    columns = (
        "deadline missed",
        "over energy",
        "outage",
        "energy [J]",
        "phi",
        "on air [Mbit]",
        "age [s]",
        "late counts",
        "Jain",
    )
    _columns(table, *columns, first="allocator")
    for name, entry in ranked:
        rates = (entry[key] for key in ("deadline_miss_rate", "energy_violation_rate", "outage_rate"))
        table.add_row(
            Text(name),
            *(f"{100 * rate:.1f} %" for rate in rates),
            _short(entry["energy_j"]),
            f"{entry['extraction_factor']:.3f}",
            f"{entry['sent_bits'] / 1e6:.3f}",
            _short(entry["age_of_information_s"]),
            _short(entry["age_with_late_updates_s"]),
            f"{entry['jain_index']:.3f}",
        )
    return table


def _parts(ranked: Sequence[tuple[str, Mapping[str, Any]]]) -> FittedTable:
    table = FittedTable("Where latency [s] and energy [J] of a slot go, sums over the devices")
    columns = (*(f"{part} [s]" for part in LATENCY_PARTS), *(f"{part} [J]" for part in ENERGY_PARTS))
    _columns(table, *columns, first="allocator")
    for name, entry in ranked:
        values = [*entry["latency_parts_s"].values(), *entry["energy_parts_j"].values()]
        table.add_row(Text(name), *(_short(value) for value in values))
    return table


def _paired(first: str, against: Mapping[str, Any]) -> FittedTable:
    title = f"{first} against each other allocator, paired on the same slots"
    table = FittedTable(title, leave=("latency difference [s], 95 %",))
    columns = ("latency lower by [%], 95 %", "latency difference [s], 95 %", "cost difference, 95 %")
    _columns(table, *columns, first="against")
    for name, entry in against.items():
        cells = (entry[key] for key in ("latency_reduction_percent", "latency_s", "cost"))
        table.add_row(Text(name), *(_estimate(cell) for cell in cells))
    return table


def _columns(table: FittedTable, *headers: str, first: str) -> None:
    """A column of names, then columns of numbers."""
    table.add_column(first, style="bold")
    for header in headers:
        table.add_column(header, right=True)


def _estimate(entry: Mapping[str, float | None]) -> str:
    mean, low, high = (entry[key] for key in ("mean", "ci_low", "ci_high"))
    interval = "" if low is None or high is None else f" [{_short(low)}, {_short(high)}]"
    return f"{_short(mean)}{interval}"


def _short(value: float | None) -> str:
    """Four significant digits, two decimals at most beyond ten."""
    if value is None:
        return "-"
    if value == 0 or not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    return f"{value:.{max(0, 3 - max(0, math.floor(math.log10(abs(value)))))}f}"
