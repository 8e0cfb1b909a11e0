"""Symmetric positive definite 4 x 4 systems, one per UD, unrolled so that XLA fuses them into elementwise code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

Four = tuple[jax.Array, jax.Array, jax.Array, jax.Array]  # arrays of one shape


def four(items: Iterable[Any]) -> Four:
    """Exactly four items as a tuple."""
    a, b, c, d = items
    return a, b, c, d


def factorise(m: dict[tuple[int, int], jax.Array], *, least: float | None = None) -> tuple[jax.Array, ...]:
    """L D L^T factors of a symmetric 4 x 4 matrix, given by its upper triangle: six multipliers, four inverse pivots.

    With `least`, each pivot is at least that fraction of its diagonal entry, so an indefinite matrix is replaced by a
    positive definite one.
    """

    def pivot(value: jax.Array, i: int) -> jax.Array:
        return value if least is None else jnp.maximum(value, least * jnp.abs(m[i, i]) + 1e-12)

    i0 = 1.0 / pivot(m[0, 0], 0)
    l10, l20, l30 = m[0, 1] * i0, m[0, 2] * i0, m[0, 3] * i0
    i1 = 1.0 / pivot(m[1, 1] - l10 * m[0, 1], 1)
    c12, c13 = m[1, 2] - l10 * m[0, 2], m[1, 3] - l10 * m[0, 3]
    l21, l31 = c12 * i1, c13 * i1
    i2 = 1.0 / pivot(m[2, 2] - l20 * m[0, 2] - l21 * c12, 2)
    c23 = m[2, 3] - l20 * m[0, 3] - l21 * c13
    l32 = c23 * i2
    i3 = 1.0 / pivot(m[3, 3] - l30 * m[0, 3] - l31 * c13 - l32 * c23, 3)
    return l10, l20, l30, l21, l31, l32, i0, i1, i2, i3


def substitute(factor: tuple[jax.Array, ...], rhs: Four) -> Four:
    """Solution of the factorised system for the right-hand side `rhs`."""
    l10, l20, l30, l21, l31, l32, i0, i1, i2, i3 = factor
    y0 = rhs[0]
    y1 = rhs[1] - l10 * y0
    y2 = rhs[2] - l20 * y0 - l21 * y1
    y3 = rhs[3] - l30 * y0 - l31 * y1 - l32 * y2
    x3 = y3 * i3
    x2 = y2 * i2 - l32 * x3
    x1 = y1 * i1 - l21 * x2 - l31 * x3
    x0 = y0 * i0 - l10 * x1 - l20 * x2 - l30 * x3
    return x0, x1, x2, x3
