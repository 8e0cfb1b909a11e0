"""Made-up results as typed records: plausible numbers in the shape of a real run, for tests of claims, figures, report.

`compared()` is a comparison at the preset in which SAC as printed first learns and then falls apart, `swept()` sweeps
without a comparison, `both()` the two together. Write them into a folder with `results.write_results`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from twinsync.experiments.records import (
    Axis,
    Certificate,
    ConstantEntry,
    Deviation,
    Estimate,
    Evaluation,
    Headline,
    IntervalMethod,
    Manifest,
    Measured,
    Pair,
    Point,
    PolicyLine,
    PolicyPicture,
    ResultCounts,
    ScenarioName,
    Scheme,
    Sizes,
    Sweep,
)
from twinsync.experiments.results import EVALUATION_SEED, TRAINING_SEED, Comparison, Curve, Results
from twinsync.experiments.statistics import LEVEL, METHOD

# name, label, group, mean latency [s], mean cost, does it learn
SCHEMES = [
    ("sac-tuned", "SAC (repaired)", "fixed", 14.03, 90.6, True),
    ("sac-paper", "SAC (as printed)", "paper", 19.6, 176.0, True),
    ("ppo", "PPO", "fixed", 16.9, 119.0, True),
    ("without-sc", "w/o SC (repaired)", "fixed", 20.4, 158.0, True),
    ("random-strategy", "Random strategy (repaired)", "fixed", 17.1, 121.5, True),
    ("gradient", "Gradient policy", "reference", 13.92, 86.6, True),
    ("optimum", "Optimum (channel known)", "reference", 13.71, 81.3, False),
    ("random-extraction", "Random extraction (rest optimal)", "reference", 15.8, 104.0, False),
    ("equal-share", "Equal share", "heuristic", 18.2, 133.0, False),
    ("random", "Random", "heuristic", 24.9, 236.0, False),
    ("raw", "Raw, no codec", "heuristic", 21.9, 171.0, False),
]
OPTIMUM_COST = 81.3
SLOTS = list(range(0, 20001, 1000))
STAGES = ("sensing", "extraction", "uplink", "recovery")

# Of sweeps: mean latency, cost, energy [J] and phi of each scheme at the paper's point, and whether it learns.
SWEPT = {
    "sac-tuned": (13.90, 86.96, 3.38, 0.440, True),
    "ppo-tuned": (13.46, 88.85, 4.05, 0.445, True),
    "random-strategy": (15.91, 108.9, 3.16, 0.650, True),
    "without-sc": (20.11, 152.3, 2.45, 1.0, True),
    "gradient": (13.91, 85.52, 3.22, 0.441, True),
    "expected": (13.91, 85.52, 3.22, 0.441, False),
    "optimum": (13.79, 83.90, 3.20, 0.450, False),
    "no-semantics": (19.72, 148.0, 2.82, 1.0, False),
    "random-extraction": (15.90, 106.7, 3.06, 0.650, False),
    "equal-share": (14.46, 91.07, 3.04, 0.548, False),
}
LABELS = {
    "sac-tuned": ("SAC (repaired)", "fixed"),
    "ppo-tuned": ("PPO (repaired)", "fixed"),
    "random-strategy": ("Random strategy (repaired)", "fixed"),
    "without-sc": ("w/o SC (repaired)", "fixed"),
    "gradient": ("Gradient", "fixed"),
    "expected": ("Expected optimum", "reference"),
    "optimum": ("Optimum", "reference"),
    "no-semantics": ("phi = 1 (rest optimal)", "reference"),
    "random-extraction": ("Random phi (rest optimal)", "reference"),
    "equal-share": ("Equal share", "heuristic"),
}
PAPER = ("sac-tuned", "ppo-tuned", "random-strategy", "without-sc", "gradient", "expected", "optimum")
CHEAP = ("gradient", "expected", "optimum", "no-semantics", "random-extraction", "equal-share")

DEFINITIONS = {
    "latency_s": "sum over the UDs of sensing and synchronisation latency, capped",
    "cost": "T[n] + P of (22), with the same cap",
    "gap_to_optimum": "mean cost over the exact optimum's, less 1",
    "deadline_miss_rate": "share of UD-slots with t_dt above (1 - eta) tau",
}
LOST = Estimate(math.nan, math.nan, math.nan, math.nan, math.nan)


def estimate(mean: float, spread: float = 0.01, *, median: float = 0.93, p95: float = 1.5) -> Estimate:
    """An interval from `spread` below to 1.2 `spread` above the mean, relative."""
    low, high = sorted((mean * (1 - spread), mean * (1 + 1.2 * spread)))
    return Estimate(mean, low, high, median * mean, p95 * mean)


def measured(latency_s: float, cost: float, /, *, learns: bool = False, **changes: Any) -> Measured:
    """What an evaluation says of a scheme with four units; `changes` are fields of the record."""
    uplink = (latency_s - 5.3) * 0.52
    values: dict[str, Any] = {
        "latency_s": estimate(latency_s, 0.012 if learns else 0.004),
        "cost": estimate(cost, 0.025 if learns else 0.006),
        "gap_to_optimum": estimate(cost / OPTIMUM_COST - 1, 0.15),
        "gap_to_expected": estimate(cost / OPTIMUM_COST - 1.02, 0.15),
        "penalty": cost - latency_s,
        "energy_j": 2.8,
        "jain_index": 0.93,
        "deadline_miss_rate": 0.9 + latency_s / 1000,
        "deadline_completion_ratio": 0.1 - latency_s / 1000,
        "energy_violation_rate": 0.11,
        "outage_rate": latency_s / 2000,
        "sensing_violation_rate": 0.0,
        "edge_cpu_violation_rate": 0.0,
        "bounds_violation_rate": 0.0,
        "age_of_information_s": 2.0 + latency_s / 8,
        "slot_end_age_s": 3.0,
        "age_with_late_updates_s": 2.5,
        "extraction_factor": 0.46,
        "device_cpu_hz": 8e8,
        "transmit_power_w": 0.1,
        "edge_cpu_hz": 1e9,
        "energy_excess_j": 0.012,
        "radio_load": uplink / 7.2,
        "sent_bits": 7e5 * changes.get("extraction_factor", 0.46),
        "latency_parts_s": dict(zip(STAGES, (1.575, 3.4, uplink, latency_s - 4.975 - uplink), strict=True)),
        "energy_parts_j": {"sensing": 0.042, "extraction": 2.2, "uplink": 0.35 + latency_s / 100},
        "unit": TRAINING_SEED if learns else EVALUATION_SEED,
        "unit_count": 4,
        "unit_latency_s": tuple(latency_s * (1 + 0.008 * step) for step in (-1.4, -0.2, 0.5, 1.1)),
        "unit_cost": tuple(cost * (1 + 0.02 * step) for step in (-1.2, -0.3, 0.4, 1.1)),
        "training_slots": 20_000 if learns else math.nan,
        "training_seeds": 4 if learns else math.nan,
    }
    values |= changes
    scatter = [unit / values["latency_s"].mean for unit in values["unit_latency_s"]]
    parts = {stage: tuple(mean * one for one in scatter) for stage, mean in values["latency_parts_s"].items()}
    units = {"unit_latency_parts_s": parts, "unit_sent_bits": (values["sent_bits"],) * len(scatter)}
    return Measured(**{**units, **values})


def pair(a: Measured, b: Measured) -> Pair:
    """A less B, each interval 2 % of A's mean wide on either side."""

    def about(value: float, half: float) -> Estimate:
        return Estimate(value, value - half, value + half)

    estimates = {}
    for key in ("latency_s", "cost"):
        x, y = getattr(a, key).mean, getattr(b, key).mean
        reduction = f"{key.removesuffix('_s')}_reduction_percent"
        estimates |= {key: about(x - y, 0.02 * x), reduction: about(100 * (1 - x / y), 2.0 * x / y)}
    return Pair(**estimates, unit=a.unit, unit_count=4)


def evaluation(allocators: Mapping[str, Measured], *, notes: Iterable[str] = (), **changes: Any) -> Evaluation:
    """An evaluation of these schemes, each paired with each other."""
    values: dict[str, Any] = {
        "slots": 500,
        "seeds": 4,
        "seed": 3,
        "interval": IntervalMethod(LEVEL, METHOD),
        "optimum": Certificate(OPTIMUM_COST, 3e-6),
        "paired": {
            name: {other: pair(a, b) for other, b in allocators.items() if other != name}
            for name, a in allocators.items()
        },
    }
    return Evaluation(allocators=dict(allocators), notes=tuple(notes), **{**values, **changes})


def curves(seeds: int = 4, *, diverge: bool = True) -> dict[str, Curve]:
    """A learning curve of each learner; with `diverge` SAC as printed falls apart."""
    rng, made = np.random.default_rng(7), {}
    share = np.array(SLOTS) / SLOTS[-1]
    for name, _, _, latency_s, cost, learns in SCHEMES:
        if not learns:
            continue
        costs = np.empty((seeds, len(SLOTS)))
        for seed in range(seeds):
            end = (cost if diverge or name != "sac-paper" else 130.0) * (1 + 0.01 * rng.normal())
            # Noise dies with training, so that a healthy curve never rises a tenth above its best.
            costs[seed] = end + (255 - end) * np.exp(-9 * share) * (1 + 0.06 * rng.normal(size=len(SLOTS)))
            if diverge and name == "sac-paper":
                costs[seed] = 235 - 105 * np.exp(-(((share - 0.3) / 0.18) ** 2)) + 6 * rng.normal(size=len(SLOTS))
        reward = np.where(np.array(SLOTS) == 0, np.nan, -1.1 * costs)
        made[name] = Curve(name, tuple(range(seeds)), np.array(SLOTS), costs, latency_s * costs / cost, reward)
    return made


def scheme(name: str, label: str, group: str, **changes: Any) -> Scheme:
    """How a scheme was set up; nothing is learned unless `settings` says what."""
    values: dict[str, Any] = {"description": "", "settings": {}, "deviations": ()}
    return Scheme(name=name, label=label, group=group, **{**values, **changes})


def manifest(schemes: Sequence[Scheme], **changes: Any) -> Manifest:
    """How a comparison was made."""
    values: dict[str, Any] = {
        "command": "twinsync reproduce --budget quick --seed 3 --out runs/quick",
        "seed": 3,
        "versions": {"twinsync": "0.1.0", "jax": "0.10.2", "python": "3.11.2"},
        "device": "cpu",
        "machine": "x86_64, 2 cores",
        "git_revision": "0a841f0",
        "written": "2026-01-05T10:00:00+00:00",
        "budget": "quick",
        "budget_note": "20,000 of Table III's 100,000 slots, 3 seeds, width 64 where the paper's is not given.",
        "scenario": ScenarioName("paper", ("path_loss_exponent=2.5",)),
        "total_s": 455.8,
        "results": ResultCounts(44, 44),
        "evaluation": Sizes(2000, 4),
        "timings_s": {"train": 402.3, "evaluate": 31.0, "solve": 22.5},
        "headline": Headline("sac-tuned", ("ppo", "without-sc", "random-strategy")),
        "comparison_commits": ("0a841f0",),
    }
    return Manifest(schemes=tuple(schemes), **{**values, **changes})


def constant(key: str, symbol: str, value: Any, unit: str, tag: str, source: str) -> ConstantEntry:
    """A constant with its value as text."""
    text, meaning = f"{value} {unit}".strip(), key.replace("_", " ")
    return ConstantEntry(key, symbol, value, text, unit, tag, source, meaning, "(0, inf)")


SCENARIO = (
    constant("device_count", "K", 6, "", "stated", "Section V"),
    constant("slot_count", "N", 25, "", "stated", "Section V"),
    constant("cycle_s", "T", 30.0, "s", "stated", "Section V"),
    constant("sensing_share", "eta", 0.25, "", "stated", "Section V"),
    constant("sensing_rate_bps", "v_s", None, "bit/s", "derived", "missing; D_max/(eta tau) is the least"),
    constant("extraction_factor_min", "phi_min", 0.3, "", "assumed", "missing; Fig. 6 sweeps it up to 1"),
    constant("path_loss_exponent", "alpha_3", 2.5, "", "assumed", "missing; eq. (10) prints d^{+alpha_3} <sic>"),
    constant("energy_budget_j", "E_max", 0.5, "J", "stated", "Table II"),
    constant("bandwidth_hz", "B", 2e5, "Hz", "stated", "Table II"),
)
LEARNING = (
    constant("learning_rate", "lr", 1e-4, "", "stated", "Table III"),
    constant("width", "", 256, "", "assumed", "missing; two hidden layers are printed, no width"),
)
_DEVIATIONS = (
    Deviation("discount", "0.99", "0", "Actions never change later slots."),
    Deviation("learning rate", "1e-4", "1e-3", "Ten times fewer slots are spent."),
    Deviation("critic", "flat", "sum over devices", "The cost is a sum over UDs."),
)
_SETUP: dict[str, dict[str, Any]] = {
    "sac-tuned": {
        "settings": {"discount": 0.0, "learning_rate": 1e-3, "width": 64, "critic": "sum over devices"},
        "deviations": _DEVIATIONS,
    },
    "without-sc": {"deviations": _DEVIATIONS[:1]},
    "sac-paper": {"settings": {"discount": 0.99, "learning_rate": 1e-4, "width": 256, "critic": "flat"}},
}


def policy_picture() -> PolicyPicture:
    """What the headline's learner, which is flat, and the optimum, which varies with the channel, decide."""
    axes = {"distance_m": (30.0, 50.0, 70.0), "data_bits": (6e5, 7e5, 8e5)}
    values = {"extraction_factor": 0.5, "device_cpu_hz": 9e8, "transmit_power_w": 0.1, "edge_cpu_hz": 1.6e9}

    def line(scheme: str, axis: str, spread: float) -> PolicyLine:
        each = (
            {part: (factor * value,) * 3 for part, value in values.items()} for factor in (1, 1 - spread, 1 + spread)
        )
        return PolicyLine(scheme, axis, axes[axis], *each)

    lines = [line(scheme, axis, spread) for scheme, spread in (("sac-tuned", 0.0), ("optimum", 0.1)) for axis in axes]
    return PolicyPicture(3, 24, 6, 50.0, 7e5, tuple(lines))


def compared(*, seeds: int = 4, diverge: bool = True) -> Results:
    """A comparison at the preset."""
    phi = {"raw": 1.0, "without-sc": 1.0}
    allocators = {
        name: measured(latency_s, cost, learns=learns, extraction_factor=phi.get(name, 0.46))
        for name, _, _, latency_s, cost, learns in SCHEMES
    }
    allocators["optimum"] = structs.replace(allocators["optimum"], energy_violation_rate=0.02)
    notes = (
        "95 % intervals over 4 training seeds are Student's t with the jackknife's standard error",
        "ppo breaks its limits",
    )
    schemes = [
        scheme(name, label, group, description=f"{label}, as the benchmark of the same name.", **_SETUP.get(name, {}))
        for name, label, group, *_ in SCHEMES
    ]
    made = manifest(schemes, evaluation=Sizes(2000, seeds))
    assert made.headline is not None
    return Results(
        manifest=made,
        scenario=SCENARIO,
        learning=LEARNING,
        comparison=Comparison(
            evaluation(allocators, notes=notes, definitions=DEFINITIONS),
            curves(seeds, diverge=diverge),
            made.headline.learner,
            made.headline.benchmarks,
        ),
        policy=policy_picture(),
    )


def swept_scheme(name: str, stretch: float, *, phi_min: float = 0.3, budget_j: float = 0.5) -> Measured:
    """What an evaluation says of a scheme where latencies are `stretch` times the paper's point's."""
    latency_s, cost, energy_j, phi, learns = SWEPT[name]
    optimum_s, optimum_cost = SWEPT["optimum"][:2]
    # Schemes draw apart as the load grows.
    latency_s = optimum_s * (latency_s / optimum_s) ** (0.6 + 0.4 * stretch) * stretch
    gap = (cost / optimum_cost) ** (0.5 + 0.5 * stretch) - 1.0
    cost = optimum_cost * stretch**1.2 * (1.0 + gap)
    units = [1 + (0.006 if learns else 0.002) * step for step in (-1.2, -0.3, 0.4, 1.1)]
    ends = {"median": 0.96, "p95": 1.3}
    return measured(
        latency_s,
        cost,
        learns=learns,
        latency_s=estimate(latency_s, 0.015 if learns else 0.003, **ends),
        cost=estimate(cost, 0.02 if learns else 0.004, **ends),
        gap_to_optimum=estimate(gap, 0.1, **ends),
        gap_to_expected=estimate(gap - 0.019, 0.1, **ends),
        deadline_miss_rate=min(1.0, 0.95 * stretch),
        outage_rate=0.004 * latency_s / 13,
        age_of_information_s=16.2,
        jain_index=0.96,
        energy_j=energy_j * (budget_j / 0.5) ** 0.8,
        extraction_factor=max(phi, phi_min),
        training_slots=6_400 if learns else math.nan,
        unit_latency_s=tuple(latency_s * unit for unit in units),
        unit_cost=tuple(cost * unit for unit in units),
        latency_parts_s=dict(zip(STAGES, (1.57, 3.8, latency_s - 6.5, 1.13), strict=True)),
        energy_parts_j={"sensing": 0.04, "extraction": 2.5, "uplink": energy_j - 2.54},
    )


def sweep(
    name: str, figure: str, title: str, axis: Axis, schemes: Sequence[str], places: Iterable[tuple[float, str, float]]
) -> Sweep:
    """A sweep; `places` are x, label and how far latencies are stretched there."""
    points = []
    for x, label, stretch in places:
        phi_min = x if axis.keys == ("extraction_factor_min",) else 0.3
        budget_j = x if axis.keys == ("energy_budget_j",) else 0.5
        allocators = {item: swept_scheme(item, stretch, phi_min=phi_min, budget_j=budget_j) for item in schemes}
        overrides = tuple(f"{key}={label}" for key in axis.keys)
        points.append(Point(x, label, overrides, evaluation(allocators, seed=0)))
    return Sweep(
        name=name,
        figure=figure,
        title=title,
        axis=axis,
        overrides=(),
        schemes=tuple(schemes),
        command=f"twinsync reproduce --figures {name.removeprefix('fig')} --out DIR",
        commits=("ba8a72912345",),
        training_s=1234.5,
        points=tuple(points),
    )


def sweeps() -> tuple[Sweep, ...]:
    """Two of the paper's sweeps, three beyond; in the first PPO is lost at K = 6 and one scheme missing at K = 10."""
    devices = [(float(count), str(count), count / 6) for count in (2, 4, 6, 8, 10)]
    sizes = [(0.3, "0.2–0.4", 0.45), (0.5, "0.4–0.6", 0.72), (0.7, "0.6–0.8", 1.0), (1.1, "1.0–1.2", 1.52)]
    first, *others = (
        sweep("fig4", "Fig. 4", "Synchronisation latency against the number of UDs",
              Axis(("device_count",), "number of UDs K", ""), PAPER, devices),
        sweep("fig5", "Fig. 5", "Synchronisation latency against the size of the sensed data",
              Axis(("data_min_bits", "data_max_bits"), "sensed data D", "Mbit"), PAPER, sizes),
        sweep("bandwidth", "", "Synchronisation latency against the bandwidth",
              Axis(("bandwidth_hz",), "bandwidth B", "MHz"), CHEAP,
              [(0.1, "0.1", 1.7), (0.2, "0.2", 1.0), (0.5, "0.5", 0.66), (1.0, "1", 0.55), (2.0, "2", 0.5)]),
        sweep("energy-budget", "", "Synchronisation latency against the energy budget",
              Axis(("energy_budget_j",), "energy budget E", "J"), CHEAP,
              [(0.3, "0.3", 1.25), (0.4, "0.4", 1.1), (0.5, "0.5", 1.0), (0.7, "0.7", 0.9), (1.0, "1", 0.84)]),
        sweep("extraction-floor", "", "Synchronisation latency against the least extraction factor",
              Axis(("extraction_factor_min",), "least extraction factor phi_min", ""), CHEAP,
              [(0.05, "0.05", 1.0), (0.3, "0.3", 1.0), (0.45, "0.45", 1.02), (0.6, "0.6", 1.1), (1.0, "1", 1.43)]),
    )  # fmt: skip
    first = at_point(
        first, 2, lambda point: remeasured(point, "ppo-tuned", latency_s=LOST, cost=LOST, gap_to_optimum=LOST)
    )
    reason = "The expected optimum was not shown to serve K = 10."
    return at_point(first, 4, lambda point: missing(point, "expected", reason)), *others


def at_point(swept: Sweep, place: int, change: Any) -> Sweep:
    """A sweep with one of its points changed by a function."""
    points = [change(point) if index == place else point for index, point in enumerate(swept.points)]
    return structs.replace(swept, points=tuple(points))


def remeasured(point: Point, name: str, **changes: Any) -> Point:
    """A point with other numbers of one scheme."""
    allocators = point.evaluation.allocators
    allocators = {**allocators, name: structs.replace(allocators[name], **changes)}
    return structs.replace(point, evaluation=structs.replace(point.evaluation, allocators=allocators))


def missing(point: Point, name: str, reason: str) -> Point:
    """A point at which one scheme could not be measured."""
    allocators = {key: value for key, value in point.evaluation.allocators.items() if key != name}
    return structs.replace(
        point,
        evaluation=structs.replace(point.evaluation, allocators=allocators),
        missing={**point.missing, name: reason},
    )


def swept(of: Sequence[Sweep] | None = None) -> Results:
    """Sweeps without a comparison."""
    made = manifest(
        [scheme(name, label, group) for name, (label, group) in LABELS.items()],
        command="twinsync reproduce --budget quick --figures 4,5 --out runs/sweeps",
        budget_note="20,480 environment slots instead of 100,000; 4 training seeds",
        seed=0,
        scenario=ScenarioName("paper", ()),
        git_revision="ba8a72912345",
        timings_s={},
        total_s=6172.5,
        headline=None,
        comparison_commits=(),
    )
    return Results(manifest=made, sweeps=sweeps() if of is None else tuple(of))


def both(**options: Any) -> Results:
    """A comparison with sweeps beside it."""
    base, beside = compared(**options), swept()
    named = {item.name for item in base.manifest.schemes}
    schemes = (*base.manifest.schemes, *(item for item in beside.manifest.schemes if item.name not in named))
    return replace(base, manifest=structs.replace(base.manifest, schemes=schemes), sweeps=beside.sweeps)


def changed(results: Results, name: str, **changes: Any) -> Results:
    """Results with other numbers of one scheme in the comparison."""
    assert results.comparison is not None
    point = remeasured(results.comparison.point, name, **changes)
    return replace(results, comparison=replace(results.comparison, evaluation=point.evaluation))
