"""Section III-D: distance, path loss, Rayleigh fading, eqs. (10) and (11)."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twinsync.model.channel import (
    block_gain,
    distance_m,
    fading,
    path_gain,
    rate_bps,
    stratified_fading,
    uplink_energy_j,
    uplink_latency_s,
)
from twinsync.streams import Dice, root_key


def test_distance_by_hand(scenario):
    # 3-4-5 and 3-4-12-13; at the mast itself the floor of 1 m holds.
    positions = jnp.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(distance_m(positions, scenario), [5.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(distance_m(positions, scenario.replace(station_height_m=12.0)), [13.0, 12.0], rtol=1e-6)
    np.testing.assert_allclose(distance_m(positions, scenario.replace(distance_floor_m=7.0)), [7.0, 7.0], rtol=1e-6)


def test_path_gain_falls_with_distance_by_hand(scenario):
    # 1e-3 / (50^2 sqrt 50) = 5.6569e-8 at alpha_3 = 2.5; 1e-3 / 10^3 at alpha_3 = 3; beta_0 at 1 m
    np.testing.assert_allclose(path_gain(jnp.array([50.0, 1.0]), scenario), [5.6568542e-8, 1e-3], rtol=1e-6)
    steeper = scenario.replace(path_loss_exponent=3.0)
    np.testing.assert_allclose(path_gain(jnp.array([10.0]), steeper), [1e-6], rtol=1e-6)


def test_block_gain_is_path_gain_times_fading(scenario):
    gain = block_gain(jnp.array([50.0]), jnp.array([[0.5, 2.0]]), scenario)
    np.testing.assert_allclose(gain, [[2.8284271e-8, 1.1313708e-7]], rtol=1e-6)


def test_rate_by_hand(scenario):
    # B/K = 0.2e6/6; p |g|^2 / sigma^2 = 0.05 * 5.6568542e-8 / 1e-11 = 282.842712; log2(283.842712) = 8.1489...
    expected = 0.2e6 / 6 * math.log2(1 + 282.842712)
    assert expected == pytest.approx(271_645, rel=1e-4)
    rate = rate_bps(jnp.array([0.05]), jnp.array([[5.6568542e-8]]), scenario)
    np.testing.assert_allclose(rate, [expected], rtol=1e-5)


def test_rate_is_the_mean_over_blocks(scenario):
    # SNR 1 and 7 in two blocks: (log2 2 + log2 8)/2 = 2 bit/s/Hz, not log2(1 + 4)
    gain = jnp.array([[1.0, 7.0]]) * 1e-11 / 0.1
    np.testing.assert_allclose(rate_bps(jnp.array([0.1]), gain, scenario), [2 * 0.2e6 / 6], rtol=1e-6)


def test_rate_at_very_low_snr_keeps_its_digits(scenario):
    # log2(1 + s) = s / ln 2 for small s; 1 + 1e-9 would be 1 in float32.
    rate = rate_bps(jnp.array([0.1]), jnp.array([[1e-19]]), scenario)
    np.testing.assert_allclose(rate, [0.2e6 / 6 * 1e-9 / math.log(2)], rtol=1e-5)


def test_fading_is_exponential_of_unit_mean():
    draw = np.asarray(fading(Dice.of(root_key(0), 40_000).throw(0)[0]))
    assert draw.mean() == pytest.approx(1.0, abs=4 / math.sqrt(draw.size))
    assert stats.kstest(draw, "expon").pvalue > 0.01


def test_the_least_and_the_greatest_draw_leave_a_channel():
    # The open interval's ends in single precision: -ln(1 - 2^-24) = 2^-24, -ln(2^-24) = 24 ln 2
    np.testing.assert_allclose(fading(jnp.array([1 - 2.0**-24, 2.0**-24])), [2.0**-24, 24 * math.log(2)], rtol=1e-6)


def test_latency_by_hand():
    # (12): 0.7e6 bit * 0.5 / 250 kbit/s = 1.4 s
    np.testing.assert_allclose(uplink_latency_s(jnp.array([0.7e6]), jnp.array([0.5]), jnp.array([2.5e5])), [1.4])


def test_energy_by_hand():
    # (13): 1.4 s * 0.05 W = 70 mJ
    np.testing.assert_allclose(uplink_energy_j(jnp.array([1.4]), jnp.array([0.05])), [0.07], rtol=1e-6)


def test_strata_are_taken_in_an_order_of_each_uds_own():
    draws = 16
    gain = np.asarray(stratified_fading(root_key(5), (400, 6, 1), draws))[..., 0]
    # Within a slot and UD one draw falls into each stratum of equal probability.
    np.testing.assert_array_equal(np.sort(np.floor((1.0 - np.exp(-gain)) * draws), axis=0)[:, 0, 0], np.arange(draws))
    correlation = np.corrcoef(gain.reshape(-1, 6), rowvar=False)
    assert np.abs(correlation - np.eye(6)).max() < 0.05
