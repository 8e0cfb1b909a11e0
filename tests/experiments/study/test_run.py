"""The study end to end, as small as it can be: a run that diverges stops nothing, the peer is judged as ours are."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest

from twinsync.errors import InputError
from twinsync.experiments.schemes import Budget
from twinsync.experiments.study import peer as peer_module
from twinsync.experiments.study import run as module
from twinsync.experiments.study.plan import plan
from twinsync.experiments.study.run import study

TINY = Budget("tiny", 120, 8, 2, 20, 2, 3)
OURS, THEIRS = "gamma-0.99-truncation-soft", "sb3-gamma-0.99-truncation"
SMALL = {"hidden": (8,), "batch_size": 8, "warmup_slots": 0, "parallel_slots": 8, "learning_rate": 3.0}
PEERS = {"hidden": (8,), "batch_size": 8, "warmup_slots": 16, "learning_rate": 1e-3}


def few(budget, *, learning, peer):
    """One run that diverges, and the peer's."""
    return [
        dataclasses.replace(run, settings=dataclasses.replace(run.settings, **(SMALL if run.name == OURS else PEERS)))
        for run in plan(budget, learning={"warmup_slots": "0", **learning}, peer=peer)
        if run.name in (OURS, THEIRS)
    ]


def test_a_run_that_diverges_then_the_peer_interrupted_and_resumed(monkeypatch, tmp_path):
    pytest.importorskip("stable_baselines3")
    monkeypatch.setattr(module, "plan", few)
    out, one = tmp_path / "study", ["device_count=2"]
    page = study(TINY, out, overrides=one, command="twinsync study sac")
    assert page == out / "study.md"
    told = json.loads((out / "study.json").read_text())
    (ours,) = told["runs"]
    assert (ours["name"], ours["outcome"]) == (OURS, "diverged")
    assert f"| {ours['final_cost']['mean']:.1f}" in page.read_text("utf-8")
    curve = (out / "runs" / OURS / "curve.csv").read_bytes()

    def interrupt(what: str, done: int, total: int) -> None:
        if what.endswith("seed 1"):
            raise KeyboardInterrupt

    again = {"overrides": one, "resume": True, "peer": True}
    with pytest.raises(KeyboardInterrupt):
        study(TINY, out, **again, progress=interrupt)
    first = (out / "runs" / THEIRS / "seed-0.zip").read_bytes()
    study(TINY, out, **again, runs="sb3-*")
    assert (out / "runs" / THEIRS / "seed-0.zip").read_bytes() == first  # what was done is not done again
    assert (out / "runs" / OURS / "curve.csv").read_bytes() == curve

    told = json.loads((out / "study.json").read_text())
    theirs = told["runs"][1]
    assert [run["name"] for run in told["runs"]] == [OURS, THEIRS]
    each = theirs["final_cost"]["each"]
    assert len(each) == 2
    assert theirs["final_cost"]["mean"] == pytest.approx(np.mean(each))
    assert told["optimum_cost"] < min(each)
    with (out / "curves.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["run"] == THEIRS]
    assert [(int(row["slots"]), int(row["seed"])) for row in rows] == [(n, s) for n in (0, 40, 80, 120) for s in (0, 1)]
    assert 0 < float(rows[-1]["value_size"]) < float(rows[-1]["value_bound"])
    assert -1000 < float(rows[-1]["training_reward"]) < 0
    assert "## The same with Stable-Baselines3" in page.read_text("utf-8")
    with pytest.raises(InputError, match="holds a study with seed = 0"):
        study(TINY, out, overrides=one, seed=1, resume=True)


def test_the_peer_without_its_library(monkeypatch, tmp_path, complains):
    monkeypatch.setattr(peer_module, "find_spec", lambda name: None)
    with complains("--peer sb3", "pip install stable-baselines3"):
        study(TINY, tmp_path / "study", peer=True)
    assert not (tmp_path / "study").exists()
