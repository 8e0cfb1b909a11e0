"""The claims on Figs. 4 to 7 and of the abstract, each as a check of the sweeps and the base comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

import numpy as np

from twinsync.experiments.claims.checks import (
    RESOLUTION,
    SIGNIFICANT,
    UNCHECKED,
    Check,
    Finding,
    absences,
    below,
    change,
    judge,
    reaches,
    refusal,
    steps,
    unchecked,
    value_words,
)
from twinsync.experiments.claims.evidence import EXACT, Evidence, Place, View
from twinsync.experiments.formatting import NBSP, listing, number
from twinsync.experiments.records import NOTHING, Estimate

EQUAL = 1.0  # [%]; two latencies are equal if their interval lies within this of each other
EQUAL_SHARE = "equal-share"  # the scheme's name
HEADLINE = 13.2  # [%], the abstract's
Telling = Callable[[Evidence, View], Finding]


def of_view(name: str, tell: Telling) -> Callable[[Evidence], Finding]:
    """A claim on one of the paper's figures: not checked where the figure was not run."""

    def check(evidence: Evidence) -> Finding:
        view = evidence.views.get(name)
        return unchecked(f"Fig. {name[-1]} was not run") if view is None else tell(evidence, view)

    return check


def members(evidence: Evidence, view: View) -> list[str]:
    """The paper's schemes of a figure: Fig. 6 leaves out the random strategy and w/o SC, Fig. 7 the latter."""
    cast = evidence.cast
    left_out = {"fig6": (cast.random, cast.without_sc), "fig7": (cast.without_sc,)}.get(view.name, ())
    return [name for name in cast.all() if name not in left_out]


def total_moves(evidence: Evidence, view: View, *, falls: bool = False, least: float = RESOLUTION) -> Finding:
    """The total latency rises (or falls) from point to point, for every scheme of the figure."""
    schemes = members(evidence, view)
    checks = steps(evidence, view, schemes, Place.units, falls=falls, least=least)
    whole = _whole_axis(evidence, view, schemes, falls=falls)
    words = listing([f"{value_words(value)} for {label}" for label, value in whole.items()]) if whole else "unknown"
    note = f"Over the whole axis the {_noun(falls)} is {words}"
    found = judge(checks, f"{_noun(falls)} a step", absent=absences(evidence, view, schemes), note=note)
    return replace(found, number=min((value.mean for value in whole.values()), default=math.nan))


def per_device_rises(evidence: Evidence, view: View) -> Finding:
    """The latency of one UD rises with K: more than the sum over more UDs."""
    schemes = members(evidence, view)
    checks = steps(evidence, view, schemes, lambda place, scheme: place.units(scheme) / place.x)
    absent = absences(evidence, view, schemes)
    return judge(checks, "rise a step", absent=absent, note=_shares_of_rise(evidence, view))


def stage_rises(stage: str, *, per_device: bool = False, falls: bool = False) -> Telling:
    """The mean time in one stage rises (or falls) from point to point, for every scheme of the figure."""

    def tell(evidence: Evidence, view: View) -> Finding:
        def value(place: Place, scheme: str) -> float:
            return place.part(scheme, stage) / (place.x if per_device else 1.0)

        schemes = members(evidence, view)
        checks = steps(evidence, view, schemes, value, falls=falls, by_mean=True)
        note = "A UD given up at the latency cap before it has no time in this stage" if stage == "recovery" else ""
        return judge(checks, f"{_noun(falls)} a step", absent=absences(evidence, view, schemes), note=note)

    return tell


def sensing_rises(evidence: Evidence, view: View) -> Finding:
    """Sensing takes longer with more data, though hardly where the sensing rate is derived from the most data."""
    found = stage_rises("sensing")(evidence, view)
    entries = [] if evidence.run is None else evidence.run.scenario
    derived = any(entry["key"] == "sensing_rate_bps" and entry["tag"] == "derived" for entry in entries)
    if not derived or found.verdict == UNCHECKED:
        return found
    why = "The rise is small because the sensing rate, which the paper does not print, is derived from D_max"
    return replace(found, detail=f"{found.detail} {why}.")


def synchronisation_rises(evidence: Evidence, view: View) -> Finding:
    """The latency without its sensing rises; sensing takes every scheme, and every seed of it, the same time."""
    schemes = members(evidence, view)
    checks = steps(evidence, view, schemes, lambda place, scheme: place.units(scheme) - place.part(scheme, "sensing"))
    return judge(checks, "rise a step", absent=absences(evidence, view, schemes))


def sent_data_rises(evidence: Evidence, view: View) -> Finding:
    """More bits go on air with every step."""
    schemes = members(evidence, view)
    checks = steps(evidence, view, schemes, lambda place, scheme: place.mean(scheme, "sent_bits"), by_mean=True)
    return judge(checks, "rise a step", absent=absences(evidence, view, schemes))


def proposed_lowest(evidence: Evidence, view: View, *, least: float = RESOLUTION) -> Finding:
    """The proposed scheme has the lowest latency of the figure's schemes, at every point."""
    first, *others = members(evidence, view)
    checks = below(evidence, view.places, first, others, least=least)
    note = _cost_against_ppo(evidence, view.places)
    return judge(checks, "reduction against a benchmark", absent=absences(evidence, view, [first, *others]), note=note)


def without_sc_highest(evidence: Evidence, view: View) -> Finding:
    """w/o SC has the highest latency of all, at every point."""
    worst = evidence.cast.without_sc
    others = [name for name in members(evidence, view) if name != worst]
    checks = [
        Check(
            evidence.label(other),
            place.where,
            place.reduction(other, worst),
            least=RESOLUTION,
            refused=refusal(
                evidence.label(other),
                place.training_slots(other),
                evidence.label(worst),
                place.training_slots(worst),
                place.where,
            ),
        )
        for place in view.places
        for other in others
        if place.has(other) and place.has(worst)
    ]
    noun = f"reduction against {evidence.label(worst)}"
    return judge(checks, noun, absent=absences(evidence, view, [*others, worst]))


def optimising_pays(evidence: Evidence) -> Finding:
    """The proposed scheme's latency lies below that of equal shares set once, in the base comparison."""
    if evidence.base is None:
        return unchecked("the base comparison was not run")
    return judge(below(evidence, [evidence.base], evidence.cast.sac, [EQUAL_SHARE]), "reduction against equal shares")


def equal_at_one(evidence: Evidence, view: View) -> Finding:
    """At phi_min = 1 the proposed scheme is w/o SC: their latencies are within `EQUAL` percent of each other."""
    place = next((place for place in view.places if math.isclose(place.x, 1.0)), None)
    if place is None:
        return unchecked("the threshold 1 is not on the axis of Fig. 6")
    scheme, other = evidence.cast.sac, evidence.cast.without_sc
    if place.has(scheme) and place.has(other):
        where, found = place.where, place.reduction(scheme, other)
        slots = place.training_slots(other)
    else:
        where, found = f"{place.where}, relative to the optimum of its own slots", _against_base(evidence, place)
        slots = math.nan if evidence.base is None else evidence.base.training_slots(other)
    refused = refusal(evidence.label(scheme), place.training_slots(scheme), evidence.label(other), slots, place.where)
    if refused:
        return unchecked(refused)
    if found is NOTHING:
        missing = f"{evidence.label(scheme)} and {evidence.label(other)}"
        return unchecked(f"{missing} were not both evaluated at threshold 1, and no base comparison makes up for it")
    who = f"{evidence.label(scheme)} below {evidence.label(other)}"
    note = f"Equal is read as within {EQUAL:g}{NBSP}%, the interval included{_raw_reading(evidence)}"
    return judge([Check(who, where, found, least=-EQUAL, most=EQUAL)], "difference", note=note)


def _against_base(evidence: Evidence, place: Place) -> Estimate:
    """The proposed scheme at threshold 1 against w/o SC of the base comparison, which no threshold concerns.

    The slots may be others, so each is taken relative to the optimum on its own: at threshold 1 that is `no-semantics`.
    """
    base, cast = evidence.base, evidence.cast
    if base is None or evidence.run is None:
        return NOTHING
    # Any override but the threshold itself would make it another scenario than the base comparison's.
    changes = set(place.overrides) - set(evidence.run.manifest["scenario"]["overrides"])
    here, there = (cast.sac, EXACT.sac), (cast.without_sc, EXACT.without_sc)
    if len(changes) != 1 or not all(map(place.has, here)) or not all(map(base.has, there)):
        return NOTHING
    mine, other = (at.units(a) / at.units(best).mean() for at, (a, best) in ((place, here), (base, there)))
    return change(evidence, other, mine, falls=True)


def _raw_reading(evidence: Evidence) -> str:
    """What the other reading of w/o SC, raw data and no codec at all, would make of the claim."""
    base = evidence.base
    if base is None or not (base.has("raw") and base.has("no-semantics")):
        return ""
    found = base.reduction("raw", "no-semantics")
    return (
        ". Were w/o SC to send raw data and be charged for no extraction or recovery, its latency at the optimum would "
        f"lie {value_words(found)} below, and the two would not be equal"
    )


def largest_reduction(role: Literal["ppo", "random", "without_sc"]) -> Callable[[Evidence], Finding]:
    """The abstract's "up to 13.2 %" against one benchmark, wherever the paper compares the two."""

    def check(evidence: Evidence) -> Finding:
        benchmark = getattr(evidence.cast, role)
        places = _meetings(evidence, benchmark)
        found = reaches(evidence, places, evidence.cast.sac, benchmark, HEADLINE)
        note = _cost_against_ppo(evidence, places) if role == "ppo" and found.verdict != UNCHECKED else ""
        return replace(found, detail=f"{found.detail} {note}.") if note else found

    return check


def below_all(evidence: Evidence) -> Finding:
    """The proposed scheme's latency lies below every benchmark's, wherever the paper compares them."""
    cast = evidence.cast
    checks = [
        check for other in cast.benchmarks() for check in below(evidence, _meetings(evidence, other), cast.sac, [other])
    ]
    return judge(checks, "reduction against a benchmark")


def fewer_bits(evidence: Evidence) -> Finding:
    """The proposed scheme puts fewer bits on air than w/o SC."""
    cast = evidence.cast
    checks = []
    for place in _meetings(evidence, cast.without_sc):
        if place.has(cast.sac) and place.has(cast.without_sc):
            sent = (np.asarray(place.mean(name, "sent_bits")) for name in (cast.without_sc, cast.sac))
            found = change(evidence, *sent, falls=True)
            checks.append(Check(evidence.label(cast.sac), place.where, found, least=RESOLUTION, by_mean=True))
    return judge(checks, "saving of bits on air against w/o SC")


def _cost_against_ppo(evidence: Evidence, places: Iterable[Place]) -> str:
    """How the two learners compare in what they are trained on, where the order in latency is another one."""
    cast = evidence.cast
    pairs = [place for place in places if cast.ppo and place.has(cast.sac) and place.has(cast.ppo)]
    latency = [place.reduction(cast.sac, cast.ppo).mean for place in pairs if cast.ppo]
    cost = [place.reduction(cast.sac, cast.ppo, "cost").mean for place in pairs if cast.ppo]
    if cast.ppo is None or not any(a * b < 0 for a, b in zip(latency, cost, strict=True)):
        return ""
    low, high = (number(end, 1) for end in (min(cost), max(cost)))
    span = f"{low}{NBSP}%" if len(cost) == 1 else f"{low} to {high}{NBSP}%"
    label = evidence.label(cast.ppo)
    about = "In cost T + P, which both are trained on and which orders them otherwise somewhere"
    return f"{about}, the reduction against {label} is {span}"


def _meetings(evidence: Evidence, benchmark: str) -> list[Place]:
    """The base comparison, and every point of the figures in which the paper has the benchmark."""
    views = [view for view in evidence.views.values() if benchmark in members(evidence, view)]
    points = [place for view in views for place in view.places]
    return points if evidence.base is None else [evidence.base, *points]


def _whole_axis(evidence: Evidence, view: View, schemes: list[str], *, falls: bool) -> dict[str, Estimate]:
    """Each scheme's change from the first point of the axis to the last, by label."""
    found = {}
    for scheme in schemes:
        there = [place for place in view.places if place.has(scheme)]
        if len(there) > 1:
            found[evidence.label(scheme)] = change(
                evidence, there[0].units(scheme), there[-1].units(scheme), falls=falls
            )
    return {label: whole for label, whole in found.items() if whole is not NOTHING}


def _shares_of_rise(evidence: Evidence, view: View) -> str:
    """What each stage contributes to the rise of one UD's latency over the whole axis."""
    scheme = evidence.cast.sac
    there = [place for place in view.places if place.has(scheme)]
    if len(there) < 2:
        return ""
    first, last = there[0], there[-1]
    rises = {
        stage: last.part(scheme, stage) / last.x - first.part(scheme, stage) / first.x
        for stage in ("extraction", "uplink", "recovery")
    }
    total = sum(rises.values())
    if not total > 0:
        return ""
    parts = [f"{stage} {number(100.0 * rise / total, 0)}{NBSP}%" for stage, rise in rises.items()]
    return f"Of the rise of one UD's latency under {evidence.label(scheme)}, {listing(parts)}"


def _noun(falls: bool) -> str:
    return "fall" if falls else "rise"


def significantly(falls: bool) -> Telling:
    """`total_moves` by more than `SIGNIFICANT` percent a step."""
    return lambda evidence, view: total_moves(evidence, view, falls=falls, least=SIGNIFICANT)
