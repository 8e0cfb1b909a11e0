"""What the learners share: the numbers of a stretch of training, one typed gradient step, and the learning rate."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar, cast

import jax
import jax.numpy as jnp
import optax

from twinsync.learning.settings import Settings


class Stats(NamedTuple):
    """Means over the slots and updates of a stretch, of `largest_*` the peaks; NaN where there is no such number.

    value_size: mean |Q| of the critic or of its targets, whichever is larger (PPO: mean |V|). largest_reward: of |r|.
    largest_bonus: of alpha |H|. These three are in the units that the critic learns in.
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
    """What `joined` starts from; `shapes` has the shape and type of each number."""
    start = {name: jnp.nan if name in _PEAKS else 0.0 for name in Stats._fields}
    return Stats(*(jnp.full(x.shape, start[name], x.dtype) for name, x in shapes._asdict().items()))


def joined(total: Stats, now: Stats) -> Stats:
    """Sums and peaks with one more step's numbers."""
    pairs = zip(Stats._fields, total, now, strict=True)
    sums: list[Any] = [jnp.fmax(old, new) if name in _PEAKS else old + new for name, old, new in pairs]
    return Stats(*sums)


def averaged(total: Stats, steps: jax.Array) -> Stats:
    """Sums over so many steps as means; peaks stay."""
    means: list[Any] = [x if name in _PEAKS else x / steps for name, x in total._asdict().items()]
    return Stats(*means)


Weights = TypeVar("Weights")


def descend(
    optimiser: optax.GradientTransformation, slope: Weights, moments: Any, weights: Weights
) -> tuple[Weights, Any]:
    """Weights after one step against `slope`, and the optimiser's moments after it."""
    # optax's own signatures do not know that weights keep their type.
    change, moments = optimiser.update(cast(Any, slope), moments)
    return cast(Any, optax.apply_updates)(weights, change), moments


def falling_rate(settings: Settings, updates: int) -> optax.Schedule | float:
    """The learning rate of a run of so many updates: constant, or falling linearly to its share at the end."""
    if settings.learning_rate_end == 1.0:
        return settings.learning_rate
    end = settings.learning_rate * settings.learning_rate_end
    return optax.linear_schedule(settings.learning_rate, end, updates)
