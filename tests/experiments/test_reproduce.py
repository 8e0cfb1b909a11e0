"""The whole comparison, as small as it can be: raw files, report, interruption and resumption."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.experiments import made_up
from tests.experiments.undrawn import draw_nothing

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments import collect, plan
from twinsync.experiments import reproduce as module
from twinsync.experiments.claims.verdicts import RULES
from twinsync.experiments.compute.executors import Inline
from twinsync.experiments.evaluate import evaluate
from twinsync.experiments.plan import find_figures, reproduction_plan
from twinsync.experiments.records import Claim, ClaimCheck, ClaimOutcome, PolicyPicture, Sensitivity
from twinsync.experiments.reproduce import report, reproduce
from twinsync.experiments.results import read_results, write_results
from twinsync.experiments.schemes import Budget, all_schemes
from twinsync.presets import load_scenario

TINY = Budget("tiny", 64, 8, 2, 25, 2, 2, thin=True)


def few(budget: Budget):
    """The tuned SAC and the gradient policy, small, and some that need no training."""
    kept = []
    for scheme in all_schemes(budget):
        if scheme.name in ("optimum", "equal-share", "expected"):
            kept.append(scheme)
        elif scheme.name == "sac-tuned":
            small = dataclasses.replace(scheme.settings, hidden=(8,), batch_size=8, warmup_slots=16, parallel_slots=8)
            kept.append(dataclasses.replace(scheme, settings=small))
        elif scheme.name == "gradient":
            small = dataclasses.replace(scheme.settings, slots=50, batch_size=25, hidden=(4,))
            kept.append(dataclasses.replace(scheme, settings=small))
    return kept


def analysis(scenario: str, overrides: tuple[str, ...], *, seed: int, **named) -> Sensitivity:
    """In the place of two minutes of exact solutions, which have tests of their own."""
    return Sensitivity(
        *(scenario, tuple(overrides), 0, seed, (), (ClaimCheck("fig4-rise", "holds", True, 12.5, 12.0, 13.0),), (), ()),
        rules=RULES,
    )


def drawn(scenario, schemes, **named) -> PolicyPicture:
    """In the place of two compilations, of what has a test of its own."""
    picture = made_up.policy_picture()
    assert {line.scheme for line in picture.lines} <= set(schemes)
    assert all(schemes.values())
    return picture


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "all_schemes", few)
        patch.setattr(collect, "HEADLINE_BENCHMARKS", ["equal-share"])
        patch.setattr(module, "sensitivity", analysis)
        patch.setattr(module, "policy_picture", drawn)
        draw_nothing(patch)
        yield


def whole(figures: str = "3", seed: int = 0):
    return reproduction_plan(TINY, find_figures(figures), "paper", (), seed)


@pytest.fixture(scope="module")
def interrupted(small, tmp_path_factory) -> tuple[Path, dict[str, int]]:
    """A comparison that was interrupted after two results and resumed, and when those two were written."""
    out = tmp_path_factory.mktemp("interrupted") / "run"

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce(whole(), out, Inline(), command="first", progress=interrupt)
    written = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert len(written) == 2
    page = reproduce(whole(), out, Inline(), command="twinsync reproduce --out run", resume=True)
    assert page == out / "report.html"
    return out, written


@pytest.fixture
def run(interrupted, tmp_path: Path) -> Path:
    """The same folder, to be damaged."""
    return shutil.copytree(interrupted[0], tmp_path / "run")


def cells(scheme: str):
    return [cell for cell in whole().cells() if cell.scheme == scheme]


def test_interrupted_and_resumed_it_comes_to_a_report(interrupted):
    out, written = interrupted
    assert {name: (out / "results" / name).stat().st_mtime_ns for name in written} == written
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["budget"], manifest["command"]) == ("tiny", "twinsync reproduce --out run")
    assert "64 environment slots" in manifest["budget_note"]
    revision = manifest["git_revision"]  # none outside a repository
    assert manifest["comparison_commits"] == ([revision] if revision else [])
    assert manifest["total_s"] == pytest.approx(sum(manifest["timings_s"].values()), abs=1.0)
    assert set(manifest["timings_s"]) == {scheme.name for scheme in few(TINY)}
    allocators = json.loads((out / "evaluation.json").read_text())["allocators"]
    assert set(allocators) == {scheme.name for scheme in few(TINY)}
    assert allocators["optimum"]["cost"]["mean"] == min(entry["cost"]["mean"] for entry in allocators.values())
    with pytest.raises(InputError, match="holds a reproduction with seed = 0"):
        reproduce(whole(seed=1), out, Inline(), resume=True)


def test_a_report_is_written_again_from_what_is_there(run, complains):
    text, page = (run / "report.md").read_text("utf-8"), run / "report.html"
    results = {path.name: path.read_bytes() for path in (run / "results").iterdir()}
    for name in ("report.html", "report.md", "evaluation.json", "claims.csv"):
        (run / name).unlink()
    assert report(run) == page
    assert report_without_time(run) == without_time(text)
    assert {path.name: path.read_bytes() for path in (run / "results").iterdir()} == results
    # Interrupted, with one of two seeds of the gradient done: what is there makes the report.
    first, second = cells("gradient")
    (run / "results" / f"{second.address}.npz").unlink()
    report(run)
    rows = json.loads((run / "evaluation.json").read_text())["allocators"]
    assert "Incomplete:" in (run / "report.md").read_text("utf-8")
    assert (rows["gradient"]["unit"], rows["gradient"]["unit_count"]) == ("training seed", 1)
    assert rows["gradient"]["cost"].get("ci_low") is None  # one training says nothing of others
    assert (rows["sac-tuned"]["unit"], rows["sac-tuned"]["unit_count"]) == ("training seed", TINY.seeds)
    (run / "results" / f"{first.address}.npz").write_bytes(b"cut")
    with complains(
        "damaged result of gradient, seed 0", "compute it again with: twinsync reproduce --out run --resume"
    ):
        report(run)
    (optimum,) = cells("optimum")
    (run / "results" / f"{optimum.address}.npz").unlink()
    with complains("no result of optimum yet", "--resume"):
        report(run)


def without_time(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "Page written" not in line)


def report_without_time(folder: Path) -> str:
    return without_time((folder / "report.md").read_text("utf-8"))


def test_raw_files_alone_make_the_same_report(run):
    """What is passed on in memory and what is read from disk are the same."""
    text = report_without_time(run)
    shutil.rmtree(run / "results")
    report(run)
    assert report_without_time(run) == text


def test_a_report_needs_a_run(tmp_path: Path, complains):
    with complains("nowhere", "no such folder"):
        report(tmp_path / "nowhere")
    with complains("manifest.json", "missing"):
        report(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "plan.json").write_text('{"budget": {"size": 3}}')
    with complains("plan.json", "damaged"):
        report(tmp_path)


def test_a_sweep_added_later_uses_what_is_there(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "write_report", lambda out, *given: out / "report.html")
    out = tmp_path / "run"
    reproduce(whole("speed"), out, Inline(), command="twinsync reproduce --figures speed --out run")
    first = {path.name for path in (out / "results").iterdir()}
    reproduce(whole("speed,extraction-floor"), out, Inline(), command="twinsync reproduce --out run", resume=True)
    sweeps = {sweep["name"]: sweep for sweep in json.loads((out / "sweeps.json").read_text())["sweeps"]}
    assert set(sweeps) == {"speed", "extraction-floor"}
    assert sweeps["speed"]["command"] == "twinsync reproduce --out run --figures speed"
    assert first < {path.name for path in (out / "results").iterdir()}
    assert not (out / "claims.csv").exists()  # the paper has none of these


def test_the_runs_of_the_comparison_are_allocators(interrupted):
    out, _ = interrupted
    scenario = load_scenario("paper")
    policies = find_allocators(str(out / "runs" / "sac-tuned"), scenario)
    assert len(policies) == TINY.seeds
    again = evaluate(scenario, {"sac-tuned": policies}, slots=25, seeds=2, seed=0)
    stored = json.loads((out / "evaluation.json").read_text())["allocators"]["sac-tuned"]
    np.testing.assert_allclose(again.schemes["sac-tuned"].cost.mean(), stored["cost"]["mean"], rtol=1e-12)


def test_the_sensitivity_analysis_is_made_once_and_again_where_it_is_damaged(run, monkeypatch):
    made = []

    def counted(*given, **named) -> Sensitivity:
        made.append(given)
        return analysis(*given, **named)

    monkeypatch.setattr(module, "sensitivity", counted)
    reproduce(whole(), run, Inline(), command="again", resume=True)
    assert made == []
    (run / "sensitivity.json").write_text("{", "utf-8")
    reproduce(whole(), run, Inline(), command="again", resume=True)
    assert made == [("paper", ())]
    kept = json.loads((run / "sensitivity.json").read_text())
    assert kept["base"][0]["number"] == 12.5
    (run / "sensitivity.json").write_text(json.dumps(kept | {"made_of": "other constants"}))
    reproduce(whole(), run, Inline(), command="again", resume=True)
    assert len(made) == 2


def test_claims_are_checked_on_the_record_and_on_the_run_and_written_as_a_table(tmp_path, monkeypatch):
    outcome, sources = ClaimOutcome("holds", "by much", "4 training seeds"), []

    def check(printed, repaired, sensitivity):
        sources.append((printed, repaired.manifest.seed))
        return [Claim("Fig. 4", "fig4-rise", "It rises.", outcome, outcome, "nothing")]

    monkeypatch.setattr(module, "check_claims", check)
    monkeypatch.setattr(module, "as_printed", lambda results: None)
    monkeypatch.setattr(module, "write_report", lambda out, *given: out / "report.html")
    write_results(tmp_path, made_up.compared())
    report(tmp_path)
    assert sources == [(None, 3)]
    header, row = csv.reader((tmp_path / "claims.csv").read_text("utf-8").splitlines())
    assert header == [
        *("figure", "key", "statement", "printed_verdict", "printed_detail", "printed_basis"),
        *("repaired_verdict", "repaired_detail", "repaired_basis", "hinges"),
    ]
    assert row == ["Fig. 4", "fig4-rise", "It rises.", *("holds", "by much", "4 training seeds") * 2, "nothing"]
    assert read_results(tmp_path).manifest.seed == 3
