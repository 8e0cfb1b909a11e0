"""Detection of diverged training: weights that are not finite, or values that the rewards seen cannot produce.

A return is a sum of discounted rewards. With |r| <= R for every reward seen, no policy's value exceeds h R, where h is
the sum of the discounts: (1 - gamma^N) / (1 - gamma) if values end with a cycle of N slots, and 1 / (1 - gamma) if they
do not. The soft value (25) adds alpha H for every slot but the first, at most (h - 1) alpha |H|. Here alpha |H| counts
at most as R or as its initial value (initial alpha times A ln 2, with the entropy of A uniform actions), whichever is
larger: a temperature that outgrows both has itself diverged and justifies no larger values. If the mean |Q| of a critic
or of its targets exceeds the total, it no longer estimates a return but amplifies its own bootstrapped targets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from twinsync.errors import InputError

if TYPE_CHECKING:
    from twinsync.learning.settings import Settings
    from twinsync.learning.training import CurveRow

# Any mean |Q| above the bound is wrong; beyond twice the bound it is not just a temporary overshoot.
MARGIN = 2.0


class Diverged(InputError):
    """A run's critic or weights diverged; the message names the seeds, when, by how much, and what to change."""


class Divergence(NamedTuple):
    """The first sign that a seed diverged.

    slots: slots trained by then. value_size: mean |Q|; NaN if weights or losses are not finite. value_bound: see
    `value_bound`.
    """

    seed: int
    slots: int
    value_size: float
    value_bound: float

    @property
    def reason(self) -> str:
        """What went wrong, for messages and the manifest."""
        if math.isnan(self.value_size):
            return "weights or losses are no longer finite numbers"
        return (
            f"mean |Q| is {self.value_size:.3g}, more than {MARGIN:g} times the {self.value_bound:.3g} that "
            "the rewards seen allow (both in the critic's units, rewards times reward_scale)"
        )


def discount_sum(discount: float, slot_count: int, cycle_end: str) -> float:
    """h, the sum of the discounts of a return of at most N = `slot_count` slots (`terminal`) or of infinitely many.

    Requires `discount` < 1; the result is 1 for `discount` = 0.
    """
    terminal = cycle_end == "terminal"
    return (1.0 - discount**slot_count if terminal else 1.0) / (1.0 - discount)


def value_bound(largest_reward: float, largest_bonus: float, first_bonus: float, discounts: float) -> float:
    """Largest |Q| possible with rewards up to `largest_reward` and entropy bonuses alpha |H| up to `largest_bonus`.

    first_bonus: the bonus of uniform actions at the initial temperature. discounts: h of `discount_sum`. NaN as
    `largest_bonus` means that the learner has no bonus.
    """
    bonus = 0.0 if math.isnan(largest_bonus) else min(largest_bonus, max(largest_reward, first_bonus))
    return discounts * largest_reward + (discounts - 1.0) * bonus


def find_divergences(curve: Sequence[CurveRow]) -> list[Divergence]:
    """The first sign of divergence of each seed that diverged, sorted by seed."""
    found: dict[int, Divergence] = {}
    for row in curve:
        if row.seed in found:
            continue
        if not math.isfinite(row.cost) or math.isinf(row.critic_loss) or math.isinf(row.value_size):
            found[row.seed] = Divergence(row.seed, row.slots, math.nan, row.value_bound)
        elif row.value_size > MARGIN * row.value_bound:
            found[row.seed] = Divergence(row.seed, row.slots, row.value_size, row.value_bound)
    return [found[seed] for seed in sorted(found)]


def complaint(found: Sequence[Divergence], seeds: int, settings: Settings) -> Diverged:
    """The error to raise for a run of `seeds` seeds, given the divergences found."""
    each = [f"seed {item.seed} by slot {item.slots:,}: {item.reason}" for item in found[:3]]
    if len(found) > len(each):
        each.append(f"and {len(found) - len(each)} more")
    return Diverged(
        f"training diverged in {len(found)} of {seeds} seeds ({'; '.join(each)}); {', or '.join(_remedies(settings))}"
    )


def _remedies(settings: Settings) -> list[str]:
    remedies = [f"lower learning_rate (here {settings.learning_rate:g})"]
    if getattr(settings, "discount", 0.0) > 0.0:
        remedies.append(f"lower discount (here {getattr(settings, 'discount', 0.0):g}; 0 bootstraps nothing)")
        if getattr(settings, "cycle_end", "terminal") == "truncation":
            remedies.append("set cycle_end=terminal")
    return remedies
