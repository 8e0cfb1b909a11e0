"""What a run shows, put into words: every number is computed from the raw files, and trouble is said aloud."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinsync.experiments.figures.convergence import seed_mean
from twinsync.experiments.formatting import NBSP, change, listing, number, seconds, share
from twinsync.experiments.run_folder import OPTIMUM, Curve, RunFolder

WORSE = 0.10  # a cost this far above its best point, relative, counts as unstable


@dataclass(frozen=True)
class Instability:
    """A learner whose cost rose by more than `WORSE` above its best point, or stopped being a number.

    `seeds_worse` and `seeds_lost` count the seeds to which either happened, of `seeds`; the costs are means over seeds.
    """

    name: str
    label: str
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
                f"best point; averaged over seeds it was {number(self.best)} at {self.best_slot:,} slots, rose to "
                f"{number(self.worst)} at {self.worst_slot:,} ({change(self.worst, self.best)}), and ended at "
                f"{number(self.end)}"
            )
        if self.seeds_lost:
            parts.append(f"in {self.seeds_lost} of {self.seeds} seeds no finite cost is left at some point")
        return f"**Unstable: {self.label}** – " + "; ".join(parts) + "."


def instabilities(run: RunFolder) -> list[Instability]:
    """Every learner of the run that got worse again, or was lost."""
    found = (_instability(curve) for curve in run.curves.values())
    return [item for item in found if item is not None]


def _instability(curve: Curve) -> Instability | None:
    lost = sum(not np.isfinite(costs).all() for costs in curve.cost)
    worse = sum(_fell_back(costs) for costs in curve.cost)
    if not (lost or worse):
        return None
    counts = (curve.scheme.name, curve.scheme.label, len(curve.cost), worse, lost)
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


def cheaper(run: RunFolder) -> str:
    """Which other schemes cost less than the headline's learner, trained or not."""
    mine = run.rows[run.learner].cost.mean
    label = run.rows[run.learner].scheme.label
    others = [row for name, row in run.rows.items() if row.cost.mean < mine and name != OPTIMUM]
    if not others:
        return f"No other scheme of this run costs less than {label}."
    named = listing([f"{row.scheme.label} ({number(row.cost.mean)})" for row in others])
    return f"Less than {label} ({number(mine)}) cost{'s' if len(others) == 1 else ''} {named}."


def gains(run: RunFolder) -> str:
    """Which benchmarks the headline's learner beats in mean cost, beside the paper's own claim."""
    beaten = [run.rows[name].scheme.label for name in run.benchmarks if run.paired(name, "cost").high < 0]
    others = [run.rows[name].scheme.label for name in run.benchmarks if not run.paired(name, "cost").high < 0]
    cost = f"In mean cost the paired interval of {run.rows[run.learner].scheme.label} lies wholly on the better side "
    cost += f"against {listing(beaten)}" if beaten else "against none of its benchmarks"
    cost += f", but not against {listing(others)}" if beaten and others else ""
    return (
        f"{cost}. The paper claims a reduction of latency by “up to 13.2{NBSP}%” without naming the baseline, so each "
        "benchmark is listed and none is tuned to match."
    )


def feasibility(run: RunFolder) -> tuple[str, str]:
    """Whether the scenario's deadline can be met at all: a title and a statement."""
    optimum = run.rows[OPTIMUM]
    missed = optimum.value("deadline_miss_rate")
    count, deadline = run.constant("device_count"), run.deadline_s
    verdict = (
        "cannot meet its deadline"
        if missed >= 0.99
        else "cannot meet its deadline in most slots"
        if missed >= 0.5
        else "meets its deadline most of the time, not always"
        if missed >= 0.01
        else "can meet its deadline"
    )
    title = f"Scenario “{run.manifest['scenario']['name']}”, K = {count}, {verdict}"
    sync = (optimum.latency_s.mean - optimum.latency_parts_s["sensing"]) / count
    words = (
        f"Even the optimum, which knows the channel, misses the deadline in **{share(missed)}** of UD-slots; its mean "
        f"synchronisation latency is {seconds(sync)} a UD and slot, the deadline {seconds(deadline)}. "
        f"{share(optimum.value('outage_rate'))} of its UD-slots are cut off at the latency cap."
    )
    if missed >= 0.5:
        words += " So penalties are on for every scheme, and the comparison is about who is least late."
    return title, words
