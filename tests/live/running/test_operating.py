"""Another allocator while the edge runs: tried first, refused with the reason, one line in the log."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from tests.conftest import Complaint

from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.radio.rates import Draws
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, read_cell, write_cell, write_secrets
from twinsync.live.running.decisions import Decider
from twinsync.live.running.edge import PRUNE_SLOTS, EdgeProcess
from twinsync.live.running.operating import ask_change, change_allocator
from twinsync.live.store.memory import MemoryStore


def test_another_allocator_decides_once_it_has_shown_that_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mine.py"
    own.write_text("def broken(scenario, sight, key):\n    return None\n")

    async def story() -> list[say.Changed]:
        cell = Cell("paper", (), 2, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
        scenario = cell.load_scenario()
        write_cell(tmp_path, cell)
        decider = Decider("equal-share", scenario, cell.things, Draws(scenario, 0, 2), 0)
        broker = LocalBroker()
        clock = Clock(time.time() + 1e6, float(scenario.slot_s), float(scenario.sensing_share))
        edge = EdgeProcess(tmp_path, cell, broker.connect(), MemoryStore(), decider, clock)
        edge.join()
        bus = broker.connect()
        bus.publish(names.ASK, b"{}")
        answers = [await ask_change(bus, name, 60.0) for name in ("nobody", f"{own}:broken", "random")]
        assert edge.decider.name == "random"
        edge.stop()
        await edge.ended
        return answers

    unknown, broken, done = asyncio.run(story())
    assert not unknown.done
    assert unknown.text.startswith("unknown allocator 'nobody'")
    assert not broken.done
    assert "NoneType" in broken.text
    assert done.done
    assert done.text == "random decides instead of equal-share"
    assert read_cell(tmp_path).allocator == "random"
    texts = [json.loads(line)["text"] for line in capsys.readouterr().err.splitlines()]
    assert [text.partition(":")[0] for text in texts] == [
        *("a message was dropped", "equal-share goes on", "equal-share goes on"),
        "random decides instead of equal-share",
    ]


def test_older_revisions_are_removed_where_that_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryStore()
    for revision in range(4):
        store.commit([do.Write("twinsync:device-0", revision, revision - 1, revision, 0.0, b"{}")], 0.0)

    async def story() -> None:
        cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9, keep=3)
        scenario = cell.load_scenario()
        decider = Decider("equal-share", scenario, cell.things, Draws(scenario, 0, 2), 0)
        clock = Clock(time.time() + 1e6, float(scenario.slot_s), float(scenario.sensing_share))
        edge = EdgeProcess(tmp_path, cell, LocalBroker().connect(), store, decider, clock)
        await edge._end_slot(do.SlotEnded(PRUNE_SLOTS, {}))
        while len(list(store.history())) > 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        edge.stop()
        await edge.ended

    asyncio.run(asyncio.wait_for(story(), 60))
    assert [kept.revision for kept in store.history()] == [1, 2, 3]
    assert "1 older revisions were removed" in capsys.readouterr().err


def test_without_an_edge_that_answers_it_is_said(tmp_path: Path, complains: Complaint) -> None:
    async def story() -> None:
        await ask_change(LocalBroker().connect(), "random", 0.1)

    with complains("no answer from the edge", "the allocator is as it was"):
        asyncio.run(story())
    cell = Cell("paper", (), 2, 0, 0, None, "equal-share", "none", None, "process", Access("tcp/127.0.0.1:1"), 2.5e9)
    write_cell(tmp_path, cell)
    write_secrets(tmp_path, cell)
    with complains(str(tmp_path), "no cell runs there"):
        asyncio.run(change_allocator(tmp_path, "random"))
