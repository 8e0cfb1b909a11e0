"""The schemes as printed in a report that did not train them: from the record, and only where it is of the same run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from tests.experiments import made_up

from twinsync.experiments import recorded
from twinsync.experiments.recorded import FOLDER, as_printed, has_printed_size, recorded_for
from twinsync.experiments.records import Manifest, ScenarioName
from twinsync.experiments.results import MANIFEST, Results, read_results, write_results
from twinsync.experiments.schemes import BUDGETS, printed_schemes
from twinsync.storage import read


def at_printed_size(results: Results, slots: int = 100_000) -> Results:
    """The same with SAC as printed trained at Table III's size."""
    settings = {"slots": slots, "hidden": [256, 256]}
    schemes = [
        structs.replace(scheme, settings=settings) if scheme.name == "sac-paper" else scheme
        for scheme in results.manifest.schemes
    ]
    return replace(results, manifest=structs.replace(results.manifest, schemes=tuple(schemes)))


@pytest.fixture
def own() -> Results:
    """A run that trained nothing as printed."""
    results = made_up.compared()
    assert results.comparison is not None
    point = made_up.missing(results.comparison.point, "sac-paper", "not trained")
    return replace(results, comparison=replace(results.comparison, evaluation=point.evaluation))


def told(results: Results, **changes: object) -> Results:
    """The results with another manifest."""
    return replace(results, manifest=structs.replace(results.manifest, **changes))


def record(folder: Path, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put results in the place of the shipped record."""
    folder.mkdir()
    write_results(folder, results)
    monkeypatch.setattr(recorded, "FOLDER", folder)


def test_the_shipped_record_is_of_the_settings_of_today():
    # A change of defaults needs a new record: python -m benchmarks.record.
    schemes = read_results(FOLDER).schemes
    for plan in printed_schemes(BUDGETS["printed"]):
        assert schemes[plan.name].settings == plan.record().settings, plan.name


def test_the_record_is_of_one_scenario_and_seed(tmp_path, monkeypatch, own):
    record(tmp_path / "record", at_printed_size(made_up.compared()), monkeypatch)
    assert recorded_for(own) is not None
    assert recorded_for(told(own, seed=4)) is None
    assert recorded_for(told(own, scenario=ScenarioName("paper", ()))) is None


def test_a_scenario_of_the_record_s_name_with_other_constants_has_no_record(tmp_path, monkeypatch, own):
    record(tmp_path / "record", at_printed_size(made_up.compared()), monkeypatch)
    first, *others = own.scenario
    assert recorded_for(replace(own, scenario=(structs.replace(first, value=7.0), *others))) is None
    # A constant that is newer than the record says nothing against it.
    newer = structs.replace(first, key="newer", value=1.0)
    assert recorded_for(replace(own, scenario=(*own.scenario, newer))) is not None


def test_a_smaller_run_is_no_record(tmp_path, monkeypatch, own):
    record(tmp_path / "record", at_printed_size(made_up.compared(), slots=20_480), monkeypatch)
    assert recorded_for(own) is None


def test_a_run_takes_the_schemes_as_printed_from_the_record_unless_it_has_them_at_their_size(
    tmp_path, monkeypatch, own
):
    record(tmp_path / "record", at_printed_size(made_up.compared()), monkeypatch)
    small = made_up.compared()  # it trained SAC as printed, but at another size
    for results in (own, small):
        source = as_printed(results)
        assert source is not None
        assert has_printed_size(source)
    whole = at_printed_size(small)
    assert as_printed(whole) is whole


def test_without_a_record_a_smaller_run_is_better_than_none(tmp_path, monkeypatch, own):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path / "nowhere")
    small = made_up.compared()
    assert as_printed(small) is small
    assert as_printed(own) is None


def test_what_is_shipped_if_anything_is_a_run_at_the_printed_size(own):
    if not (FOLDER / MANIFEST).exists():
        assert recorded_for(told(own, scenario=ScenarioName("paper", ()), seed=0)) is None
        return
    manifest: Manifest = read(FOLDER / MANIFEST, Manifest)
    assert (manifest.budget, manifest.scenario, manifest.seed) == ("printed", ScenarioName("paper", ()), 0)
    shipped = recorded_for(read_results(FOLDER))
    assert shipped is not None
    assert shipped.comparison is not None
    # PPO completes its last rollout of 2,048 slots.
    slots = {"sac-paper": 100_000, "ppo-paper": 100_352, "random-strategy-paper": 100_000, "without-sc-paper": 100_000}
    for name, trained in slots.items():
        assert shipped.comparison.evaluation.allocators[name].training_slots == trained
        assert shipped.schemes[name].settings["hidden"] == [256, 256]
    assert shipped.manifest == read_results(FOLDER).manifest
