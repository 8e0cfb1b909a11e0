"""The whole comparison, as small as it can be: raw files, report, interruption and resumption."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments import collect, plan, verdicts
from twinsync.experiments import reproduce as module
from twinsync.experiments.compute.executors import Inline
from twinsync.experiments.evaluate import evaluate
from twinsync.experiments.plan import find_figures, reproduction_plan
from twinsync.experiments.reproduce import report, reproduce
from twinsync.experiments.schemes import Budget, contenders
from twinsync.presets import load_scenario

TINY = Budget("tiny", 64, 8, 2, 25, 2, 2, thin=True)


def few(budget: Budget):
    """The tuned SAC and the gradient policy, small, and some that need no training."""
    kept = []
    for scheme in contenders(budget):
        if scheme.name in ("optimum", "equal-share", "expected"):
            kept.append(scheme)
        elif scheme.name == "sac-tuned":
            small = dataclasses.replace(scheme.settings, hidden=(8,), batch_size=8, warmup_slots=16, parallel_slots=8)
            kept.append(dataclasses.replace(scheme, settings=small))
        elif scheme.name == "gradient":
            small = dataclasses.replace(scheme.settings, slots=50, batch_size=25, hidden=(4,))
            kept.append(dataclasses.replace(scheme, settings=small))
    return kept


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(plan, "contenders", few)
    monkeypatch.setattr(collect, "HEADLINE_BENCHMARKS", ["equal-share"])
    # Two minutes of exact solutions, with tests of its own.
    monkeypatch.setattr(verdicts, "sensitivity", lambda *given, **named: {"rows": [], "base": [], "not_varied": []})


def whole(figures: str = "3", seed: int = 0):
    return reproduction_plan(TINY, find_figures(figures), "paper", (), seed)


def test_interrupted_and_resumed_it_comes_to_a_report(small, tmp_path: Path):
    out = tmp_path / "run"

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce(whole(), out, Inline(), command="first", progress=interrupt)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert len(before) == 2
    page = reproduce(whole(), out, Inline(), command="second", resume=True)
    assert page == out / "report.html"
    assert {name: (out / "results" / name).stat().st_mtime_ns for name in before} == before
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["budget"] == "tiny"
    assert "64 environment slots" in manifest["budget_note"]
    assert manifest["comparison_commits"] == [manifest["git_revision"]]
    assert manifest["total_s"] == pytest.approx(sum(manifest["timings_s"].values()), abs=1.0)
    assert set(manifest["timings_s"]) == {scheme.name for scheme in few(TINY)}
    allocators = json.loads((out / "evaluation.json").read_text())["allocators"]
    assert set(allocators) == {scheme.name for scheme in few(TINY)}
    assert allocators["optimum"]["cost"]["mean"] == min(entry["cost"]["mean"] for entry in allocators.values())
    with pytest.raises(InputError, match="holds a reproduction with seed = 0"):
        reproduce(whole(seed=1), out, Inline(), resume=True)


def test_a_report_is_written_again_from_what_is_there(small, tmp_path: Path, complains):
    out = tmp_path / "run"
    reproduce(whole(), out, Inline(), command="twinsync reproduce --out run")
    results = {path.name: path.read_bytes() for path in (out / "results").iterdir()}
    raw = json.loads((out / "evaluation.json").read_text())
    for name in ("report.html", "report.md", "evaluation.json", "manifest.json"):
        (out / name).unlink()
    assert report(out) == out / "report.html"
    assert json.loads((out / "evaluation.json").read_text()) == raw
    assert "Not complete:" not in (out / "report.md").read_text("utf-8")
    assert {path.name: path.read_bytes() for path in (out / "results").iterdir()} == results
    # Interrupted, with one of two seeds of the gradient done: what is there makes the report.
    gradient = [cell for cell in whole().cells() if cell.scheme == "gradient"]
    (out / "results" / f"{gradient[1].address}.npz").unlink()
    report(out)
    rows = json.loads((out / "evaluation.json").read_text())["allocators"]
    assert "Not complete:" in (out / "report.md").read_text("utf-8")
    assert rows["gradient"]["unit"] == "evaluation seed"  # of one policy the units are sets of slots
    assert (rows["sac-tuned"]["unit"], rows["sac-tuned"]["unit_count"]) == ("training seed", TINY.seeds)
    (out / "results" / f"{gradient[0].address}.npz").write_bytes(b"cut")
    with complains(
        "damaged result of gradient, seed 0", "compute it again with: twinsync reproduce --out run --resume"
    ):
        report(out)
    (optimum,) = [cell for cell in whole().cells() if cell.scheme == "optimum"]
    (out / "results" / f"{optimum.address}.npz").unlink()
    with complains("no result of optimum yet", "--resume"):
        report(out)


def test_a_report_needs_a_run(tmp_path: Path, complains):
    with complains("nowhere", "no such folder"):
        report(tmp_path / "nowhere")
    with complains("manifest.json", "missing"):
        report(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "plan.json").write_text('{"budget": {"size": 3}}')
    with complains("plan.json", "damaged"):
        report(tmp_path)


def test_a_sweep_added_later_uses_what_is_there(small, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "write_report", lambda out, claims: out / "report.html")
    out = tmp_path / "run"
    reproduce(whole("speed"), out, Inline(), command="twinsync reproduce --figures speed --out run")
    first = {path.name for path in (out / "results").iterdir()}
    reproduce(whole("speed,extraction-floor"), out, Inline(), command="twinsync reproduce --out run", resume=True)
    told = {sweep["name"]: sweep for sweep in json.loads((out / "sweeps.json").read_text())["sweeps"]}
    assert set(told) == {"speed", "extraction-floor"}
    assert told["speed"]["command"] == "twinsync reproduce --out run --figures speed"
    assert first < {path.name for path in (out / "results").iterdir()}
    assert not (out / "claims.csv").exists()  # the paper has none of these


def test_the_runs_of_the_comparison_are_allocators(small, tmp_path: Path):
    out = tmp_path / "run"
    reproduce(whole(), out, Inline(), command="mine")
    scenario = load_scenario("paper")
    found = find_allocators(str(out / "runs" / "sac-tuned"), scenario)
    assert len(found) == TINY.seeds
    again = evaluate(scenario, {"sac-tuned": found}, slots=25, seeds=2, seed=0)
    stored = json.loads((out / "evaluation.json").read_text())["allocators"]["sac-tuned"]
    np.testing.assert_allclose(again.schemes["sac-tuned"].cost.mean(), stored["cost"]["mean"], rtol=1e-12)
