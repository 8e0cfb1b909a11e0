"""A cell of real processes amid faults: each ends with the right state, nothing acknowledged lost, and a clear line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.live.cells import COMMAND, edge_log, finish, pids, slots, start, until, wait_for_commits
from tests.live.certificates import make_certificates
from tests.live.postgres_server import PostgresServer

from twinsync.live.bus.zenoh import connect
from twinsync.live.protocol import messages as say
from twinsync.live.running.cell import CONTROL, FRAMES, read_cell

FIRST, SECOND = "twinsync:device-0", "twinsync:device-1"


def test_a_cell_on_postgres_and_tls_lives_through_faults(
    tmp_path: Path, camera: Path, postgres: str, server: PostgresServer
) -> None:
    data = tmp_path / "cell"
    more = ("--store", postgres, "--durability", "power", "--tls", str(make_certificates(tmp_path / "certificates")))
    cell = start(data, camera, "--headless", "--json", "-", *more)
    try:
        wait_for_commits(data, 2, FIRST)
        freeze_a_device(data)
        forge_messages(data)
        cut_the_database(data, server)
        change_the_allocator(data)
        take_an_identity(data)
    finally:
        cell.send_signal(signal.SIGTERM)
    assert json.loads(finish(cell))["lost"] == 0


def freeze_a_device(data: Path) -> None:
    """The others go on meanwhile, and so does it afterwards."""
    frozen = pids(data)["devices"][FIRST]
    os.kill(frozen, signal.SIGSTOP)
    try:
        wait_for_commits(data, 3, SECOND)
        assert slots(data)[-1]["devices"][FIRST]["outcome"] != "committed"
    finally:
        os.kill(frozen, signal.SIGCONT)
    wait_for_commits(data, 2, FIRST)
    assert pids(data)["devices"][FIRST] == frozen


def forge_messages(data: Path) -> None:
    """A device cannot speak for another one; what it says of itself and is no message is told in two lines at most."""
    bus = connect(read_cell(data).access_as(data, "device-1"))
    for topic in (CONTROL + FIRST, FRAMES + FIRST):
        bus.publish(topic, b"forged")
    bus.publish(CONTROL + FIRST, say.encode(say.Farewell(FIRST, 1)))
    for _ in range(1000):
        bus.publish(CONTROL + SECOND, b"malformed")
    until(lambda: any("a message was dropped" in text for text in edge_log(data)))
    bus.close()
    wait_for_commits(data, 1, FIRST)
    assert sum("a message was dropped" in text for text in edge_log(data)) == 1
    assert not any("are too few for a frame" in text or "left" in text for text in edge_log(data))


def cut_the_database(data: Path, server: PostgresServer) -> None:
    """Slots end without commits until it is there again."""
    server.stop()
    try:
        until(lambda: any("are not stored: postgresql://" in text for text in edge_log(data)))
    finally:
        server.start()
    wait_for_commits(data, 2)


def change_the_allocator(data: Path) -> None:
    """From a later slot on another one decides."""
    command = [*COMMAND, "live", "change", "--data", str(data), "--allocator", "random"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "random decides instead of equal-share\n"), done.stderr
    until(lambda: slots(data)[-1]["allocator"] == "random")


def take_an_identity(data: Path) -> None:
    """The device that came last has it; the earlier one ends, is told why, and is not started again."""
    before = pids(data)["devices"][FIRST]
    with (data / "logs" / "second.log").open("wb") as log:
        other = subprocess.Popen(
            [*COMMAND, "device", "run", "--data", str(data), "--thing", FIRST], stdout=log, stderr=log
        )
    try:
        until(lambda: any("refused: another device has taken this identity" in text for text in edge_log(data)))
        wait_for_commits(data, 2, FIRST)
        assert pids(data)["devices"].get(FIRST, before) == before
        assert sum("has taken this identity" in text for text in edge_log(data)) == 1
    finally:
        other.terminate()
        other.wait()
