"""One gradient step, typed: optax's own signatures do not know that weights keep their type."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import optax

from twinsync.learning.settings import Settings

Weights = TypeVar("Weights")


def descend(
    optimiser: optax.GradientTransformation, slope: Weights, moments: Any, weights: Weights
) -> tuple[Weights, Any]:
    """Weights after one step against `slope`, and the optimiser's moments after it."""
    change, moments = optimiser.update(cast(Any, slope), moments)
    return cast(Any, optax.apply_updates)(weights, change), moments


def falling_rate(settings: Settings, updates: int) -> optax.Schedule | float:
    """The learning rate of a run of so many updates: constant, or falling linearly to its share at the end."""
    if settings.learning_rate_end == 1.0:
        return settings.learning_rate
    end = settings.learning_rate * settings.learning_rate_end
    return optax.linear_schedule(settings.learning_rate, end, updates)
