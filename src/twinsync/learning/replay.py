"""Replay memory: a ring buffer of transitions, written in blocks of one parallel step each."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key
from twinsync.streams import Dice


class Transition(NamedTuple):
    """(s, a, r, s', done) of Algorithm 1; `done` is 1.0 where values stop.

    reward: [*b], or [*b, K] if the critic learns each device's part; scaled as the critic sees it.
    """

    observation: Float[jax.Array, "*b F"]
    action: Float[jax.Array, "*b A"]
    reward: Float[jax.Array, "*shape"]
    following: Float[jax.Array, "*b F"]
    done: Float[jax.Array, "*b"]


class Replay(NamedTuple):
    """The buffer, one row per transition."""

    rows: Transition


def empty_replay(capacity: int, observation_size: int, action_size: int, reward_shape: tuple[int, ...] = ()) -> Replay:
    """A buffer of zeros for `capacity` transitions; `reward_shape` is that of one reward."""
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
    """Write the block of parallel step `step`, counted from 0. The capacity must be a multiple of the block's length.

    The position depends only on `step`, so that under a vmap over seeds the write stays one unbatched slice.
    """
    length, capacity = block.reward.shape[0], replay.rows.reward.shape[0]
    start = (step * length) % capacity
    return Replay(
        jax.tree.map(lambda ring, new: jax.lax.dynamic_update_slice_in_dim(ring, new, start, 0), replay.rows, block)
    )


def sample(key: Key, replay: Replay, written: jax.Array, batch_size: int) -> Transition:
    """A mini-batch, uniform over the rows that hold data; `written` counts all writes, including overwritten rows."""
    filled = jnp.minimum(written, replay.rows.reward.shape[0])
    # The remainder favours low rows by less than one part in a thousand for buffers of up to four million rows.
    index = Dice.of(key, batch_size).words(0)[0] % filled.astype(jnp.uint32)
    return jax.tree.map(lambda ring: ring[index], replay.rows)
