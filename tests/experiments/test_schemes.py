"""Budgets, schemes and their deviations from Table III."""

from __future__ import annotations

import dataclasses

import pytest

from twinsync.errors import InputError
from twinsync.experiments.constants import learning_constants
from twinsync.experiments.schemes import BUDGETS, all_schemes, deviations, find_budget
from twinsync.learning.presets import PRESETS
from twinsync.learning.settings import SacSettings


def test_every_setting_that_deviates_has_a_reason():
    for settings in PRESETS.values():
        assert all(deviation.reason for deviation in deviations(settings)), deviations(settings)
    assert deviations(SacSettings()) == []


def test_full_is_table_three():
    full = find_budget("full")
    (paper,) = [scheme for scheme in all_schemes(full) if scheme.name == "sac-paper"]
    assert paper.settings == SacSettings()
    assert "nothing shrunk" in full.note()
    stated = {entry.key: entry.value for entry in learning_constants() if entry.tag == "stated"}
    assert (stated["learning_rate"], stated["slots"], stated["batch_size"]) == (1e-4, 100_000, 256)
    assert (stated["buffer_size"], stated["discount"], stated["target_period"]) == (1_000_000, 0.99, 320)


def test_budgets_say_what_they_shrink():
    assert "8,192 environment slots" in BUDGETS["quick"].note()
    assert "the schemes as printed are not trained" in BUDGETS["quick"].note()
    assert "2 at the points of sweeps" in BUDGETS["printed"].note()
    with pytest.raises(InputError, match="unknown budget 'tiny'"):
        find_budget("tiny")


def test_a_learner_without_printed_settings_is_refused(complains):
    @dataclasses.dataclass(frozen=True)
    class Other(SacSettings):
        pass

    with complains("no settings of the paper to compare Other with"):
        deviations(Other())
