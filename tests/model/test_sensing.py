"""Section III-B: eqs. (3) to (6)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.model.sensing import data_bits, sensed_bits, sensing_energy_j, sensing_latency_s, sensing_rate_bps


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


def test_data_by_hand(scenario):
    # 0.6 Mbit + a quarter of 0.2 Mbit
    np.testing.assert_allclose(data_bits(jnp.array([0.0, 0.25, 1.0]), scenario), [0.6e6, 0.65e6, 0.8e6], rtol=1e-7)


def test_one_data_size(scenario):
    data = data_bits(jnp.linspace(0.0, 1.0, 6), scenario.replace(data_min_bits=0.7e6, data_max_bits=0.7e6))
    np.testing.assert_array_equal(data, np.full(6, 0.7e6, np.float32))
