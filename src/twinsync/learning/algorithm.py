"""Code shared by the learners: training statistics, one gradient step, and the learning rate."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar, cast

import jax
import jax.numpy as jnp
import optax

from twinsync.learning.settings import Settings


class Stats(NamedTuple):
    """Statistics of a stretch of training: means over its slots and updates, but maxima for `largest_*`.

    reward: mean reward (22), unscaled. critic_loss: eq. (26), summed over critics (PPO: value loss). entropy: of the
    policy [nat]. alpha: the temperature. value_size: mean |Q| of the critic or of its targets, whichever is larger
    (PPO: mean |V|). largest_reward: largest |r|. largest_bonus: largest alpha |H|. The last three are in the critic's
    units, that is in scaled rewards. NaN for a quantity that the learner does not have.
    """

    reward: jax.Array
    critic_loss: jax.Array
    entropy: jax.Array
    alpha: jax.Array
    value_size: jax.Array | float = math.nan
    largest_reward: jax.Array | float = math.nan
    largest_bonus: jax.Array | float = math.nan


_PEAKS = ("largest_reward", "largest_bonus")


def nothing_yet(shapes: Stats) -> Stats:
    """Initial value for `joined`; `shapes` has the shape and dtype of each field."""
    start = {name: jnp.nan if name in _PEAKS else 0.0 for name in Stats._fields}
    return Stats(*(jnp.full(x.shape, start[name], x.dtype) for name, x in shapes._asdict().items()))


def joined(total: Stats, now: Stats) -> Stats:
    """Running sums and maxima, updated with the statistics of one more step."""
    pairs = zip(Stats._fields, total, now, strict=True)
    sums: list[Any] = [jnp.fmax(old, new) if name in _PEAKS else old + new for name, old, new in pairs]
    return Stats(*sums)


def averaged(total: Stats, steps: jax.Array) -> Stats:
    """Running sums over `steps` steps as means; maxima stay as they are."""
    means: list[Any] = [x if name in _PEAKS else x / steps for name, x in total._asdict().items()]
    return Stats(*means)


Weights = TypeVar("Weights")


def descend(
    optimiser: optax.GradientTransformation, slope: Weights, moments: Any, weights: Weights
) -> tuple[Weights, Any]:
    """Weights and the optimiser's moments after one step against the gradient `slope`."""
    # optax's signatures do not say that the weights keep their type.
    change, moments = optimiser.update(cast(Any, slope), moments)
    return cast(Any, optax.apply_updates)(weights, change), moments


def falling_rate(settings: Settings, updates: int) -> optax.Schedule | float:
    """Learning rate of a run of `updates` updates: constant, or falling linearly to `learning_rate_end` times it."""
    if settings.learning_rate_end == 1.0:
        return settings.learning_rate
    end = settings.learning_rate * settings.learning_rate_end
    return optax.linear_schedule(settings.learning_rate, end, updates)
