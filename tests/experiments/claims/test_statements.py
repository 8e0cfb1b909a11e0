"""Statements: which verdict follows from made-up latency laws, and what is said of it."""

import json
import re
from dataclasses import replace

import pytest
from msgspec import structs
from tests.experiments.made_up import at_point, changed, compared, manifest, missing, remeasured

from twinsync.experiments.claims import check_claims, complexity
from twinsync.experiments.claims.statements import LEARNERS, NOT_ANALYSED, STATEMENTS
from twinsync.experiments.claims.verdicts import FAILS, HOLDS, NOT_SETTLED, PARTLY, UNCHECKED
from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.records import ClaimCheck, Estimate, Sensitivity, VariedCheck
from twinsync.experiments.results import Results

# At every x: SAC below PPO below random below w/o SC.
ORDER = {"sac-tuned": 1.0, "ppo-tuned": 1.1, "random-strategy": 1.2, "without-sc": 1.5}
EMPTY = Results(manifest((), headline=None))


NEARLY_ALIKE = (20.38, 20.39, 20.41, 20.42)  # latencies of the base comparison's seeds of w/o SC [s]


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def laws(of_x, schemes=tuple(ORDER)):
    return {name: (lambda x, factor=ORDER[name]: factor * of_x(x)) for name in schemes}


def outcomes(*sweeps, base=EMPTY):
    """What came of each claim with the repaired schemes, its words with plain spaces."""
    claims = check_claims(None, replace(base, sweeps=sweeps))
    return {claim.key: structs.replace(claim.repaired, detail=plain(claim.repaired.detail)) for claim in claims}


def verdicts(*sweeps, base=EMPTY):
    return {key: outcome.verdict for key, outcome in outcomes(*sweeps, base=base).items()}


def test_every_statement_has_its_own_key_and_nothing_run_is_not_checked():
    claims = check_claims(None, EMPTY)
    assert len({claim.key for claim in claims}) == len(claims) == len(STATEMENTS)
    run = [claim for claim in claims if claim.key != "complexity"]
    assert {outcome.verdict for claim in run for outcome in (claim.printed, claim.repaired)} == {UNCHECKED}


def test_claims_on_the_problem_are_decided_by_the_certified_optimum():
    base = compared()
    found = outcomes(base=base)
    assert found["convex-inadequate"].verdict == FAILS
    assert "proven to within a relative" in found["convex-inadequate"].detail
    assert found["deadline-guaranteed"].verdict == FAILS
    evaluation = comparison_of(base).evaluation
    easy = structs.replace(evaluation.allocators["optimum"], deadline_miss_rate=0.0)
    evaluation = structs.replace(evaluation, optimum=None, allocators={**evaluation.allocators, "optimum": easy})
    found = outcomes(base=replace(base, comparison=replace(comparison_of(base), evaluation=evaluation)))
    assert found["convex-inadequate"].verdict == UNCHECKED
    assert found["deadline-guaranteed"].verdict == HOLDS
    assert found["deadline-guaranteed"].basis == ""


@pytest.mark.parametrize(("by_steps", "verdict"), [(1.02, HOLDS), (1.3, FAILS), (None, UNCHECKED)])
def test_complexity_is_told_by_its_record(monkeypatch, tmp_path, by_steps, verdict):
    record = tmp_path / "complexity.json"
    if by_steps is not None:
        names = ("operations_over_width", "operations_over_depth", "operations_over_batch")
        record.write_text(json.dumps({"exponents": {**dict.fromkeys(names, 1.0), "time_over_steps": by_steps}}))
    monkeypatch.setattr(complexity, "RECORD", record)
    claim = next(claim for claim in check_claims(None, EMPTY) if claim.key == "complexity")
    assert claim.printed.verdict == verdict
    assert (f"{by_steps}0"[:4] in claim.printed.detail) == (by_steps is not None)
    assert claim.repaired.verdict == UNCHECKED


def test_each_column_has_its_own_schemes_and_says_what_it_stands_on(sweep):
    printed = {f"{name.removesuffix('-tuned')}-paper": factor for name, factor in ORDER.items()}
    curves = {name: (lambda k, factor=factor: factor / k) for name, factor in printed.items()}
    falling = replace(EMPTY, sweeps=(sweep("fig4", [2, 4], curves, slots=100_000),))
    rising = replace(EMPTY, sweeps=(sweep("fig4", [2, 4], laws(lambda k: k * k), slots=10_240),))
    claims = {claim.key: claim for claim in check_claims(falling, rising)}
    rise = claims["fig4-rise"]
    assert (rise.printed.verdict, rise.repaired.verdict) == (FAILS, HOLDS)
    assert rise.printed.basis == "5 training seeds of 100,000 slots"
    assert rise.repaired.basis == "5 training seeds of 10,240 slots"
    assert claims["fig5-rise"].printed.verdict == UNCHECKED


def test_a_claim_of_a_figure_without_its_schemes_stands_on_the_base_comparison(sweep, base):
    swept = sweep("fig4", [2, 10], {"sac-paper": lambda k: k})
    outcome = outcomes(swept, base=base)["fig4-necessity"]
    assert outcome.verdict == HOLDS
    assert outcome.basis == outcomes(base=base)["fig4-necessity"].basis != ""


def test_learners_trained_for_different_numbers_of_slots_are_not_compared(sweep):
    slots = {"sac-tuned": 10_240, "ppo-tuned": 20_480, "random-strategy": 20_480, "without-sc": 20_480}
    swept = sweep("fig5", [0.3], laws(lambda d: 20 * d), slots=slots)
    assert outcomes(swept)["abstract-ppo"].verdict == UNCHECKED
    mixed = outcomes(sweep("fig5", [0.3], laws(lambda d: 20 * d), slots={**slots, "without-sc": 10_240}))
    below_all = mixed["abstract-below-all"]  # against those of the same size
    assert below_all.verdict == NOT_SETTLED
    assert "The reduction is 33.3 % (33.3 to 33.3) against w/o SC (repaired)" in below_all.detail
    assert "It may fail in Fig. 4, Fig. 6 and Fig. 7, which were not run with these schemes." in below_all.detail
    for number in ("10,240", "20,480"):
        assert number in mixed["abstract-below-all"].detail


def test_points_of_a_sweep_trained_for_different_numbers_of_slots_are_not_compared(sweep):
    swept = sweep("fig4", [2, 4, 6], laws(lambda k: k * k), slots=10_240)
    for name in ORDER:
        swept = at_point(swept, 1, lambda point, name=name: remeasured(point, name, training_slots=20_480))
    rise = outcomes(swept)["fig4-rise"]
    assert rise.verdict == UNCHECKED
    assert "K = 2 → 4" in rise.detail


def test_equal_at_one_refuses_a_base_comparison_of_another_size(sweep, base):
    # Within one percent, but w/o SC of the base comparison learned for twice as long.
    curves = {"sac-tuned": lambda phi: 10.2, "optimum": lambda phi: 10.0}
    base = changed(base, "without-sc", training_slots=20_480, unit_latency_s=NEARLY_ALIKE)
    same = sweep("fig6", [0.3, 1.0], curves, slots=20_480)
    assert verdicts(same, base=base)["fig6-equal-at-one"] == HOLDS
    other = sweep("fig6", [0.3, 1.0], curves, slots=10_240)
    assert verdicts(other, base=base)["fig6-equal-at-one"] == UNCHECKED


def test_fig4_where_all_claims_hold(sweep):
    found = verdicts(sweep("fig4", [2, 4, 6], laws(lambda k: k * k)))
    # K^2 in total is K per UD, and every stage is a fixed share of it.
    assert {found[f"fig4-{key}"] for key in ("rise", "per-ud", "bandwidth", "edge-cpu")} == {HOLDS}


def test_fig4_a_sum_over_more_devices_is_no_rise_of_each(sweep):
    found = verdicts(sweep("fig4", [2, 4, 6], laws(lambda k: 3.0 * k)))
    assert [found[f"fig4-{key}"] for key in ("rise", "per-ud", "bandwidth")] == [HOLDS, FAILS, FAILS]


def test_fig4_shares_of_the_rise_are_named(sweep):
    detail = outcomes(sweep("fig4", [2, 4], laws(lambda k: k * k)))["fig4-per-ud"].detail
    # 0.2, 0.5, 0.2 of the latency: of their sum 22, 56 and 22 %.
    assert "Extraction accounts for 22 % of the rise" in detail
    assert "the uplink for 56 %, and recovery for 22 %" in detail


def test_fig4_devices_given_up_are_counted_and_only_where_there_are_any(sweep):
    swept = sweep("fig4", [2, 4], laws(lambda k: k * k))
    for place, outage_rate in ((0, 0.0), (1, 0.0)):
        for name in ORDER:
            swept = at_point(swept, place, lambda p, n=name, rate=outage_rate: remeasured(p, n, outage_rate=rate))
    assert "cap" not in outcomes(swept)["fig4-edge-cpu"].detail
    swept = at_point(swept, 1, lambda point: remeasured(point, "ppo-tuned", outage_rate=0.034))
    found = outcomes(swept)
    for key in ("fig4-rise", "fig4-per-ud", "fig4-bandwidth", "fig4-edge-cpu", "abstract-ppo", "abstract-below-all"):
        assert "Up to 3.4 % of UD-slots (PPO (repaired) at K = 4) are given up at the cap" in found[key].detail
    assert "given up" not in found["abstract-random"].detail


def test_fig5_order(sweep):
    found = verdicts(sweep("fig5", [0.3, 0.7, 1.1], laws(lambda d: 20 * d)))
    assert {found[f"fig5-{key}"] for key in ("rise", "sensing", "sync", "sac-lowest", "without-sc-highest")} == {HOLDS}


def test_fig5_says_what_sensing_contributes_from_its_numbers(sweep):
    detail = outcomes(sweep("fig5", [0.3, 1.1], laws(lambda d: 20 * d)))["fig5-sensing"].detail
    # A tenth of 6 and of 22 s is sensing, and a tenth of the rise.
    assert "from 0.60 s to 2.20 s, which is 10 % of the rise" in detail


def test_fig5_order_that_turns_names_the_points(sweep):
    curves = laws(lambda d: 20 * d) | {"sac-tuned": lambda d: 20 * d if d < 1 else 40 * d}
    found = outcomes(sweep("fig5", [0.3, 0.7, 1.1], curves))
    assert found["fig5-sac-lowest"].verdict == found["fig5-without-sc-highest"].verdict == PARTLY
    assert "PPO (repaired) at D = 0.3 Mbit, D = 0.7 Mbit" in found["fig5-sac-lowest"].detail
    # Where the latencies order SAC and PPO otherwise than the (made-up, opposite) cost does, the cost is told.
    assert "In cost T + P" in found["fig5-sac-lowest"].detail


def test_fig6(sweep):
    swept = sweep("fig6", [0.3, 0.6, 1.0], laws(lambda phi: 10 + phi, ("sac-tuned", "ppo-tuned")), {"sac-tuned": 1e5})
    found = verdicts(swept)
    assert found["fig6-rise"] == HOLDS
    assert found["fig6-sent-data"] == FAILS  # the same bits at every threshold
    assert found["fig6-below-ppo"] == HOLDS
    assert found["fig6-equal-at-one"] == UNCHECKED  # nothing to hold SAC against


@pytest.mark.parametrize(("factor", "verdict"), [(1.001, HOLDS), (1.05, FAILS)])
def test_fig6_equal_at_one(sweep, factor, verdict):
    curves = {"sac-tuned": lambda phi: 15.0, "without-sc": lambda phi: 15.0 * factor}
    assert verdicts(sweep("fig6", [0.3, 1.0], curves))["fig6-equal-at-one"] == verdict


@pytest.mark.parametrize(
    ("latency_s", "overrides", "verdict"),
    [(10.2, (), HOLDS), (10.5, (), FAILS), (10.2, ("speed_mean_m_s=5",), UNCHECKED)],  # the last is another scenario
)
def test_fig6_equal_at_one_against_the_base_comparison(sweep, base, latency_s, overrides, verdict):
    # The made-up run has w/o SC at 20.4 s, 2 % above its optimum; here the slots are half as bad.
    curves = {"sac-tuned": lambda phi: latency_s, "ppo-tuned": lambda phi: 11.0, "optimum": lambda phi: 10.0}
    swept = at_point(
        sweep("fig6", [0.3, 1.0], curves),
        1,
        lambda point: structs.replace(point, overrides=(*point.overrides, *overrides)),
    )
    base = changed(base, "without-sc", training_slots=float("nan"), unit_latency_s=NEARLY_ALIKE)
    assert verdicts(swept, base=base)["fig6-equal-at-one"] == verdict


def test_fig7_flat_above_the_point_that_the_energy_budget_allows(sweep):
    schemes = ("sac-tuned", "ppo-tuned", "random-strategy")
    fall = outcomes(sweep("fig7", [0.6, 0.8, 1.0, 1.2], laws(lambda f: 12 + 2 / min(f, 1.0), schemes)))["fig7-fall"]
    assert fall.verdict == PARTLY
    assert "It fails for SAC (repaired) at f_u = 1 → 1.2 GHz, 0.00 %" in fall.detail
    # From 12 + 2/0.6 to 14: 8.7 % over the whole axis.
    assert "Over the whole axis the fall, each by itself, is 8.7 % (8.7 to 8.7) for SAC (repaired)" in fall.detail


def test_the_abstract_takes_the_largest_reduction_and_says_where(sweep):
    curves = {"sac-tuned": lambda d: 10 * d, "ppo-tuned": lambda d: 10 * d * (1 + d / 5)}
    claim = outcomes(sweep("fig5", [0.3, 1.1], curves))["abstract-ppo"]
    # 1 - 1/1.22 = 18.0 %, and 5.7 % at D = 0.3.
    assert claim.verdict == HOLDS
    assert "The largest reduction is 18.0 % (18.0 to 18.0) at D = 1.1" in claim.detail
    assert "reached at 1 of 2" in claim.detail
    small = {"sac-tuned": lambda d: 10 * d, "ppo-tuned": lambda d: 10.5 * d}
    figures = [sweep(f"fig{number}", [0.3], small) for number in (4, 5, 6, 7)]
    assert verdicts(*figures)["abstract-ppo"] == FAILS
    unknown = outcomes(*figures[:2])["abstract-ppo"]  # the largest of some places says nothing of the others
    assert unknown.verdict == NOT_SETTLED
    assert "It may be larger in Fig. 6 and Fig. 7, which were not run with these schemes." in unknown.detail
    known = outcomes(*figures[:3])["abstract-ppo"]
    assert "It may be larger in Fig. 7, which was not run with these schemes." in known.detail


def test_a_larger_reduction_that_is_not_settled_does_not_hide_one_that_is(sweep):
    curves = {"sac-tuned": lambda d: 10 * d, "ppo-tuned": lambda d: 10 * d * (1 + d / 5)}
    swept = sweep("fig5", [1.1, 2.0], curves)  # reductions of 18.0 and 28.6 %
    pair = swept.points[1].evaluation.paired["sac-tuned"]["ppo-tuned"]
    wide = structs.replace(pair, latency_reduction_percent=Estimate(28.6, -30.0, 87.0))
    swept.points[1].evaluation.paired["sac-tuned"]["ppo-tuned"] = wide
    claim = outcomes(swept)["abstract-ppo"]
    assert claim.verdict == HOLDS
    assert "The largest reduction that is settled is 18.0 % (18.0 to 18.0) at D = 1.1 Mbit; 28.6 % (" in claim.detail
    assert ") at D = 2 Mbit is not" in claim.detail


def test_a_figure_that_was_run_without_the_schemes_leaves_the_largest_open(sweep):
    small = {"sac-tuned": lambda d: 10 * d, "ppo-tuned": lambda d: 10.5 * d}
    figures = [sweep(f"fig{number}", [0.3], small) for number in (4, 5, 6)]
    other = sweep("fig7", [0.3], {"sac-paper": lambda d: 10 * d, "ppo-paper": lambda d: 10.5 * d})
    found = outcomes(*figures, other)["abstract-ppo"]
    assert found.verdict == NOT_SETTLED
    assert "It may be larger in Fig. 7, which was not run with these schemes." in found.detail


def test_the_benchmarks_of_a_figure_are_the_papers(sweep):
    # w/o SC in Fig. 6 would make the reduction at threshold 1 nought by construction.
    found = verdicts(sweep("fig6", [1.0], laws(lambda phi: 10.0, ("sac-tuned", "without-sc"))))
    assert found["abstract-without-sc"] == UNCHECKED


def test_a_missing_scheme_and_a_diverged_point_are_said(sweep):
    swept = sweep("fig4", [2, 4, 6], laws(lambda k: k * k, ("sac-tuned", "ppo-tuned", "random-strategy")))
    units = swept.points[1].evaluation.allocators["ppo-tuned"].unit_latency_s
    lost = (float("nan"), *units[1:])
    swept = at_point(swept, 1, lambda point: remeasured(point, "ppo-tuned", unit_latency_s=lost))
    swept = at_point(swept, 2, lambda point: missing(point, "random-strategy", "all seeds diverged."))
    rise = outcomes(swept)["fig4-rise"]
    assert rise.verdict == NOT_SETTLED
    assert "w/o SC (repaired) is not part of this sweep" in rise.detail
    assert "Random strategy (repaired) at K = 6 (all seeds diverged)" in rise.detail
    assert "no interval for PPO (repaired) at K = 2 → 4" in rise.detail


def test_learning_curves(base):
    found = outcomes(base=base)
    assert found["fig3-semantics"].verdict == HOLDS
    assert {found[f"fig3-{key}"].verdict for key in ("sac-highest", "stabilise")} == {NOT_SETTLED}
    assert "PPO (repaired) has no learning curve" in found["fig3-sac-highest"].detail
    assert found["fig3-entropy"].verdict == UNCHECKED


def test_learners_with_other_numbers_of_seeds_are_compared(base):
    curves = comparison_of(base).curves
    whole = curves["sac-tuned"]
    fewer = {key: getattr(whole, key)[:3] for key in ("seeds", "cost", "latency_s", "training_reward")}
    curves["sac-tuned"] = replace(whole, **fewer)
    assert outcomes(base=base)["fig3-semantics"].verdict == HOLDS


def test_a_learner_whose_cost_still_falls_is_said_not_to_have_converged(base):
    assert "Not converged" not in outcomes(base=base)["fig3-sac-highest"].detail
    cost = comparison_of(base).curves["random-strategy"].cost
    fifth = cost.shape[1] // 5
    cost[:, -2 * fifth : -fifth], cost[:, -fifth:] = 200.0, 180.0
    found = outcomes(base=base)
    words = "Not converged: Random strategy (repaired), whose cost still falls by 10.0 % from the penultimate fifth"
    for key in ("fig3-sac-highest", "fig3-random-lowest"):
        assert words in found[key].detail
    assert "Not converged" not in found["fig3-semantics"].detail


def test_a_lost_seed_is_no_stable_reward(base):
    comparison_of(base).curves["sac-tuned"].cost[0, -1] = float("nan")
    found = outcomes(base=base)
    assert found["fig3-stabilise"].verdict == PARTLY
    assert "in 1 of 4 seeds" in found["fig3-stabilise"].detail
    assert found["fig3-sac-highest"].verdict == FAILS


def test_a_point_that_is_the_base_comparison_counts_once(sweep, base):
    swept = sweep("fig4", [2, 6], {"sac-tuned": lambda k: 2 * k, "without-sc": lambda k: 2.5 * k})
    assert "is reached at 3 of 3 points" in outcomes(swept, base=base)["abstract-without-sc"].detail
    own = comparison_of(base).evaluation.allocators
    for name in ("sac-tuned", "without-sc"):
        swept = at_point(swept, 1, lambda point, n=name: remeasured(point, n, unit_latency_s=own[n].unit_latency_s))
    assert "is reached at 2 of 2 points" in outcomes(swept, base=base)["abstract-without-sc"].detail


def test_the_largest_of_points_that_are_not_all_compared_is_not_settled(sweep):
    small = {"sac-tuned": lambda d: 10 * d, "ppo-tuned": lambda d: 10.5 * d}
    figures = [sweep(f"fig{number}", [0.3, 0.5], small) for number in (4, 5, 6, 7)]
    assert verdicts(*figures)["abstract-ppo"] == FAILS
    figures[0] = at_point(figures[0], 0, lambda point: remeasured(point, "ppo-tuned", training_slots=5_000))
    figures[0] = at_point(figures[0], 0, lambda point: remeasured(point, "sac-tuned", training_slots=10_000))
    assert verdicts(*figures)["abstract-ppo"] == NOT_SETTLED


def test_base_comparison_alone_tells_the_abstract(base):
    found = outcomes(base=base)
    # 14.03 s against 20.4 s and 17.1 s in the made-up run.
    assert "31.2 %" in found["abstract-without-sc"].detail
    assert found["abstract-random"].verdict == HOLDS
    assert found["abstract-bandwidth"].verdict == HOLDS  # phi 0.46 against 1
    assert found["fig4-necessity"].verdict == HOLDS  # 18.2 s with equal shares


def test_hinges_tell_what_flips_a_claim(sweep):
    results = replace(EMPTY, sweeps=(sweep("fig4", [2, 4], laws(lambda k: k * k)),))
    flip = VariedCheck("fig4-rise", FAILS, False, -3.0, -4.0, -2.0, "path_loss_exponent", "assumed", 3.5, "3.5", True)
    same = VariedCheck("fig4-rise", HOLDS, True, 120.0, 119.0, 121.0, "speed_memory", "assumed", 0.99, "0.99", False)
    unclear = VariedCheck(
        "fig4-rise", NOT_SETTLED, False, 1.0, -1.0, 3.0, "penalty", "assumed", "literal", "literal", False
    )
    analysis = Sensitivity(
        scenario="paper", overrides=(), slots=200, seed=0, schemes=(), rows=(flip, same, unclear), not_varied=(),
        base=(ClaimCheck("fig4-rise", HOLDS, True, 125.1, 124.0, 126.2),),
    )  # fmt: skip

    def hinges(analysis):
        return {claim.key: plain(claim.hinges) for claim in check_claims(None, results, analysis)}

    rise = hinges(analysis)["fig4-rise"]
    assert "It is flipped by path_loss_exponent = 3.5: does not hold, −3.0 % (−4.0 to −2.0)" in rise
    assert "; not settled with penalty = literal, 1.0 % (−1.0 to 3.0)" in rise
    assert "120.0 % (speed_memory = 0.99)" in hinges(analysis)["fig4-rise"]
    assert hinges(analysis)["fig5-rise"] == NOT_ANALYSED
    assert hinges(analysis)["fig6-below-ppo"] == LEARNERS
    unmoved = structs.replace(analysis, rows=(same,))
    assert "The one constant varied does not flip it." in hinges(unmoved)["fig4-rise"]
    unmoved = structs.replace(analysis, rows=(same, structs.replace(same, constant="speed_std_m_s")))
    assert "None of the 2 constants varied flips it" in hinges(unmoved)["fig4-rise"]


def test_a_stage_needs_its_seeds_times(sweep):
    swept = sweep("fig4", [2, 4], laws(lambda k: k * k))
    found = outcomes(swept)["fig4-bandwidth"]
    assert found.verdict == HOLDS
    assert re.search(r"The rise per step ranges from 100\.0 % \([\d.]+ to [\d.]+\)", found.detail)
    for name in ORDER:  # as in evaluations from before they were kept
        for at in (0, 1):
            swept = at_point(swept, at, lambda point, name=name: remeasured(point, name, unit_latency_parts_s={}))
    assert outcomes(swept)["fig4-bandwidth"].verdict == UNCHECKED
