"""Reusable checks: comparisons with intervals, and the verdict and words that follow from a list of them.

A claim holds where each of its comparisons does: the interval lies wholly on the claim's side. A claim looks at many
places, so its intervals are widened until all of them cover at once in 95 % of repetitions (Bonferroni). Runs that were
trained for different numbers of slots are not compared. Two points of a sweep are compared by training seed: seed j at
one x with seed j at the next, which start from the same streams.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from twinsync.arrays import Float
from twinsync.experiments.claims.evidence import Evidence, NamedPoint, View
from twinsync.experiments.formatting import NBSP, number
from twinsync.experiments.records import NOTHING, Estimate
from twinsync.experiments.statistics import interval, widening

HOLDS, PARTLY, FAILS, UNCHECKED = "holds", "holds only where", "does not hold", "not checked"
SIGNIFICANT = 1.0  # [%]; the paper's "significantly", which it never defines, is read as more than this
RESOLUTION = 0.1  # [%]; a smaller difference counts as none, however narrow its interval
_LISTED = 6  # failures named one by one
_NAMED = 3  # places of one scheme where a claim holds, named one by one

Value = Callable[[NamedPoint, str], "float | Float[np.ndarray, ' n']"]


@dataclass(frozen=True)
class Check:
    """One comparison: `value` has to lie between `least` and `most`, with its interval.

    `trouble` says why the comparison fails although there is no number, `refused` why it was not made. units: how many
    the interval is over, 0 where that is not known.
    """

    who: str
    where: str
    value: Estimate
    least: float = 0.0
    most: float = math.inf
    unit: str = "%"
    trouble: str = ""
    refused: str = ""
    units: int = 0

    def jointly(self, comparisons: int) -> Check:
        """The same with its interval widened so that all of so many intervals cover at once."""
        factor = widening(self.units, comparisons)
        if math.isnan(factor) or not self.value.has_interval:
            return self
        mean, low, high = self.value.mean, self.value.low, self.value.high
        joint = replace(self.value, low=mean - factor * (mean - low), high=mean + factor * (high - mean))
        return dataclasses.replace(self, value=joint)

    @property
    def outcome(self) -> str:
        """`right`, `wrong`, `open` (the interval covers the border) or `none` (no interval)."""
        if self.trouble:
            return "wrong"
        if self.refused:
            return "none"
        low, high = self.value.low, self.value.high
        if math.isnan(low) or math.isnan(high):
            return "none"
        if low > self.least and high < self.most:
            return "right"
        return "wrong" if high <= self.least or low >= self.most else "open"

    @property
    def name(self) -> str:
        """Who, and where if that is not said otherwise."""
        return f"{self.who} at {self.where}" if self.where else self.who

    def words(self) -> str:
        """The value with its interval."""
        return self.trouble or value_words(self.value, self.unit)


@dataclass(frozen=True)
class Finding:
    """What came of a claim: verdict, words, and the number that decides it."""

    verdict: str
    detail: str
    number: float = math.nan


def unchecked(reason: str) -> Finding:
    """A claim that this run cannot tell."""
    return Finding(UNCHECKED, reason)


def value_words(value: Estimate, unit: str = "%") -> str:
    """`3.2 % (2.9 to 3.6)`."""
    digits = 2 if abs(value.mean) < 1 else 1
    mean, low, high = (
        number(round(item, digits) + 0.0, digits) for item in (value.mean, value.low, value.high)
    )  # + 0.0: never "-0.0"
    with_unit = mean + (f"{NBSP}{unit}" if unit else "")
    return f"{with_unit} ({low} to {high})" if value.has_interval else with_unit


def judge(checks: Sequence[Check], noun: str, *, absent: Iterable[str] = (), note: str = "") -> Finding:
    """The verdict over all comparisons; `noun` names their value, `absent` says what has none.

    Intervals are those that hold for all comparisons at once. The deciding number is the least value.
    """
    checks = _joint(checks)
    decided = [check for check in checks if check.outcome != "none"]
    undecided = [
        check.refused or f"no interval for {check.name} (one seed, or a diverged one)"
        for check in checks
        if check.outcome == "none"
    ]
    without = [*absent, *undecided]
    if not decided:
        return unchecked("; ".join(without) or "nothing of it was evaluated")
    right = [check for check in decided if check.outcome == "right"]
    verdict = HOLDS if len(right) == len(decided) else PARTLY if right else FAILS
    parts = [_range(decided, noun)]
    if verdict == PARTLY:
        parts.append(f"It holds for {_grouped(right, decided)}")
    if verdict != HOLDS and len(decided) > 1:
        parts.append(_failures([check for check in decided if check.outcome != "right"]))
    parts += [note] if note else []
    parts += [f"Without a value: {'; '.join(without)}"] if without else []
    means = [check.value.mean for check in decided if not math.isnan(check.value.mean)]
    return Finding(verdict, ". ".join(parts) + ".", min(means, default=math.nan))


def _joint(checks: Sequence[Check]) -> list[Check]:
    """The comparisons of one claim with intervals that cover all at once."""
    comparisons = sum(check.outcome != "none" for check in checks)
    return [check.jointly(comparisons) for check in checks]


def _range(decided: Sequence[Check], noun: str) -> str:
    measured = sorted((c for c in decided if not math.isnan(c.value.mean)), key=lambda check: check.value.mean)
    if not measured:
        return f"{decided[0].name}: {decided[0].words()}"
    low, high = measured[0], measured[-1]
    if low is high:
        return f"The {noun} is {low.words()}{_why(low)} ({low.name})"
    return f"The {noun} is {low.words()} at the least ({low.name}) and {high.words()} at the most ({high.name})"


def _grouped(right: Sequence[Check], decided: Sequence[Check]) -> str:
    """Each scheme with its places: all of them, a few by name, or their number."""
    words = []
    for who in dict.fromkeys(check.who for check in right):
        places = [check.where for check in right if check.who == who]
        count = sum(check.who == who for check in decided)
        if count == len(places):
            words.append(who if not places[0] else f"{who} throughout")
        else:
            named = ", ".join(places) if len(places) <= _NAMED else f"{len(places)} of {count} places"
            words.append(f"{who} at {named}")
    return "; ".join(words)


def _failures(failed: Sequence[Check]) -> str:
    words = [f"{check.name}: {check.words()}{_why(check)}" for check in failed[:_LISTED]]
    more = len(failed) - len(words)
    return "It fails for " + "; ".join(words) + (f"; and {more} more" if more else "")


def _why(check: Check) -> str:
    if check.outcome != "open":
        return ""
    border = check.least if check.value.low <= check.least else check.most
    return f", not distinct from {0.0 if border == RESOLUTION else border:g}{NBSP}{check.unit}".rstrip()


def change(before: np.ndarray, after: np.ndarray, *, falls: bool = False) -> Estimate:
    """The relative change between two arrays of units ([n]), or of numbers, as a rise (or a fall) in percent."""
    before, after = np.atleast_1d(before), np.atleast_1d(after)
    finite = len(before) and len(after) and np.isfinite(before).all() and np.isfinite(after).all()
    if not finite or (before <= 0).any():
        return NOTHING
    sign = -100.0 if falls else 100.0
    return interval(lambda a, b: sign * (b / a - 1.0), before, after)


def steps(
    evidence: Evidence,
    view: View,
    schemes: Iterable[str],
    value: Value,
    *,
    falls: bool = False,
    least: float = RESOLUTION,
) -> list[Check]:
    """Each scheme's change from one point of the axis to the next; points without a value are stepped over."""
    checks = []
    for scheme in schemes:
        for before, after in pairwise(view.having(scheme)):
            who, where = evidence.label(scheme), view.step(before, after)
            refused = refusal(who, before.training_slots(scheme), who, after.training_slots(scheme), where)
            values = [np.asarray(value(place, scheme)) for place in (before, after)]
            moved = change(*values, falls=falls)
            units = max(item.size for item in values)
            checks.append(Check(who, where, moved, least=least, refused=refused, units=units))
    return checks


def below(
    evidence: Evidence,
    places: Iterable[NamedPoint],
    schemes: Iterable[str],
    benchmarks: Iterable[str],
    *,
    least: float = RESOLUTION,
) -> list[Check]:
    """How far each scheme's latency lies below each benchmark's, at each place where both were evaluated.

    A check is named by whichever of the two there are several of.
    """
    ours, others = list(schemes), list(benchmarks)
    return [
        Check(
            evidence.label(scheme if len(ours) > 1 else other), place.name, place.reduction(scheme, other), least=least,
            refused=_refused_at(evidence, place, scheme, other), units=place.units(scheme, other),
        )
        for place in places
        for scheme in ours
        for other in others
        if place.has(scheme, other)
    ]  # fmt: skip


def refusal(who: str, slots: float, other: str, other_slots: float, where: str) -> str:
    """Why two learners are not compared: they were trained for different numbers of slots; empty where they were not,
    or where it is not known."""
    if math.isnan(slots) or math.isnan(other_slots) or slots == other_slots:
        return ""
    return (
        f"{who} was trained on {slots:,.0f} slots and {other} on {other_slots:,.0f}, so that they are not compared "
        f"({where})"
    )


def _refused_at(evidence: Evidence, place: NamedPoint, scheme: str, other: str) -> str:
    # A scheme that learns in another way, as by the gradient, has slots of another kind.
    if other not in evidence.cast.all():
        return ""
    slots = place.training_slots(scheme), place.training_slots(other)
    return refusal(evidence.label(scheme), slots[0], evidence.label(other), slots[1], place.name)


def absences(evidence: Evidence, view: View, schemes: Iterable[str]) -> list[str]:
    """What a sweep has no value of: schemes it was run without, and single points."""
    reasons = []
    for scheme in schemes:
        label = evidence.label(scheme)
        if scheme not in view.schemes:
            reasons.append(f"{label} is not part of this sweep")
            continue
        for place in view.places:
            if not place.has(scheme):
                why = place.point.missing.get(scheme, "not evaluated")
                reasons.append(f"{label} at {place.name} ({why.rstrip('.')})")
    return reasons


def reaches(evidence: Evidence, places: Iterable[NamedPoint], scheme: str, benchmark: str, goal: float) -> Finding:
    """Whether the scheme's latency lies `goal` percent below the benchmark's at any place: the largest reduction."""
    cases = _joint(below(evidence, places, [scheme], [benchmark], least=goal))
    decided = [check for check in cases if check.outcome != "none"]
    if not decided:
        return unchecked(f"{evidence.label(scheme)} and {evidence.label(benchmark)} were not evaluated together")
    best = max(decided, key=lambda check: check.value.mean)
    least = min(decided, key=lambda check: check.value.mean)
    reached = sum(check.outcome == "right" for check in decided)
    words = f"The largest reduction is {best.words()} at {best.where}"
    if best.outcome == "open":
        words += f"; {goal:g}{NBSP}% lies within its interval"
    if len(decided) > 1:
        words += f"; the smallest of all {len(decided)} is {least.words()} at {least.where}"
        words += f". {goal:g}{NBSP}% is reached at {reached} of {len(decided)}"
    return Finding(HOLDS if reached else FAILS, f"{words}.", best.value.mean)
