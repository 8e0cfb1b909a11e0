"""Comparisons of a run's measurements: along an axis, between schemes, and against a number.

Learners trained for different numbers of slots are not compared. Two points of a sweep are compared by training seed:
seed j at one x with seed j at the next, since both start from the same random streams.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.claims.evidence import Evidence, NamedPoint, View
from twinsync.experiments.claims.verdicts import (
    FAILS,
    HOLDS,
    NOT_SETTLED,
    RESOLUTION,
    Check,
    Finding,
    joint,
    located,
    unchecked,
)
from twinsync.experiments.formatting import NBSP, number
from twinsync.experiments.records import NOTHING, Estimate
from twinsync.experiments.statistics import degrees_of_freedom, interval

SIGNIFICANT = 1.0  # [%]; the paper's "significantly", which it never defines, is read as more than this
ROLLOUT = 0.03  # relative difference that is no other training length: PPO trains on whole rollouts
MANY_OUTAGES = 0.01  # share of UD-slots given up from which latencies are compared with a remark
Value = Callable[[NamedPoint, str], "float | Float[np.ndarray, ' n']"]
ViewCheck = Callable[[Evidence, View], Finding]


def change(before: np.ndarray, after: np.ndarray, *, falls: bool = False) -> Estimate:
    """The relative rise (or fall) from `before` to `after`, two numbers or two arrays [n] of units, with interval [%].

    `NOTHING` where a value is not finite or one in `before` is not positive.
    """
    before, after = np.atleast_1d(before), np.atleast_1d(after)
    finite = len(before) and len(after) and np.isfinite(before).all() and np.isfinite(after).all()
    if not finite or (before <= 0).any():
        return NOTHING
    changed = interval(partial(_relative, falls), before, after)
    # One of several seeds is no constant.
    return changed if len(before) > 1 and len(after) > 1 else Estimate(changed.mean)


def change_degrees(before: np.ndarray, after: np.ndarray) -> float:
    """Degrees of freedom of the interval of `change`; NaN where it has none."""
    if not change(before, after).has_interval:
        return math.nan
    return degrees_of_freedom(partial(_relative, False), np.atleast_1d(before), np.atleast_1d(after))


def _relative(falls: bool, before: float, after: float) -> float:
    return (-100.0 if falls else 100.0) * (after / before - 1.0)


def steps(
    evidence: Evidence,
    view: View,
    schemes: Iterable[str],
    value: Value,
    *,
    falls: bool = False,
    least: float = RESOLUTION,
) -> list[Check]:
    """Each scheme's change from one point of the axis to the next; points without a value are skipped."""
    checks = []
    for scheme in schemes:
        for before, after in pairwise(view.having(scheme)):
            who, where = evidence.label(scheme), view.step(before, after)
            refused = refusal(who, before.training_slots(scheme), who, after.training_slots(scheme), where)
            values = [np.asarray(value(place, scheme)) for place in (before, after)]
            moved = change(*values, falls=falls)
            degrees = change_degrees(*values)
            checks.append(Check(who, where, moved, least=least, refused=refused, degrees=degrees))
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

    A check is named after the scheme if there are several schemes, otherwise after the benchmark.
    """
    ours, others = list(schemes), list(benchmarks)
    return [
        Check(
            evidence.label(scheme if len(ours) > 1 else other), place.name, place.reduction(scheme, other), least=least,
            refused=_refused_at(evidence, place, scheme, other), degrees=place.degrees(scheme, other),
        )
        for place in places
        for scheme in ours
        for other in others
        if place.has(scheme, other)
    ]  # fmt: skip


def refusal(who: str, slots: float, other: str, other_slots: float, where: str) -> str:
    """Why two learners are not compared: they were trained for different numbers of slots. Empty if the numbers differ
    by less than `ROLLOUT` or one is unknown."""
    if math.isnan(slots) or math.isnan(other_slots) or math.isclose(slots, other_slots, rel_tol=ROLLOUT):
        return ""
    return (
        f"{who} was trained on {slots:,.0f} slots and {other} on {other_slots:,.0f}, so they are not compared ({where})"
    )


def _refused_at(evidence: Evidence, place: NamedPoint, scheme: str, other: str) -> str:
    # Slots mean something else to a scheme that learns in another way, such as by gradient descent.
    if other not in evidence.cast.all():
        return ""
    slots = place.training_slots(scheme), place.training_slots(other)
    return refusal(evidence.label(scheme), slots[0], evidence.label(other), slots[1], place.name)


def absences(evidence: Evidence, view: View, schemes: Iterable[str]) -> list[str]:
    """The values a sweep lacks: schemes that it was run without, and single points."""
    reasons = []
    for scheme in schemes:
        label = evidence.label(scheme)
        if scheme not in view.schemes:
            reasons.append(f"{label} is not part of this sweep")
            continue
        for place in view.places:
            if not place.has(scheme):
                why = place.point.missing.get(scheme, "not evaluated")
                reasons.append(f"{label} {located(place.name)} ({why.rstrip('.')})")
    return reasons


def given_up(evidence: Evidence, places: Iterable[NamedPoint], schemes: Iterable[str]) -> str:
    """A remark where more than `MANY_OUTAGES` of a scheme's UD-slots end at the latency cap; empty elsewhere."""
    names = list(schemes)
    rates = [(place[name].outage_rate, evidence.label(name), place.name) for place in places for name in names
             if place.has(name)]  # fmt: skip
    most, label, where = max(rates, default=(0.0, "", ""))
    if not most > MANY_OUTAGES:
        return ""
    return (
        f"Up to {number(100.0 * most, 1)}{NBSP}% of UD-slots ({label} {located(where)}) are given up at the cap: "
        "their latency counts as the cap, and the time in a stage that they do not reach or finish is cut short"
    )


def reaches(evidence: Evidence, places: Iterable[NamedPoint], scheme: str, benchmark: str, goal: float) -> Finding:
    """Whether the scheme's latency is `goal` percent below the benchmark's anywhere; the largest reduction decides."""
    cases = joint(below(evidence, places, [scheme], [benchmark], least=goal))
    decided = [check for check in cases if check.outcome != "none"]
    if not decided:
        return unchecked(f"{evidence.label(scheme)} and {evidence.label(benchmark)} were not evaluated together")
    # A smaller reduction that is settled says more than a larger one that is not.
    best = max(decided, key=lambda check: (check.outcome == "right", check.value.mean))
    most = max(decided, key=lambda check: check.value.mean)
    least = min(decided, key=lambda check: check.value.mean)
    outcomes = [check.outcome for check in decided]
    reached, unsettled = outcomes.count("right"), outcomes.count("open")
    verdict = HOLDS if reached else NOT_SETTLED if unsettled or len(decided) < len(cases) else FAILS
    words = f"The largest reduction is {best.words()} {located(best.where)}"
    if most is not best:
        words = f"The largest reduction that is settled is {best.words()} {located(best.where)}; {most.words()} "
        words += f"{located(most.where)} is not"
    if best.outcome == "open":
        words += f", and the interval includes {goal:g}{NBSP}%"
    if len(decided) > 1:
        words += f"; the smallest is {least.words()} {located(least.where)}"
        words += f". A reduction of {goal:g}{NBSP}% is reached at {reached} of {len(decided)} points"
        words += f", and not settled at {unsettled}" if unsettled else ""
    return Finding(verdict, f"{words}.", best.value)
