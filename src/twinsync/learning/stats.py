"""What every learner tells of a stretch of training."""

from __future__ import annotations

from typing import NamedTuple

import jax


class Stats(NamedTuple):
    """Means over the slots and updates of a stretch; NaN where an algorithm has no such number."""

    reward: jax.Array
    critic_loss: jax.Array
    entropy: jax.Array
    alpha: jax.Array
