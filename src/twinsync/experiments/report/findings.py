"""The findings of a run as sentences: every number is computed from the results, and instability is always reported."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.columns import compared
from twinsync.experiments.figures.convergence import seed_mean
from twinsync.experiments.formatting import NBSP, change, cost, listing, number, seconds, share
from twinsync.experiments.formatting import compared as in_percent
from twinsync.experiments.records import Estimate, Evaluation, Measured
from twinsync.experiments.results import EXPECTED, OPTIMUM, SAC_AS_PRINTED, Curve, Results

WORSE = 0.10  # relative rise of the cost above its best so far that counts as unstable


@dataclass(frozen=True)
class Instability:
    """A learner whose cost rose by more than `WORSE` above its best so far in training, or became non-finite.

    Of `seeds` training seeds, each trained on `slots`, `seeds_worse` did the former and `seeds_lost` the latter. The
    costs are means over seeds.
    """

    name: str
    label: str
    slots: int
    seeds: int
    seeds_worse: int
    seeds_lost: int
    best: float = math.nan
    best_slot: int = 0
    worst: float = math.nan
    worst_slot: int = 0
    end: float = math.nan

    def sentence(self) -> str:
        """The finding in words."""
        parts = []
        if self.seeds_worse:
            words = f"in {self.seeds_worse} of {self.seeds} seeds, the cost rose more than {share(WORSE, 0)} above its "
            words += "best so far"
            if self.worst > self.best:  # seeds may rise at different times
                words += f"; its mean over seeds was {cost(self.best)} at {self.best_slot:,} slots, rose to "
                words += f"{cost(self.worst)} at {self.worst_slot:,} ({change(self.worst, self.best)}), and ended at "
                words += cost(self.end)
            parts.append(words)
        if self.seeds_lost:
            parts.append(f"in {self.seeds_lost} of {self.seeds} seeds, the cost became non-finite")
        return f"**Unstable: {self.label}**, trained on {self.slots:,} slots – {'; '.join(parts)}."


def instabilities(results: Results) -> list[Instability]:
    """Every learner whose cost rose far above its best so far, even if it fell again, or became non-finite."""
    curves = compared(results).curves
    items = (_instability(name, results.label(name), curve) for name, curve in curves.items())
    return [item for item in items if item is not None]


def _instability(name: str, label: str, curve: Curve) -> Instability | None:
    lost = sum(not np.isfinite(costs).all() for costs in curve.cost)
    trained = curve.slots > 0  # at 0 the policy is untrained
    worse = sum(_setback(costs[trained])[2] > WORSE for costs in curve.cost)
    if not (lost or worse):
        return None
    counts = (name, label, int(curve.slots[-1]), len(curve.cost), worse, lost)
    mean, slots = seed_mean(curve.cost)[trained], curve.slots[trained]
    measured = np.isfinite(mean)
    if not measured.any():
        return Instability(*counts)
    mean, slots = mean[measured], slots[measured]
    best, worst, _ = _setback(mean)
    points = (mean[best], slots[best], mean[worst], slots[worst], mean[-1])
    return Instability(*counts, *(point.item() for point in points))


def _setback(costs: Float[np.ndarray, " P"]) -> tuple[int, int, float]:
    """The largest rise of the finite costs above their best so far: where that best was, where it rose to, and by how
    much, relative; (0, 0, 0.0) if none is finite."""
    finite = costs[np.isfinite(costs)]
    if not len(finite):
        return 0, 0, 0.0
    best = np.minimum.accumulate(finite)
    rise = np.divide(finite - best, np.abs(best), out=np.zeros_like(finite), where=best != 0)
    worst = int(np.argmax(rise))
    return int(np.argmin(finite[: worst + 1])), worst, float(rise[worst])


def level(results: Results, learner: str, benchmarks: tuple[str, ...]) -> str:
    """A sentence on a learner: its cost relative to the certified optimum's, its latency relative to benchmarks'."""
    evaluation = compared(results).evaluation
    measured, optimum = evaluation.allocators[learner], evaluation.allocators[OPTIMUM]
    gains = []
    for name in benchmarks:
        pair = evaluation.pair(learner, name)
        if pair is not None:
            gains.append(_beside(pair.latency_reduction_percent, _genitive(results.label(name))))
    words = (
        f"{results.label(learner)}{_trained(measured)} costs {cost(measured.cost.mean)} per slot, "
        f"{in_percent(measured.cost.mean, optimum.cost.mean)} {_optimum(evaluation)}; its mean latency, summed over "
        f"the UDs, is {seconds(measured.latency_s.mean)}"
    )
    return f"{words}, {listing(gains)}." if gains else f"{words}."


def _optimum(evaluation: Evaluation) -> str:
    """`the certified optimum`, unless its certificate is missing in some slot."""
    return "the certified optimum" if evaluation.optimum else "the optimum, not certified in every slot"


def _beside(reduction: Estimate, whose: str) -> str:
    """`12.6 % below PPO's`; with the interval if that includes zero."""
    sign, side = (1.0, "below") if reduction.mean >= 0 else (-1.0, "above")
    words = f"{number(sign * reduction.mean)}{NBSP}% {side} {whose}"
    if not (reduction.has_interval and reduction.low <= 0.0 <= reduction.high):
        return words
    low, high = sorted((sign * reduction.low, sign * reduction.high))
    return f"{words} ({number(low)} to {number(high)}{NBSP}%: not settled)"


def _genitive(label: str) -> str:
    """The possessive of a benchmark's name, without its level, which the sentence has already given."""
    name = label.partition(" (as printed")[0].removesuffix(" (repaired)")
    return f"the {name.lower()}'s" if name == "Random strategy" else f"{name}'s"


def _trained(measured: Measured) -> str:
    """`, trained on 100,000 slots with 5 seeds,`; empty for a scheme that is not trained."""
    if math.isnan(measured.training_slots):
        return ""
    seeds = f"{number(measured.training_seeds, 0)} seed{'' if measured.training_seeds == 1 else 's'}"
    return f", trained on {number(measured.training_slots, 0)} slots with {seeds},"


def best_possible(results: Results) -> str:
    """A sentence on the best possible cost and latency, with the channel known and without."""
    evaluation = compared(results).evaluation
    optimum, expected = evaluation.allocators[OPTIMUM], evaluation.allocators.get(EXPECTED)
    words = (
        f"T{_optimum(evaluation)[1:]}, which knows the channel, costs {cost(optimum.cost.mean)} per slot at a mean "
        f"latency of {seconds(optimum.latency_s.mean)}"
    )
    if expected is None:
        return f"{words}."
    return (
        f"{words}; the best policy without channel knowledge costs {cost(expected.cost.mean)} at "
        f"{seconds(expected.latency_s.mean)}."
    )


def cheaper(results: Results) -> str:
    """A sentence on the other schemes, trained or not, that cost less than the headline learner."""
    comparison = compared(results)
    allocators, label = comparison.evaluation.allocators, results.label(comparison.learner)
    own = allocators[comparison.learner].cost.mean
    others = [name for name, measured in allocators.items() if measured.cost.mean < own and name != OPTIMUM]
    if not others:
        return f"No other scheme of this run costs less than {label}."
    named = listing([f"{results.label(name)} at {cost(allocators[name].cost.mean)}" for name in others])
    return f"Cheaper than {label} at {cost(own)}: {named}."


def faster(results: Results) -> str:
    """A sentence on the schemes with a lower latency than the optimum, which minimises the cost; empty without any."""
    allocators = compared(results).evaluation.allocators
    optimum = allocators[OPTIMUM].latency_s.mean
    names = [name for name, measured in allocators.items() if measured.latency_s.mean < optimum - 0.005]
    if not names:
        return ""
    named = listing([f"{results.label(name)} at {seconds(allocators[name].latency_s.mean)}" for name in names])
    return (
        f"The optimum minimises the cost, not the latency, which is {seconds(optimum)}: at a higher cost, lower "
        f"latency has {named}."
    )


def gains(results: Results) -> str:
    """Which benchmarks the headline learner beats in mean cost, and how the paper's claim is treated."""
    comparison = compared(results)
    pairs = {name: comparison.evaluation.pair(comparison.learner, name) for name in comparison.benchmarks}
    known = {results.label(name): pair.cost for name, pair in pairs.items() if pair and pair.cost.has_interval}
    beaten = [label for label, difference in known.items() if difference.high < 0]
    ahead = [label for label, difference in known.items() if difference.low > 0]
    open_ = [results.label(name) for name in pairs if results.label(name) not in (*beaten, *ahead)]
    words = f"By the intervals, {results.label(comparison.learner)} has a lower mean cost than "
    words += listing(beaten) if beaten else "none of its benchmarks"
    words += f", and a higher one than {listing(ahead)}" if ahead else ""
    words += f"; against {listing(open_)} the order is not settled" if open_ else ""
    return (
        f"{words}. The paper claims a latency reduction of “up to 13.2{NBSP}%” without naming the baseline, so every "
        "benchmark is listed and none is tuned to match that number."
    )


def feasibility(results: Results) -> tuple[str, str]:
    """Whether the deadline can be met in this scenario: a title and a statement."""
    optimum = compared(results).evaluation.allocators[OPTIMUM]
    missed, count = optimum.deadline_miss_rate, results.constant("device_count")
    verdict = (
        "misses nearly every deadline"
        if missed >= 0.99
        else "misses most deadlines"
        if missed >= 0.5
        else "meets most deadlines, but not all"
        if missed >= 0.01
        else "meets the deadlines"
    )
    even = "even " if missed >= 0.5 else ""
    title = f"Scenario “{results.manifest.scenario.name}”, K = {count}: {even}the optimum {verdict}"
    synchronisation_s = (optimum.latency_s.mean - optimum.latency_parts_s["sensing"]) / count
    words = (
        f"Even the optimum, which knows the channel, misses the deadline in **{share(missed)}** of UD-slots; its mean "
        f"synchronisation latency is {seconds(synchronisation_s)} per UD and slot, against a deadline of "
        f"{seconds(results.deadline_s)}. In {share(optimum.outage_rate)} of UD-slots its latency reaches the cap."
    )
    if missed >= 0.5:
        words += " Penalties therefore apply to every scheme, and the comparison shows which scheme is least late."
    return title, words


def has_printed(record: Results | None) -> bool:
    """Whether SAC as printed is part of a record's comparison."""
    return (
        record is not None
        and record.comparison is not None
        and SAC_AS_PRINTED in record.comparison.evaluation.allocators
    )
