"""Section III-D: eqs. (12) and (13)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from twinsync.model.uplink import uplink_energy_j, uplink_latency_s


def test_latency_by_hand():
    # (12): 0.7e6 bit * 0.5 / 250 kbit/s = 1.4 s
    np.testing.assert_allclose(uplink_latency_s(jnp.array([0.7e6]), jnp.array([0.5]), jnp.array([2.5e5])), [1.4])


def test_energy_by_hand():
    # (13): 1.4 s * 0.05 W = 70 mJ
    np.testing.assert_allclose(uplink_energy_j(jnp.array([1.4]), jnp.array([0.05])), [0.07], rtol=1e-6)
