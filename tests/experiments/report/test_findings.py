"""What is said of a run follows from its numbers, in every case that a run can be."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs
from tests.experiments.made_up import changed, compared

from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.records import Estimate
from twinsync.experiments.report.findings import (
    best_possible,
    cheaper,
    faster,
    feasibility,
    gains,
    instabilities,
    level,
)
from twinsync.experiments.results import OPTIMUM, Results


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def with_costs(results: Results, scheme: str, seed: int, costs: dict[int, float]) -> Results:
    """Other costs of one seed of one scheme at some of its places (by rank)."""
    for place, cost in costs.items():
        comparison_of(results).curves[scheme].cost[seed, place] = cost
    return results


def test_a_level_says_how_far_from_the_optimum_and_what_was_gained():
    words = plain(level(compared(), "sac-tuned", ("ppo", "without-sc", "nobody")))
    # 90.6 / 81.3 - 1 = 11.4 %; 1 - 14.03 / 16.9 = 17.0 %; 1 - 14.03 / 20.4 = 31.2 %.
    for number in ("20,000 slots", "4 seeds", "90.6", "11.4 % more", "14.03 s", "17.0 % below PPO's", "31.2 % below"):
        assert number in words
    assert "nobody" not in words


def test_an_optimum_is_called_certified_only_if_it_is():
    results = compared()
    assert "than the certified optimum;" in level(results, "sac-tuned", ())
    assert best_possible(results).startswith("The certified optimum, which")
    comparison = comparison_of(results)
    bare = structs.replace(comparison.evaluation, optimum=None)
    results = replace(results, comparison=replace(comparison, evaluation=bare))
    assert "than the optimum, not certified in every slot;" in level(results, "sac-tuned", ())
    assert best_possible(results).startswith("The optimum, not certified in every slot, which")


def test_a_benchmark_that_is_ahead_is_said_to_be():
    results = compared()
    pairs = comparison_of(results).evaluation.paired["sac-tuned"]
    pairs["ppo"] = structs.replace(
        pairs["ppo"], latency_reduction_percent=Estimate(-4.0, -5.0, -3.0), cost=Estimate(1.0, -1.0, 3.0)
    )
    assert "4.0 % above PPO's." in plain(level(results, "sac-tuned", ("ppo",)))
    assert "; against PPO the order is not settled." in gains(results)
    pairs["ppo"] = structs.replace(pairs["ppo"], cost=Estimate(1.0, 0.5, 1.5))
    better, _, ahead = gains(results).partition(", and a higher one than ")
    assert "PPO" not in better
    assert ahead.startswith("PPO.")
    pairs["ppo"] = structs.replace(pairs["ppo"], cost=Estimate(-1.0))  # one seed: no interval
    assert "; against PPO the order is not settled." in gains(results)


@pytest.mark.parametrize(
    ("reduction", "words"),
    [
        (Estimate(2.8, -0.04, 5.6), "2.8 % below PPO's (0.0 to 5.6 %: not settled)."),
        (Estimate(-1.0, -3.0, 1.0), "1.0 % above PPO's (−1.0 to 3.0 %: not settled)."),
    ],
)
def test_a_difference_that_is_not_settled_is_said_to_be(reduction, words):
    results = compared()
    pairs = comparison_of(results).evaluation.paired["sac-tuned"]
    pairs["ppo"] = structs.replace(pairs["ppo"], latency_reduction_percent=reduction)
    assert plain(level(results, "sac-tuned", ("ppo",))).endswith(words)


def test_the_best_without_knowledge_is_said_where_it_was_computed():
    results = compared()
    assert "without channel knowledge" not in best_possible(results)
    allocators = comparison_of(results).evaluation.allocators
    allocators["expected"] = allocators["gradient"]
    assert "86.6 at 13.92 s" in plain(best_possible(results))


def test_what_costs_less_than_the_learner_is_said():
    assert cheaper(compared()) == "Cheaper than SAC (repaired) at 90.6: Gradient policy at 86.6."
    assert "No other scheme" in cheaper(changed(compared(), "gradient", cost=Estimate(95.0)))


def test_what_is_faster_than_the_optimum_is_said_to_cost_more():
    assert faster(changed(compared(), OPTIMUM, latency_s=Estimate(1.0))) == ""
    words = plain(faster(changed(compared(), "ppo", latency_s=Estimate(13.0))))
    assert words.endswith("which is 13.71 s: at a higher cost, lower latency has PPO at 13.00 s.")


@pytest.mark.parametrize(
    ("missed", "verdict"),
    [
        (0.997, "K = 6: even the optimum misses nearly every deadline"),
        (0.92, "even the optimum misses most deadlines"),
        (0.08, "K = 6: the optimum meets most deadlines, but not all"),
        (0.0, "K = 6: the optimum meets the deadlines"),
    ],
)
def test_feasibility_follows_the_optimum_s_miss_rate(missed, verdict):
    title, words = feasibility(changed(compared(), OPTIMUM, deadline_miss_rate=missed))
    assert title.endswith(verdict)
    assert ("Penalties therefore apply to every scheme" in words) == (missed > 0.5)
    # (13.71 s - 1.575 s of sensing) / 6 UDs.
    assert "2.02 s per UD and slot, against a deadline of 0.90 s" in plain(words)


def test_a_collapse_is_called_unstable_and_only_where_it_happened():
    (item,) = instabilities(compared())
    assert (item.name, item.seeds_worse, item.seeds, item.seeds_lost, item.slots) == ("sac-paper", 4, 4, 0, 20_000)
    assert instabilities(compared(diverge=False)) == []


@pytest.mark.parametrize(("after", "worse"), [(109.0, 0), (111.0, 1)])
def test_a_tenth_above_the_best_point_is_the_limit(after, worse):
    costs = {**dict.fromkeys(range(21), 100.0), 0: 300.0, 12: after}
    items = instabilities(with_costs(compared(diverge=False, seeds=1), "ppo", 0, costs))
    assert [item.seeds_worse for item in items] == [1] * worse
    for item in items:
        # Best first at place 1 (1000 slots), worst at place 12 (12000 slots), recovered at the end.
        assert (item.best, item.best_slot, item.worst, item.worst_slot, item.end) == (100.0, 1000, 111.0, 12000, 100.0)


def test_a_setback_on_the_way_to_a_better_end_is_unstable_and_the_untrained_policy_is_no_best():
    way = {0: 90.0, 1: 200.0, 2: 150.0, 3: 180.0, **dict.fromkeys(range(4, 21), 100.0)}
    (item,) = instabilities(with_costs(compared(diverge=False, seeds=1), "ppo", 0, way))
    assert (item.best, item.best_slot, item.worst, item.worst_slot, item.end) == (150.0, 2000, 180.0, 3000, 100.0)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_seed_without_finite_cost_is_called_unstable(lost):
    results = with_costs(compared(diverge=False), "ppo", 2, dict.fromkeys(range(15, 21), lost))
    (item,) = instabilities(results)
    assert (item.name, item.seeds_lost, item.seeds) == ("ppo", 1, 4)


def test_a_learner_of_which_nothing_is_left_has_no_costs_to_tell():
    results = with_costs(compared(diverge=False, seeds=1), "ppo", 0, dict.fromkeys(range(21), np.nan))
    (item,) = instabilities(results)
    assert (item.seeds_worse, item.seeds_lost) == (0, 1)
    assert np.isnan(item.best)
