"""`twinsync sweep` and the executors' options, as a user meets them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twinsync.cli.app import BAD_INPUT, DONE, run

SWEEP = """
title = "Small"
set = ["device_count=2"]
schemes = ["tiny", "random", "equal-share"]
[[axes]]
key = "bandwidth_hz"
values = ["0.2 MHz", "0.4 MHz"]
unit = "MHz"
[learners.tiny]
base = "gradient"
learning = { slots = 50, batch_size = 25, hidden = [4] }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    return path


def test_a_killed_sweep_is_resumed_extended_and_reported(file: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    command = ["sweep", str(file), "--out", str(out), "--seeds", "2", "--workers", "1"]
    driver = subprocess.Popen([sys.executable, "-m", "twinsync", *command], stderr=subprocess.PIPE)
    while driver.poll() is None and not results_in(out):
        time.sleep(0.05)
    driver.kill()
    driver.communicate()
    kept = results_in(out)
    assert 1 <= len(kept) < 8

    assert run(command) == BAD_INPUT
    assert "already exists; add --resume" in capsys.readouterr().err
    assert run([*command, "--resume"]) == DONE
    assert capsys.readouterr().out.strip() == str(out / "report.html")
    made = results_in(out)
    assert len(made) == 2 * (2 + 1 + 1)
    assert made.items() >= kept.items()
    (sweep,) = json.loads((out / "sweeps.json").read_text())["sweeps"]
    assert [point["x"] for point in sweep["points"]] == [0.2, 0.4]
    assert set(sweep["points"][0]["evaluation"]["allocators"]) == {"tiny", "random", "equal-share"}
    assert (out / "figures" / "sweep_small.csv").exists()

    # A changed sweep computes only what changed.
    file.write_text(SWEEP.replace('"0.4 MHz"]', '"0.4 MHz", "0.8 MHz"]').replace('"tiny", ', ""))
    assert run([*command, "--resume"]) == DONE
    assert len(results_in(out).keys() - made.keys()) == 2


def results_in(out: Path) -> dict[str, int]:
    """Times of a run's whole results by name; a killed run may leave half of one."""
    found = (path for path in (out / "results").glob("*.npz") if ".partial" not in path.name)
    return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--executor", "slurm"], "--executor slurm: unknown; give local or ray"),
        (["--address", "1.2.3.4:5"], "--address: only --executor ray has one"),
        (["--workers", "0"], "'0' is not a whole number from 1"),
        (["--budget", "tiny"], "unknown budget 'tiny'"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(options, told, file: Path, tmp_path: Path, capsys):
    assert run(["sweep", str(file), "--out", str(tmp_path / "out"), *options]) == BAD_INPUT
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_estimate_is_told_and_nothing_is_written(file: Path, tmp_path: Path, capsys):
    command = ["sweep", str(file), "--out", str(tmp_path / "out"), "--estimate", "--workers", "1"]
    assert run(command) == DONE
    told = capsys.readouterr().err
    assert "tiny: 6 runs of about" in told
    assert "on 1 worker like this one" in told
    assert not (tmp_path / "out").exists()
