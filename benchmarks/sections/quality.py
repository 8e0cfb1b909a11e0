"""Time to quality: seconds until a learner's policy is within 5 % and 2 % of the expected optimum."""

from __future__ import annotations

import dataclasses
import statistics
import time

import jax
import numpy as np
from benchmarks.harness import Listing, Section, section
from benchmarks.runs import SETTINGS

from twinsync.allocators.expected import Expected
from twinsync.environment import see
from twinsync.learning import advance, start_training
from twinsync.learning.training import Training, curve_slots
from twinsync.model import slot_outcome
from twinsync.presets import load_scenario
from twinsync.streams import root_key

TEXT = """One seed at a time, from a cold start: the clock runs from the first line of Python's training code, tracing
and compilation included (compiled programs of earlier repetitions are dropped). After each of 40 stretches the
deterministic policy is judged on 500 fixed slots; "within 5 %" is the first stretch whose mean cost is at most 1.05
times that of `expected` on the same slots. Median of two seeds (fastest to slowest); never: not within the slots."""

# Slots are those of the preset (1e5 for SAC and PPO), shortened where the rest would only refine.
LEARNERS = {
    "gradient": SETTINGS["gradient"],
    "SAC (repaired)": dataclasses.replace(SETTINGS["sac-tuned"], slots=20_480),
    "PPO (repaired)": dataclasses.replace(SETTINGS["ppo-tuned"], slots=100_352),
}
WITHIN = (1.05, 1.02)


@section("quality")
def quality(quick: bool) -> Section:
    """Every learner on the clock."""
    scenario = load_scenario("paper")
    rows, every = [], {}
    for name, settings in list(LEARNERS.items())[: 1 if quick else None]:
        told = []
        now = dataclasses.replace(settings, slots=2000) if quick else settings
        for seed in range(1 if quick else 2):
            told.append(_clock(scenario, now, 200 + seed))
        every[name] = told
        cells = [_cell([_first(run, level) for run in told]) for level in WITHIN]
        rows.append((name, f"{now.slots:,}", *cells, _cell([run[-1][0] for run in told])))
    header = ("", "slots", "within 5 %", "within 2 %", "the whole run")
    return Section("Time to quality", TEXT, [Listing("Seconds", header, rows, every)])


def _clock(scenario, settings, seed: int) -> list[tuple[float, float]]:
    """Seconds since the start and cost over the expected optimum's, at each point of the curve."""
    slots = curve_slots(scenario, seed)
    best = Expected()(scenario, see(slots, "paper"), root_key(0))
    with jax.enable_x64(True):
        least = float(np.mean(slot_outcome(scenario, jax.tree.map(np.float64, slots), best).cost))
    jax.clear_caches()
    points = []
    began = time.perf_counter()

    def report(training: Training) -> None:
        points.append((time.perf_counter() - began, training.curve[-1].cost / least))

    training = start_training(scenario, settings, seeds=1, seed=seed)
    advance(training, 40, report, stop_if_diverged=False)
    return points


def _first(points: list[tuple[float, float]], level: float) -> float:
    return next((seconds for seconds, ratio in points if ratio <= level), float("inf"))


def _cell(values: list[float]) -> str:
    middle = statistics.median(values)
    if np.isinf(middle):
        return "never"
    slowest = "never" if np.isinf(max(values)) else f"{max(values):.1f}"
    return f"{middle:.1f} s ({min(values):.1f} to {slowest})"
