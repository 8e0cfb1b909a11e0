"""Sections III-C and III-D: the workload laws and eqs. (7) to (9) and (14)."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.model.semantics import (
    compute_latency_s,
    extraction_energy_j,
    extraction_workload_bits,
    recovery_workload_bits,
)
from twinsync.presets import load_scenario

DATA, PHI = jnp.array([0.7e6]), jnp.array([0.5])
KNOTS = ((0.1, 20.0, 3.0), (0.3, 4.0, 2.0), (0.6, 1.5, 1.8), (1.0, 1.0, 1.0))


def work(scenario, phi) -> tuple[np.ndarray, np.ndarray]:
    """Extraction and recovery work per bit of data at each phi."""
    phi = jnp.atleast_1d(jnp.asarray(phi, jnp.float32))
    one = jnp.ones_like(phi)
    laws = extraction_workload_bits, recovery_workload_bits
    return tuple(np.asarray(law(one, phi, scenario)) for law in laws)


def test_extraction_by_hand(scenario):
    # (7) 0.7e6 / 0.5^1.2 = 0.7e6 * 2.29739671; (8) 300 * that / 0.8 GHz; (9) 300 * 1e-27 * that * (0.8e9)^2
    workload = extraction_workload_bits(DATA, PHI, scenario)
    np.testing.assert_allclose(workload, [1_608_177.7], rtol=1e-5)
    np.testing.assert_allclose(compute_latency_s(workload, jnp.array([0.8e9]), 300.0), [0.6030666], rtol=1e-5)
    np.testing.assert_allclose(extraction_energy_j(workload, jnp.array([0.8e9]), scenario), [0.3087701], rtol=1e-5)


def test_recovery_by_hand(scenario):
    # (14) D phi / phi^1.5 = 0.7e6 / sqrt(0.5) = 989949.5 bit; 300 * that / 2 GHz = 0.14849 s
    workload = recovery_workload_bits(DATA, PHI, scenario)
    np.testing.assert_allclose(workload, [989_949.5], rtol=1e-5)
    np.testing.assert_allclose(compute_latency_s(workload, jnp.array([2e9]), 300.0), [0.1484924], rtol=1e-5)


def test_no_extraction_still_costs_a_pass(scenario):
    # phi = 1: lambda = D, recovery works on D, as the paper's w/o SC is charged.
    np.testing.assert_allclose(np.array(work(scenario, 1.0)).ravel(), [1.0, 1.0], rtol=1e-6)


def test_energy_survives_float32_extremes(scenario):
    # 300 * 1e13 bit * 1e-27 * (1e12 Hz)^2 = 3e12 J, though 300 * 1e13 * (1e12)^2 = 3e39 is beyond float32.
    energy = extraction_energy_j(jnp.array([1e13]), jnp.array([1e12]), scenario)
    np.testing.assert_allclose(energy, [3e12], rtol=1e-5)


def test_constant_law(scenario):
    extraction, recovery = work(scenario.replace(workload_law="constant"), [0.3, 0.7, 1.0])
    np.testing.assert_array_equal(extraction, np.ones(3))
    np.testing.assert_array_equal(recovery, np.ones(3))


def test_piecewise_law_passes_near_its_knots(scenario):
    law = scenario.replace(workload_law="piecewise", workload_knots=KNOTS)
    phi, extraction, recovery = np.array(KNOTS).T
    got = work(law, phi)
    # A rounded corner lies off its knot by (change of slope) * 0.01 ln 2, here at most 2.5 * 0.0069.
    np.testing.assert_allclose(got[0], extraction, rtol=0.02)
    np.testing.assert_allclose(got[1], recovery, rtol=0.02)
    np.testing.assert_allclose([g[[0, -1]] for g in got], [extraction[[0, -1]], recovery[[0, -1]]], rtol=1e-4)


def test_piecewise_law_is_straight_in_log_log_between_knots(scenario):
    law = scenario.replace(workload_law="piecewise", workload_knots=KNOTS)
    for column in (1, 2):
        for left, right in itertools.pairwise(KNOTS):
            middle = np.sqrt(left[0] * right[0])
            assert work(law, middle)[column - 1][0] == pytest.approx(np.sqrt(left[column] * right[column]), rel=1e-4)


@given(x=st.floats(0.0, 5.0), y=st.floats(0.0, 5.0), inner=st.lists(st.floats(0.06, 0.99), max_size=4, unique=True))
def test_piecewise_law_equals_power_where_knots_lie_on_it(x, y, inner):
    paper = load_scenario("paper").replace(extraction_exponent=x, recovery_exponent=y)
    knots = tuple((phi, phi**-x, phi ** (1 - y)) for phi in sorted([0.05, *inner, 1.0]))
    if min(b[0] / a[0] for a, b in itertools.pairwise(knots)) < 1.01:
        return  # between knots this close, only rounding of the slope remains
    law = paper.replace(workload_law="piecewise", workload_knots=knots)
    phi = np.linspace(0.05, 1.0, 20)
    for got, expected in zip(work(law, phi), work(paper, phi), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-3)


def test_piecewise_law_has_a_finite_gradient_at_its_knots(scenario):
    law = scenario.replace(workload_law="piecewise", workload_knots=KNOTS)
    phi = jnp.array([row[0] for row in KNOTS])
    slope = jax.grad(lambda p: extraction_workload_bits(jnp.ones_like(p), p, law).sum())(phi)
    assert np.isfinite(slope).all()
    assert (np.asarray(slope) < 0).all()
