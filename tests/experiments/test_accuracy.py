"""The assumed law of accuracy over phi, by hand."""

import pytest

from twinsync.experiments.accuracy import assumed_constant, lost_share


def test_a_bit_more_a_sample_loses_a_quarter_of_the_power():
    # D(R) of a Gaussian source falls by 6 dB a bit; phi = 1/8 of 8 bits is one bit.
    assert lost_share(1 / 8) == pytest.approx(1 / 4)
    assert lost_share(2 / 8) / lost_share(1 / 8) == pytest.approx(1 / 4)
    assert lost_share(0.0) == 1.0


def test_the_report_is_told_that_it_is_assumed():
    entry = assumed_constant()
    assert entry.tag == "assumed"
    assert "Cover and Thomas" in entry.source
