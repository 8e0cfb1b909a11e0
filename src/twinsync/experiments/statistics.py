"""Means with bootstrap intervals over replication units, and quantiles over slots.

The unit of replication is what was repeated independently: a training seed, or a fresh set of slots where nothing was
trained. Slots within a unit share a policy or a walk, so resampling slots would claim more than was measured.

The interval is the plain percentile bootstrap. BCa corrects bias and skewness, but both corrections are estimated from
the units themselves and are noise for the handful of seeds one can afford. What no bootstrap repairs: over few units
the interval is too narrow. Over 3 it is nothing but their range, which covers the mean of a symmetric law in 75 % of
repetitions, not 95 %. `expected_coverage` says so for any number of units, and reports print it.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.records import Estimate
from twinsync.streams import root_key, stream

RESAMPLES = 10_000
LEVEL = 0.95

# Share of repetitions in which the 95 % percentile interval covers the mean of normal units, simulated to +-0.01.
_COVERAGE = {2: 0.50, 3: 0.75, 4: 0.80, 5: 0.84, 6: 0.86, 8: 0.88, 10: 0.90, 15: 0.92, 20: 0.93, 30: 0.94, 100: 0.95}


class Bootstrap:
    """Percentile bootstrap over units, the same for one seed whatever else is computed.

    How often each of n units is drawn in each resample depends on the seed and n alone. Two arrays of equal length are
    therefore resampled together, which is what pairs unit j of one scheme with unit j of another.
    """

    def __init__(self, seed: int, *, resamples: int = RESAMPLES, level: float = LEVEL) -> None:
        self._entropy = [int(word) for word in np.ravel(jax.random.key_data(stream(root_key(seed), "bootstrap")))]
        self._resamples = resamples
        self._tail = (1.0 - level) / 2.0
        self._weights: dict[int, np.ndarray] = {}

    def resampled_means(self, units: Float[np.ndarray, " n"]) -> Float[np.ndarray, " R"]:
        """Mean of the units in each of the R resamples (drawn with replacement, as many as there are)."""
        count = len(units)
        if count not in self._weights:
            generator = np.random.default_rng([*self._entropy, count])
            self._weights[count] = generator.multinomial(count, np.full(count, 1.0 / count), self._resamples) / count
        return self._weights[count] @ units

    def interval(self, statistic: Callable[..., np.ndarray | float], *units: np.ndarray) -> Estimate:
        """A function of the means of one or several arrays of units ([n] or [1] each), with its percentile interval.

        The ends are NaN where a single unit allows none.
        """
        estimate = float(statistic(*(float(np.mean(array)) for array in units)))
        if max(len(array) for array in units) < 2:
            return Estimate(estimate, np.nan, np.nan)
        resampled = statistic(*(self.resampled_means(array) for array in units))
        low, high = np.quantile(resampled, [self._tail, 1.0 - self._tail])
        return Estimate(estimate, float(low), float(high))

    def mean_interval(self, units: Float[np.ndarray, " n"]) -> Estimate:
        """Mean of the units with its interval."""
        return self.interval(lambda mean: mean, units)


def expected_coverage(count: int) -> float:
    """Share of repetitions in which a 95 % interval over `count` normal units covers their mean; NaN below 2."""
    if count < 2:
        return np.nan
    return float(np.interp(count, list(_COVERAGE), list(_COVERAGE.values())))


def median_and_p95(values: Float[np.ndarray, "*n"]) -> tuple[float, float]:
    """Median and 95th percentile of all values, pooled."""
    median, p95 = np.quantile(values, [0.5, 0.95])
    return float(median), float(p95)
