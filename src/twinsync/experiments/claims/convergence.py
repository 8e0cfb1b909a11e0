"""The claims on Fig. 3, checked on the learning curves: whether the rewards settle, and in which order they end.

A curve is judged by its last fifth, on slots that are the same for all schemes; seed j of one is paired with seed j of
another. The reward is -(T[n] + P), so a lower cost is a higher reward.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.claims.checks import refusal
from twinsync.experiments.claims.evidence import Evidence
from twinsync.experiments.claims.verdicts import UNCHECKED, Check, Finding, judge, unchecked
from twinsync.experiments.formatting import NBSP, listing, number
from twinsync.experiments.records import NOTHING
from twinsync.experiments.results import Curve
from twinsync.experiments.statistics import degrees_of_freedom, interval, last_fifths

SETTLED = 5.0  # [%]; a reward has stabilised if its last two fifths differ by less than this
NO_CURVES = "Fig. 3 was not run"


def stabilises(evidence: Evidence) -> Finding:
    """The rewards of the proposed scheme, PPO and the random strategy settle."""
    cast = evidence.cast
    curves, absent = _curves(evidence, (cast.sac, cast.ppo, cast.random))
    checks = [_settling(evidence, evidence.label(name), curve) for name, curve in curves.items()]
    note = f"A reward counts as stable if this is less than {SETTLED:g}{NBSP}% in either direction"
    noun = "rise in cost from the penultimate fifth of training to the last"
    return judge(checks, noun, absent=absent, note=note) if checks else unchecked(NO_CURVES)


def proposed_highest(evidence: Evidence) -> Finding:
    """The proposed scheme ends above PPO and the random strategy."""
    cast = evidence.cast
    return _ends_above(evidence, [(cast.sac, cast.ppo), (cast.sac, cast.random)])


def random_lowest(evidence: Evidence) -> Finding:
    """The random strategy ends below the proposed scheme and PPO."""
    cast = evidence.cast
    return _ends_above(evidence, [(cast.sac, cast.random), (cast.ppo, cast.random)])


def semantics_pay(evidence: Evidence) -> Finding:
    """The proposed scheme ends above w/o SC, which the paper's Fig. 3 leaves out."""
    cast = evidence.cast
    finding = _ends_above(evidence, [(cast.sac, cast.without_sc)])
    if finding.verdict == UNCHECKED:
        return finding
    return replace(finding, detail=f"{finding.detail} The paper states this of Fig. 3, which does not show w/o SC.")


def _curves(evidence: Evidence, names: Iterable[str | None]) -> tuple[dict[str, Curve], list[str]]:
    """The learning curves of the named schemes that have one, and a remark on each that has none."""
    wanted = list(dict.fromkeys(name for name in names if name))
    absent = [f"{evidence.label(name)} has no learning curve" for name in wanted if name not in evidence.curves]
    return {name: evidence.curves[name] for name in wanted if name in evidence.curves}, absent


def _settling(evidence: Evidence, label: str, curve: Curve) -> Check:
    before, after = last_fifths(curve.cost)
    if trouble := _lost(before + after):
        return Check(label, "", NOTHING, trouble=trouble)
    level = abs(float(before.mean())) or math.nan
    change = interval(lambda a, b: 100.0 * (b - a) / level, before, after)
    return Check(label, "", change, least=-SETTLED, most=SETTLED, degrees=len(before) - 1.0)


def _lost(costs: Float[np.ndarray, " S"]) -> str:
    lost = int((~np.isfinite(costs)).sum())
    return f"the reward became non-finite in {lost} of {len(costs)} seeds" if lost else ""


def _ends_above(evidence: Evidence, pairs: list[tuple[str | None, str | None]]) -> Finding:
    curves, absent = _curves(evidence, (name for pair in pairs for name in pair))
    checks = [
        _above(evidence, curves, better, worse) for better, worse in pairs if better in curves and worse in curves
    ]
    noun = "lead in reward per slot over the last fifth of training"
    if not checks:
        return unchecked("; ".join(absent) if evidence.curves else NO_CURVES)
    return judge(checks, noun, absent=absent, note=_unfinished(evidence, curves))


def _unfinished(evidence: Evidence, curves: Mapping[str, Curve]) -> str:
    """A remark on the curves that have not stabilised, so that their end is not what they converge to."""
    moved = {name: _settling(evidence, evidence.label(name), curve).value.mean for name, curve in curves.items()}
    words = [
        f"{evidence.label(name)}, whose cost still {'rises' if change > 0 else 'falls'} by "
        f"{number(abs(change), 1)}{NBSP}% from the penultimate fifth of training to the last"
        for name, change in moved.items()
        if abs(change) >= SETTLED
    ]
    return f"Not converged: {listing(words)}" if words else ""


def _above(evidence: Evidence, curves: Mapping[str, Curve], better: str, worse: str) -> Check:
    names = evidence.label(better), evidence.label(worse)
    ends = [last_fifths(curves[scheme].cost)[1] for scheme in (better, worse)]
    slots = [math.nan if evidence.base is None else evidence.base.training_slots(scheme) for scheme in (better, worse)]
    lead, degrees, trouble = NOTHING, math.nan, _lost(ends[0])
    if all(np.isfinite(end).all() for end in ends):
        lead, degrees = interval(_difference, *ends), degrees_of_freedom(_difference, *ends)
    refused = refusal(names[0], slots[0], names[1], slots[1], "Fig. 3")
    return Check(f"{names[0]} over {names[1]}", "", lead, unit="", trouble=trouble, refused=refused, degrees=degrees)


def _difference(better: float, worse: float) -> float:
    return worse - better
