"""Intervals against SciPy, by hand, against a simulation of their coverage, and in what pairs their units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from twinsync.experiments.records import Estimate
from twinsync.experiments.statistics import degrees_of_freedom, interval, mean_interval, median_and_p95, widening


def ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.mean, estimate.low, estimate.high


@pytest.fixture(scope="module")
def units() -> np.ndarray:
    return np.random.default_rng(3).normal(10.0, 2.0, 20)


def test_a_mean_has_the_interval_of_the_t_test(units: np.ndarray) -> None:
    peer = scipy.stats.ttest_1samp(units, 0.0).confidence_interval(0.95)
    assert ends(mean_interval(units)) == pytest.approx((units.mean(), peer.low, peer.high))


def test_three_units_by_hand() -> None:
    # Standard error 2 / sqrt(3) = 1.1547; t with 2 degrees of freedom at 97.5 % is 4.3027.
    assert ends(mean_interval(np.array([5.0, 1.0, 3.0]))) == pytest.approx((3.0, -1.9683, 7.9683), abs=1e-4)


def test_one_unit_has_no_interval() -> None:
    alone = mean_interval(np.array([4.0]))
    assert alone.mean == 4.0
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_arrays_of_equal_length_are_paired(units: np.ndarray) -> None:
    assert ends(interval(lambda a, b: a - b, units + 1.5, units)) == pytest.approx((1.5, 1.5, 1.5))


def test_arrays_of_unequal_length_are_independent(units: np.ndarray) -> None:
    few, many = units[:8], units[8:]
    peer = scipy.stats.ttest_ind(few, many, equal_var=False).confidence_interval(0.95)
    ours = interval(lambda a, b: a - b, few, many)
    assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high))


def test_a_single_unit_is_a_number_without_an_error(units: np.ndarray) -> None:
    alone, against = mean_interval(units), interval(lambda a, b: a - b, units, np.array([10.0]))
    assert ends(against) == pytest.approx(tuple(np.array(ends(alone)) - 10.0))


def test_a_ratio_is_of_the_means_not_the_mean_of_ratios() -> None:
    # (1 + 9) / (1 + 3) = 2.5, where the mean of ratios would be (1 + 3) / 2 = 2. Without the first pair 3, without the
    # second 1: jackknife variance (1/2) (1^2 + 1^2) = 1, and t with 1 degree of freedom is 12.706.
    ratio = interval(lambda x, y: x / y, np.array([1.0, 9.0]), np.array([1.0, 3.0]))
    assert ends(ratio) == pytest.approx((2.5, 2.5 - 12.706, 2.5 + 12.706), abs=1e-3)


@pytest.mark.parametrize("count", [3, 5])
def test_intervals_over_few_units_cover_what_they_promise(count: int) -> None:
    generator = np.random.default_rng(count)
    covered = 0
    for _ in range(1000):
        ratio = interval(lambda a, b: a / b, *(1.0 + 0.1 * generator.standard_normal((2, count))))
        covered += ratio.low <= 1.0 <= ratio.high
    assert covered / 1000 == pytest.approx(0.95, abs=0.025)  # a percentile bootstrap covers 75 % and 85 %


def test_widened_intervals_cover_together() -> None:
    # Five units, three comparisons: t with 4 degrees of freedom at 1 - 0.05 / 6 over that at 0.975.
    assert widening(4.0, 3) == pytest.approx(3.9608 / 2.7764, abs=1e-4)
    assert widening(4.0, 1) == 1.0
    assert math.isnan(widening(math.nan, 3))


def test_degrees_of_freedom_are_those_of_the_interval() -> None:
    generator = np.random.default_rng(0)
    five, two = generator.standard_normal(5), generator.standard_normal(2)

    def difference(a: float, b: float) -> float:
        return a - b

    assert degrees_of_freedom(difference, five, five + two[0]) == 4.0  # paired
    # Welch and Satterthwaite by hand: variances of the means over their own degrees of freedom.
    parts = five.var(ddof=1) / 5, two.var(ddof=1) / 2
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / 4 + parts[1] ** 2 / 1)
    assert degrees_of_freedom(difference, five, two) == pytest.approx(degrees)
    assert 1.0 < degrees < 5.0
    assert math.isnan(degrees_of_freedom(difference, five[:1], two[:1]))


def test_quantiles_pool_all_values() -> None:
    # 0..100 in whatever shape: median 50, 95th percentile 95.
    assert median_and_p95(np.arange(101.0)[::-1].reshape(1, 101)) == (50.0, 95.0)
