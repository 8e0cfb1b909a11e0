"""Claims of Section III-E on problem (19a), checked on the certified optimum of the base comparison."""

from __future__ import annotations

from twinsync.experiments.claims.evidence import Evidence
from twinsync.experiments.claims.verdicts import FAILS, HOLDS, Finding, unchecked
from twinsync.experiments.formatting import share
from twinsync.experiments.results import OPTIMUM


def convex_methods_inadequate(evidence: Evidence) -> Finding:
    """Refuted by a certificate: a convex method has found the least cost of every slot."""
    certificate = None if evidence.base is None else evidence.base.point.evaluation.optimum
    if certificate is None:
        return unchecked("There is no optimum that is certified in every slot")
    detail = (
        "With (19)'s constraints as the penalties of (22), and once the channel is known, each slot's problem is "
        "convex in the logarithms of its variables, for each choice of the UDs that are given up at the cap (under a "
        "workload law that is not convex, in each part of a split range of φ). An interior-point method finds its "
        f"least cost in every slot of the base comparison, proven to within a relative {certificate.relative_gap:.1g}."
    )
    return Finding(FAILS, detail)


def deadlines_guaranteed(evidence: Evidence) -> Finding:
    """Whether the cost's minimiser, with (19c) as a penalty as in (22), meets every deadline."""
    if evidence.base is None or not evidence.base.has(OPTIMUM):
        return unchecked("The base comparison was not run")
    missed = evidence.base[OPTIMUM].deadline_miss_rate
    detail = (
        "In (22), which decides what a policy does, the deadline (19c) is a penalty: even the allocation of the least "
        f"cost, which knows the channel, misses it in {share(missed)} of UD-slots."
    )
    if missed == 0:
        detail = "The optimum, which knows the channel, meets the deadline (19c) in every slot."
    return Finding(HOLDS if missed == 0 else FAILS, detail)
