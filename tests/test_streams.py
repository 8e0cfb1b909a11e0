"""Random streams by name."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twinsync.streams import Dice, _threefry, fold, normal, root_key, stream, uniform


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


def test_threefry_s_published_answers():
    # Known answers of Threefry-2x32-20 in the authors' Random123 library: key, counter, result.
    for key, counter, expected in (
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ):
        assert tuple(int(x) for x in _threefry(*map(jnp.uint32, (*key, *counter)))) == expected


def test_dice_of_many_keys_are_those_of_each():
    keys = jax.random.split(root_key(0), 3)
    together = Dice.of(keys, 4).throw(2, 7)
    for i, key in enumerate(keys):
        np.testing.assert_array_equal(np.array(together)[:, 4 * i : 4 * i + 4], Dice.of(key, 4).throw(2, 7))


@pytest.mark.parametrize("double", [False, True])
def test_throws_are_uniform_and_independent(double):
    with jax.enable_x64(double):
        dice = Dice.of(root_key(1), 20_000)
        draws = np.array([x for role, n in ((0, 0), (0, 1), (1, 0)) for x in dice.throw(role, n)])
    assert draws.dtype == (np.float64 if double else np.float32)
    assert 0 < draws.min() < draws.max() < 1
    for row in draws:
        assert stats.kstest(row, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(draws) - np.eye(6)).max() < 5 / np.sqrt(20_000)
    # Neighbouring dice, too.
    assert abs(np.corrcoef(draws[0, :-1], draws[0, 1:])[0, 1]) < 4 / np.sqrt(20_000)


def test_fold_is_jax_s_own_for_any_generator():
    for key in (root_key(3), jax.random.key(3, impl="rbg")):
        for number in (0, 7, 2**32 - 1):
            np.testing.assert_array_equal(bits(fold(key, number)), bits(jax.random.fold_in(key, jnp.uint32(number))))


def test_normal_draws_of_any_shape():
    draws = np.asarray(normal(root_key(2), (3, 5, 1001)))
    assert draws.shape == (3, 5, 1001)
    assert stats.kstest(draws.ravel(), "norm").pvalue > 1e-3
    # The two draws of a throw lie half the array apart.
    half = draws.size // 2
    assert abs(np.corrcoef(draws.ravel()[:half], draws.ravel()[half : 2 * half])[0, 1]) < 4 / np.sqrt(half)
    assert float(normal(root_key(2), ())) == pytest.approx(float(normal(root_key(2), (1,))[0]))
    share = stats.norm.cdf(draws)
    np.testing.assert_allclose(share, uniform(root_key(2), draws.shape), atol=1e-5)
