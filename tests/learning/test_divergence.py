"""Divergence: the bound on a critic's values, and runs that stop, or continue and record it."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from twinsync.learning import RunConfig, SacSettings, train
from twinsync.learning.divergence import Diverged, Divergence, discount_sum, find_divergences, value_bound
from twinsync.learning.training import CurveRow

HUGE = SacSettings(
    slots=400, batch_size=16, hidden=(8,), parallel_slots=8, warmup_slots=0, target="soft", cycle_end="truncation",
    learning_rate=3.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def exploding() -> RunConfig:
    """A run that diverges: gamma 0.99 across the cycle's end, and steps of 3 in every weight and in ln alpha."""
    return RunConfig("paper", ("device_count=2",), HUGE, seeds=2, seed=0, stretches=5)


@pytest.fixture(scope="module")
def stopped(exploding, tmp_path_factory) -> tuple[Path, str]:
    """The folder of a run that diverged, which tests must not change, and the message."""
    out = tmp_path_factory.mktemp("runs") / "exploding"
    with pytest.raises(Diverged) as caught:
        train(exploding, out, command="twinsync train")
    return out, str(caught.value)


def _row(seed: int, slots: int, **changes: float) -> CurveRow:
    same = dict.fromkeys(CurveRow._fields[2:], 1.0)
    return CurveRow(seed, slots, **{**same, "value_size": math.nan, "value_bound": math.nan, **changes})


def test_discount_sum() -> None:
    assert discount_sum(0.5, 3, "terminal") == pytest.approx(1 + 0.5 + 0.25)
    assert discount_sum(0.5, 3, "truncation") == pytest.approx(2.0)
    assert discount_sum(0.0, 25, "terminal") == discount_sum(0.0, 25, "truncation") == 1.0


def test_value_bound() -> None:
    # R = 2, h = 3: rewards 3 x 2, and alpha |H| = 0.5 for the two slots after the first.
    assert value_bound(2.0, 0.5, 0.0, 3.0) == 7.0
    assert value_bound(2.0, 1e9, 0.0, 3.0) == 10.0  # a diverged temperature counts like the rewards
    assert value_bound(2.0, 1e9, 4.0, 3.0) == 14.0  # or like the initial temperature
    assert value_bound(2.0, math.nan, 4.0, 3.0) == 6.0  # no temperature
    assert math.isnan(value_bound(math.nan, math.nan, 0.0, 3.0))


def test_no_return_in_the_environment_exceeds_the_bound() -> None:
    rewards, bonus = np.random.default_rng(0).uniform(-2.0, 2.0, (1000, 25)), 0.3
    gamma = 0.9 ** np.arange(25)
    soft = np.abs(rewards @ gamma) + bonus * gamma[1:].sum()
    assert soft.max() <= value_bound(2.0, bonus, 0.0, discount_sum(0.9, 25, "terminal"))


def test_the_first_sign_of_each_seed_is_found() -> None:
    curve = [
        _row(0, 0), _row(1, 0), _row(2, 0), _row(3, 0),
        _row(0, 10, value_size=19.9, value_bound=10.0),  # within the margin of 2
        _row(1, 10, value_size=20.1, value_bound=10.0),
        _row(2, 10, cost=math.nan),
        _row(3, 10, critic_loss=math.inf),
        _row(0, 20), _row(1, 20, cost=math.nan), _row(2, 20), _row(3, 20),
    ]  # fmt: skip
    first, second, third = find_divergences(curve)
    assert first == Divergence(1, 10, 20.1, 10.0)
    assert "20.1, more than 2 times the 10 " in first.reason
    assert (second.seed, second.slots, third.seed, third.slots) == (2, 10, 3, 10)
    assert "no longer finite" in second.reason


def test_a_run_that_explodes_stops_with_one_line(stopped) -> None:
    out, message = stopped
    assert "\n" not in message
    for part in (str(out), "diverged in", "of 2 seeds", "seed 0 by slot", "curve.csv"):
        assert part in message
    for remedy in ("learning_rate (here 3)", "discount (here 0.99", "cycle_end=terminal"):
        assert remedy in message


def test_curve_and_manifest_stay_but_no_policy(stopped) -> None:
    out, _ = stopped
    assert {path.name for path in out.iterdir()} == {"config.json", "manifest.json", "curve.csv", "checkpoint.npz"}
    (*_, last) = json.loads((out / "manifest.json").read_text())["diverged"]
    with (out / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    end = [row for row in rows if int(row["seed"]) == last["seed"]][-1]
    assert int(end["slots"]) == last["slots"] < HUGE.slots  # stopped there
    assert float(end["value_size"]) > 2.0 * float(end["value_bound"]) > 0


def test_resuming_it_says_the_same(stopped, exploding, tmp_path) -> None:
    out = tmp_path / "exploding"
    shutil.copytree(stopped[0], out)
    checkpoint = (out / "checkpoint.npz").read_bytes()
    with pytest.raises(Diverged) as caught:
        train(exploding, out, resume=True)
    assert str(caught.value) == stopped[1].replace(str(stopped[0]), str(out))
    assert (out / "checkpoint.npz").read_bytes() == checkpoint


def test_a_comparison_goes_on_and_records_it(stopped, exploding, tmp_path) -> None:
    out = tmp_path / "exploding"
    shutil.copytree(stopped[0], out)
    training = train(exploding, out, resume=True, stop_if_diverged=False)
    assert training.finished
    recorded = json.loads((out / "manifest.json").read_text())["diverged"]
    assert [item["seed"] for item in recorded] == [0, 1]
    finite = [row.seed for row in training.curve[-2:] if math.isfinite(row.cost)]
    assert (out / "policy.npz").exists() == bool(finite)
