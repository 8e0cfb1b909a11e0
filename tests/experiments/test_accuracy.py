"""Accuracy over phi: the assumed law by hand, and a scenario's own between and beyond its knots."""

import numpy as np
import pytest

from twinsync.experiments.accuracy import assumed_constant, lost_share, psnr_db
from twinsync.presets import load_scenario


def test_a_bit_more_a_sample_loses_a_quarter_of_the_power():
    # D(R) of a Gaussian source falls by 6 dB a bit; phi = 1/8 of 8 bits is one bit.
    assert lost_share(1 / 8) == pytest.approx(1 / 4)
    assert lost_share(2 / 8) / lost_share(1 / 8) == pytest.approx(1 / 4)
    assert lost_share(0.0) == 1.0


def test_the_report_is_told_that_it_is_assumed():
    entry = assumed_constant()
    assert entry.tag == "assumed"
    assert "Cover and Thomas" in entry.source


def test_a_scenario_s_law_is_straight_over_the_logarithm_of_phi():
    knots = ((0.01, 36.0), (0.04, 40.0), (1.0, 60.0))
    # 0.02 is half way from 0.01 to 0.04 in ln(phi), 0.2 from 0.04 to 1.
    assert [psnr_db(phi, knots) for phi in (0.01, 0.02, 0.04, 0.2, 1.0)] == pytest.approx([36, 38, 40, 50, 60])


def test_a_scenario_s_law_stays_at_its_ends_beyond_them():
    assert psnr_db(1e-4, ((0.01, 36.0), (0.04, 40.0))) == 36.0
    assert psnr_db(1.0, ((0.01, 36.0), (0.04, 40.0))) == 40.0


def test_the_measured_law_never_falls():
    scenario = load_scenario("measured")
    knots = scenario.accuracy_knots
    quality = [psnr_db(phi, knots) for phi in np.geomspace(1e-3, 1, 200)]
    assert quality == sorted(quality)
    # What sets phi_min of the preset: 40 dB.
    assert psnr_db(float(scenario.extraction_factor_min), knots) == pytest.approx(40.0, abs=0.01)
