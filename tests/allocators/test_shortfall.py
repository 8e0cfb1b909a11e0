"""The mean shortfall by hand, its derivatives, and the moments that all of them are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.shortfall import edge, mean_shortfall, moments


def test_mean_shortfall_by_hand():
    # r = 1, w = e - 1: tau < rho where x > (e^(1/rho) - 1) / (e - 1). By the midpoint rule with 10^6 points:
    rho = (np.arange(1_000_000) + 0.5) / 1_000_000
    with np.errstate(over="ignore"):
        by_hand = np.exp(-np.expm1(1 / rho) / (np.e - 1)).mean()
    with jax.enable_x64(True):
        found = mean_shortfall(jnp.asarray(1.0), jnp.asarray(1.0), jnp.log(jnp.asarray(np.e - 1)))
    assert float(found) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("limit", "unit", "log_snr"), [(2.0, 3.0, 6.0), (0.4, 3.0, 6.0), (5.0, 0.1, -3.0), (6.0, 6.0, 9.0)]
)
def test_derivatives_are_those_of_the_values(limit, unit, log_snr):
    with jax.enable_x64(True):
        at = [jnp.asarray(v) for v in (limit, unit, log_snr)]
        # Second derivatives only steer the solver's steps.
        for function, tolerance in ((mean_shortfall, 1e-4), (jax.grad(mean_shortfall, argnums=2), 0.1)):
            slopes = jax.grad(function, argnums=(0, 1, 2))(*at)
            for place, slope in enumerate(slopes):
                step = 1e-5
                up, down = list(at), list(at)
                up[place], down[place] = at[place] + step, at[place] - step
                difference = (function(*up) - function(*down)) / (2 * step)
                assert float(slope) == pytest.approx(float(difference), rel=tolerance, abs=1e-9)


def test_nothing_is_short_of_a_limit_below_every_draw():
    assert float(mean_shortfall(jnp.asarray(-1.0), jnp.asarray(1.0), jnp.asarray(3.0))) == 0.0
    assert float(mean_shortfall(jnp.asarray(1e-6), jnp.asarray(1.0), jnp.asarray(3.0))) == 0.0


@pytest.mark.parametrize(("r", "log_snr"), [(0.6, 6.0), (1.0, 0.5), (50.0, -3.0), (0.05, 9.0), (-1.0, 3.0)])
def test_moments_are_the_derivatives(r, log_snr):
    with jax.enable_x64(True):
        at = (jnp.asarray(r), jnp.asarray(log_snr))

        def value(r, log_snr):
            return mean_shortfall(r, jnp.ones_like(r), log_snr)

        m0, m1, m2 = (float(each) for each in moments(*at))
        by_snr = jax.grad(value, argnums=1)
        assert m0 == pytest.approx(float(value(*at)), rel=1e-12)
        assert m1 == pytest.approx(float(by_snr(*at)), rel=1e-12)
        assert m2 - m1 == pytest.approx(float(jax.grad(by_snr, argnums=1)(*at)), rel=1e-12)
        assert float(edge(*at).density) == pytest.approx(float(jax.grad(value)(*at)), rel=1e-12)
