"""The amounts by which a slot violates each of (19b) to (19h)."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.model import slot_outcome


def test_none(roomy, one_slot):
    violations = slot_outcome(roomy, *one_slot()).violations
    for leaf in jax.tree.leaves(violations):
        np.testing.assert_array_equal(leaf, np.zeros(leaf.shape))


# Deadline 0.9 s, budget 0.5 J; the excess of the one UD is computed beside the change that causes it.
@pytest.mark.parametrize(
    ("name", "part", "value", "excess"),
    [
        ("extraction_factor", "extraction_factor", 0.28, 0.02),
        ("extraction_factor", "extraction_factor", 1.05, 0.05),
        ("device_cpu_hz", "device_cpu_hz", 1.02e9, 0.02e9),
        ("transmit_power_w", "transmit_power_w", 0.009, 0.001),
        ("transmit_power_w", "transmit_power_w", 0.15, 0.05),
    ],
)
def test_bounds_19e_19f_19g(roomy, name, part, value, excess, one_slot):
    # More bandwidth and a larger budget, so that latency and energy meet their limits.
    free = roomy.replace(energy_budget_j=10.0, bandwidth_hz=200e6, cycle_s=60.0)
    _, usual = one_slot()
    slot, allocation = one_slot(**{part: getattr(usual, part).at[2].set(value)})
    violations = slot_outcome(free, slot, allocation).violations
    expected = {key: np.zeros(6) for key in ("extraction_factor", "device_cpu_hz", "transmit_power_w")}
    expected[name][2] = excess
    for key, row in expected.items():
        np.testing.assert_allclose(getattr(violations, key), row, rtol=1e-4, err_msg=key)
    for key in ("sensing_s", "deadline_s", "energy_j", "edge_cpu_hz"):
        assert not np.any(getattr(violations, key)), key


def test_slow_device_19f(roomy, one_slot):
    slot, allocation = one_slot(device_cpu_hz=jnp.full(6, 0.8e9).at[3].set(0.04e9))
    violations = slot_outcome(roomy, slot, allocation).violations
    np.testing.assert_allclose(violations.device_cpu_hz, [0, 0, 0, 0.01e9, 0, 0], rtol=1e-5)


def test_sensing_19b(roomy, one_slot):
    # 0.7e6 bit at 2 Mbit/s take 0.35 s; 0.3 s are allowed.
    slow = roomy.replace(sensing_rate_bps=2e6)
    violations = slot_outcome(slow, *one_slot()).violations
    np.testing.assert_allclose(violations.sensing_s, np.full(6, 0.05), rtol=1e-5)


def test_deadline_19c_counts_the_uncapped_latency(roomy, one_slot):
    slot, allocation = one_slot()
    slot = eqx.tree_at(lambda s: s.block_gain, slot, slot.block_gain.at[0].set(1e-16))
    outcome = slot_outcome(roomy, slot, allocation)
    rate = 20e6 / 6 * math.log1p(0.1 * 1e-16 / 1e-11) / math.log(2)
    t_dt = 300 * 0.7e6 / 0.7**1.2 / 0.8e9 + 0.49e6 / rate + 300 * 0.7e6 / math.sqrt(0.7) / 1.6e9
    assert t_dt > 6.0
    np.testing.assert_allclose(outcome.violations.deadline_s, [t_dt - 0.9, 0, 0, 0, 0, 0], rtol=1e-5)


def test_energy_19d(roomy, one_slot):
    slot, allocation = one_slot(extraction_factor=jnp.full(6, 0.7).at[4].set(0.3))
    outcome = slot_outcome(roomy, slot, allocation)
    # 0.007 J to sense, 300 * 1e-27 * 0.7e6/0.3^1.2 * 0.64e18 = 0.57 J to extract, 0.1 W times the time to send
    rate = 20e6 / 6 * math.log2(1 + 0.1 * 5.6568542e-8 / 1e-11)
    energy = 0.007 + 300 * 1e-27 * 0.7e6 / 0.3**1.2 * 0.8e9**2 + 0.1 * 0.21e6 / rate
    np.testing.assert_allclose(outcome.violations.energy_j, [0, 0, 0, 0, energy - 0.5, 0], rtol=1e-4)


def test_edge_19h_is_one_number_a_slot(roomy, one_slot):
    slot, allocation = one_slot(edge_cpu_hz=jnp.full(6, 2e9))
    violations = slot_outcome(roomy, slot, allocation).violations
    assert violations.edge_cpu_hz.shape == ()
    np.testing.assert_allclose(violations.edge_cpu_hz, 2e9, rtol=1e-6)
    slot, allocation = one_slot(edge_cpu_hz=jnp.full(6, 1.6e9).at[1].set(0.03e9))
    np.testing.assert_allclose(slot_outcome(roomy, slot, allocation).violations.edge_cpu_hz, 0.02e9, rtol=1e-5)


@pytest.mark.parametrize("data", [1e5, 3e5, 0.7e6, 0.8e6, 1.1e6])
@pytest.mark.parametrize("cycle", [7.0, 30.0, 33.3])
def test_rounding_is_no_violation(scenario, data, cycle, one_slot):
    # At the automatic rate D_max is sensed in exactly eta tau, and six sixths use exactly the whole server.
    tight = scenario.replace(data_min_bits=data, data_max_bits=data, cycle_s=cycle)
    slot, allocation = one_slot(edge_cpu_hz=jnp.full(6, 10e9 / 6))
    slot = eqx.tree_at(lambda s: s.data_bits, slot, jnp.full(6, data))
    violations = slot_outcome(tight, slot, allocation).violations
    assert not violations.sensing_s.any()
    assert not violations.edge_cpu_hz.any()
