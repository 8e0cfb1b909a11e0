"""What a user waits for: whole commands, with and without what an earlier one compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Section, Table, Timing, section

TEXT = """Wall-clock time of a command, run as a process of its own. First run: the cache of compiled programs is
empty, as after an update (the codec compiles with Numba, the rest with JAX). Second run: the same command again. The
two take turns, each pair with a new cache. The runs are smaller than the defaults, so most of the time goes into
loading and compiling."""

COMMANDS = {
    "solve --slots 5": ["solve", "--slots", "5"],
    "train --algorithm gradient --seeds 1": ["train", "--algorithm", "gradient", "--seeds", "1"],
    "evaluate --slots 50 --seeds 2": ["evaluate", "--slots", "50", "--seeds", "2"],
    "render --allocator no-semantics,optimum": ["render", "--allocator", "no-semantics,optimum"],
    "codec evaluate": ["codec", "evaluate"],
    "scenario show paper": ["scenario", "show", "paper"],
}
OUT = {"train": "run", "render": "cycle.gif"}  # what a command writes


@section("start")
def start(quick: bool) -> Section:
    """Seconds of first and second runs."""
    commands = dict(list(COMMANDS.items())[:1]) if quick else COMMANDS
    tables = [
        Table(name, "per run", _runs(command, 1 if quick else 3), per_item=True, ratio="times the second run")
        for name, command in commands.items()
    ]
    return Section("First and second run of a command", TEXT, list(tables))


def _runs(command: list[str], repetitions: int) -> dict[str, Timing]:
    times: dict[str, list[float]] = {"second run": [], "first run": []}
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("first run", "second run"):
                times[name].append(_seconds(command, Path(folder), name))
    return {name: Timing(tuple(1.0 / each for each in seconds)) for name, seconds in times.items()}


def _seconds(command: list[str], folder: Path, name: str) -> float:
    written = OUT.get(command[0])
    out = ["--out", str(folder / f"{name} {written}")] if written else []
    environment = {**os.environ, "TWINSYNC_CACHE": str(folder / "cache"), "XDG_CACHE_HOME": str(folder / "home")}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "twinsync", *command, *out], check=True, capture_output=True, env=environment)
    return time.perf_counter() - began
