"""What a run shows, in sentences: every number is computed from the results, and trouble is said aloud."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinsync.experiments.columns import compared
from twinsync.experiments.figures.convergence import seed_mean
from twinsync.experiments.formatting import NBSP, change, cost, listing, number, seconds, share
from twinsync.experiments.formatting import compared as in_percent
from twinsync.experiments.records import Estimate, Measured
from twinsync.experiments.results import EXPECTED, OPTIMUM, SAC_AS_PRINTED, Curve, Results

WORSE = 0.10  # a cost this far above its best point, relative, counts as unstable


@dataclass(frozen=True)
class Instability:
    """A learner whose cost rose by more than `WORSE` above its best point, or stopped being a number.

    `seeds_worse` and `seeds_lost` count the seeds to which either happened, of `seeds`, each trained on `slots`; the
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
            parts.append(
                f"in {self.seeds_worse} of {self.seeds} seeds the cost rose by more than {share(WORSE, 0)} above its "
                f"best point; averaged over seeds it was {cost(self.best)} at {self.best_slot:,} slots, rose to "
                f"{cost(self.worst)} at {self.worst_slot:,} ({change(self.worst, self.best)}), and ended at "
                f"{cost(self.end)}"
            )
        if self.seeds_lost:
            parts.append(f"in {self.seeds_lost} of {self.seeds} seeds no finite cost is left at some point")
        return f"**Unstable: {self.label}**, trained on {self.slots:,} slots – {'; '.join(parts)}."


def instabilities(results: Results) -> list[Instability]:
    """Every learner with a learning curve that got worse again, or was lost."""
    curves = compared(results).curves
    items = (_instability(name, results.label(name), curve) for name, curve in curves.items())
    return [item for item in items if item is not None]


def _instability(name: str, label: str, curve: Curve) -> Instability | None:
    lost = sum(not np.isfinite(costs).all() for costs in curve.cost)
    worse = sum(_fell_back(costs) for costs in curve.cost)
    if not (lost or worse):
        return None
    counts = (name, label, int(curve.slots[-1]), len(curve.cost), worse, lost)
    mean = seed_mean(curve.cost)
    measured = np.flatnonzero(np.isfinite(mean))
    if not len(measured):
        return Instability(*counts)
    best = measured[np.argmin(mean[measured])]
    after = measured[measured >= best]
    worst = after[np.argmax(mean[after])]
    points = (mean[best], curve.slots[best], mean[worst], curve.slots[worst], mean[measured[-1]])
    return Instability(*counts, *(point.item() for point in points))


def _fell_back(costs: np.ndarray) -> bool:
    finite = costs[np.isfinite(costs)]
    if not len(finite):
        return False
    best = int(np.argmin(finite))
    return bool(finite[best:].max() > finite[best] + WORSE * abs(finite[best]))


def level(results: Results, learner: str, benchmarks: tuple[str, ...]) -> str:
    """What a learner reaches: its cost against the certified optimum's, its latency against its benchmarks'."""
    evaluation = compared(results).evaluation
    measured, optimum = evaluation.allocators[learner], evaluation.allocators[OPTIMUM]
    gains = []
    for name in benchmarks:
        pair = evaluation.pair(learner, name)
        if pair is not None:
            gains.append(_beside(pair.latency_reduction_percent, _genitive(results.label(name))))
    words = (
        f"{results.label(learner)}{_trained(measured)} costs {cost(measured.cost.mean)} per slot, "
        f"{in_percent(measured.cost.mean, optimum.cost.mean)} the certified optimum; its mean latency, all UDs "
        f"together, is {seconds(measured.latency_s.mean)}"
    )
    return f"{words}, {listing(gains)}." if gains else f"{words}."


def _beside(reduction: Estimate, whose: str) -> str:
    """`12.6 % below PPO's`; with its interval where that includes no difference."""
    sign, side = (1.0, "below") if reduction.mean >= 0 else (-1.0, "above")
    words = f"{number(sign * reduction.mean)}{NBSP}% {side} {whose}"
    if not (reduction.has_interval and reduction.low <= 0.0 <= reduction.high):
        return words
    low, high = sorted((sign * reduction.low, sign * reduction.high))
    return f"{words} ({number(low)} to {number(high)}{NBSP}%: not settled)"


def _genitive(label: str) -> str:
    """A benchmark's name without its level, which the sentence has said."""
    name = label.partition(" (as printed")[0].removesuffix(" (repaired)")
    return f"the {name.lower()}'s" if name == "Random strategy" else f"{name}'s"


def _trained(measured: Measured) -> str:
    """`, trained on 100,000 slots with 5 seeds,`; nothing for what learns nothing."""
    if math.isnan(measured.training_slots):
        return ""
    seeds = f"{number(measured.training_seeds, 0)} seed{'' if measured.training_seeds == 1 else 's'}"
    return f", trained on {number(measured.training_slots, 0)} slots with {seeds},"


def best_possible(results: Results) -> str:
    """What the optimum reaches with the channel known, and without."""
    allocators = compared(results).evaluation.allocators
    optimum, expected = allocators[OPTIMUM], allocators.get(EXPECTED)
    words = (
        f"The certified optimum, which knows the channel, costs {cost(optimum.cost.mean)} at "
        f"{seconds(optimum.latency_s.mean)}"
    )
    if expected is None:
        return f"{words}."
    return (
        f"{words}; the best that can be done without knowing it costs {cost(expected.cost.mean)} at "
        f"{seconds(expected.latency_s.mean)}."
    )


def cheaper(results: Results) -> str:
    """Which other schemes cost less than the headline's learner, trained or not."""
    comparison = compared(results)
    allocators, label = comparison.evaluation.allocators, results.label(comparison.learner)
    own = allocators[comparison.learner].cost.mean
    others = [name for name, measured in allocators.items() if measured.cost.mean < own and name != OPTIMUM]
    if not others:
        return f"No other scheme of this run costs less than {label}."
    named = listing([f"{results.label(name)} {cost(allocators[name].cost.mean)}" for name in others])
    return f"{'This costs' if len(others) == 1 else 'These cost'} less than {label}, {cost(own)}: {named}."


def gains(results: Results) -> str:
    """Which benchmarks the headline's learner beats in mean cost, beside the paper's own claim."""
    comparison = compared(results)
    pairs = {name: comparison.evaluation.pair(comparison.learner, name) for name in comparison.benchmarks}
    beaten = [results.label(name) for name, pair in pairs.items() if pair is not None and pair.cost.high < 0]
    others = [results.label(name) for name, pair in pairs.items() if pair is None or not pair.cost.high < 0]
    words = f"In mean cost the paired interval of {results.label(comparison.learner)} lies wholly on the better side "
    words += f"against {listing(beaten)}" if beaten else "against none of its benchmarks"
    words += f", but not against {listing(others)}" if beaten and others else ""
    return (
        f"{words}. The paper claims a reduction of latency by “up to 13.2{NBSP}%” without naming the baseline, so each "
        "benchmark is listed and none is tuned to match."
    )


def feasibility(results: Results) -> tuple[str, str]:
    """Whether the scenario's deadline can be met at all: a title and a statement."""
    optimum = compared(results).evaluation.allocators[OPTIMUM]
    missed, count = optimum.deadline_miss_rate, results.constant("device_count")
    verdict = (
        "cannot meet its deadline"
        if missed >= 0.99
        else "cannot meet its deadline in most slots"
        if missed >= 0.5
        else "meets its deadline most of the time, not always"
        if missed >= 0.01
        else "can meet its deadline"
    )
    title = f"Scenario “{results.manifest.scenario.name}”, K = {count}, {verdict}"
    synchronisation_s = (optimum.latency_s.mean - optimum.latency_parts_s["sensing"]) / count
    words = (
        f"Even the optimum, which knows the channel, misses the deadline in **{share(missed)}** of UD-slots; its mean "
        f"synchronisation latency is {seconds(synchronisation_s)} per UD and slot, the deadline "
        f"{seconds(results.deadline_s)}. {share(optimum.outage_rate)} of its UD-slots are cut off at the latency cap."
    )
    if missed >= 0.5:
        words += " So penalties are on for every scheme, and the comparison is about who is least late."
    return title, words


def has_printed(record: Results | None) -> bool:
    """Whether SAC as printed is part of a record's comparison."""
    return (
        record is not None
        and record.comparison is not None
        and SAC_AS_PRINTED in record.comparison.evaluation.allocators
    )
