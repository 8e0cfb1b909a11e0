"""Records, figures and page of a made-up study: every verdict and number is in the page, every picture on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from twinsync.experiments.study.page import write_page
from twinsync.experiments.study.plan import GRID
from twinsync.experiments.study.record import read_study


@pytest.fixture(scope="module")
def page(write_study, tmp_path_factory) -> tuple[Path, str]:
    out = write_study(tmp_path_factory.mktemp("study") / "whole")
    return out, write_page(out).read_text("utf-8")


def _records(out: Path) -> dict[str, dict]:
    return {run["name"]: run for run in json.loads((out / "study.json").read_text())["runs"]}


def test_verdicts(page) -> None:
    records = _records(page[0])
    bad = {name: run["outcome"] for name, run in records.items() if run["outcome"] != "steady"}
    ours = ("gamma-0.9-truncation-hard", "gamma-0.9-truncation-soft", "gamma-0.99-truncation-soft")
    fell = (*ours, "sb3-gamma-0.99-truncation")
    assert bad == {**dict.fromkeys(fell, "fell back"), "gamma-0.99-truncation-hard": "diverged"}
    worst = records["gamma-0.99-truncation-hard"]
    assert [item["seed"] for item in worst["diverged"]] == [1, 2]
    assert "mean |Q| is" in worst["why"]
    assert records["gamma-0"]["why"] == ""


def test_numbers_of_a_record(page) -> None:
    run = _records(page[0])["gamma-0.9-truncation-soft"]
    curve = read_study(page[0]).curves[run["name"]]
    for seed, costs in zip(run["curve"], curve.cost, strict=True):
        assert seed["best_cost"] == pytest.approx(costs.min())
        assert seed["best_slots"] == curve.slots[costs.argmin()]
        assert seed["end_cost"] == pytest.approx(costs[-1])
    reward = np.abs(curve.training_reward[:, -1]).mean() / 60  # K = 6: the critic sees rewards / 60
    assert run["values"]["slots_of_reward"] == pytest.approx(curve.value_size[:, -1].mean() / reward)
    assert run["values"]["share"] == pytest.approx((curve.value_size[:, -1] / curve.value_bound[:, -1]).mean())


def test_page(page) -> None:
    out, text = page
    for name in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (out / name).stat().st_size > 10_000
    assert {path.stem for path in (out / "figures").iterdir()} == {"learning_curves", "critics", "tuned", "peer"}
    for part in (
        "`path_loss_exponent=3`", "twinsync study sac --out runs/study", "0a841f0", "x86_64, 2 cores",
        "Of 13 runs, 3 fell back and 1 diverged", "**γ = 0.99, truncation, hard** diverged in 2 of 3 seeds",
        "`hidden` is not put back", "costs 84.6 on them",
    ):  # fmt: skip
        assert part in text, part
    grid = [line for line in text.splitlines() if re.match(r"\| 0(\.\d+)? \|", line)]
    assert len(grid) == 13
    for run, line in zip(read_study(out).of(GRID), grid, strict=True):
        assert f"| {run.final_cost.mean:.1f} (" in line
    assert "nan" not in text.lower()


def test_a_part_of_the_study_makes_a_page_too(write_study, tmp_path) -> None:
    out = write_study(tmp_path / "part", keep=lambda run: run.name in ("gamma-0", "back-discount"))
    text = write_page(out).read_text("utf-8")
    assert "The one run is steady." in text
    assert "No run of this part fell back or diverged" in text
    assert "Stable-Baselines3" not in text
    assert not (out / "figures" / "peer.png").exists()


def test_one_run_that_fell_back_is_in_the_singular(write_study, tmp_path) -> None:
    out = write_study(tmp_path / "one", keep=lambda run: run.name == "gamma-0.9-truncation-soft")
    text = write_page(out).read_text("utf-8")
    assert "The one run fell back in at least one seed." in text
    assert "The policy fell back although |Q| stayed" in text
