"""Means with intervals over replication units, and quantiles over slots.

The unit of replication is what was repeated independently: a training seed, or a fresh set of slots where nothing was
trained. Slots within a unit share a policy or a walk, so resampling slots would claim more than was measured.

Intervals are Student's t with the jackknife's standard error (Efron and Tibshirani, "An Introduction to the Bootstrap",
1993, ch. 11): for a mean this is the textbook interval, and for a ratio of means the standard error follows from
leaving out each unit in turn. With the five units that are affordable, a nominal 95 % percentile bootstrap covers about
84 %, since it can never be wider than the range of the units; BCa is no better. `benchmarks/coverage.py` simulates all
three, and docs/model.md has the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import t as student

from twinsync.arrays import Float
from twinsync.experiments.records import Estimate

LEVEL = 0.95
METHOD = "Student's t with the jackknife's standard error, over units"


def interval(statistic: Callable[..., float], *units: Float[np.ndarray, " _"], level: float = LEVEL) -> Estimate:
    """A smooth function of the means of one or several arrays of units, with its interval.

    Arrays of equal length are paired: unit j of one with unit j of the other. Arrays of different lengths are taken as
    independent, and an array of one unit as a constant. The ends are NaN if no array has two or more units.
    """
    means = [float(np.mean(array)) for array in units]
    estimate = float(statistic(*means))
    lengths = sorted({len(array) for array in units if len(array) > 1})
    if not lengths:
        return Estimate(estimate, math.nan, math.nan)
    variances = [_jackknife_variance(statistic, units, means, length) for length in lengths]
    variance = sum(variances)
    half = _quantile(_degrees_of_freedom(variances, lengths), level) * math.sqrt(variance)
    return Estimate(estimate, estimate - half, estimate + half)


def mean_interval(units: Float[np.ndarray, " n"], *, level: float = LEVEL) -> Estimate:
    """Mean of the units with its interval."""
    return interval(lambda mean: mean, units, level=level)


def widening(count: int, comparisons: int, level: float = LEVEL) -> float:
    """Factor that widens an interval over `count` units so that all `comparisons` cover simultaneously (Bonferroni).

    1 for one comparison; NaN for fewer than two units.
    """
    if count < 2:
        return math.nan
    joint = 1.0 - (1.0 - level) / max(comparisons, 1)
    return _quantile(count - 1.0, joint) / _quantile(count - 1.0, level)


def median_and_p95(values: Float[np.ndarray, "*n"]) -> tuple[float, float]:
    """Median and 95th percentile of all values, pooled."""
    median, p95 = np.quantile(values, [0.5, 0.95])
    return float(median), float(p95)


def _jackknife_variance(
    statistic: Callable[..., float], units: tuple[np.ndarray, ...], means: list[float], length: int
) -> float:
    """Variance of the statistic due to the arrays of this length; each unit is left out of all of them at once."""
    left_out = [
        statistic(
            *(
                (mean * length - float(array[place])) / (length - 1) if len(array) == length else mean
                for array, mean in zip(units, means, strict=True)
            )
        )
        for place in range(length)
    ]
    return float((length - 1) / length * np.sum((np.asarray(left_out) - np.mean(left_out)) ** 2))


def _degrees_of_freedom(variances: list[float], lengths: list[int]) -> float:
    """Degrees of freedom by Welch and Satterthwaite for a sum of independent variances; n - 1 for a single length n."""
    total = sum(variances)
    if total == 0.0 or len(lengths) == 1:
        return lengths[0] - 1.0
    return total**2 / sum(part**2 / (length - 1.0) for part, length in zip(variances, lengths, strict=True))


def _quantile(degrees: float, level: float) -> float:
    return float(student.ppf(0.5 * (1.0 + level), degrees))
