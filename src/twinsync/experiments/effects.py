"""What one changed setting does: to a learner's cost, and to the order and stability of Fig. 3's curves.

Both are judged seed by seed. With two seeds an interval says nothing, so a difference counts only if the seeds of the
two schemes do not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from twinsync.experiments.records import VariantRow
from twinsync.experiments.statistics import last_fifths
from twinsync.experiments.variants import PPO, RANDOM, SAC

SETTLED = 0.05  # a curve is stable if its mean over the last fifth is within this of the fifth before, relative

ByRole = Mapping[str, VariantRow]
Effect = Literal["lower", "higher", "not settled", "diverged", "unknown"]
Answer = Literal["yes", "no", "not settled", "unknown"]


def effect(row: VariantRow | None, base: VariantRow | None) -> Effect:
    """How a scheme's cost compares with that of its baseline.

    Lower or higher only if each of its seeds is below or above every seed of the baseline, where a lost seed is above
    every other. Diverged if a seed of the scheme is lost; unknown if either was not evaluated.
    """
    if row is not None and row.evaluated < row.trained:
        return "diverged"
    if row is None or base is None or row.measured is None or base.measured is None:
        return "unknown"
    costs, unchanged = row.measured.unit_cost, [*base.measured.unit_cost]
    if base.evaluated < base.trained:
        unchanged.append(math.inf)
    if max(costs) < min(unchanged):
        return "lower"
    return "higher" if min(costs) > max(unchanged) else "not settled"


def chance(seeds: int, baseline_seeds: int) -> float:
    """Probability that `effect` is lower or higher for a change without any effect: 2 / C(m + n, n)."""
    return min(1.0, 2.0 / math.comb(seeds + baseline_seeds, seeds))


def looks_as_printed(by_role: ByRole) -> Answer:
    """Whether Fig. 3 looks as the paper describes it: over the last fifth of training, SAC's cost is below PPO's and
    PPO's below the random strategy's, and each curve is stable.

    Yes if all of this holds for every seed, no if some of it holds for none. Unknown without all three schemes.
    """
    if not {SAC, PPO, RANDOM} <= by_role.keys():
        return "unknown"
    ends = [last_fifths(np.array(by_role[role].curve.cost, dtype=float)) for role in (SAC, PPO, RANDOM)]
    stable = [abs(after / before - 1.0) < SETTLED for before, after in ends]  # False where a cost is NaN
    held = [(bool(seeds.all()), bool(seeds.any())) for seeds in stable]
    # A cost that is no longer finite is higher than any other.
    last = [np.where(np.isfinite(after), after, np.inf) for _, after in ends]
    for better, worse in ((last[0], last[1]), (last[1], last[2])):
        held.append((bool(better.max() < worse.min()), bool(better.min() < worse.max())))
    if all(every for every, _ in held):
        return "yes"
    return "not settled" if all(some for _, some in held) else "no"
