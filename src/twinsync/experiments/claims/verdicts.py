"""What follows from comparisons with intervals: a verdict, the value that decides it, and words.

A claim holds where each of its comparisons does: the interval lies wholly on the claim's side. Where none does, and
none lies wholly on the other side, it is not settled. A claim looks at many places, so its intervals are widened until
all of them cover at once in 95 % of repetitions (Bonferroni).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from twinsync.experiments.formatting import NBSP, number
from twinsync.experiments.records import NOTHING, Estimate
from twinsync.experiments.statistics import widening

HOLDS, PARTLY, FAILS = "holds", "holds only in places", "does not hold"
NOT_SETTLED, UNCHECKED = "not settled", "not checked"
RESOLUTION = 0.1  # [%]; a smaller difference counts as none, however narrow its interval
_LISTED = 6  # failures named one by one
_NAMED = 3  # places of one scheme where a claim holds, named one by one


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
    """What came of a claim: verdict, words, and the value that decides it, with its interval."""

    verdict: str
    detail: str
    value: Estimate = NOTHING


def unchecked(reason: str) -> Finding:
    """A claim that this run cannot tell."""
    return Finding(UNCHECKED, reason)


def value_words(value: Estimate, unit: str = "%") -> str:
    """`3.2 % (2.9 to 3.6)`."""
    digits = 2 if abs(value.mean) < 1 else 1
    mean, low, high = (number(item, digits) for item in (value.mean, value.low, value.high))
    with_unit = mean + (f"{NBSP}{unit}" if unit else "")
    return f"{with_unit} ({low} to {high})" if value.has_interval else with_unit


def judge(checks: Sequence[Check], noun: str, *, absent: Iterable[str] = (), note: str = "") -> Finding:
    """The verdict over all comparisons; `noun` names their value, `absent` says what has none.

    Intervals are those that hold for all comparisons at once. The deciding value is the least.
    """
    checks = joint(checks)
    decided = [check for check in checks if check.outcome != "none"]
    undecided = [
        check.refused or f"no interval for {check.name} (one seed, or a diverged one)"
        for check in checks
        if check.outcome == "none"
    ]
    without = [*absent, *undecided]
    if not decided:
        return unchecked("; ".join(without) or "nothing of it was evaluated")
    right, wrong, unsettled = (
        [check for check in decided if check.outcome == outcome] for outcome in ("right", "wrong", "open")
    )
    verdict = _verdict(right, wrong, unsettled)
    parts = [_range(decided, noun)]
    if verdict == PARTLY:
        parts.append(f"It holds for {_grouped(right, decided)}")
    if len(decided) > 1:
        parts += [_failures(wrong)] if wrong else []
        parts += [_unsettled(unsettled)] if unsettled else []
    parts += [note] if note else []
    parts += [f"Without a value: {'; '.join(without)}"] if without else []
    values = [check.value for check in decided if not math.isnan(check.value.mean)]
    return Finding(verdict, ". ".join(parts) + ".", min(values, key=lambda value: value.mean, default=NOTHING))


def _verdict(right: Sequence[Check], wrong: Sequence[Check], unsettled: Sequence[Check]) -> str:
    if right:
        return PARTLY if wrong or unsettled else HOLDS
    return FAILS if wrong else NOT_SETTLED


def joint(checks: Sequence[Check]) -> list[Check]:
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
    return f"It fails for {_named(failed)}"


def _unsettled(checks: Sequence[Check]) -> str:
    """Which comparisons are not settled, together where their intervals include the same."""
    alike: dict[str, list[Check]] = {}
    for check in checks:
        alike.setdefault(_included(check), []).append(check)
    words = [
        f"for {_named(same)}: the interval{'s' * (len(same) > 1)} include{'s' * (len(same) == 1)} {border}"
        for border, same in alike.items()
    ]
    return f"It is not settled {'; nor '.join(words)}"


def _named(checks: Sequence[Check]) -> str:
    words = [f"{check.name}, {check.words()}" for check in checks[:_LISTED]]
    more = len(checks) - len(words)
    return "; ".join(words) + (f"; and {more} more" if more else "")


def _why(check: Check) -> str:
    return f", and the interval includes {_included(check)}" if check.outcome == "open" else ""


def _included(check: Check) -> str:
    """The limits of the claim that lie within a comparison's interval."""
    low, high = check.value.low, check.value.high
    borders = [border for border in (check.least, check.most) if low <= border <= high]
    # A resolution that stands for no difference is not the claim's limit where the interval reaches that far.
    borders = [0.0 if border == RESOLUTION and low <= 0.0 else border for border in borders]
    words = [f"{number(border, 0 if border == round(border) else 1)}{NBSP}{check.unit}" for border in borders]
    return " and ".join(word.rstrip() for word in words)
