"""Random streams by name."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from twinsync.streams import root_key, stream


def bits(key) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))


def test_stream_is_its_name_s_crc32():
    # 0xADF3F363 is the CRC-32 of b"data", from its definition; it may not change between versions or processes.
    key = root_key(7)
    np.testing.assert_array_equal(bits(stream(key, "data")), bits(jax.random.fold_in(key, 0xADF3F363)))


def test_streams_differ_by_name_and_seed():
    keys = [stream(root_key(seed), name) for seed in (0, 1, 2**32 - 1) for name in ("data", "fading", "motion", "")]
    for a, b in itertools.combinations(keys, 2):
        assert not np.array_equal(bits(a), bits(b))


def test_streams_are_uncorrelated():
    key = root_key(0)
    a, b = (np.asarray(jax.random.normal(stream(key, name), (10_000,))) for name in ("data", "fading"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.04  # four standard errors


def test_same_seed_same_bits():
    draws = [np.asarray(jax.random.uniform(stream(root_key(3), "slot"), (100,))) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_seed_out_of_range(seed, complains):
    with complains("seed", str(seed), "[0, 4294967295]"):
        root_key(seed)
