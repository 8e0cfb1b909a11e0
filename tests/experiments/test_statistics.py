"""Bootstrap intervals against SciPy, against what theory says of few units, and in what pairs them."""

import numpy as np
import pytest
import scipy.stats

from twinsync.experiments.records import Estimate
from twinsync.experiments.statistics import Bootstrap, expected_coverage, median_and_p95


def ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.mean, estimate.low, estimate.high


@pytest.fixture(scope="module")
def units() -> np.ndarray:
    return np.random.default_rng(3).normal(10.0, 2.0, 20)


def test_interval_agrees_with_scipys_percentile_bootstrap(units: np.ndarray) -> None:
    ours = Bootstrap(0).mean_interval(units)
    peer = scipy.stats.bootstrap((units,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert ours.mean == pytest.approx(units.mean())
    # 10,000 resamples leave a quantile of the mean uncertain by about 0.01 of its spread.
    assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high), abs=0.03)


def test_three_units_give_their_range() -> None:
    # All three resampled units are the smallest one with probability 1/27 = 3.7 % > 2.5 %.
    assert ends(Bootstrap(0).mean_interval(np.array([5.0, 1.0, 3.0]))) == pytest.approx((3.0, 1.0, 5.0))


@pytest.mark.parametrize("count", [2, 3, 5, 7, 10, 20])
def test_coverage_table_is_what_a_simulation_finds(count: int) -> None:
    draws = np.random.default_rng(count).standard_normal((4000, count))
    bootstrap = Bootstrap(1, resamples=2000)
    weights = np.stack([bootstrap.resampled_means(row) for row in np.eye(count)])
    low, high = np.quantile(draws @ weights, [0.025, 0.975], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(expected_coverage(count), abs=0.025)


def test_one_unit_has_no_interval() -> None:
    interval = Bootstrap(0).mean_interval(np.array([4.0]))
    assert interval.mean == 4.0
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)
    assert np.isnan(expected_coverage(1))


def test_arrays_of_equal_length_are_resampled_together(units: np.ndarray) -> None:
    shifted = Bootstrap(0).interval(lambda a, b: a - b, units + 1.5, units)
    assert ends(shifted) == pytest.approx((1.5, 1.5, 1.5))


def test_unequal_lengths_are_resampled_independently(units: np.ndarray) -> None:
    few, many = units[:8], units[8:]
    interval = Bootstrap(0).interval(lambda a, b: a - b, few, many)
    separate = np.hypot(few.std() / np.sqrt(8), many.std() / np.sqrt(12))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * separate, rel=0.1)


def test_a_single_unit_is_compared_with_each_of_many(units: np.ndarray) -> None:
    bootstrap = Bootstrap(0)
    alone, against = bootstrap.mean_interval(units), bootstrap.interval(lambda a, b: a - b, units, np.array([10.0]))
    assert ends(against) == pytest.approx(tuple(np.array(ends(alone)) - 10.0))


def test_ratio_is_of_the_means_not_the_mean_of_ratios() -> None:
    a, b = np.array([1.0, 9.0]), np.array([1.0, 3.0])
    interval = Bootstrap(0).interval(lambda x, y: x / y, a, b)
    # (1 + 9) / (1 + 3) = 2.5, where the mean of ratios would be (1 + 3) / 2 = 2; resamples give 1, 2.5 or 3.
    assert ends(interval) == pytest.approx((2.5, 1.0, 3.0))


def test_the_seed_decides_and_nothing_else(units: np.ndarray) -> None:
    first, second = Bootstrap(7), Bootstrap(7)
    second.mean_interval(units[:4])  # what else was computed before does not shift the draws
    assert first.mean_interval(units) == second.mean_interval(units)
    assert first.mean_interval(units) != Bootstrap(8).mean_interval(units)


def test_quantiles_pool_all_values() -> None:
    # 0..100 in whatever shape: median 50, 95th percentile 95.
    assert median_and_p95(np.arange(101.0)[::-1].reshape(1, 101)) == (50.0, 95.0)
