"""The scenario `measured` from end to end: what solves, trains, evaluates and sweeps takes the measured law."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinsync.cli.app import DONE, run
from twinsync.presets import load_preset

SMALL = ["--scenario", "measured", "--set", "device_count=2"]
SWEEP = """
title = "Measured"
scenario = "measured"
set = ["device_count=1"]
schemes = ["equal-share", "optimum"]
[[axes]]
key = "bandwidth_hz"
values = ["0.2 MHz"]
"""


def test_it_says_what_was_measured() -> None:
    preset = load_preset("measured")
    assert preset.scenario.workload_law == "piecewise"
    for key in ("workload_knots", "accuracy_knots", "cycles_per_bit", "extraction_factor_min"):
        assert preset.provenance[key].source.startswith("twinsync codec calibrate on")


def test_the_optimum_takes_the_least_phi_and_proves_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", *SMALL, "--slots", "4", "--json", "-"]) == DONE
    written = json.loads(capsys.readouterr().out)
    least = written["scenario"]["extraction_factor_min"]
    for slot in written["slots"]:
        assert slot["allocation"]["extraction_factor"] == pytest.approx([least] * 2, rel=1e-3)
        assert slot["lower_bound"] == pytest.approx(slot["cost"], rel=1e-4)
        assert slot["lower_bound"] <= slot["cost"]


def test_it_trains_and_evaluates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    tiny = [part for item in ("slots=50", "batch_size=25", "hidden=4") for part in ("--learning", item)]
    assert run(["train", "--algorithm", "gradient", *SMALL, "--seeds", "1", *tiny, "--out", str(out)]) == DONE
    capsys.readouterr()
    named = f"optimum,{out},equal-share,no-semantics"
    assert run(["evaluate", *SMALL, "--allocators", named, "--slots", "4", "--seeds", "2", "--json", "-"]) == DONE
    written = json.loads(capsys.readouterr().out)["allocators"]
    assert set(written) == {"optimum", "run", "equal-share", "no-semantics"}
    assert written["optimum"]["deadline_miss_rate"] == 0
    assert written["no-semantics"]["deadline_miss_rate"] > 0
    assert 0 < written["equal-share"]["gap_to_optimum"]["mean"] < written["no-semantics"]["gap_to_optimum"]["mean"]


def test_it_is_swept(tmp_path: Path) -> None:
    file = tmp_path / "measured.toml"
    file.write_text(SWEEP)
    out = tmp_path / "out"
    assert run(["sweep", str(file), "--seeds", "1", "--workers", "1", "--out", str(out)]) == DONE
    (sweep,) = json.loads((out / "sweeps.json").read_text())["sweeps"]
    for point in sweep["points"]:
        costs = {name: each["cost"]["mean"] for name, each in point["evaluation"]["allocators"].items()}
        assert costs["optimum"] <= costs["equal-share"]
