"""The proposed scheme against the benchmarks: at every point of a figure, in the base comparison, and wherever the
paper compares them, as its abstract does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

from twinsync.experiments.claims.checks import absences, below, change, change_degrees, given_up, reaches, refusal
from twinsync.experiments.claims.evidence import EXACT, SYMBOLS, Evidence, NamedPoint, View
from twinsync.experiments.claims.verdicts import (
    FAILS,
    HOLDS,
    NOT_SETTLED,
    RESOLUTION,
    UNCHECKED,
    Check,
    Finding,
    judge,
    unchecked,
    value_words,
)
from twinsync.experiments.formatting import NBSP, listing, number
from twinsync.experiments.records import NOTHING, Estimate

EQUAL = 1.0  # [%]; two latencies count as equal if the interval of their difference lies within this
EQUAL_SHARE = "equal-share"  # the scheme's name
HEADLINE = 13.2  # [%], the abstract's


def proposed_lowest(evidence: Evidence, view: View, *, least: float = RESOLUTION) -> Finding:
    """The proposed scheme has the lowest latency of the figure's schemes, at every point."""
    first, *others = evidence.members(view.name)
    checks = below(evidence, view.places, [first], others, least=least)
    note = _beside_latency(evidence, view.places, [first, *others])
    return judge(checks, "reduction", "against", absent=absences(evidence, view, [first, *others]), note=note)


def without_sc_highest(evidence: Evidence, view: View) -> Finding:
    """w/o SC has the highest latency of all, at every point."""
    worst = evidence.cast.without_sc
    others = [name for name in evidence.members(view.name) if name != worst]
    checks = below(evidence, view.places, others, [worst])
    noun = f"reduction against {evidence.label(worst)}"
    note = given_up(evidence, view.places, [*others, worst])
    return judge(checks, noun, absent=absences(evidence, view, [*others, worst]), note=note)


def optimising_pays(evidence: Evidence) -> Finding:
    """The proposed scheme's latency lies below that of equal shares, set once, in the base comparison."""
    if evidence.base is None:
        return unchecked("the base comparison was not run")
    return judge(below(evidence, [evidence.base], [evidence.cast.sac], [EQUAL_SHARE]), "reduction", "against")


def equal_at_one(evidence: Evidence, view: View) -> Finding:
    """At phi_min = 1 the proposed scheme is w/o SC: their latencies are within `EQUAL` percent of each other."""
    place = next((place for place in view.places if math.isclose(place.point.x, 1.0)), None)
    if place is None:
        return unchecked("Fig. 6 was not run at threshold 1")
    scheme, other = evidence.cast.sac, evidence.cast.without_sc
    where, difference, slots = place.name, place.reduction(scheme, other), place.training_slots(other)
    if not place.has(scheme, other):
        where, difference = f"{where}, each relative to the optimum on its own slots", _against_base(evidence, place)
        slots = math.nan if evidence.base is None else evidence.base.training_slots(other)
    labels = evidence.label(scheme), evidence.label(other)
    refused = refusal(labels[0], place.training_slots(scheme), labels[1], slots, place.name)
    if refused:
        return unchecked(refused)
    if math.isnan(difference.mean):
        absent = f"{labels[0]} and {labels[1]} were not both evaluated at threshold 1"
        return unchecked(f"{absent}, and no base comparison can stand in")
    note = f"Equal is read as: the whole interval lies within {EQUAL:g}{NBSP}%{_raw_reading(evidence)}"
    check = Check(f"{labels[0]} against {labels[1]}", where, difference, least=-EQUAL, most=EQUAL)
    return judge([check], "reduction", note=note)


def largest_reduction(role: Literal["ppo", "random", "without_sc"]) -> Callable[[Evidence], Finding]:
    """The abstract's "up to 13.2 %" against one benchmark, wherever the paper compares the two."""

    def check(evidence: Evidence) -> Finding:
        benchmark = getattr(evidence.cast, role)
        places = _compared(evidence, benchmark)
        finding = reaches(evidence, places, evidence.cast.sac, benchmark, HEADLINE)
        finding = _left_open(evidence, finding, FAILS, [role], "It may be larger")
        note = "" if finding.verdict == UNCHECKED else _beside_latency(evidence, places, [evidence.cast.sac, benchmark])
        return replace(finding, detail=f"{finding.detail} {note}.") if note else finding

    return check


def below_all(evidence: Evidence) -> Finding:
    """The proposed scheme's latency lies below every benchmark's, wherever the paper compares them."""
    cast = evidence.cast
    checks = [
        check
        for other in cast.benchmarks()
        for check in below(evidence, _compared(evidence, other), [cast.sac], [other])
    ]
    places = {place.name: place for other in cast.benchmarks() for place in _compared(evidence, other)}
    note = _beside_latency(evidence, places.values(), cast.all())
    finding = judge(checks, "reduction", "against", note=note)
    return _left_open(evidence, finding, HOLDS, ["ppo", "random", "without_sc"], "It may fail")


def fewer_bits(evidence: Evidence) -> Finding:
    """The proposed scheme puts fewer bits on air than w/o SC."""
    cast = evidence.cast
    checks = []
    for place in _compared(evidence, cast.without_sc):
        if place.has(cast.sac, cast.without_sc):
            sent_bits = [place.sent_bits(name) for name in (cast.without_sc, cast.sac)]
            saved, degrees = change(*sent_bits, falls=True), change_degrees(*sent_bits)
            checks.append(Check(evidence.label(cast.sac), place.name, saved, least=RESOLUTION, degrees=degrees))
    return judge(checks, "saving in bits on air against w/o SC")


def _compared(evidence: Evidence, benchmark: str) -> list[NamedPoint]:
    """The base comparison, and every point of the figures in which the paper has the benchmark.

    Where a figure's axis passes through the base comparison, that point is the same measurement and counts once.
    """
    views = [view for view in evidence.views.values() if benchmark in evidence.members(view.name)]
    base = [] if evidence.base is None else [evidence.base]
    distinct: dict[tuple[tuple[float, ...], ...], NamedPoint] = {}
    for place in [*base, *(place for view in views for place in view.places)]:
        if place.has(evidence.cast.sac, benchmark):
            distinct.setdefault(tuple(place[name].unit_latency_s for name in (evidence.cast.sac, benchmark)), place)
    return list(distinct.values())


def _left_open(evidence: Evidence, finding: Finding, verdict: str, roles: list[str], words: str) -> Finding:
    """The finding, not settled instead of this verdict if figures in which the paper shows these benchmarks were not
    run: the largest or the smallest value at some places says nothing about the others."""
    missing = [f"Fig. {figure[-1]}" for figure in SYMBOLS if not _compares(evidence, figure, roles)]
    if finding.verdict not in (verdict, NOT_SETTLED) or not missing:
        return finding
    were = "was" if len(missing) == 1 else "were"
    detail = f"{finding.detail} {words} in {listing(missing)}, which {were} not run with these schemes."
    return replace(finding, verdict=NOT_SETTLED, detail=detail)


def _compares(evidence: Evidence, figure: str, roles: list[str]) -> bool:
    """Whether a figure was run with the proposed scheme and those of these benchmarks that the paper shows in it."""
    view = evidence.views.get(figure)
    places = () if view is None else view.places
    shown = set(evidence.members(figure)) & {getattr(evidence.cast, role) for role in roles}
    return all(any(place.has(evidence.cast.sac, name) for place in places) for name in shown)


def _against_base(evidence: Evidence, place: NamedPoint) -> Estimate:
    """The proposed scheme at threshold 1 against w/o SC in the base comparison, which does not depend on the threshold.

    The slots may differ, so each latency is taken relative to the optimum on its own slots; for w/o SC, and at
    threshold 1, that is `no-semantics`.
    """
    base, cast = evidence.base, evidence.cast
    if base is None:
        return NOTHING
    # With any override besides the threshold, the scenario would not be the base comparison's.
    changes = set(place.point.overrides) - set(evidence.overrides)
    if len(changes) != 1 or not place.has(cast.sac, EXACT.sac) or not base.has(cast.without_sc, EXACT.without_sc):
        return NOTHING
    proposed = place.latency_s(cast.sac) / place.latency_s(EXACT.sac).mean()
    without_sc = base.latency_s(cast.without_sc) / base.latency_s(EXACT.without_sc).mean()
    return change(without_sc, proposed, falls=True)


def _raw_reading(evidence: Evidence) -> str:
    """What becomes of the claim under the other reading of w/o SC: raw data and no codec at all."""
    base = evidence.base
    if base is None or not base.has("raw", "no-semantics"):
        return ""
    saved = base.reduction("raw", "no-semantics")
    if not saved.has_interval:
        return ""
    equal = saved.low > -EQUAL and saved.high < EQUAL
    return (
        ". If w/o SC instead sent raw data without extraction or recovery, its latency at the optimum would be lower "
        f"by {value_words(saved)}, and the two would {'still' if equal else 'not'} be equal"
    )


def _beside_latency(evidence: Evidence, places: Iterable[NamedPoint], schemes: Iterable[str]) -> str:
    """What a comparison of latencies leaves out: the cost, where it ranks SAC and PPO differently, and outages."""
    places, schemes = list(places), list(schemes)
    cost = _cost_against_ppo(evidence, places) if evidence.cast.ppo in schemes else ""
    return ". ".join(filter(None, [cost, given_up(evidence, places, schemes)]))


def _cost_against_ppo(evidence: Evidence, places: Iterable[NamedPoint]) -> str:
    """How SAC and PPO compare in cost, their objective, if that ranks them differently from latency somewhere."""
    sac, ppo = evidence.cast.sac, evidence.cast.ppo
    if ppo is None:
        return ""
    pairs = [place for place in places if place.has(sac, ppo)]
    latency = [place.reduction(sac, ppo).mean for place in pairs]
    cost = [place.cost_reduction(sac, ppo).mean for place in pairs]
    if not any(a * b < 0 for a, b in zip(latency, cost, strict=True)):
        return ""
    low, high = (number(end, 1) for end in (min(cost), max(cost)))
    span = f"{low}{NBSP}%" if len(cost) == 1 else f"{low} to {high}{NBSP}%"
    about = "In cost T + P, which both are trained on and which ranks them differently at some points"
    return f"{about}, the reduction against {evidence.label(ppo)} is {span}"
