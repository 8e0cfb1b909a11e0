"""An edge whose store does not answer: refused at first, tried again in the middle of a run."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import msgspec
import pytest

from twinsync.errors import InputError
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.effects import Decide, Write
from twinsync.live.running import cell as names
from twinsync.live.running import edge_start
from twinsync.live.running.cell import Cell, read_cell, write_cell
from twinsync.live.running.decisions import Decider
from twinsync.live.running.edge import EdgeProcess
from twinsync.live.running.edge_start import run_edge
from twinsync.live.running.process import PARENT
from twinsync.live.running.supervisor import prepared
from twinsync.live.store.memory import MemoryStore

AWAY = "postgresql://nobody@127.0.0.1:1/none"


def test_an_edge_that_starts_again_without_its_store_is_started_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
    with prepared(tmp_path, cell):
        write_cell(tmp_path, msgspec.structs.replace(read_cell(tmp_path), store=AWAY))
        with pytest.raises(InputError, match=AWAY):
            asyncio.run(run_edge(tmp_path))
        (tmp_path / names.EPOCH_FILE).write_text('{"epoch_s": 0.0, "present": []}')
        assert asyncio.run(run_edge(tmp_path)) == 1
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["process"] == "edge"
    assert line["text"].startswith(f"the store: {AWAY}: ")


def test_a_bus_that_cannot_open_is_bad_input_at_first_and_tried_again_later(tmp_path: Path) -> None:
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
    with prepared(tmp_path, cell), socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Access(f"tcp/127.0.0.1:{other.getsockname()[1]}")
        write_cell(tmp_path, msgspec.structs.replace(read_cell(tmp_path), access=taken))
        with pytest.raises(InputError):
            asyncio.run(run_edge(tmp_path))
        (tmp_path / names.EPOCH_FILE).write_text('{"epoch_s": 0.0, "present": []}')
        assert asyncio.run(run_edge(tmp_path)) == 1


def test_a_clock_that_was_set_back_opens_no_slot_twice(tmp_path: Path) -> None:
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
    (thing,) = cell.things
    store = MemoryStore()
    store.commit([Write(thing, 3, -1, 50, 0.0, b"{}")], 0.0)

    async def epoch_s(kept: float) -> tuple[float, float]:
        (tmp_path / names.EPOCH_FILE).write_text(json.dumps({"epoch_s": kept, "present": []}))
        decider = object.__new__(Decider)  # no slot opens
        process = EdgeProcess(tmp_path, cell, LocalBroker().connect(), store, decider, Clock(0.0, 1.2, 0.25))
        return await edge_start._epoch_s(tmp_path, process, 1.2), process.now()

    ahead = time.time() - 51 * 1.2
    assert asyncio.run(epoch_s(ahead))[0] == ahead  # slot 51 has just begun
    back, now = asyncio.run(epoch_s(ahead + 3600.0))  # the clock was an hour ahead when it was written
    assert Clock(back, 1.2, 0.25).slot_at(now) == 50
    assert json.loads((tmp_path / names.EPOCH_FILE).read_text())["epoch_s"] == back


def test_a_password_that_was_cut_short_is_made_anew_and_others_are_kept(tmp_path: Path) -> None:
    cell = Cell("paper", (), 2, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9, listen="h:1")
    names.write_secrets(tmp_path, cell)
    first, second = (names.secret_file(tmp_path, names.user_of(thing)) for thing in cell.things)
    kept = second.read_text()
    first.write_text("")
    names.write_secrets(tmp_path, cell)
    assert len(first.read_text()) == 32
    assert second.read_text() == kept
    assert f":{first.read_text()}\n" in (tmp_path / names.USERS_FILE).read_text()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_a_decision_whose_turn_comes_after_its_slot_is_not_made(tmp_path: Path) -> None:
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)

    async def story() -> None:
        decider = object.__new__(Decider)  # which can decide nothing
        process = EdgeProcess(tmp_path, cell, LocalBroker().connect(), MemoryStore(), decider, Clock(0.0, 1.2, 0.25))
        assert process._decide_in_time(decider, Decide(5, {})) is None

    asyncio.run(story())


def test_a_process_whose_parent_ended_before_it_began_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, "-1")  # is no process
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)

    async def story() -> int:
        decider = object.__new__(Decider)
        process = EdgeProcess(tmp_path, cell, LocalBroker().connect(), MemoryStore(), decider, Clock(0.0, 1.2, 0.25))
        return await asyncio.wait_for(process.ended, 10)

    assert asyncio.run(story()) == 0
