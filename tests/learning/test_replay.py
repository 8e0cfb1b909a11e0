"""The ring buffer: blocks in order, the oldest overwritten first, unwritten rows never sampled."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.learning.replay import Transition, empty_replay, sample, write


def _block(first: int, length: int = 2) -> Transition:
    numbers = jnp.arange(first, first + length, dtype=jnp.float32)
    return Transition(
        observation=jnp.stack([numbers, numbers + 0.25], -1),
        action=numbers[:, None] + 0.5,
        reward=numbers,
        following=jnp.stack([numbers + 1.0, numbers + 1.25], -1),
        done=jnp.zeros(length),
    )


def _filled(blocks: int):
    replay = jax.tree.map(lambda row: row * jnp.nan, empty_replay(6, 2, 1))
    for step in range(blocks):
        replay = write(replay, _block(2 * step), jnp.asarray(step))
    return replay


def test_ring_wraps_over_the_oldest() -> None:
    # Capacity 6, blocks 0-1, 2-3, 4-5, then 6-7 and 8-9 over the first two.
    np.testing.assert_array_equal(_filled(5).rows.reward, [6, 7, 8, 9, 4, 5])


def test_a_transition_stays_together() -> None:
    rows = _filled(5).rows
    np.testing.assert_array_equal(rows.observation[:, 0], rows.reward)
    np.testing.assert_array_equal(rows.action[:, 0], rows.reward + 0.5)
    np.testing.assert_array_equal(rows.following[:, 1], rows.reward + 1.25)


def test_samples_only_and_all_written_rows() -> None:
    batch = sample(jax.random.key(0), _filled(2), jnp.asarray(4), 1000)
    assert set(np.asarray(batch.reward)) == {0.0, 1.0, 2.0, 3.0}  # the rest of the ring is NaN
    np.testing.assert_array_equal(batch.action[:, 0], batch.reward + 0.5)


def test_a_wrapped_ring_is_sampled_whole() -> None:
    batch = sample(jax.random.key(0), _filled(5), jnp.asarray(10), 1000)
    assert set(np.asarray(batch.reward)) == {4.0, 5.0, 6.0, 7.0, 8.0, 9.0}


def test_sampling_is_uniform() -> None:
    counts = np.bincount(np.asarray(sample(jax.random.key(1), _filled(3), jnp.asarray(6), 60_000).reward, int))
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(10_000)
