"""The study end to end, as small as it can be: a run that diverges stops nothing, the peer is judged as ours are."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest

from twinsync.errors import InputError
from twinsync.experiments.budgets import Budget
from twinsync.experiments.study import peer as peer_module
from twinsync.experiments.study import run as module
from twinsync.experiments.study.plan import PEER, plan
from twinsync.experiments.study.run import study

TINY = Budget("tiny", 120, 8, 2, 20, 2, 3)
SMALL = {"hidden": (8,), "batch_size": 8, "warmup_slots": 16, "parallel_slots": 8}
KEPT = ("gamma-0.99-truncation-soft", "tuned", "sb3-gamma-0.99-truncation")


def few(budget, *, learning, peer):
    """One run that diverges, one that does not, and the peer's."""
    kept = []
    for run in plan(budget, learning=learning, peer=peer):
        if run.name in KEPT:
            small = dataclasses.replace(run.settings, **{**SMALL, "parallel_slots": 1 if run.group == PEER else 8})
            rate = 1e-3 if run.group == PEER else 3.0 if run.name == KEPT[0] else small.learning_rate
            kept.append(dataclasses.replace(run, settings=dataclasses.replace(small, learning_rate=rate)))
    return kept


def test_interrupted_continued_and_extended_by_the_peer(monkeypatch, tmp_path):
    pytest.importorskip("stable_baselines3")
    monkeypatch.setattr(module, "plan", few)
    out, one = tmp_path / "study", ["device_count=2"]

    def interrupt(what: str, done: int, total: int) -> None:
        if "tuned" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(TINY, out, overrides=one, progress=interrupt)
    curve = (out / "runs" / KEPT[0] / "curve.csv").read_bytes()
    page = study(TINY, out, overrides=one, resume=True, command="twinsync study sac")
    assert page == out / "study.md"
    assert (out / "runs" / KEPT[0] / "curve.csv").read_bytes() == curve  # not trained again
    told = json.loads((out / "study.json").read_text())
    assert [run["name"] for run in told["runs"]] == list(KEPT[:2])
    exploded, tuned = told["runs"]
    assert exploded["outcome"] == "diverged"
    assert tuned["diverged"] == []
    assert len(tuned["final_cost"]["each"]) == 2
    assert tuned["final_cost"]["mean"] == pytest.approx(np.mean(tuned["final_cost"]["each"]))
    assert told["optimum_cost"] < min(tuned["final_cost"]["each"])

    study(TINY, out, overrides=one, resume=True, peer=True, runs="sb3-*")
    (theirs,) = json.loads((out / "study.json").read_text())["runs"][2:]
    assert len(theirs["final_cost"]["each"]) == 2
    with (out / "curves.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["run"] == KEPT[2]]
    assert [(int(row["slots"]), int(row["seed"])) for row in rows] == [(n, s) for n in (0, 40, 80, 120) for s in (0, 1)]
    last = rows[-1]
    assert 0 < float(last["value_size"]) < float(last["value_bound"])
    assert -1000 < float(last["training_reward"]) < 0
    assert all(float(row["cost"]) > told["optimum_cost"] for row in rows)
    assert "## The same with Stable-Baselines3" in page.read_text("utf-8")

    with pytest.raises(InputError, match="holds a study with seed = 0"):
        study(TINY, out, overrides=one, seed=1, resume=True)


def test_the_peer_without_its_library(monkeypatch, tmp_path, complains):
    monkeypatch.setattr(peer_module, "find_spec", lambda name: None)
    with complains("--peer sb3", "pip install stable-baselines3"):
        study(TINY, tmp_path / "study", peer=True)
    assert not (tmp_path / "study").exists()
