"""Summary of a run from its raw files alone: slots, store, the devices' records of acknowledgements."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.codec.ends import KINDS, Kind
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell
from twinsync.live.running.device import acknowledged_file
from twinsync.live.running.records import Synchronisation

PARTS = ("sensing_s", "extraction_s", "uplink_s", "recovery_s")


def acknowledged(folder: Path, cell: Cell) -> list[tuple[str, int, int]]:
    """Thing, revision and slot of every acknowledgement that a device recorded."""
    found = []
    for thing in cell.things:
        path = acknowledged_file(folder, thing)
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # a device that was killed while it wrote: it has not used this one
            found.append((entry["thing"], entry["revision"], entry["slot"]))
    return found


def summarise(folder: Path, cell: Cell, deadline_s: float) -> dict[str, Any]:
    """The summary of the slots of this start, and of what the folder holds: JSON values."""
    slots = [record for record in records.read(folder / names.SLOTS_FILE) if record.slot >= cell.first_slot]
    numbers = {record.slot for record in slots}
    last = max(numbers, default=cell.first_slot - 1)
    count = last - cell.first_slot + 1
    store = names.open_twins(folder)
    try:
        stored = [(kept.thing, kept.revision, kept.slot) for kept in store.history()]
    finally:
        store.close()
    taken = acknowledged(folder, cell)
    kept = {(thing, revision) for thing, revision, _ in stored}
    # Where the store keeps the newest revisions alone, the slots' own records say what it had.
    told = {(thing, slot.slot) for slot in slots for thing, each in slot.devices.items() if each.outcome == "committed"}
    commits = len(told | {(thing, slot) for thing, _, slot in stored if cell.first_slot <= slot <= last})
    done = [each for record in slots for each in record.devices.values() if each.measured is not None]
    return {
        "devices": cell.devices,
        "slots": count,
        "first_slot": cell.first_slot,
        "allocator": cell.allocator,
        "scenario": cell.scenario,
        "seed": cell.seed,
        "commits": commits,
        "acknowledged": sum(cell.first_slot <= slot <= last for _, _, slot in taken),
        "missed": count * cell.devices - commits,
        "lost": _lost(taken, kept, pruned=cell.keep is not None),
        "slots_without_edge": count - len(numbers),
        "outcomes": _outcomes(slots),
        **{f"{part[:-2]}_measured_over_predicted": _ratio(done, part) for part in PARTS},
        "sync_latency_s": _points([_sync(each) for each in done], 50, 95, 99),
        "late": sum(_sync(each) > deadline_s for each in done),
        "overhead_s": _points([each.overhead_s for each in done if each.overhead_s is not None], 50, 99),
        "commit_s": _points([each.commit_s for each in done if each.commit_s is not None], 50, 99),
        "decision_s": _points([record.decision_s for record in slots if record.decision_s is not None], 50, 99),
        "energy_j_modelled": _points([each.energy_j for each in done if each.energy_j is not None], 50, 95),
        "fidelity_db": {kind.name: _fidelity(done, kind, "fidelity_db") for kind in KINDS.values()},
        "stale_db": {kind.name: _fidelity(done, kind, "stale_db") for kind in KINDS.values()},
    }


def _fidelity(done: Sequence[Synchronisation], kind: Kind, key: str) -> dict[str, Any]:
    """How close what was recovered, or the state before it, is to what a kind of sensor gave, and how many say so."""
    values = [value for each in done if each.kind == kind.name and (value := getattr(each, key)) is not None]
    return {"measure": kind.measure, "samples": len(values), **_points(values, 50, 5)}


def _lost(taken: Sequence[tuple[str, int, int]], kept: Set[tuple[str, int]], pruned: bool) -> int:
    """Acknowledged revisions that the store should have and has not."""
    oldest: dict[str, int] = {}
    for thing, revision in kept:
        oldest[thing] = min(revision, oldest.get(thing, revision))
    return sum(
        (thing, revision) not in kept and not (pruned and revision < oldest.get(thing, 0))
        for thing, revision, _ in taken
    )


def _sync(each: Synchronisation) -> float:
    """t_dt of eq. (15) as measured [s]."""
    assert each.measured is not None
    return each.measured.t_dt_s


def _outcomes(slots: Sequence[records.SlotRecord]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in slots:
        for each in record.devices.values():
            counts[each.outcome] = counts.get(each.outcome, 0) + 1
    return counts


def _ratio(done: Sequence[Synchronisation], part: str) -> dict[str, float | None]:
    pairs = [(getattr(each.measured, part), getattr(each.predicted, part)) for each in done]
    values = [measured / predicted for measured, predicted in pairs if predicted > 0]
    if not values:
        return {"median": None, "p95": None}
    return {"median": float(np.median(values)), "p95": float(np.percentile(values, 95))}


def _points(values: Sequence[float], *percentiles: int) -> dict[str, float | None]:
    return {f"p{each}": float(np.percentile(values, each)) if values else None for each in percentiles}
