"""A run's summary from its raw files: what was lost, and what was only removed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol.effects import Write
from twinsync.live.running import records
from twinsync.live.running.cell import SLOTS_FILE, Cell, write_cell
from twinsync.live.running.device import acknowledged_file
from twinsync.live.running.records import SlotRecord, Synchronisation
from twinsync.live.running.summary import summarise
from twinsync.live.store.opening import STORE_FILE
from twinsync.live.store.sqlite import SqliteStore

CELL = Cell("paper", (), 1, 0, 0, None, "random", "none", None, "process", Access(""), 2.5e9)


def test_what_retention_removed_is_not_lost(tmp_path: Path) -> None:
    (thing,) = CELL.things
    store = SqliteStore(tmp_path / STORE_FILE)
    for revision in range(5):
        store.commit([Write(thing, revision, revision - 1, revision, 0.0, b"{}")], 0.0)
        records.append(tmp_path / SLOTS_FILE, SlotRecord(revision, 1, None, {thing: Synchronisation("committed")}))
    store.prune(2)
    store.close()
    path = acknowledged_file(tmp_path, thing)
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps({"thing": thing, "revision": r, "slot": r}) + "\n" for r in range(5)))
    write_cell(tmp_path, CELL)
    pruned = summarise(tmp_path, msgspec.structs.replace(CELL, keep=2), 1.0)
    assert (pruned["lost"], pruned["commits"], pruned["missed"]) == (0, 5, 0)
    # Without retention three of them should be there.
    assert summarise(tmp_path, CELL, 1.0)["lost"] == 3
    path.write_text(json.dumps({"thing": thing, "revision": 9, "slot": 9}) + "\n")
    assert summarise(tmp_path, msgspec.structs.replace(CELL, keep=2), 1.0)["lost"] == 1
