"""Learners: how far from the two optima, with how much training, and one network for any number of devices."""

from __future__ import annotations

import jax
import numpy as np
from benchmarks.harness import Listing, Section, section, verdict
from benchmarks.runs import run, training_cpu_s

from twinsync.allocators.expectation import expected_cost
from twinsync.allocators.expected import Expected, solve_expected
from twinsync.allocators.optimum import Optimum
from twinsync.allocators.policy import Policy
from twinsync.environment import see
from twinsync.experiments.evaluate import evaluate
from twinsync.experiments.summary import summarise
from twinsync.model import draw_slots
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.streams import root_key

TEXT = """Preset `paper`, the same fresh slots for every scheme. `expected` is the least expected cost without channel
knowledge, from distances and data alone; `optimum` knows the channel. Learned rows have one policy per training seed;
intervals (95 %) are over seeds, "worst" is the worst seed. Here the random strategy and w/o SC of the paper's
comparison are trained by the gradient, which makes them stronger than training by SAC does. Training times are for all
seeds together, compilation included; the check of SAC's training time is CPU time per seed, summed over threads (on one
core, `taskset -c 0`, that core's time)."""

LABELS = {
    "gradient": "gradient",
    "gradient-csi": "gradient (channel known)",
    "gradient-general": "gradient, one network for all scenarios",
    "sac-tuned": "SAC (repaired), 1e5 slots",
    "ppo-tuned": "PPO (repaired), 1e5 slots",
    "random-strategy": "random strategy (phi random)",
    "without-sc": "w/o SC (phi = 1)",
}
COUNTS = (1, 2, 6, 20, 100, 1000)


@section("learners")
def learners(quick: bool) -> Section:
    """Every learner on the same slots, then the general network by K."""
    scenario = load_scenario("paper")
    seeds, slots, sets = (2, 50, 1) if quick else (10, 1000, 5)
    names = ("gradient", "gradient-general") if quick else tuple(LABELS)
    found = {name: run(name, seeds, 2000 if quick else None) for name in names}
    schemes = {"optimum": [Optimum()], "expected": [Expected()]} | {name: list(found[name][0]) for name in names}
    summary = summarise(evaluate(scenario, schemes, slots=slots, seeds=sets, seed=7))
    checks = _checks(summary, found) if not quick else []
    tables = [_table(summary, found, f"{sets} x {slots} slots, {seeds} training seeds")]
    by_count, worst = _by_count(
        found["gradient-general"][0], scenario, (1, 12) if quick else COUNTS, 10 if quick else 400
    )
    checks.append(verdict("One network for any K, mean over `expected`, worst seed at worst K", worst, 1.03))
    return Section("Learners", TEXT, [*tables, by_count], checks)


def _over(entry: dict, reference: float) -> np.ndarray:
    return np.array([unit["mean"] if isinstance(unit, dict) else unit for unit in entry["unit_cost"]]) / reference


def _table(summary: dict, found: dict, title: str) -> Listing:
    rows = []
    entries = summary["allocators"]
    blind = entries["expected"]["cost"]["mean"]
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["cost"]["mean"]):
        learned = name in found
        gaps = [entry[key]["mean"] for key in ("gap_to_optimum", "gap_to_expected")]
        rows.append(
            (
                LABELS.get(name, name),
                _spread(entry["latency_s"], 2),
                _spread(entry["cost"], 2),
                *(f"{100 * gap:+.2f} %" for gap in gaps),
                f"{100 * (_over(entry, blind).max() - 1):+.2f} %" if learned else "",
                f"{found[name][1]:.0f} s" if learned else "",
            )
        )
    header = ("", "T [s]", "cost", "over optimum", "over expected", "worst seed over expected", "training, all seeds")
    return Listing(title, header, rows, {name: entry["unit_cost"] for name, entry in entries.items()})


def _spread(entry: dict, digits: int) -> str:
    low, high = entry["ci_low"], entry["ci_high"]
    span = "" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})"
    return f"{entry['mean']:.{digits}f}{span}"


def _checks(summary: dict, found: dict) -> list[str]:
    entries, paired = summary["allocators"], summary["paired"]["gradient"]
    blind, known = (entries[name]["cost"]["mean"] for name in ("expected", "optimum"))
    lines = [
        verdict("gradient over `expected`, mean cost", _over(entries["gradient"], blind).mean(), 1.01),
        verdict("gradient (channel known) over `optimum`", _over(entries["gradient-csi"], known).mean(), 1.02),
        verdict("SAC (repaired) over `expected`, worst seed", _over(entries["sac-tuned"], blind).max(), 1.01),
        *_seconds_a_seed("sac-tuned", len(found["sac-tuned"][0]), 60.0),
        verdict("gradient, seconds to train all its seeds, compilation included", found["gradient"][1], 60.0),
    ]
    for name in ("random-strategy", "without-sc", "ppo-tuned"):
        saved, lower = paired[name]["latency_reduction_percent"], paired[name]["latency_s"]
        lines.append(
            f"Mean latency of gradient against {LABELS[name]}: {saved['mean']:.1f} % saved ({saved['ci_low']:.1f} to "
            f"{saved['ci_high']:.1f} %; {lower['mean']:+.2f} s, {lower['ci_low']:+.2f} to {lower['ci_high']:+.2f} s); "
            f"cost {paired[name]['cost_reduction_percent']['mean']:.1f} % lower."
        )
    return lines


def _seconds_a_seed(name: str, seeds: int, bar: float) -> list[str]:
    """The check of a run's CPU time a seed; none for a run that was made before that was noted."""
    cpu_s = training_cpu_s(name)
    what = f"{LABELS[name]}, CPU seconds to train a seed, compilation included"
    return [] if cpu_s is None else [verdict(what, cpu_s / seeds, bar)]


def _by_count(policies: list[Policy], paper: Scenario, counts: tuple[int, ...], slots: int) -> tuple[Listing, float]:
    """Expected cost of the general network over the expected optimum's, in closed form, by K."""
    rows, every = [], {}
    for count in counts:
        scenario = paper.with_devices(count) if count > paper.device_count else paper.replace(device_count=count)
        with jax.enable_x64(True):
            slot = jax.device_get(draw_slots(root_key(21), scenario, max(20, min(slots, 20_000 // count))))
            best = solve_expected(scenario, slot.distance_m, slot.data_bits).cost.mean()
            costs = [
                float(np.mean(expected_cost(scenario, slot, policy(scenario, see(slot, "paper"), root_key(0)))))
                for policy in policies
            ]
        ratio = np.array(costs) / best
        every[count] = ratio.tolist()
        rows.append(
            (
                f"{count}",
                f"{best:,.0f}" if best >= 1000 else f"{best:.4g}",
                f"{100 * (ratio.mean() - 1):+.2f} %",
                f"{100 * (ratio.max() - 1):+.2f} %",
            )
        )
    header = ("K", "least expected cost", "the one network above it", "worst seed")
    title = "One network for any K (beyond 6, bandwidth and edge CPU grow with K)"
    return Listing(title, header, rows, every), max(max(each) for each in every.values())
