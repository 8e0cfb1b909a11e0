"""How a quantity changes along the axis of a figure: checks of the claims that something rises or falls."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from twinsync.experiments.claims.checks import Value, ViewCheck, absences, change, given_up, steps
from twinsync.experiments.claims.evidence import Evidence, NamedPoint, View
from twinsync.experiments.claims.verdicts import RESOLUTION, Finding, judge, value_words
from twinsync.experiments.formatting import NBSP, listing, number
from twinsync.experiments.records import NOTHING, Estimate


def moves(
    value: Value, *, falls: bool = False, least: float = RESOLUTION, timed: bool = True,
    note: Callable[[Evidence, View], str] = lambda evidence, view: "",
) -> ViewCheck:  # fmt: skip
    """A value rises (or falls) from point to point by more than `least` percent, for every scheme of the figure.

    timed: whether it is a time, which the latency cap cuts off.
    """

    def check(evidence: Evidence, view: View) -> Finding:
        schemes = evidence.members(view.name)
        checks = steps(evidence, view, schemes, value, falls=falls, least=least)
        absent = absences(evidence, view, schemes)
        notes = [note(evidence, view), given_up(evidence, view.places, schemes) if timed else ""]
        return judge(checks, f"{_noun(falls)} per step", absent=absent, note=". ".join(filter(None, notes)))

    return check


def total_moves(*, falls: bool = False, least: float = RESOLUTION) -> ViewCheck:
    """The total latency rises (or falls) from point to point; a note has the change over the whole axis."""

    def check(evidence: Evidence, view: View) -> Finding:
        whole = _whole_axis(evidence, view, falls=falls)
        changes = listing([f"{value_words(value)} for {label}" for label, value in whole.items()] or ["unknown"])
        note = f"Over the whole axis the {_noun(falls)}, each by itself, is {changes}"
        return moves(NamedPoint.latency_s, falls=falls, least=least, note=lambda *_: note)(evidence, view)

    return check


def per_device_rises(evidence: Evidence, view: View) -> Finding:
    """The latency of one UD rises with K, not only the sum over more UDs."""
    per_device = moves(lambda place, scheme: place.latency_s(scheme) / place.point.x, note=_shares_of_rise)
    return per_device(evidence, view)


def stage_rises(stage: str, *, per_device: bool = False, falls: bool = False) -> ViewCheck:
    """The mean time in one stage rises (or falls) from point to point, for every scheme of the figure."""

    def value(place: NamedPoint, scheme: str) -> np.ndarray:
        return place.stage_s(scheme, stage) / (place.point.x if per_device else 1.0)

    def note(evidence: Evidence, view: View) -> str:
        return _shares_of_rise(evidence, view) if per_device else ""

    return moves(value, falls=falls, note=note)


def sensing_rises(evidence: Evidence, view: View) -> Finding:
    """Sensing takes longer with more data."""
    return moves(lambda place, scheme: place.stage_s(scheme, "sensing"), note=_share_of_sensing)(evidence, view)


def synchronisation_rises(evidence: Evidence, view: View) -> Finding:
    """The latency without sensing rises; sensing takes the same time for every scheme and seed."""
    return moves(lambda place, scheme: place.latency_s(scheme) - place.stage_s(scheme, "sensing"))(evidence, view)


def sent_data_rises(evidence: Evidence, view: View) -> Finding:
    """More bits go on air with every step."""
    return moves(NamedPoint.sent_bits, timed=False)(evidence, view)


def _whole_axis(evidence: Evidence, view: View, *, falls: bool) -> dict[str, Estimate]:
    """Each scheme's change from the first point of the axis to the last, by label."""
    changes = {}
    for scheme in evidence.members(view.name):
        places = view.having(scheme)
        if len(places) > 1:
            ends = (place.latency_s(scheme) for place in (places[0], places[-1]))
            changes[evidence.label(scheme)] = change(*ends, falls=falls)
    return {label: whole for label, whole in changes.items() if whole is not NOTHING}


def _stage_s(place: NamedPoint, scheme: str, stage: str) -> float:
    """Mean time in one stage, sum over the UDs [s]; NaN where it is not known."""
    return place[scheme].latency_parts_s.get(stage, math.nan)


def _shares_of_rise(evidence: Evidence, view: View) -> str:
    """What each stage contributes to the rise in one UD's latency over the whole axis."""
    scheme = evidence.cast.sac
    places = view.having(scheme)
    if len(places) < 2:
        return ""
    rises = {
        stage: _stage_s(places[-1], scheme, stage) / places[-1].point.x
        - _stage_s(places[0], scheme, stage) / places[0].point.x
        for stage in ("extraction", "uplink", "recovery")
    }
    total = sum(rises.values())
    if not total > 0:
        return ""
    extraction, uplink, recovery = (f"{number(100.0 * rise / total, 0)}{NBSP}%" for rise in rises.values())
    return (
        f"Extraction accounts for {extraction} of the rise in one UD's latency under {evidence.label(scheme)}, the "
        f"uplink for {uplink}, and recovery for {recovery}"
    )


def _share_of_sensing(evidence: Evidence, view: View) -> str:
    """What sensing contributes to the change of the latency over the whole axis."""
    scheme = evidence.cast.sac
    places = view.having(scheme)
    if len(places) < 2:
        return ""
    sensing = [_stage_s(place, scheme, "sensing") for place in (places[0], places[-1])]
    total = [float(place.latency_s(scheme).mean()) for place in (places[0], places[-1])]
    if not (sensing[1] > sensing[0] and total[1] > total[0]):
        return ""
    share = 100.0 * (sensing[1] - sensing[0]) / (total[1] - total[0])
    return (
        f"Over the whole axis sensing goes from {number(sensing[0], 2)}{NBSP}s to {number(sensing[1], 2)}{NBSP}s, "
        f"which is {number(share, 0)}{NBSP}% of the rise in latency under {evidence.label(scheme)}"
    )


def _noun(falls: bool) -> str:
    return "fall" if falls else "rise"
