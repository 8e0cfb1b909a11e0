"""Replay memory: a ring of transitions, written in blocks of one parallel step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key
from twinsync.streams import Dice


class Transition(NamedTuple):
    """(s, a, r, s', done) of Algorithm 1, any leading batch; `done` is 1.0 where values stop.

    The reward is one number, or one part per device where the critic learns the parts.
    """

    observation: Float[jax.Array, "*b F"]
    action: Float[jax.Array, "*b A"]
    reward: Float[jax.Array, "*shape"]
    following: Float[jax.Array, "*b F"]
    done: Float[jax.Array, "*b"]


class Replay(NamedTuple):
    """The ring's storage, one row per transition."""

    rows: Transition


def empty_replay(capacity: int, observation_size: int, action_size: int, reward_shape: tuple[int, ...] = ()) -> Replay:
    """A ring for `capacity` transitions."""
    return Replay(
        Transition(
            jnp.zeros((capacity, observation_size)),
            jnp.zeros((capacity, action_size)),
            jnp.zeros((capacity, *reward_shape)),
            jnp.zeros((capacity, observation_size)),
            jnp.zeros(capacity),
        )
    )


def write(replay: Replay, block: Transition, step: jax.Array) -> Replay:
    """Write the block of parallel step number `step` (0, 1, ...); the capacity is a multiple of the block's length.

    The place follows from the step alone, so that under a vmap over seeds it stays one unbatched slice.
    """
    length, capacity = block.reward.shape[0], replay.rows.reward.shape[0]
    start = (step * length) % capacity
    return Replay(
        jax.tree.map(lambda ring, new: jax.lax.dynamic_update_slice_in_dim(ring, new, start, 0), replay.rows, block)
    )


def sample(key: Key, replay: Replay, written: jax.Array, batch_size: int) -> Transition:
    """A mini-batch, uniform over the rows written so far (`written` counts all, overwritten ones too)."""
    filled = jnp.minimum(written, replay.rows.reward.shape[0])
    # The remainder favours small rows by less than a part in a thousand, for rings of up to four million.
    index = Dice.of(key, batch_size).words(0)[0] % filled.astype(jnp.uint32)
    return jax.tree.map(lambda ring: ring[index], replay.rows)
