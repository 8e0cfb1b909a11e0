"""The summary of an evaluation: means with intervals, medians, gaps to the optimum, paired differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
from msgspec.structs import replace

from twinsync.arrays import Float
from twinsync.experiments import records
from twinsync.experiments.constants import scenario_values
from twinsync.experiments.evaluate import RawEvaluation, RawScheme, Reference
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS, TOLERANCE
from twinsync.experiments.results import EVALUATION_SEED, EXPECTED, TRAINING_SEED
from twinsync.experiments.statistics import (
    LEVEL,
    METHOD,
    interval,
    mean_interval,
    median_and_p95,
)
from twinsync.scenario import Scenario
from twinsync.storage import plain

DEFINITIONS = {
    "latency_s": "T[n] of (19a) [s]: sum over the UDs of sensing and synchronisation latency, each UD's "
    "synchronisation counted up to latency_cap_slots slots and by itself, as if no earlier slot's were under way; "
    "mean, median and 95th percentile over slots",
    "cost": "T[n] + P of (22), with the same cap",
    "penalty": "P of (22)",
    "gap_to_optimum": "mean cost over the exact optimum's mean cost on the same slots, less 1; median and p95 of the "
    "slots' own gaps. The optimum knows the channel and minimises this very cost",
    "gap_to_expected": "mean cost over the mean cost of `expected`, the best that can be done without knowing the "
    "channel, on the same slots, less 1; null where `expected` was not evaluated",
    "deadline_miss_rate": f"share of UD-slots with t_dt above (1 - eta) tau, (19c); every limit here is read with a "
    f"relative tolerance of {TOLERANCE:g}",
    "deadline_completion_ratio": "share of UD-slots that meet (19c)",
    "energy_violation_rate": "share of UD-slots with energy above the budget, (19d)",
    "energy_excess_j": "mean energy above the budget per UD-slot, 0 where it holds [J]",
    "radio_load": "mean time that a UD sends per slot, until done or given up at the cap, over the slot length tau: "
    "above 1 a real link's queue would grow without end, since T[n] lets a slot's data be sent while the next begins",
    "outage_rate": "share of UD-slots given up at the latency cap",
    "sensing_violation_rate": "share of UD-slots whose sensing takes longer than eta tau, (19b)",
    "edge_cpu_violation_rate": "share of slots that request more edge CPU than there is, (19h)",
    "bounds_violation_rate": "share of UD-slots with phi, f, p or f_e outside its own bounds, (19e) to (19h)",
    "latency_parts_s": "time in each stage until done or given up at the cap, sum over the UDs; adds up to latency_s",
    "energy_j": "energy per slot, sum over the UDs [J]",
    "energy_parts_j": "energy of each stage, sum over the UDs; adds up to energy_j",
    "extraction_factor": "mean phi over UD-slots",
    "device_cpu_hz": "mean f over UD-slots [Hz]",
    "transmit_power_w": "mean p over UD-slots [W]",
    "edge_cpu_hz": "mean f_e over UD-slots, as given by the server [Hz]",
    "sent_bits": "mean bits on air per UD-slot",
    "age_of_information_s": "time average of the age of a twin's newest state [s]: time since its sensing began; "
    "reset by an update that meets the deadline, else growing; one slot old at the start of a cycle",
    "slot_end_age_s": "the same age at the end of a slot",
    "age_with_late_updates_s": "age of information [s]: time average of the time since the sensing of a twin's newest "
    "state began, where a late update counts when it arrives, unless given up at the cap",
    "jain_index": "Jain's fairness of the UDs' latencies within a slot, mean over slots; 1 is equal",
    "unit": "what was repeated independently; intervals are over these units",
}

_COMPOSED = {f"{part}_latency_s" for part in LATENCY_PARTS} | {f"{part}_energy_j" for part in ENERGY_PARTS}


def summarise(evaluation: RawEvaluation) -> dict[str, Any]:
    """The evaluation as plain values for JSON: `allocators` by name, `paired[A][B]` for A against B, notes."""
    return plain(evaluation_record(evaluation))


def evaluation_record(
    evaluation: RawEvaluation, training: Mapping[str, tuple[float, float]] | None = None
) -> records.Evaluation:
    """The evaluation with means, intervals, gaps and paired differences.

    training: by scheme, the number of slots and of seeds it was trained with (NaN if it is not trained).
    """
    best, schemes = evaluation.optimum, evaluation.schemes
    blind = schemes[EXPECTED].cost[0] if EXPECTED in schemes else None
    paired: dict[str, dict[str, records.Pair]] = {name: {} for name in schemes}
    for a, b in permutations(schemes, 2):
        paired[a][b] = compare(schemes[a], schemes[b])
    measured = {name: measured_record(evaluation.scenario, scheme, best, blind) for name, scheme in schemes.items()}
    for name, (slots, seeds) in (training or {}).items():
        measured[name] = replace(measured[name], training_slots=slots, training_seeds=seeds)
    return records.Evaluation(
        scenario=scenario_values(evaluation.scenario),
        slots=evaluation.slots,
        seeds=evaluation.seeds,
        seed=evaluation.seed,
        interval=records.IntervalMethod(LEVEL, METHOD),
        optimum=None if best is None else records.Certificate(float(best.cost.mean()), float(best.relative_gap.max())),
        allocators=measured,
        paired=paired,
        notes=tuple(_notes(evaluation)),
        definitions=DEFINITIONS,
    )


def measured_record(
    scenario: Scenario, scheme: RawScheme, optimum: Reference | None, expected: Float[np.ndarray, "M N"] | None
) -> records.Measured:
    """All measurements of one scheme. expected: the expected optimum's cost on the same slots."""
    means = {key: float(values.mean()) for key, values in scheme.means.items()}
    latency, cost = scheme.means["latency_s"], scheme.means["cost"]
    return records.Measured(
        latency_s=_with_quantiles(mean_interval(_units(scheme, latency)), scheme.latency_s),
        cost=_with_quantiles(mean_interval(_units(scheme, cost)), scheme.cost),
        gap_to_optimum=gap_to(scheme, None if optimum is None else optimum.cost),
        gap_to_expected=gap_to(scheme, expected),
        **{key: value for key, value in means.items() if key not in {*_COMPOSED, "latency_s", "cost"}},
        latency_parts_s={part: means[f"{part}_latency_s"] for part in LATENCY_PARTS},
        energy_parts_j={part: means[f"{part}_energy_j"] for part in ENERGY_PARTS},
        radio_load=means["uplink_latency_s"] / (scenario.device_count * float(scenario.slot_s)),
        unit=TRAINING_SEED if scheme.over_seeds else EVALUATION_SEED,
        unit_count=len(_units(scheme, cost)),
        unit_latency_s=_unit_means(scheme, "latency_s"),
        unit_cost=_unit_means(scheme, "cost"),
        unit_latency_parts_s={part: _unit_means(scheme, f"{part}_latency_s") for part in LATENCY_PARTS},
        unit_sent_bits=_unit_means(scheme, "sent_bits"),
    )


def gap_to(scheme: RawScheme, best: Float[np.ndarray, "M N"] | None) -> records.Estimate | None:
    """Relative excess of the mean cost over the reference's; None without a reference or if it is ever not positive."""
    if best is None or not (best > 0).all():
        return None
    # Every policy is evaluated on all sets, so the reference for a training seed is the mean over all of them.
    reference = np.array([best.mean()]) if scheme.over_seeds else best.mean(axis=-1)
    excess = interval(lambda cost, least: cost / least - 1.0, _units(scheme, scheme.means["cost"]), reference)
    return _with_quantiles(excess, scheme.cost / best - 1.0)


def compare(a: RawScheme, b: RawScheme) -> records.Pair:
    """A minus B on the same slots, and how far A's mean latency and cost lie below B's [%].

    Units are paired: training seed j of A with training seed j of B, a scheme with a single policy with each seed of
    the other, and sets of slots if neither was trained. Different numbers of training seeds are taken as independent;
    with a single one there is no interval.
    """
    learned = a.over_seeds or b.over_seeds
    single = any(scheme.trained and scheme.policies == 1 for scheme in (a, b))

    def units(scheme: RawScheme, key: str) -> Float[np.ndarray, " n"]:
        values = scheme.means[key]
        return values.mean(axis=1) if learned else values[0]

    def estimate(statistic: Callable[[float, float], float], key: str) -> records.Estimate:
        found = interval(statistic, units(a, key), units(b, key))
        return records.Estimate(found.mean) if single else found

    def difference(key: str) -> records.Estimate:
        return estimate(lambda x, y: x - y, key)

    def reduction_percent(key: str) -> records.Estimate:
        return estimate(lambda x, y: 100.0 * (1.0 - x / y), key)

    counts = [len(units(scheme, "cost")) for scheme in (a, b)]
    return records.Pair(
        latency_s=difference("latency_s"),
        latency_reduction_percent=reduction_percent("latency_s"),
        cost=difference("cost"),
        cost_reduction_percent=reduction_percent("cost"),
        unit=TRAINING_SEED if learned else EVALUATION_SEED,
        unit_count=min((count for count in counts if count > 1), default=1),
    )


def _units(scheme: RawScheme, values: Float[np.ndarray, "P M"]) -> Float[np.ndarray, " n"]:
    """One number per unit: each policy's mean over the sets, or that of each set."""
    return values.mean(axis=1) if scheme.over_seeds else values[0]


def _unit_means(scheme: RawScheme, key: str) -> tuple[float, ...]:
    return tuple(_units(scheme, scheme.means[key]).tolist())


def _with_quantiles(estimate: records.Estimate, values: Float[np.ndarray, "*n"]) -> records.Estimate:
    median, p95 = median_and_p95(values)
    return replace(estimate, median=median, p95=p95)


def _notes(evaluation: RawEvaluation) -> list[str]:
    notes = []
    for unit in (TRAINING_SEED, EVALUATION_SEED):
        counts = {
            len(_units(scheme, scheme.cost[..., 0]))
            for scheme in evaluation.schemes.values()
            if scheme.over_seeds == (unit == TRAINING_SEED)
        }
        notes += [_interval_note(unit, count) for count in sorted(counts)]
    if any(scheme.over_seeds for scheme in evaluation.schemes.values()):
        notes.append("intervals over training seeds hold for the evaluated slots; they leave out the choice of slots")
    if evaluation.optimum is None:
        notes.append(f"gap_to_optimum is null: {evaluation.optimum_note}")
    elif not (evaluation.optimum.cost > 0).all():
        notes.append("gap_to_optimum is null: the optimum's cost is not positive in every slot, a ratio says nothing")
    for name, scheme in evaluation.schemes.items():
        outside, excess = (100 * scheme.means[f"{key}_violation_rate"].mean() for key in ("bounds", "edge_cpu"))
        if outside > 0:
            notes.append(f"{name} decides outside the bounds of (19e) to (19h) in {outside:.3g} % of UD-slots")
        if excess > 0:
            notes.append(
                f"{name} requests more edge CPU than there is, (19h), in {excess:.3g} % of slots; that is penalised, "
                "and the server gives in proportion what it has"
            )
    if any((scheme.means["outage_rate"] > 0).any() for scheme in evaluation.schemes.values()):
        notes.append("some UD-slots were given up at the latency cap (outage_rate): read medians beside means")
    return notes


def _interval_note(unit: str, count: int) -> str:
    if count < 2:
        return f"one {unit} allows no interval"
    whose = "learned schemes" if unit == TRAINING_SEED else "the other schemes"
    return f"95 % intervals of {whose}, over {count} {unit}s, are Student's t with the jackknife's standard error"
