"""The example package, installed as a user would: its allocator and its scenario are there by name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import twinsync

SOURCE = Path(__file__).parents[2] / "examples" / "twinsync-extras"

Command = Callable[..., str]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `twinsync` where the example package is installed; what it prints."""
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / SOURCE.name
    shutil.copytree(SOURCE, source)  # building leaves files behind
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(target), str(source)], check=True, timeout=60)
    path = os.pathsep.join([str(target), str(Path(twinsync.__file__).parents[1])])

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "twinsync", *arguments],
            env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    return run


def test_the_scenario_is_listed(command: Command) -> None:
    assert "campus" in [line.split()[0] for line in command("scenario", "list").splitlines()]


def test_the_allocator_runs_on_the_scenario(command: Command) -> None:
    few = ["--set", "device_count=2", "--slots", "40", "--seeds", "1", "--json", "-"]
    found = json.loads(command("evaluate", "--scenario", "campus", "--allocators", "mean-channel,equal-share", *few))
    mean, equal = (found["allocators"][name]["cost"]["mean"] for name in ("mean-channel", "equal-share"))
    assert mean < 0.95 * equal
