"""One gradient step, typed: optax's own signatures do not know that weights keep their type."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import optax

Weights = TypeVar("Weights")


def descend(
    optimiser: optax.GradientTransformation, slope: Weights, moments: Any, weights: Weights
) -> tuple[Weights, Any]:
    """Weights after one step against `slope`, and the optimiser's moments after it."""
    change, moments = optimiser.update(cast(Any, slope), moments)
    return cast(Any, optax.apply_updates)(weights, change), moments
