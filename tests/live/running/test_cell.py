"""A small cell of real processes: its edge is killed on the way, it is started again, it stops on SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from twinsync.cli.app import run

SLOT = ("--set", "cycle_s=20 s")  # slots of 0.8 s
PATIENCE_S = 240.0
COMMAND = (sys.executable, "-c", "from twinsync.__main__ import main; main()")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures: a bright square that walks."""
    folder = tmp_path_factory.mktemp("camera")
    noise = np.random.default_rng(1).integers(90, 130, (96, 128))
    for place in range(4):
        picture = noise.astype(np.uint8)
        picture[30:60, 10 + 12 * place : 40 + 12 * place] = 220
        Image.fromarray(picture).save(folder / f"{place}.png")
    return folder


def start(data: Path, camera: Path, *more: str) -> subprocess.Popen[str]:
    command = [*COMMAND, "live", "--data", str(data), "--devices", "2", "--source", str(camera), *SLOT]
    # phi D has to hold a header: these pictures are an eighth of the sample's.
    command += ["--set", "extraction_factor_min=0.01", "--clock-ghz", "2.5", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, error
    return out


def pids(data: Path) -> dict[str, Any]:
    return json.loads((data / "pids.json").read_text())


def slots(data: Path) -> list[dict[str, Any]]:
    path = data / "slots.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def wait_for_commits(data: Path, count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while sum(each["outcome"] == "committed" for slot in slots(data) for each in slot["devices"].values()) < count:
        assert time.monotonic() < until
        time.sleep(0.1)


def acknowledged(data: Path) -> set[tuple[str, int, int]]:
    lines = [line for path in data.glob("devices/*/acknowledged.jsonl") for line in path.read_text().splitlines()]
    return {(entry["thing"], entry["revision"], entry["slot"]) for entry in map(json.loads, lines)}


def test_a_cell_lives_through_a_killed_edge_and_a_restart(tmp_path: Path, camera: Path) -> None:
    data = tmp_path / "cell"
    first = start(data, camera, "--headless", "--json", "-")
    wait_for_commits(data, 4)
    edge = pids(data)["edge"]
    os.kill(edge, signal.SIGKILL)
    stored_then = len(slots(data))
    until = time.monotonic() + PATIENCE_S
    while not any(slot["edge"] != slots(data)[0]["edge"] and slot["devices"] for slot in slots(data)[stored_then:]):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert pids(data)["edge"] != edge
    first.send_signal(signal.SIGTERM)
    summary = json.loads(finish(first))
    assert summary["lost"] == 0
    assert summary["devices"] == 2
    assert summary["slots_without_edge"] >= 1
    for process in (pids(data)["edge"], *pids(data)["devices"].values()):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)

    again = json.loads(finish(start(data, camera, "--slots", "6", "--headless", "--json", "-")))
    assert again["first_slot"] > max(slot["slot"] for slot in slots(data)[:stored_then])
    numbers = [slot["slot"] for slot in slots(data)]
    assert numbers == sorted(set(numbers))
    assert again["slots"] == 6
    assert again["lost"] == 0
    assert again["commits"] >= 1
    assert again["uplink_measured_over_predicted"]["median"] > 0.5

    out = tmp_path / "twins.jsonl"
    subprocess.run([*COMMAND, "twins", "export", "--data", str(data), "--out", str(out)], check=True)
    stored = [json.loads(line) for line in out.read_text().splitlines()]
    assert acknowledged(data) <= {(row["thing"], row["revision"], row["slot"]) for row in stored}
    for thing in {row["thing"] for row in stored}:
        revisions = [(row["revision"], row["slot"]) for row in stored if row["thing"] == thing]
        assert revisions == sorted(revisions)
        assert len({slot for _, slot in revisions}) == len(revisions)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--allocator", "nobody", "unknown allocator 'nobody'"),
        ("--radio", "smoke.py:signals", "radio 'smoke.py:signals'"),
        ("--durability", "eternal", "give process or power"),
        ("--source", "nowhere", "nowhere: no such folder or file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    option: str, value: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["live", "--data", str(tmp_path / "cell"), "--clock-ghz", "2.5", option, value]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (tmp_path / "cell").exists()
