"""Means, intervals, gaps and paired differences of a made-up evaluation, by hand."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from twinsync.experiments.evaluate import RawEvaluation, RawScheme, Reference
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS
from twinsync.experiments.results import EVALUATION_SEED, TRAINING_SEED
from twinsync.experiments.summary import DEFINITIONS, summarise
from twinsync.scenario import Scenario

RATES = (
    "deadline_miss_rate",
    "deadline_completion_ratio",
    "energy_violation_rate",
    "outage_rate",
    "sensing_violation_rate",
    "edge_cpu_violation_rate",
    "bounds_violation_rate",
)
OTHERS = (
    "penalty",
    "energy_j",
    "jain_index",
    "age_of_information_s",
    "slot_end_age_s",
    "age_with_late_updates_s",
    "extraction_factor",
    "device_cpu_hz",
    "transmit_power_w",
    "edge_cpu_hz",
    "sent_bits",
)


T1, T2 = 12.7062047, 4.3026527  # Student's t at 97.5 % with 1 and 2 degrees of freedom


def scheme(cost: Any, **means: float) -> RawScheme:
    """A scheme with this cost [P, M, N], a latency of a tenth of it, and given means of all else."""
    cost = np.asarray(cost, np.float64)
    parts = [f"{part}_latency_s" for part in LATENCY_PARTS] + [f"{part}_energy_j" for part in ENERGY_PARTS]
    values = {**dict.fromkeys([*RATES, *OTHERS, *parts], 0.0), **means}
    table = {name: np.full(cost.shape[:2], value) for name, value in values.items()}
    table |= {"latency_s": cost.mean(-1) / 10, "cost": cost.mean(-1)}
    return RawScheme(latency_s=cost / 10, cost=cost, means=table)


def evaluation(scenario: Scenario, schemes: dict[str, RawScheme], optimum: Any = None, note: str = "") -> RawEvaluation:
    sets, slots = next(iter(schemes.values())).cost.shape[1:]
    best = None
    if optimum is not None:
        best = Reference(np.asarray(optimum, np.float64), np.full((sets, slots), 1e-7))
    return RawEvaluation(scenario, slots, sets, 0, schemes, best, note)


def test_one_policy_has_its_sets_as_units(scenario: Scenario) -> None:
    # Sets cost 10 and 30, the optimum 10 and 20: gap 40/30 - 1 = 1/3 of the means; the sets' own gaps are 0 and 1/2.
    summary = summarise(evaluation(scenario, {"a": scheme([[[8, 12], [28, 32]]])}, [[10, 10], [20, 20]]))
    entry = summary["allocators"]["a"]
    assert (entry["unit"], entry["unit_count"], entry["unit_cost"]) == (EVALUATION_SEED, 2, [10.0, 30.0])
    # Two sets: standard error |30 - 10| / 2 = 10, and t with 1 degree of freedom is T1.
    ends = {"ci_low": 20 - 10 * T1, "ci_high": 20 + 10 * T1}
    assert entry["cost"] == pytest.approx({"mean": 20, **ends, "median": 20, "p95": 31.4})
    assert entry["latency_s"]["mean"] == pytest.approx(2.0)
    gap = entry["gap_to_optimum"]
    # Slots' own gaps: -0.2, 0.2, 0.4, 0.6. Either set alone gives 0 or 1/2: a standard error of 1/4.
    assert (gap["mean"], gap["ci_low"], gap["ci_high"]) == pytest.approx((1 / 3, 1 / 3 - T1 / 4, 1 / 3 + T1 / 4))
    assert gap["median"] == pytest.approx(0.3)
    assert summary["optimum"] == pytest.approx({"cost": 15.0, "relative_gap": 1e-7})


def test_several_policies_are_the_units(scenario: Scenario) -> None:
    # Means over both sets: 20, 22, 24, whatever the sets' own difference.
    cost = [[[10], [30]], [[12], [32]], [[14], [34]]]
    summary = summarise(evaluation(scenario, {"a": scheme(cost)}, [[10], [30]]))
    entry = summary["allocators"]["a"]
    assert (entry["unit"], entry["unit_count"], entry["unit_cost"]) == (TRAINING_SEED, 3, [20.0, 22.0, 24.0])
    half = T2 * 2 / 3**0.5
    cost, gap = entry["cost"], entry["gap_to_optimum"]
    assert (cost["mean"], cost["ci_low"], cost["ci_high"]) == pytest.approx((22, 22 - half, 22 + half))
    assert (gap["mean"], gap["ci_low"], gap["ci_high"]) == pytest.approx((0.1, 0.1 - half / 20, 0.1 + half / 20))


def test_pairs_of_heuristics_are_paired_by_set(scenario: Scenario) -> None:
    # The sets differ by 100, the schemes by 1 and 3 on them.
    pair = {"a": scheme([[[10], [110]]]), "b": scheme([[[11], [113]]])}
    summary = summarise(evaluation(scenario, pair, [[1], [1]]))
    found = summary["paired"]["a"]["b"]
    assert found["unit"] == EVALUATION_SEED
    assert found["cost"] == pytest.approx({"mean": -2, "ci_low": -2 - T1, "ci_high": -2 + T1})
    assert found["latency_reduction_percent"]["mean"] == pytest.approx(100 * (1 - 60 / 62))
    assert summary["paired"]["b"]["a"]["cost"] == pytest.approx({"mean": 2, "ci_low": 2 - T1, "ci_high": 2 + T1})
    assert set(summary["paired"]["a"]) == {"b"}


def test_equal_numbers_of_training_seeds_are_paired_one_to_one(scenario: Scenario) -> None:
    pair = {"a": scheme([[[10]], [[20]], [[60]]]), "b": scheme([[[12]], [[22]], [[62]]])}
    found = summarise(evaluation(scenario, pair))["paired"]["a"]["b"]
    assert (found["unit"], found["unit_count"]) == (TRAINING_SEED, 3)
    assert found["cost"] == pytest.approx({"mean": -2, "ci_low": -2, "ci_high": -2})


def test_one_policy_is_paired_with_each_training_seed(scenario: Scenario) -> None:
    # The heuristic's mean over both sets is 20.
    pair = {"learned": scheme([[[9], [9]], [[12], [12]], [[15], [15]]]), "fixed": scheme([[[10], [30]]])}
    found = summarise(evaluation(scenario, pair))["paired"]
    assert found["learned"]["fixed"]["unit"] == TRAINING_SEED
    half = T2 * 3 / 3**0.5
    assert found["learned"]["fixed"]["cost"] == pytest.approx({"mean": -8, "ci_low": -8 - half, "ci_high": -8 + half})
    reduction = found["learned"]["fixed"]["cost_reduction_percent"]
    assert reduction == pytest.approx({"mean": 40, "ci_low": 40 - 5 * half, "ci_high": 40 + 5 * half})


def test_unequal_numbers_of_training_seeds_are_compared(scenario: Scenario) -> None:
    pair = {"a": scheme([[[10]], [[12]]]), "b": scheme([[[20]], [[21]], [[22]]])}
    found = summarise(evaluation(scenario, pair))["paired"]["a"]["b"]["cost"]
    assert found["mean"] == pytest.approx(-10)
    # Welch: variances 1 and 1/3, so (4/3)^2 / (1 + 1/18) = 1.684 degrees of freedom, where t is 5.2.
    assert found["ci_high"] - found["mean"] == pytest.approx(5.2 * (4 / 3) ** 0.5, rel=0.01)


def test_a_single_training_seed_allows_no_interval(scenario: Scenario) -> None:
    one = dataclasses.replace(scheme([[[10.0], [30.0]]]), trained=True)
    several = dataclasses.replace(scheme([[[20.0], [30.0]], [[22.0], [32.0]]]), trained=True)
    summary = summarise(evaluation(scenario, {"one": one, "rule": scheme([[[12.0], [32.0]]]), "several": several}))
    entry = summary["allocators"]["one"]
    assert (entry["unit"], entry["unit_count"], entry["cost"]["mean"]) == (TRAINING_SEED, 1, 20.0)
    assert entry["cost"].get("ci_low") is None  # sets of slots say nothing of what another training would yield
    for other in ("rule", "several"):
        assert summary["paired"]["one"][other]["cost"].get("ci_low") is None
    assert summary["paired"]["one"]["rule"]["cost"]["mean"] == -2.0
    assert summary["paired"]["several"]["rule"]["cost"]["ci_low"] is not None


def test_no_optimum_gives_null_and_says_why(scenario: Scenario) -> None:
    summary = summarise(evaluation(scenario, {"a": scheme([[[1], [2]]])}, note="no certified optimum: L = 2"))
    assert summary["allocators"]["a"]["gap_to_optimum"] is None
    assert summary["optimum"] is None
    assert "gap_to_optimum is null: no certified optimum: L = 2" in summary["notes"]


def test_an_optimum_that_is_not_positive_gives_null(scenario: Scenario) -> None:
    summary = summarise(evaluation(scenario, {"a": scheme([[[1], [2]]])}, [[-1], [2]]))
    assert summary["allocators"]["a"]["gap_to_optimum"] is None
    assert any("not positive" in note for note in summary["notes"])


def test_one_unit_has_null_for_an_interval_and_says_so(scenario: Scenario) -> None:
    summary = summarise(evaluation(scenario, {"a": scheme([[[1, 3]]])}, [[1, 1]]))
    assert summary["allocators"]["a"]["cost"] == {"mean": 2.0, "ci_low": None, "ci_high": None, "median": 2, "p95": 2.9}
    assert "one evaluation seed allows no interval" in summary["notes"]


def test_notes_say_what_an_interval_is(scenario: Scenario) -> None:
    summary = summarise(evaluation(scenario, {"a": scheme([[[1]], [[2]], [[3]]])}))
    assert any("of learned schemes, over 3 training seeds, are Student's t" in note for note in summary["notes"])
    assert any("leave out the choice of slots" in note for note in summary["notes"])


def test_notes_name_who_breaks_limits_and_outages(scenario: Scenario) -> None:
    schemes = {"good": scheme([[[1]]]), "bad": scheme([[[1]]], edge_cpu_violation_rate=0.25, outage_rate=0.01)}
    notes = summarise(evaluation(scenario, schemes))["notes"]
    assert any(note.startswith("bad requests more edge CPU than there is, (19h), in 25 % of slots") for note in notes)
    assert not any("good" in note for note in notes)
    assert any("outage_rate" in note for note in notes)


def test_it_is_json_and_every_figure_is_defined(scenario: Scenario) -> None:
    capless = scenario.replace(latency_cap_slots=float("inf"))
    summary = summarise(evaluation(capless, {"a": scheme([[[1, 3]]]), "b": scheme([[[2, 3]]])}, [[1, 1]]))
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text) == summary
    assert summary["scenario"]["latency_cap_slots"] is None
    assert set(summary["allocators"]["a"]) - set(DEFINITIONS) == {
        "unit_count",
        "unit_cost",
        "unit_latency_s",
        "unit_latency_parts_s",
        "unit_sent_bits",
    }
    assert list(summary["allocators"]["a"]["latency_parts_s"]) == list(LATENCY_PARTS)
    assert list(summary["allocators"]["a"]["energy_parts_j"]) == list(ENERGY_PARTS)
