"""The whole comparison, as small as it can be: raw files, report, interruption and resumption."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from twinsync.errors import InputError
from twinsync.experiments import reproduce as module
from twinsync.experiments.budgets import BUDGETS, Budget, contenders, deviations, find_budget, learning_constants
from twinsync.experiments.reproduce import reproduce
from twinsync.learning.settings import PRESETS, SacSettings

TINY = Budget("tiny", 64, 8, 2, 25, 2, 2)


def few(budget: Budget):
    """The two SACs and what needs no training, small."""
    kept = []
    for scheme in contenders(budget):
        if scheme.settings is None:
            kept.append(scheme)
        elif scheme.name in ("sac-tuned", "sac-paper"):
            small = dataclasses.replace(scheme.settings, hidden=(8,), batch_size=8, warmup_slots=16, parallel_slots=8)
            kept.append(dataclasses.replace(scheme, settings=small))
    return kept


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "contenders", few)
    monkeypatch.setattr(module, "HEADLINE_BENCHMARKS", ["sac-paper", "equal-share"])


def test_interrupted_and_resumed_it_comes_to_a_report(small, tmp_path: Path):
    out = tmp_path / "run"

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("sac-paper: cost"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce(TINY, out, command="first", progress=interrupt)
    trained = (out / "runs" / "sac-tuned" / "policy.npz").read_bytes()
    page = reproduce(TINY, out, command="second", resume=True)
    assert page == out / "report.html"
    assert (out / "runs" / "sac-tuned" / "policy.npz").read_bytes() == trained
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["budget"] == "tiny"
    assert "64 environment slots" in manifest["budget_note"]
    assert set(manifest["timings_s"]) == {"train sac-tuned", "train sac-paper", "evaluate"}
    allocators = json.loads((out / "evaluation.json").read_text())["allocators"]
    assert set(allocators) == {scheme.name for scheme in few(TINY)}
    assert allocators["optimum"]["cost"]["mean"] == min(entry["cost"]["mean"] for entry in allocators.values())
    with pytest.raises(InputError, match="holds a reproduction with seed = 0"):
        reproduce(TINY, out, seed=1, resume=True)


def test_every_setting_that_deviates_has_a_reason():
    for settings in PRESETS.values():
        assert all(row["reason"] for row in deviations(settings)), deviations(settings)
    assert deviations(SacSettings()) == []


def test_full_is_table_three():
    full = find_budget("full")
    (paper,) = [scheme for scheme in contenders(full) if scheme.name == "sac-paper"]
    assert paper.settings == SacSettings()
    assert "nothing shrunk" in full.note()
    stated = {row["key"]: row["value"] for row in learning_constants() if row["tag"] == "stated"}
    assert (stated["learning_rate"], stated["slots"], stated["batch_size"]) == (1e-4, 100_000, 256)
    assert (stated["buffer_size"], stated["discount"], stated["target_period"]) == (1_000_000, 0.99, 320)


def test_budgets_say_what_they_shrink():
    assert "20,480 environment slots" in BUDGETS["quick"].note()
    with pytest.raises(InputError, match="unknown budget 'tiny'"):
        find_budget("tiny")
