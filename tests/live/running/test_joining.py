"""Devices that join from elsewhere with their password and the edge's address alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Complaint
from tests.live.cells import COMMAND, committed, finish, slots, until
from tests.live.certificates import make_certificates

from twinsync.cli.app import run
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, read_cell, write_cell, write_secrets
from twinsync.live.running.joining import answer_joins, ask_settings, joined

FIRST, SECOND = "twinsync:device-0", "twinsync:device-1"


def settings(scenario: str) -> Cell:
    common = (scenario, ("cycle_s=20 s",), 2, 7, 3, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
    return Cell(*common, listen="127.0.0.1:7447")


def test_the_edge_tells_a_device_what_it_has_to_know(tmp_path: Path, complains: Complaint) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('base = "paper"\ncycle_s = "20 s"\n')
    cell = settings(str(own))

    async def story() -> Cell:
        broker = LocalBroker({"": "", "device-0": "a", "device-1": "b"}, cell.permits())
        answer_joins(broker.connect(), cell)
        device = broker.connect("device-0", "a")
        device.publish(names.JOIN + FIRST, b"no message")
        told = await ask_settings(device, FIRST, 5.0)
        with complains(f"the edge does not answer {SECOND} within 0.6 s"):
            await ask_settings(device, SECOND, 0.6)  # another one's settings: not permitted
        return joined(told, tmp_path, Cell("", (), 1, 0, 0, None, "", "", "walk.csv", "process", Access(""), 1e9))

    mine = asyncio.run(story())
    assert (mine.devices, mine.seed, mine.first_slot, mine.radio, mine.source) == (2, 7, 3, "none", "walk.csv")
    assert mine.clock_hz == 1e9
    assert Path(mine.scenario).read_text() == own.read_text()
    assert Path(mine.scenario) != own


def test_devices_of_other_machines_keep_their_passwords(tmp_path: Path) -> None:
    cell = settings("paper")
    write_secrets(tmp_path, cell)
    first = (tmp_path / "users").read_text()
    write_secrets(tmp_path, cell)
    assert (tmp_path / "users").read_text() == first


def test_settings_are_nobody_else_s_to_read_from_the_first_byte_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, modes = Path.write_text, []

    def watched(path: Path, *arguments: str) -> int:
        modes.append(path.stat().st_mode & 0o777)
        return written(path, *arguments)

    monkeypatch.setattr(Path, "write_text", watched)
    write_cell(tmp_path, settings("paper"))
    assert modes == [0o600]
    assert (tmp_path / names.CELL_FILE).stat().st_mode & 0o777 == 0o600
    assert read_cell(tmp_path) == settings("paper")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_cell_of_three_folders_by_tls(tmp_path: Path, camera: Path) -> None:
    """The edge in one folder; a camera and an inertial sensor in others, which have nothing of it but a password."""
    address, certificates = f"localhost:{free_port()}", make_certificates(tmp_path / "certificates")
    (tmp_path / "mine.toml").write_text('base = "paper"\ncycle_s = "20 s"\nextraction_factor_min = 0.01\n')
    walk = np.cumsum(np.random.default_rng(3).normal(0, 150, (640, 3)), axis=0)
    (tmp_path / "walk.csv").write_text("".join(",".join(f"{value:.1f}" for value in row) + "\n" for row in walk))
    data = tmp_path / "edge"
    common = ("--clock-ghz", "2.5", "--data")
    command = [*COMMAND, "live", "--listen", address, "--tls", str(certificates), "--devices", "2", "--headless"]
    command += ["--scenario", "mine.toml", "--json", "-", *common, str(data)]
    edge = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until((data / "users").exists)
    devices = []
    for thing, source, by in ((FIRST, camera, "environment"), (SECOND, tmp_path / "walk.csv", "file")):
        folder = tmp_path / thing.rpartition(":")[2]
        folder.mkdir()
        password, environment = (data / "secrets" / folder.name).read_text(), dict(os.environ)
        command = [*COMMAND, "device", "run", "--thing", thing, "--connect", address, "--source", str(source)]
        command += ["--ca", str(certificates / "ca.pem"), *common, str(folder)]
        if by == "file":
            (folder / "password").write_text(password + "\n")
            command += ["--password-file", str(folder / "password")]
        else:
            environment["TWINSYNC_PASSWORD"] = password
        with (folder / "log").open("w") as log:
            devices.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))
    try:
        until(lambda: min(committed(data, thing) for thing in (FIRST, SECOND)) >= 2)
    finally:
        for device in devices:
            device.send_signal(signal.SIGTERM)
        codes = [device.wait(60) for device in devices]
        edge.send_signal(signal.SIGTERM)
    summary = json.loads(finish(edge))
    assert codes == [0, 0]
    assert summary["commits"] >= 4
    assert min(each["samples"] for each in summary["fidelity_db"].values()) >= 2
    assert {each["kind"] for slot in slots(data) for each in slot["devices"].values()} == {"camera", "series"}
    assert (tmp_path / "device-1" / "devices" / "twinsync_device-1" / "acknowledged.jsonl").stat().st_size
    assert run(["live", "--replay", str(data)]) == 2  # what they sensed is not there


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--connect", "nowhere"], "--connect 'nowhere': give HOST:PORT"),
        (["--connect", "here:99999"], "give HOST:PORT"),
        (["--connect", "here:7447"], "no password: set TWINSYNC_PASSWORD, or give --password-file"),
        (["--connect", "here:7447", "--password-file", "nowhere"], "--password-file nowhere: cannot be read"),
        (["--connect", "here:7447", "--password-file", os.devnull], f"--password-file {os.devnull}: empty"),
        (["--connect", "here:7447", "--ca", "nowhere.pem"], "--ca nowhere.pem: no such file"),
        (["--source", "sample"], "--source goes with --connect"),
        (["--radio", "none"], "--radio goes with --connect"),
    ],
)
def test_what_a_device_lacks_is_said(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TWINSYNC_PASSWORD", raising=False)
    assert run(["device", "run", "--thing", FIRST, "--data", str(tmp_path), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--listen", "7447"], "--listen '7447': give HOST:PORT"),
        (["--listen", "here:7447", "--source", "sample"], "--listen: devices bring their own --source"),
        (["--listen", "192.0.2.1:7447"], "--listen 192.0.2.1:7447: this machine cannot listen there: "),  # RFC 5737
    ],
)
def test_what_an_edge_for_others_cannot_have_is_said(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["live", "--data", str(tmp_path / "cell"), "--clock-ghz", "2.5", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (tmp_path / "cell").exists()
