"""The comparison's figures: the limits they draw."""

import pytest
from tests.experiments.made_up import compared

from twinsync.experiments.figures.comparison import deadline_total_s, energy_budget_total_j


def test_limits_are_those_of_all_devices_together():
    # 6 UDs x 0.75 x 30 s / 25 = 5.4 s, and 1.575 s of sensing; 6 UDs x 0.5 J.
    assert deadline_total_s(compared()) == pytest.approx(6.975)
    assert energy_budget_total_j(compared()) == pytest.approx(3.0)
