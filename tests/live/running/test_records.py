"""A run's raw file: what is written is what is read, whatever a dying edge left."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Complaint

from twinsync.live.protocol.messages import Allocation
from twinsync.live.running import records
from twinsync.live.running.records import Parts, SlotRecord, Synchronisation

DONE = Synchronisation(
    "committed",
    Allocation(0.02, 1e9, 0.1, 1e9),
    predicted=Parts(0.3, 0.2, 0.1, 0.05),
    measured=Parts(0.3, 0.22, 0.1, 0.05),
    overhead_s=0.003,
)


def test_slots_come_back(tmp_path: Path) -> None:
    slots = [SlotRecord(number, 7, 0.002, {"a:1": DONE, "a:2": Synchronisation("no report")}) for number in range(3)]
    for record in slots:
        records.append(tmp_path / "slots.jsonl", record)
    assert list(records.read(tmp_path / "slots.jsonl")) == slots


def test_a_run_that_has_not_begun_has_no_slots(tmp_path: Path) -> None:
    assert list(records.read(tmp_path / "slots.jsonl")) == []


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "slots.jsonl"
    records.append(path, SlotRecord(0, 7, None, {"a:1": DONE}))
    whole = path.read_bytes()
    for cut in (1, 50, len(whole) - 2):  # the last ends in a brace, as a whole line does
        path.write_bytes(whole + whole[:cut])
        records.append(path, SlotRecord(2, 8, None, {"a:1": DONE}))
        assert [record.slot for record in records.read(path)] == [0, 2]
    # As earlier releases went on after half a line.
    path.write_bytes(whole + whole[:50] + whole + whole.replace(b'"slot":0', b'"slot":3'))
    assert [record.slot for record in records.read(path)] == [0, 3]


def test_another_program_s_line_is_named(tmp_path: Path, complains: Complaint) -> None:
    path = tmp_path / "slots.jsonl"
    path.write_text('{"slot": "many"}\n')
    with complains(str(path), "line 1", "slot"):
        list(records.read(path))


def test_parts_add_up() -> None:
    assert Parts(0.3, 0.2, 0.1, 0.05).total_s == 0.3 + 0.2 + 0.1 + 0.05
