"""Section III-B: eqs. (3) to (6)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twinsync.model.sensing import draw_data_bits, sensed_bits, sensing_energy_j, sensing_latency_s, sensing_rate_bps
from twinsync.streams import root_key


def test_rate_that_just_meets_19b(scenario):
    # D_max / (eta tau) = 0.8e6 / 0.3 = 8/3 Mbit/s; a rate that is given stands.
    assert sensing_rate_bps(scenario) == pytest.approx(8e6 / 3)
    assert sensing_rate_bps(scenario.replace(sensing_rate_bps=1e6)) == 1e6


def test_sensed_bits_by_hand(scenario):
    # (3): 0.25 * 1.2 s * 1e6 bit/s = 3e5 bit; at the automatic rate exactly D_max
    assert sensed_bits(scenario.replace(sensing_rate_bps=1e6)) == pytest.approx(3e5)
    assert sensed_bits(scenario) == pytest.approx(8e5)


def test_latency_by_hand(scenario):
    # (5): 0.7e6 bit / (8/3 Mbit/s) = 0.2625 s; 0.8e6 takes all of eta tau = 0.3 s
    np.testing.assert_allclose(sensing_latency_s(jnp.array([0.7e6, 0.8e6]), scenario), [0.2625, 0.3], rtol=1e-6)


def test_energy_by_hand(scenario):
    # (6) 1e-8 J/bit * 0.7e6 bit = 7 mJ; (4) is the same at D^s
    np.testing.assert_allclose(sensing_energy_j(jnp.array([0.7e6, 0.8e6]), scenario), [7e-3, 8e-3], rtol=1e-6)


def test_data_are_uniform_and_independent(scenario):
    data = np.asarray(draw_data_bits(root_key(0), scenario, (2000,)))
    assert data.shape == (2000, 6)
    assert data.min() >= 0.6e6
    assert data.max() <= 0.8e6
    assert stats.kstest(data.ravel(), "uniform", args=(0.6e6, 0.2e6)).pvalue > 0.01
    assert np.abs(np.corrcoef(data.T) - np.eye(6)).max() < 5 / np.sqrt(2000)


def test_one_data_size(scenario):
    data = draw_data_bits(root_key(0), scenario.replace(data_min_bits=0.7e6, data_max_bits=0.7e6))
    np.testing.assert_array_equal(data, np.full(6, 0.7e6, np.float32))
