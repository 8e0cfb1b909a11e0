"""The schemes as printed in a report that did not train them: from the record, and only where it is of the same run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.experiments.report.test_write import edit
from twinsync.experiments.report.write import write_report

from twinsync.experiments import recorded, verdicts
from twinsync.experiments.recorded import FOLDER, as_printed, recorded_for
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.run_folder import MANIFEST

SCENARIO = {"name": "paper", "overrides": ["path_loss_exponent=2.5"]}  # of the made-up run, whose seed is 3


def at_printed_size(manifest: dict) -> None:
    (scheme,) = [scheme for scheme in manifest["schemes"] if scheme["name"] == "sac-paper"]
    scheme["settings"] = {"slots": 100_000, "hidden": [256, 256]}
    manifest["comparison_commits"] = ["0123456789ab"]


@pytest.fixture
def record(write_run, tmp_path: Path, monkeypatch) -> Path:
    """A made-up record in the place of the shipped one."""
    folder = write_run(tmp_path / "record")
    edit(folder, MANIFEST, at_printed_size)
    monkeypatch.setattr(recorded, "FOLDER", folder)
    return folder


@pytest.fixture
def own(write_run, tmp_path: Path) -> Path:
    """A made-up run that trained nothing as printed."""
    folder = write_run(tmp_path / "own")
    edit(folder, "evaluation.json", lambda raw: raw["allocators"].pop("sac-paper"))
    return folder


def test_the_record_is_of_one_scenario_and_seed(record):
    assert recorded_for({"scenario": SCENARIO, "seed": 3}) is not None
    assert recorded_for({"scenario": SCENARIO, "seed": 4}) is None
    assert recorded_for({"scenario": {**SCENARIO, "overrides": []}, "seed": 3}) is None


def test_a_smaller_run_is_no_record(record):
    def shrink(manifest):
        manifest["schemes"][1]["settings"]["slots"] = 20_480

    edit(record, MANIFEST, shrink)
    assert recorded_for({"scenario": SCENARIO, "seed": 3}) is None


def test_a_report_shows_the_record_where_it_trained_nothing_as_printed(record, own):
    page = write_report(own).read_text("utf-8")
    assert "Recorded, not trained in this run" in page
    assert "0123456789ab" in page
    assert (own / "figures" / "fig3_printed.csv").exists()
    found = read_report_folder(own)
    source = as_printed(found)
    assert source is not None
    assert source.path == record


def test_a_run_at_the_printed_size_is_its_own_record_and_a_smaller_one_is_not(record, own, write_run, tmp_path):
    whole = read_report_folder(write_run(tmp_path / "small"))
    source = as_printed(whole)
    assert source is not None
    assert source.path == record  # it trained SAC as printed, but at another size
    edit(tmp_path / "small", MANIFEST, at_printed_size)
    whole = read_report_folder(tmp_path / "small")
    assert as_printed(whole) is whole


def test_without_a_record_a_smaller_run_is_better_than_none(write_run, tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path / "nowhere")
    small = read_report_folder(write_run(tmp_path / "small"))
    assert as_printed(small) is small


def test_claims_take_each_column_from_its_own_run(record, own, monkeypatch, tmp_path):
    monkeypatch.setattr(verdicts, "sensitivity", lambda *given, **named: {"rows": [], "base": [], "not_varied": []})
    edit(record, "evaluation.json", lambda raw: raw["allocators"]["sac-paper"].update(training_slots=100_000))
    claims = {claim.key: claim for claim in verdicts.verdicts(own, "paper", (), 3, lambda *told: None)}
    necessity = claims["fig4-necessity"]
    # 14.03 s repaired and 19.6 s as printed, against 18.2 s with equal shares.
    assert (necessity.printed.verdict, necessity.repaired.verdict) == ("does not hold", "holds")
    assert necessity.printed.basis == "4 training seeds of 100,000 slots"
    header, *rows = (own / "claims.csv").read_text("utf-8").splitlines()
    assert header.startswith("figure,key,statement,printed_verdict,printed_detail,printed_basis,repaired_verdict")
    assert len(rows) >= len(claims)


def test_what_is_shipped_is_a_run_at_the_printed_size():
    if not (FOLDER / MANIFEST).exists():
        pytest.fail("no record is shipped: reports of the smaller budgets would lack the paper as printed")
    manifest = json.loads((FOLDER / MANIFEST).read_text("utf-8"))
    assert (manifest["budget"], manifest["scenario"], manifest["seed"]) == (
        "printed",
        {"name": "paper", "overrides": []},
        0,
    )
    found = recorded_for(manifest)
    assert found is not None
    assert found.run is not None
    for name in ("sac-paper", "ppo-paper", "random-strategy-paper", "without-sc-paper"):
        assert found.run.rows[name].training_slots == 100_000
        assert found.run.schemes[name].settings["hidden"] == [256, 256]
