"""The study's runs: what varies, what goes together, and what a user may pick."""

from __future__ import annotations

import dataclasses

import pytest

from twinsync.experiments.schemes import BUDGETS
from twinsync.experiments.study.plan import GRID, PEER, TUNED, chosen, plan
from twinsync.learning.presets import SAC_TUNED
from twinsync.learning.settings import SacSettings
from twinsync.learning.validation import check_settings

QUICK, FULL = BUDGETS["quick"], BUDGETS["full"]


def _of(group: str, budget=QUICK, **learning: str):
    return [run for run in plan(budget, learning=learning, peer=True) if run.group == group]


def test_the_grid_is_one_run_without_bootstrapping_and_twelve_with() -> None:
    runs = _of(GRID)
    assert len(runs) == 13
    varied = {(run.settings.discount, run.settings.cycle_end, run.settings.target) for run in runs}
    assert len(varied) == 13
    assert {discount for discount, *_ in varied} == {0.0, 0.5, 0.9, 0.99}
    for run in runs:  # nothing else differs from the paper's, but what the budget shrinks
        back = dataclasses.replace(run.settings, discount=0.99, cycle_end="terminal", target="hard")
        assert back == SacSettings(slots=QUICK.slots, hidden=(64, 64))
    assert _of(GRID, FULL)[-2].settings == SacSettings(cycle_end="truncation")


def test_every_tuned_setting_is_put_back_once() -> None:
    differs = {f.name for f in dataclasses.fields(SacSettings) if getattr(SAC_TUNED, f.name) != f.default}
    for budget, same in ((QUICK, {"hidden"}), (FULL, set())):
        tuned, *back = _of(TUNED, budget)
        assert tuned.settings == dataclasses.replace(SAC_TUNED, slots=budget.slots)
        assert {run.changed[0] for run in back} == differs - same
        for run in back:
            check_settings(run.settings)  # every combination is one that can be trained
            now = {f.name for f in dataclasses.fields(SacSettings)
                   if getattr(run.settings, f.name) != getattr(tuned.settings, f.name)}  # fmt: skip
            assert now == set(run.changed)


def test_the_peer_has_the_settings_of_the_run_beside_it() -> None:
    named = {run.name: run for run in plan(QUICK, learning={}, peer=True)}
    for run in _of(PEER):
        assert run.settings == named[run.name.removeprefix("sb3-") + "-soft"].settings
    assert {run.group for run in plan(QUICK, learning={}, peer=False)} == {GRID, TUNED}


def test_learning_changes_the_grid_alone(complains) -> None:
    assert {run.settings.learning_rate for run in _of(GRID, learning_rate="0.001")} == {1e-3}
    assert _of(TUNED, learning_rate="0.001") == _of(TUNED)
    with complains("--learning discount", "leave it out"):
        _of(GRID, discount="0.5")


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ("tuned", ["tuned"]),
        ("back-d*, gamma-0", ["gamma-0", "back-discount"]),
        ("*-0.9-*-soft", ["gamma-0.9-terminal-soft", "gamma-0.9-truncation-soft"]),
    ],
)
def test_runs_are_chosen_by_pattern(patterns: str, names: list[str]) -> None:
    assert [run.name for run in chosen(plan(QUICK, learning={}, peer=False), patterns)] == names


def test_a_pattern_that_names_no_run(complains) -> None:
    with complains("'gamma-1*' names no run", "known: gamma-0, "):
        chosen(plan(QUICK, learning={}, peer=False), "tuned,gamma-1*")
