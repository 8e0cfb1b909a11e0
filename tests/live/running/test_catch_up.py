"""phi for a twin that is worse than the law of accuracy says."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.live.running.catch_up import CLOSE_DB, MOST, caught_up

# 10 dB for each factor of ten.
KNOTS = ((0.001, 30.0), (0.01, 40.0), (1.0, 60.0))


def test_phi_is_twice_as_far_above_the_law_as_the_twin_is_below() -> None:
    factor, twin_db = np.array([0.01, 0.01, 0.001]), np.array([38.0, 36.5, 28.0])
    assert caught_up(factor, twin_db, KNOTS) == pytest.approx([10**-1.6, 10**-1.3, 10**-2.6])


def test_without_a_twin_it_is_the_most() -> None:
    assert caught_up(np.array([0.01]), np.array([0.0]), KNOTS).tolist() == [pytest.approx(MOST)]


def test_a_twin_as_good_as_the_law_says_or_of_another_sensor_changes_nothing() -> None:
    factor = np.array([0.01, 0.01, 0.01])
    assert caught_up(factor, np.array([40.0 - 0.9 * CLOSE_DB, 60.0, np.nan]), KNOTS).tolist() == factor.tolist()


def test_who_is_granted_more_than_that_keeps_it() -> None:
    assert caught_up(np.array([0.5]), np.array([0.0]), KNOTS).tolist() == [0.5]
