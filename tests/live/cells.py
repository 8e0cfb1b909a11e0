"""Cells of real processes for tests: small pictures, slots of 0.8 s."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SLOT = ("--set", "cycle_s=20 s")  # slots of 0.8 s
PATIENCE_S = 240.0
COMMAND = (sys.executable, "-c", "from twinsync.__main__ import main; main()")


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


def committed(data: Path, thing: str | None = None) -> int:
    """Synchronisations that were committed, of one twin or of all."""
    return sum(
        each["outcome"] == "committed" and thing in (None, name)
        for slot in slots(data)
        for name, each in slot["devices"].items()
    )


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is the case."""
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def wait_for_commits(data: Path, more: int, thing: str | None = None) -> None:
    """Wait for so many commits from now on."""
    enough = committed(data, thing) + more
    until(lambda: committed(data, thing) >= enough)


def edge_log(data: Path) -> list[str]:
    """What the edge said, a line each."""
    path = data / "logs" / "edge.log"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line)["text"] for line in lines if line.startswith("{")]


def acknowledged(data: Path) -> set[tuple[str, int, int]]:
    lines = [line for path in data.glob("devices/*/acknowledged.jsonl") for line in path.read_text().splitlines()]
    return {(entry["thing"], entry["revision"], entry["slot"]) for entry in map(json.loads, lines)}
