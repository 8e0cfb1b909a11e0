import math

import pytest

from twinsync.experiments.claims.verdicts import FAILS, HOLDS, NOT_SETTLED, PARTLY, UNCHECKED, Check, judge, value_words
from twinsync.experiments.records import Estimate

RIGHT, OPEN, WRONG = Estimate(2.0, 1.5, 2.5), Estimate(0.5, -0.5, 1.5), Estimate(-2.0, -2.5, -1.5)
NONE = Estimate(1.0, math.nan, math.nan)


def check(value: Estimate, who: str = "SAC", **bounds) -> Check:
    return Check(who, "K = 2", value, **bounds)


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (check(RIGHT), "right"),
        (check(OPEN), "open"),
        (check(WRONG), "wrong"),
        (check(NONE), "none"),
        (check(RIGHT, least=2.0), "open"),
        (check(RIGHT, most=2.4), "open"),
        (check(RIGHT, most=1.5), "wrong"),
        (check(NONE, trouble="diverged"), "wrong"),
    ],
)
def test_an_interval_has_to_lie_wholly_on_the_right_side(case, outcome):
    assert case.outcome == outcome


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([RIGHT, RIGHT], HOLDS),
        ([RIGHT, OPEN], NOT_SETTLED),
        ([RIGHT, NONE], NOT_SETTLED),
        ([RIGHT, OPEN, WRONG], PARTLY),
        ([RIGHT, WRONG], PARTLY),
        ([OPEN, WRONG], FAILS),
        ([WRONG, NONE], FAILS),
        ([OPEN], NOT_SETTLED),
        ([OPEN, OPEN, NONE], NOT_SETTLED),
        ([NONE], UNCHECKED),
        ([], UNCHECKED),
    ],
)
def test_verdict_over_all_comparisons(values, verdict):
    assert judge([check(value) for value in values], "rise").verdict == verdict


def test_partly_says_where_it_holds_and_where_not_with_numbers():
    finding = judge([check(RIGHT), check(OPEN, "PPO"), check(WRONG, "w/o SC")], "rise")
    assert "It holds for SAC throughout." in finding.detail
    plain = finding.detail.replace("\N{NO-BREAK SPACE}", " ")
    assert "It fails for w/o SC at K = 2, −2.0 % (−2.5 to −1.5)." in plain
    assert "It is not settled for PPO at K = 2, 0.50 % (−0.50 to 1.50): the interval includes 0 %." in plain
    assert finding.value == WRONG


@pytest.mark.parametrize(
    ("value", "bounds", "border"),
    [
        (OPEN, {"least": 0.1}, "0 %"),  # 0.1 % counts as no difference
        (Estimate(0.3, 0.05, 0.55), {"least": 0.1}, "0.1 %"),
        (Estimate(-0.39, -1.17, 0.39), {"least": -1.0, "most": 1.0}, "−1 %"),
        (Estimate(0.0, -2.0, 2.0), {"least": -1.0, "most": 1.0}, "−1 % and 1 %"),
        (OPEN, {"unit": ""}, "0"),
    ],
)
def test_what_is_not_settled_names_the_boundary(value, bounds, border):
    finding = judge([check(value, **bounds)], "difference")
    assert finding.verdict == NOT_SETTLED
    plain = finding.detail.replace("\N{NO-BREAK SPACE}", " ")
    assert f" for SAC at K = 2, and the interval includes {border}." in plain


@pytest.mark.parametrize(("held", "words"), [(1, "SAC at K = 0"), (4, "SAC at 4 of 5 places")])
def test_places_where_a_claim_holds_are_named_while_they_are_few(held, words):
    checks = [Check("SAC", f"K = {place}", RIGHT if place < held else WRONG) for place in range(5)]
    assert f"It holds for {words}." in judge(checks, "rise").detail


def test_what_has_no_interval_is_left_out_and_said():
    finding = judge([check(RIGHT), check(NONE, "PPO")], "rise", absent=["w/o SC at K = 4 (diverged)"])
    assert finding.verdict == NOT_SETTLED
    assert "Left out: w/o SC at K = 4 (diverged); no interval for PPO at K = 2" in finding.detail


def test_values_are_named_with_their_relation_to_the_schemes():
    checks = [check(WRONG, "PPO"), Check("PPO", "the base comparison", RIGHT)]
    plain = judge(checks, "reduction", "against").detail.replace("\N{NO-BREAK SPACE}", " ")
    assert "from −2.0 % (−2.5 to −1.5) against PPO at K = 2 to 2.0 % (1.5 to 2.5) against PPO in the base" in plain
    assert "It holds against PPO in the base comparison. It fails against PPO at K = 2" in plain


def test_where_a_claim_that_is_not_settled_holds_is_said():
    finding = judge([check(RIGHT), check(OPEN, "PPO")], "rise")
    assert "It holds for SAC throughout. It is not settled for PPO at K = 2" in finding.detail


def test_the_value_of_a_finding_is_one_that_decides_it():
    low = Estimate(0.4, 0.3, 0.5)
    assert judge([check(low), check(OPEN)], "rise").value == OPEN
    assert judge([check(low), check(RIGHT)], "rise").value == low
    assert judge([check(OPEN), check(RIGHT), check(WRONG)], "rise").value == WRONG


def test_many_failures_are_counted():
    finding = judge([check(WRONG, f"scheme {i}") for i in range(9)], "rise")
    assert "scheme 5" in finding.detail
    assert "scheme 6" not in finding.detail.replace("scheme 8", "")
    assert "and 3 more" in finding.detail


def test_no_minus_zero():
    assert value_words(Estimate(-0.001, -0.002, 0.003)) == "0.00\N{NO-BREAK SPACE}% (0.00 to 0.00)"
