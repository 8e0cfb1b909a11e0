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
from collections.abc import Callable, Sequence

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
    estimate = float(statistic(*map(np.mean, units)))
    variances = _variances(statistic, units)
    if not variances:
        return Estimate(estimate, math.nan, math.nan)
    half = _quantile(_welch(variances), level) * math.sqrt(sum(variances.values()))
    return Estimate(estimate, estimate - half, estimate + half)


def degrees_of_freedom(statistic: Callable[..., float], *units: Float[np.ndarray, " _"]) -> float:
    """Degrees of freedom of `interval`; NaN where it has no ends."""
    variances = _variances(statistic, units)
    return _welch(variances) if variances else math.nan


def mean_interval(units: Float[np.ndarray, " n"], *, level: float = LEVEL) -> Estimate:
    """Mean of the units with its interval."""
    return interval(lambda mean: mean, units, level=level)


def last_fifths(
    values: Float[np.ndarray, "S P"],
) -> tuple[Float[np.ndarray, " S"], Float[np.ndarray, " S"]]:
    """Each curve's mean over the last but one fifth of its points, and over the last; NaN if any value in it is."""
    size = max(1, values.shape[1] // 5)
    return values[:, -2 * size : -size].mean(axis=1), values[:, -size:].mean(axis=1)


def widening(degrees: float, comparisons: int, level: float = LEVEL) -> float:
    """Factor that widens an interval so that all `comparisons` cover simultaneously (Bonferroni).

    degrees: of freedom of the interval. 1 for one comparison; NaN for unknown degrees of freedom.
    """
    joint = 1.0 - (1.0 - level) / max(comparisons, 1)
    return _quantile(degrees, joint) / _quantile(degrees, level)


def median_and_p95(values: Float[np.ndarray, "*n"]) -> tuple[float, float]:
    """Median and 95th percentile of all values, pooled."""
    median, p95 = np.quantile(values, [0.5, 0.95])
    return float(median), float(p95)


def _variances(statistic: Callable[..., float], units: Sequence[np.ndarray]) -> dict[int, float]:
    """The jackknife variance that the arrays of each length contribute, by length; arrays of one unit are constants."""
    lengths = sorted({len(array) for array in units if len(array) > 1})
    return {length: _jackknife_variance(statistic, units, length) for length in lengths}


def _jackknife_variance(statistic: Callable[..., float], units: Sequence[np.ndarray], length: int) -> float:
    """Variance of the statistic due to the arrays of this length; each unit is left out of all of them at once."""
    means = [float(np.mean(array)) for array in units]
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


def _welch(variances: dict[int, float]) -> float:
    """Degrees of freedom by Welch and Satterthwaite for a sum of independent variances; n - 1 for a single length n."""
    total = sum(variances.values())
    if total == 0.0 or len(variances) == 1:
        return min(variances) - 1.0
    return total**2 / sum(part**2 / (length - 1.0) for length, part in variances.items())


def _quantile(degrees: float, level: float) -> float:
    return float(student.ppf(0.5 * (1.0 + level), degrees))
