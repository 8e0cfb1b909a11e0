"""The training loop: a seed's result depends neither on other seeds nor on the stretches."""

from __future__ import annotations

import dataclasses
import math

import jax
import numpy as np
import pytest

from twinsync.learning import SAC_TUNED, SacSettings, Training, advance, start_training
from twinsync.learning.training import build_algorithm
from twinsync.presets import load_scenario

ALGORITHMS = ("sac", "ppo")


@pytest.fixture(scope="module")
def two_devices():
    return load_scenario("paper", ["device_count=2"])


@pytest.fixture(scope="module")
def run(two_devices, tiny):
    def train(algorithm: str, *, seeds: int = 2, seed: int = 7, stretches: int = 3) -> Training:
        training = start_training(two_devices, tiny[algorithm], seeds=seeds, seed=seed)
        advance(training, stretches)
        return training

    return train


@pytest.fixture(scope="module")
def first(run) -> dict[str, Training]:
    return {algorithm: run(algorithm) for algorithm in ALGORITHMS}


def _rows(training: Training) -> np.ndarray:
    return np.array(training.curve)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_step_keeps_the_types_of_the_state(two_devices, tiny, algorithm: str) -> None:
    # Otherwise the second stretch would be compiled again.
    training = start_training(two_devices, tiny[algorithm], seeds=1, seed=0)
    state = jax.tree.map(lambda leaf: leaf[0], training.state)
    after = jax.eval_shape(training.algorithm.step, state, 0)[0]
    before = jax.eval_shape(lambda same: same, state)
    for one, other in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert (one.dtype, one.weak_type) == (other.dtype, other.weak_type)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_seed_one_result(run, first, numbers, algorithm: str) -> None:
    again = run(algorithm)
    for one, other in zip(numbers(first[algorithm].state), numbers(again.state), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(_rows(first[algorithm]), _rows(again))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_seeds_differ(run, first, algorithm: str) -> None:
    weights = [
        np.asarray(training.policies().network.layers[0].weight)
        for training in (first[algorithm], run(algorithm, seed=8))
    ]
    rows = np.concatenate(weights).reshape(4, -1)
    assert len(np.unique(rows, axis=0)) == 4


def test_a_seed_does_not_depend_on_its_company(run, first, numbers) -> None:
    # The draws are the same, but other batches round differently: close, not identical, and long runs drift apart.
    alone = run("ppo", seeds=1)
    for one, two in zip(numbers(alone.policies()), numbers(first["ppo"].policies()), strict=True):
        np.testing.assert_allclose(one[0], two[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_stretches_change_no_policy(run, first, numbers, algorithm: str) -> None:
    other = run(algorithm, stretches=5)
    for one, two in zip(numbers(first[algorithm].state), numbers(other.state), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(other.curve) > len(first[algorithm].curve)
    np.testing.assert_array_equal(_rows(first[algorithm])[-2:, :4], _rows(other)[-2:, :4])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_curve(first, algorithm: str) -> None:
    training = first[algorithm]
    rows = _rows(training)
    assert training.finished
    np.testing.assert_array_equal(rows[:, 0], [0, 1] * 4)
    np.testing.assert_array_equal(rows[:, 1], np.repeat([0, 32, 64, 96], 2))  # slots
    cost, latency = rows[:, 2], rows[:, 3]
    assert (cost >= latency).all()
    assert (latency > 0).all()
    training_reward = rows[:, 4]
    assert np.isnan(training_reward[:2]).all()  # no statistics before the first slot
    assert (training_reward[2:] < 0).all()
    assert np.isfinite(rows[4:, 5:7]).all()
    value_size, value_bound = rows[4:, -2], rows[4:, -1]
    assert ((value_size > 0) & (value_size < value_bound)).all()  # a healthy critic stays within the bound
    assert (np.diff(rows[2:, -1].reshape(-1, 2), axis=0) >= 0).all()  # the bound never falls


def test_untrained_costs_are_those_of_the_untrained_policies(two_devices, tiny, first) -> None:
    from twinsync.environment import see
    from twinsync.learning.training import _curve_slots
    from twinsync.model import slot_outcome

    training = start_training(two_devices, tiny["sac"], seeds=2, seed=7)
    slots = _curve_slots(training)
    stacked = training.policies()
    for s in range(2):
        policy = jax.tree.map(lambda leaf, s=s: leaf[s], stacked)
        outcome = slot_outcome(two_devices, slots, policy(two_devices, see(slots, "paper"), jax.random.key(0)))
        assert float(np.mean(outcome.cost)) == pytest.approx(first["sac"].curve[s].cost, rel=1e-5)


def test_impossible_settings_are_refused(two_devices, complains) -> None:
    with complains("learning_rate"):
        start_training(two_devices, SacSettings(learning_rate=-1.0), seeds=1, seed=0)


@pytest.mark.parametrize("change", [{"extraction": "none"}, {"extraction": "random", "observation": "csi"}])
def test_the_benchmarks_train(two_devices, change: dict) -> None:
    # Tuned w/o SC and random strategy, the latter with channel knowledge: other numbers of decisions and features.
    small: dict = {"slots": 96, "batch_size": 16, "hidden": (8,), "parallel_slots": 8, "warmup_slots": 0}
    settings = dataclasses.replace(SAC_TUNED, **small, **change)
    training = start_training(two_devices, settings, seeds=1, seed=0)
    before = np.asarray(training.policies().network.layers[0].weight)
    advance(training, 1)
    assert math.isfinite(training.curve[-1].cost)
    # Not diverged, although with gamma = 0 the bound is tight: a mean reward against the largest.
    assert 0.05 < training.curve[-1].value_size / training.curve[-1].value_bound < 1.0
    assert np.abs(np.asarray(training.policies().network.layers[0].weight) - before).max() > 0
    assert training.policies().interface.decisions == 3


def test_settings_of_no_learner_are_refused(complains) -> None:
    @dataclasses.dataclass(frozen=True)
    class Unknown(SacSettings):
        pass

    with complains("Unknown"):
        build_algorithm(load_scenario("paper"), Unknown())
