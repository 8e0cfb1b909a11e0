"""A device's process where its disk is full."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.device import Coded
from twinsync.live.protocol.frame import ALONE
from twinsync.live.running.cell import Cell
from twinsync.live.running.device import DeviceProcess, acknowledged_file
from twinsync.live.running.sources import OwnSource


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_acknowledgement_that_cannot_be_recorded_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = acknowledged_file(tmp_path, "twinsync:device-0")
    path.parent.mkdir(parents=True)
    path.write_text('{"thing": "twin')  # all that a former life wrote of a line

    async def story() -> None:
        cell = Cell("paper", (), 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
        (thing,) = cell.things
        camera = OwnSource("camera", lambda slot: np.zeros((64, 64), np.uint8))
        process = DeviceProcess(tmp_path, cell, thing, LocalBroker().connect(), camera)
        process.core._sent[3] = Coded(5, 40.0)
        record, process._record = process._record, open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115
        process.tell(say.Acknowledged(thing, process.core.session, 5, 3))
        assert process.core.acknowledged == ALONE
        with contextlib.suppress(OSError):
            process._record.close()
        process._record = record
        process.tell(say.Acknowledged(thing, process.core.session, 5, 3))
        assert process.core.acknowledged == 3
        record.close()

    asyncio.run(story())
    _, line = path.read_text().splitlines()
    assert json.loads(line)["revision"] == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["text"] == "an acknowledgement is not recorded, nor used: No space left on device"
