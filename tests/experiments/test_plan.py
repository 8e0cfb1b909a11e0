"""Plans: which cells an evaluation is made of, by budget and figures."""

import dataclasses
import json
from pathlib import Path

import pytest

from twinsync.errors import InputError
from twinsync.experiments.compute import peers
from twinsync.experiments.plan import find_figures, read_plan, reproduction_plan, sweep_plan
from twinsync.experiments.schemes import BUDGETS, Budget
from twinsync.experiments.sweep import places
from twinsync.learning.settings import SacSettings

QUICK = BUDGETS["quick"]
TINY = Budget("tiny", 64, 8, 2, 25, 2, 2, thin=True)


def test_the_same_point_of_two_figures_is_one_result():
    whole = reproduction_plan(BUDGETS["full"], ("3", "4", "6", "7"), "paper", (), 0)
    base = [cell for cell in whole.cells() if cell.scheme == "sac-tuned" and cell.scenario == whole.preset.scenario]
    assert len(base) == 4 * BUDGETS["full"].seeds
    assert len({cell.address for cell in base}) == BUDGETS["full"].seeds


def test_printed_trains_table_three_at_the_ends_with_the_comparison_s_seeds_at_the_preset():
    printed = BUDGETS["printed"]
    whole = reproduction_plan(printed, ("3", "4", "7"), "paper", (), 0)
    fig4 = whole.sweeps[0]
    assert [point.label for point in places(fig4)] == ["2", "6", "10"]
    assert {"sac-paper", "ppo-paper", "random-strategy-paper", "without-sc-paper"} <= set(fig4.schemes)
    assert "sac-tuned" not in fig4.schemes  # repaired, it is in the comparison alone
    sac = [cell for cell in whole.cells() if cell.scheme == "sac-paper"]
    assert {cell.settings for cell in sac} == {SacSettings()}
    seeds = {}
    for cell in sac:
        place = (cell.scenario.device_count, cell.scenario.device_cpu_max_hz)
        seeds.setdefault(place, set()).add(cell.training_seed)
    # The preset is a point of both figures and has all seeds of the comparison.
    assert {place: len(numbers) for place, numbers in seeds.items()} == {
        (6, 1e9): printed.seeds, (2, 1e9): 2, (10, 1e9): 2, (6, 0.6e9): 2, (6, 1.4e9): 2,
    }  # fmt: skip


def test_other_budgets_leave_the_schemes_as_printed_to_the_record_unless_told():
    named = {cell.scheme for cell in reproduction_plan(QUICK, ("3", "4"), "paper", (), 0).cells()}
    assert not any(name.endswith("-paper") for name in named)
    told = reproduction_plan(dataclasses.replace(QUICK, printed=True), ("3", "4"), "paper", (), 0)
    (small,) = {cell.settings for cell in told.cells() if cell.scheme == "sac-paper"}
    assert (small.slots, small.hidden) == (QUICK.slots, (64, 64))
    (labelled,) = [scheme for scheme in told.compared if scheme.name == "sac-paper"]
    assert labelled.label == "SAC (as printed, 8,192 slots, width 64)"


def test_seeds_that_are_asked_for_count_at_every_point():
    whole = reproduction_plan(BUDGETS["printed"].with_seeds(3), ("3", "4", "settings"), "paper", (), 0)
    numbers = {}
    for cell in whole.cells():
        if cell.settings is not None:
            numbers.setdefault((cell.scheme, cell.scenario), set()).add(cell.training_seed)
    assert set(map(len, numbers.values())) == {3}


def test_a_study_s_baselines_are_the_comparison_s_results():
    whole = reproduction_plan(BUDGETS["printed"], ("3", "settings"), "paper", (), 0)
    compared = {cell.address for cell in whole.compared_cells()}
    seeds = {}
    for cell in whole.study_cells("settings"):
        assert (cell.address in compared) == ("--" not in cell.scheme)
        seeds.setdefault(cell.scheme, set()).add(cell.training_seed)
    assert {name: len(numbers) for name, numbers in seeds.items() if "--" not in name} == {
        "sac-paper": 5, "ppo-paper": 5, "random-strategy-paper": 5, "sac-tuned": 5, "ppo-tuned": 5,
    }  # fmt: skip
    changed = {name: len(numbers) for name, numbers in seeds.items() if "--" in name}
    assert {count for name, count in changed.items() if name.startswith("ppo")} == {5}
    assert {count for name, count in changed.items() if not name.startswith("ppo")} == {2}


def test_a_comparison_without_an_optimum_is_refused_before_any_work():
    with pytest.raises(InputError, match="--figures 3: the exact optimum needs fading_blocks = 1"):
        reproduction_plan(QUICK, ("3", "4"), "paper", ("fading_blocks=2",), 0)
    assert reproduction_plan(QUICK, ("4",), "paper", ("fading_blocks=2",), 0).sweeps


def test_a_sweep_s_results_are_the_same_from_every_folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("from twinsync.allocators.heuristics import EqualShare\nrule = EqualShare()\n")
    text = 'schemes = ["equal-share", "mine.py:rule"]\n[[axes]]\nkey = "device_count"\nvalues = [2]\n'
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    near = sweep_plan(Path("mine.toml"), QUICK, 0)
    monkeypatch.chdir("/")
    far = sweep_plan(tmp_path / "mine.toml", QUICK, 0)
    assert [cell.address for cell in near.cells()] == [cell.address for cell in far.cells()]
    assert near.sweeps[0].schemes == far.sweeps[0].schemes == ("equal-share", "mine.py:rule")


def test_a_plan_that_names_a_missing_file_is_not_called_damaged(tmp_path):
    recipe = {"command": "", "budget": dataclasses.asdict(QUICK), "seed": 0, "file": str(tmp_path / "gone.toml")}
    (tmp_path / "plan.json").write_text(json.dumps(recipe))
    with pytest.raises(InputError, match=r"gone\.toml: no such file") as raised:
        read_plan(tmp_path / "plan.json")
    assert "damaged" not in str(raised.value)


def test_figures_are_chosen_by_number_or_name():
    assert find_figures("3,4") == ("3", "4")
    assert find_figures("speed, 6") == ("6", "speed")
    assert find_figures("beyond")[0] == "bandwidth"
    with pytest.raises(InputError, match="--figures: unknown '8'"):
        find_figures("3,8")


def test_a_value_that_this_scenario_does_not_allow_is_refused_before_any_work():
    with pytest.raises(InputError, match=r"sweep 'fig7': at device_cpu_max_hz=0.6 GHz: .*device_cpu_min_hz"):
        reproduction_plan(TINY, ("7",), "paper", ("device_cpu_min_hz=0.7 GHz",), 0)


def test_the_extraction_floor_lies_where_accuracy_is_known():
    def labels(scenario: str) -> list[str]:
        (sweep,) = reproduction_plan(BUDGETS["laptop"], ("extraction-floor",), scenario, (), 0).sweeps
        return [place.label for place in places(sweep)]

    assert labels("measured") == ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.4", "1"]
    assert labels("paper") == ["0.05", "0.1", "0.2", "0.3", "0.45", "0.6", "0.8", "1"]


@pytest.mark.parametrize("part", ["settings", "peers"])
def test_a_study_of_the_schemes_as_printed_needs_a_budget_that_trains_them(part, complains):
    with complains(f"--figures {part}", "budget quick", "--budget printed", "--retrain-printed"):
        reproduction_plan(BUDGETS["quick"], (part,), "paper", (), 0)
    small = dataclasses.replace(BUDGETS["quick"], printed=True)
    assert reproduction_plan(small, ("settings",), "paper", (), 0).study_cells("settings")


def test_peers_that_cannot_be_trained_are_refused_before_any_work(monkeypatch, complains):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    with complains("--figures peers", "pip install stable-baselines3", "or leave that part out"):
        reproduction_plan(BUDGETS["printed"], ("3", "peers"), "paper", (), 0)
