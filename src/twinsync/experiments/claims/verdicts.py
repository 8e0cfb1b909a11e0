"""Verdicts from comparisons with intervals, each with the value that decides it and an explanation.

A claim is about all its comparisons. It holds if every interval lies wholly on the claimed side and none is left out.
It does not hold if some lie wholly on the other side and none on the claimed one; with some on either it holds only in
places. If none lies on the other side but an interval includes the boundary, or a comparison is missing, it is not
settled. A claim makes many comparisons, so their intervals are widened to cover simultaneously in 95 % of repetitions
(Bonferroni).
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
RULES = 2  # to be raised whenever the same measurements may get other verdicts, since an analysis keeps them
RESOLUTION = 0.1  # [%]; a smaller difference counts as none, however narrow its interval
_LISTED = 6  # failures named one by one
_NAMED = 3  # places of one scheme where a claim holds, named one by one


@dataclass(frozen=True)
class Check:
    """One comparison: `value` and its interval have to lie between `least` and `most`.

    trouble: why the comparison fails although there is no number. refused: why it was not made. degrees: of freedom of
    the interval, NaN if not known.
    """

    who: str
    where: str
    value: Estimate
    least: float = 0.0
    most: float = math.inf
    unit: str = "%"
    trouble: str = ""
    refused: str = ""
    degrees: float = math.nan

    def jointly(self, comparisons: int) -> Check:
        """The same check, its interval widened so that the intervals of all `comparisons` cover simultaneously."""
        factor = widening(self.degrees, comparisons)
        if math.isnan(factor) or not self.value.has_interval:
            return self
        mean, low, high = self.value.mean, self.value.low, self.value.high
        joint = replace(self.value, low=mean - factor * (mean - low), high=mean + factor * (high - mean))
        return dataclasses.replace(self, value=joint)

    @property
    def outcome(self) -> str:
        """`right`, `wrong`, `open` (the interval includes a limit) or `none` (no interval)."""
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
        """The scheme, with the place if there is one."""
        return f"{self.who} {located(self.where)}" if self.where else self.who

    def words(self) -> str:
        """The value with its interval."""
        return self.trouble or value_words(self.value, self.unit)


@dataclass(frozen=True)
class Finding:
    """The result of checking a claim: the verdict, an explanation, and the value that decides it, with its interval."""

    verdict: str
    detail: str
    value: Estimate = NOTHING


def unchecked(reason: str) -> Finding:
    """The finding on a claim that this run cannot decide."""
    return Finding(UNCHECKED, reason)


def located(*places: str) -> str:
    """`at K = 2, K = 4`, but `in the base comparison and at K = 2`."""
    base = [f"in {place}" for place in places if place.startswith("the ")]
    points = [place for place in places if not place.startswith("the ")]
    return " and ".join([*base, *([f"at {', '.join(points)}"] if points else [])])


def value_words(value: Estimate, unit: str = "%") -> str:
    """`3.2 % (2.9 to 3.6)`."""
    digits = 2 if abs(value.mean) < 1 else 1
    mean, low, high = (number(item, digits) for item in (value.mean, value.low, value.high))
    with_unit = mean + (f"{NBSP}{unit}" if unit else "")
    return f"{with_unit} ({low} to {high})" if value.has_interval else with_unit


def judge(
    checks: Sequence[Check], noun: str, relation: str = "for", *, absent: Iterable[str] = (), note: str = ""
) -> Finding:
    """The verdict over all comparisons, whose intervals are widened to cover simultaneously.

    noun: name of the compared value. relation: preposition between it and the scheme that a check is named after.
    absent: what has no value, with reasons. note: a sentence to add. The deciding value is the smallest of those that
    fail, else of those not settled, else of all.
    """
    checks = joint(checks)
    decided = [check for check in checks if check.outcome != "none"]
    undecided = [
        check.refused or f"no interval for {check.name} (only one seed, or a diverged one)"
        for check in checks
        if check.outcome == "none"
    ]
    without = [*absent, *undecided]
    if not decided:
        return unchecked("; ".join(without) or "nothing that it concerns was evaluated")
    right, wrong, unsettled = (
        [check for check in decided if check.outcome == outcome] for outcome in ("right", "wrong", "open")
    )
    parts = [_range(decided, noun, relation)]
    if right and (wrong or unsettled):
        parts.append(f"It holds {relation} {_grouped(right, decided)}")
    if len(decided) > 1:
        parts += [f"It fails {relation} {_named(wrong)}"] if wrong else []
        parts += [_unsettled(unsettled, relation)] if unsettled else []
    parts += [note] if note else []
    parts += [f"Left out: {'; '.join(without)}"] if without else []
    values = [check.value for check in wrong or unsettled or decided if not math.isnan(check.value.mean)]
    verdict = _verdict(bool(right), bool(wrong), bool(unsettled or without))
    return Finding(verdict, ". ".join(parts) + ".", min(values, key=lambda value: value.mean, default=NOTHING))


def _verdict(right: bool, wrong: bool, unsettled: bool) -> str:
    if wrong:
        return PARTLY if right else FAILS
    return NOT_SETTLED if unsettled else HOLDS


def joint(checks: Sequence[Check]) -> list[Check]:
    """The comparisons of one claim, their intervals widened to cover simultaneously."""
    comparisons = sum(check.outcome != "none" for check in checks)
    return [check.jointly(comparisons) for check in checks]


def _range(decided: Sequence[Check], noun: str, relation: str) -> str:
    measured = sorted((c for c in decided if not math.isnan(c.value.mean)), key=lambda check: check.value.mean)
    if not measured:
        return f"{decided[0].name}: {decided[0].words()}"
    low, high = measured[0], measured[-1]
    if low is high:
        return f"The {noun} is {low.words()} {relation} {low.name}{_why(low)}"
    return f"The {noun} ranges from {low.words()} {relation} {low.name} to {high.words()} {relation} {high.name}"


def _grouped(right: Sequence[Check], decided: Sequence[Check]) -> str:
    """Each scheme with its places: “throughout”, a few by name, or their number."""
    words = []
    for who in dict.fromkeys(check.who for check in right):
        places = [check.where for check in right if check.who == who]
        count = sum(check.who == who for check in decided)
        if count == len(places):
            words.append(who if not places[0] else f"{who} throughout")
        else:
            named = located(*places) if len(places) <= _NAMED else f"at {len(places)} of {count} places"
            words.append(f"{who} {named}")
    return "; ".join(words)


def _unsettled(checks: Sequence[Check], relation: str) -> str:
    """The comparisons that are not settled, grouped by the limits that their intervals include."""
    alike: dict[str, list[Check]] = {}
    for check in checks:
        alike.setdefault(_included(check), []).append(check)
    words = [
        f"{relation} {_named(same)}: the interval{'s' * (len(same) > 1)} include{'s' * (len(same) == 1)} {border}"
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
    # If the interval also includes zero, zero is the limit to name rather than the resolution.
    borders = [0.0 if border == RESOLUTION and low <= 0.0 else border for border in borders]
    words = [f"{number(border, 0 if border == round(border) else 1)}{NBSP}{check.unit}" for border in borders]
    return " and ".join(word.rstrip() for word in words)
