"""Cells that Stable-Baselines3 trains: results like ours, but for the weights."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.estimate import sample_s
from twinsync.experiments.compute.store import from_bytes, to_bytes
from twinsync.experiments.compute.work import compute
from twinsync.experiments.run_folders import write_run_folder
from twinsync.learning.settings import PpoSettings, SacSettings
from twinsync.presets import load_scenario

pytest.importorskip("stable_baselines3")

SAC = SacSettings(slots=60, hidden=(8,), batch_size=8, warmup_slots=20)
PPO = PpoSettings(slots=64, hidden=(8,), batch_size=8, rollout_slots=32, parallel_slots=2, passes=2)


def cell_of(settings, number: int = 0) -> Cell:
    scenario = load_scenario("paper", ["device_count=2"])
    return Cell("theirs", scenario, settings, "", 0, number, 10, 2, 2, "sb3")


@pytest.mark.parametrize("settings", [SAC, PPO], ids=["sac", "ppo"])
def test_a_cell_of_the_peer_is_measured_and_comes_to_the_same_again(settings):
    cell = cell_of(settings)
    result, other = compute([cell, cell_of(settings, 1)])
    (again,) = compute([cell])
    assert (result.identity, result.trouble, result.diverged) == (cell.identity, "", ())
    assert result.measured is not None
    assert again.measured is not None
    assert other.measured is not None
    assert result.measured.cost.shape == (1, 2, 10)
    assert np.isfinite(result.measured.cost).all()
    np.testing.assert_array_equal(result.measured.cost, again.measured.cost)
    np.testing.assert_array_equal(result.curve, again.curve)
    assert not np.array_equal(result.measured.cost, other.measured.cost)
    assert [row.slots for row in result.curve] == [0, settings.slots // 2, settings.slots]
    assert (result.weights, result.card) == ((), None)
    assert result.training_s > 0 < result.evaluation_s
    assert {"twinsync", "stable-baselines3", "torch"} <= result.provenance["versions"].keys()


def test_a_result_without_weights_is_read_back_and_leaves_a_run_without_a_policy(tmp_path):
    (result,) = compute([cell_of(SAC)])
    read = from_bytes(to_bytes(result))
    assert read.measured is not None
    assert result.measured is not None
    np.testing.assert_array_equal(read.measured.cost, result.measured.cost)
    assert (read.weights, read.card, read.provenance) == ((), None, result.provenance)
    write_run_folder(tmp_path / "run", [read, read], {})
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"curve.csv", "manifest.json"}


def test_lost_weights_are_the_results_trouble():
    (result,) = compute([cell_of(dataclasses.replace(SAC, learning_rate=1e30))])
    assert result.measured is None
    assert result.trouble == "its weights are no longer finite numbers"
    assert [sign["seed"] for sign in result.diverged] == [0]
    assert math.isnan(from_bytes(to_bytes(result)).curve[-1].cost)


def test_settings_that_the_library_cannot_do_are_an_error_of_one_line(complains):
    with complains("architecture = set"):
        compute([cell_of(dataclasses.replace(SAC, architecture="set"))])


@pytest.mark.parametrize("settings", [SAC, PPO], ids=["sac", "ppo"])
def test_a_sample_tells_how_long_training_takes(settings):
    batch = [cell_of(settings, number) for number in range(2)]
    assert 0 < sample_s(batch) < 60
