"""Mean shortfall of the time to send below a limit, over the fading, and its derivatives.

With x the unit-exponential fading and w the mean signal-to-noise ratio, sending takes tau = 1 / ln(1 + w x) times the
time at 1 nat/s/Hz, and

    E[max(r - tau, 0)] = int_0^r P(tau < rho) d rho,     P(tau < rho) = exp(-(e^(1/rho) - 1) / w),

a smooth function of r and ln w, the same for all scenarios. With x(rho) = (e^(1/rho) - 1) / w, the fading at which
tau = rho, it is M_0 of the moments

    M_i(r, ln w) = int_0^r x^i exp(-x) d rho,     d M_i / d r = x^i exp(-x),     d M_i / d ln w = M_(i+1) - i M_i.

Gauss-Legendre in u = ln(1/rho), in which the integrand is smooth, from rho = r down to where exp(-x) vanishes.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.arrays import Array, Float

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_BEYOND = 40.0  # fading beyond which the remaining probability exp(-40) is neglected


def mean_shortfall(
    limit: Float[Array, "*b"], unit: Float[Array, "*b"], log_snr: Float[Array, "*b"]
) -> Float[Array, "*b"]:
    """E[max(limit - unit tau, 0)] over the fading; differentiable twice, one moment a derivative."""
    return unit * _moment(0, limit / unit, log_snr)


def moments(r: Float[Array, "*b"], log_snr: Float[Array, "*b"]) -> tuple[jax.Array, jax.Array, jax.Array]:
    """M_0, M_1 and M_2 from one set of nodes, 0 for r <= 0; without derivatives."""
    start, end, half = _range(r, log_snr)
    inverse = jnp.exp(-log_snr)
    # The exponentials may overflow if the range is empty.
    begin = jnp.where(half > 0, start, end)

    def add(sums, node):
        u = begin + half * (1.0 + node[0])
        x = jnp.expm1(jnp.exp(u)) * inverse
        part = node[1] * jnp.exp(-x - u)
        return (sums[0] + part, sums[1] + part * x, sums[2] + part * x * x), None

    nodes = jnp.stack([jnp.asarray(_NODES, half.dtype), jnp.asarray(_WEIGHTS, half.dtype)], axis=1)
    zero = jnp.zeros_like(half)
    m0, m1, m2 = jax.lax.scan(add, (zero, zero, zero), nodes)[0]
    return half * m0, half * m1, half * m2


class Edge(NamedTuple):
    """The integrand at the upper limit rho = r.

    x: the fading there. density: exp(-x), 0 if r is so small that it vanishes; x is then that of the least r where it
    does not. inverse: 1 / r, with the same exception.
    """

    x: jax.Array
    density: jax.Array
    inverse: jax.Array


def edge(r: Float[Array, "*b"], log_snr: Float[Array, "*b"]) -> Edge:
    """The integrand of the moments at rho = r."""
    least = 1.0 / jnp.log1p(_BEYOND * jnp.exp(log_snr))
    alive = r > least
    inverse = 1.0 / jnp.where(alive, r, least)
    x = jnp.expm1(inverse) * jnp.exp(-log_snr)
    return Edge(x, jnp.where(alive, jnp.exp(-x), 0.0), inverse)


def _range(r: jax.Array, log_snr: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """First and last u of the quadrature, and half the distance between them, 0 for an empty range."""
    start = -jnp.log(jnp.maximum(r, 1e-30))
    end = jnp.log(jnp.log1p(_BEYOND * jnp.exp(log_snr)))
    return start, end, 0.5 * jnp.maximum(end - start, 0.0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _moment(order: int, r: Float[Array, "*b"], log_snr: Float[Array, "*b"]) -> Float[Array, "*b"]:
    start, _, half = _range(r, log_snr)
    nodes, weights = (jnp.asarray(each, half.dtype) for each in (_NODES, _WEIGHTS))
    u = start[..., None] + half[..., None] * (1.0 + nodes)
    x = jnp.expm1(jnp.exp(u)) * jnp.exp(-log_snr)[..., None]
    total = jnp.sum(weights * (jnp.exp(-x - u) * x**order), axis=-1)
    # The exponentials may overflow if the range is empty.
    return jnp.where(half > 0, half * total, 0.0)


@_moment.defjvp
def _moment_jvp(order: int, primals, tangents):
    r, log_snr = primals
    dr, dw = tangents
    value = _moment(order, r, log_snr)
    by_snr = _moment(order + 1, r, log_snr) - (order * value if order else 0.0)
    end = edge(r, log_snr)
    return value, end.x**order * end.density * dr + by_snr * dw
