"""The processes of a cell, played by short commands: which are started again, and what is said of the others."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conftest import Complaint

from twinsync.live.bus.zenoh import Access
from twinsync.live.running import supervisor
from twinsync.live.running.cell import Cell
from twinsync.live.running.supervisor import EDGE, Supervisor, check_free, prepared

CELL = Cell("paper", (), 2, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
DEVICE, OTHER = CELL.things
REFUSED = """print('{"time": 1, "text": "stops: another device has taken this identity"}'); raise SystemExit(3)"""


class Played(Supervisor):
    """Each process is a line of Python."""

    def __init__(self, folder: Path, **lines: str) -> None:
        self.said: list[str] = []
        super().__init__(folder, CELL, lambda record: None, self.said.append)
        self.lines = {EDGE: lines["edge"], DEVICE: lines["device"], OTHER: lines["other"]}
        (folder / "logs").mkdir()

    def _command(self, name: str) -> Sequence[str]:
        return [sys.executable, "-c", self.lines[name]]


def test_a_device_that_ends_for_good_is_told_and_one_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LATER_S", 0.0)
    lives = tmp_path / "lives"
    lives.touch()
    once_more = f"""
import os
with open({str(lives)!r}, "r+") as file:
    before = file.read()
    file.write("x")
if not before:
    os.abort()
"""
    ends = f"""
import os, time
for _ in range(600):
    if os.path.getsize({str(lives)!r}) == 2:
        break
    time.sleep(0.1)
"""
    played = Played(tmp_path, edge=ends, device=REFUSED, other=once_more)
    played.run()
    assert lives.read_text() == "xx"
    assert played.said == [f"{DEVICE} ended and is not started again: stops: another device has taken this identity"]


def test_bad_input_of_the_edge_ends_the_cell_with_its_line(tmp_path: Path, complains: Complaint) -> None:
    refuses = "print('twinsync: error: --http 80: taken'); raise SystemExit(2)"
    played = Played(tmp_path, edge=refuses, device="import time; time.sleep(60)", other="import time; time.sleep(60)")
    with complains("--http 80: taken"):
        played.run()
    assert played.said == []
    assert not played.processes


def test_none_is_started_again_while_another_thread_stops_them(tmp_path: Path) -> None:
    played = Played(tmp_path, edge="", device="", other="")

    class Dying:
        """Killed by the thread that Ctrl-C wakes, between two steps of the main thread."""

        def poll(self) -> int:
            played.stop()
            return -15

        def terminate(self) -> None:
            """It is gone."""

        def wait(self, timeout: float | None = None) -> int:
            return -15

    played.processes[DEVICE] = Dying()  # type: ignore[assignment]
    played._check()
    assert not played.processes
    assert not played._again


def test_a_folder_has_one_cell_at_a_time(tmp_path: Path, complains: Complaint) -> None:
    with prepared(tmp_path, CELL):
        kept = (tmp_path / "cell.json").read_bytes()
        with complains(f"--data {tmp_path}: a cell runs there already"), prepared(tmp_path, CELL):
            pass
        assert (tmp_path / "cell.json").read_bytes() == kept
    holds = f"import fcntl; fcntl.flock(open({str(tmp_path / supervisor.LOCK_FILE)!r}, 'a'), fcntl.LOCK_EX); 1 / 0"
    assert subprocess.run([sys.executable, "-c", holds], stderr=subprocess.DEVNULL).returncode == 1
    with prepared(tmp_path, CELL):  # whoever held it has died
        pass


def test_an_address_that_is_taken_is_refused(complains: Complaint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with complains(f"--listen {address}", "in use"):
            check_free(address)
    check_free(address)
