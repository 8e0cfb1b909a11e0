"""A scenario's law of accuracy over phi between and beyond its knots, and its inverse."""

import numpy as np
import pytest

from twinsync.model.accuracy import extraction_factor_of, psnr_db
from twinsync.presets import load_scenario


def test_a_scenario_s_law_is_straight_over_the_logarithm_of_phi():
    knots = ((0.01, 36.0), (0.04, 40.0), (1.0, 60.0))
    # 0.02 is half way from 0.01 to 0.04 in ln(phi), 0.2 from 0.04 to 1.
    assert psnr_db(np.array([0.01, 0.02, 0.04, 0.2, 1.0]), knots) == pytest.approx([36, 38, 40, 50, 60])


def test_a_scenario_s_law_stays_at_its_ends_beyond_them():
    knots = ((0.01, 36.0), (0.04, 40.0))
    assert psnr_db(np.array([1e-4, 1.0]), knots).tolist() == [36.0, 40.0]
    assert extraction_factor_of(np.array([20.0, 99.0]), knots) == pytest.approx([0.01, 0.04])


def test_phi_of_a_psnr_is_the_inverse():
    knots = ((0.01, 36.0), (0.04, 40.0), (1.0, 60.0))
    factor = np.geomspace(0.01, 1, 7)
    assert extraction_factor_of(psnr_db(factor, knots), knots) == pytest.approx(factor)


def test_of_several_phi_with_one_psnr_it_is_the_largest():
    knots = ((0.01, 36.0), (0.04, 40.0), (0.2, 40.0), (1.0, 60.0))
    assert float(extraction_factor_of(40.0, knots)) == pytest.approx(0.2)


def test_the_measured_law_never_falls():
    scenario = load_scenario("measured")
    knots = scenario.accuracy_knots
    assert (np.diff(psnr_db(np.geomspace(1e-3, 1, 200), knots)) >= 0).all()
    # What sets phi_min of the preset: 40 dB.
    assert float(psnr_db(float(scenario.extraction_factor_min), knots)) == pytest.approx(40.0, abs=0.01)
