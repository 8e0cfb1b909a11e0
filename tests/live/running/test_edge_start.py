"""An edge whose store does not answer: refused at first, tried again in the middle of a run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from twinsync.live.bus.zenoh import Access
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, read_cell, write_cell
from twinsync.live.running.edge_start import run_edge
from twinsync.live.running.supervisor import prepared
from twinsync.live.store.interface import StoreError

AWAY = "postgresql://nobody@127.0.0.1:1/none"


def test_an_edge_that_starts_again_without_its_store_is_started_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
    with prepared(tmp_path, cell):
        write_cell(tmp_path, msgspec.structs.replace(read_cell(tmp_path), store=AWAY))
        with pytest.raises(StoreError, match=AWAY):
            asyncio.run(run_edge(tmp_path))
        (tmp_path / names.EPOCH_FILE).write_text('{"epoch_s": 0.0, "present": []}')
        assert asyncio.run(run_edge(tmp_path)) == 1
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["process"] == "edge"
    assert line["text"].startswith(f"the store is needed to go on: {AWAY}: ")
