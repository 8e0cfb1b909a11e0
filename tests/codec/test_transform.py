"""The integer transform is the cosine transform, and its inverse undoes it."""

from __future__ import annotations

import math

import numpy as np

from twinsync.codec.transform import BASIS, ZIGZAG, forward, inverse


def test_basis_is_the_orthonormal_cosine_basis() -> None:
    for k in range(8):
        for n in range(8):
            scale = math.sqrt(1 / 8) if k == 0 else 0.5
            assert BASIS[k, n] == round(4096 * scale * math.cos((2 * n + 1) * k * math.pi / 16))


def test_a_flat_block_has_only_a_mean() -> None:
    # Orthonormal: the mean coefficient of 64 samples of 100 is 8 x 100, in 1/16: 12,800.
    out = np.empty((8, 8), np.int32)
    forward(np.full((8, 8), 100, np.int32), out)
    assert abs(out[0, 0] - 12_800) <= 4
    assert not out.ravel()[1:].any()


def test_inverse_gives_every_residual_back() -> None:
    random = np.random.default_rng(0)
    out, back = np.empty((8, 8), np.int32), np.empty((8, 8), np.int32)
    for scale in (1, 20, 255):
        for _ in range(200):
            block = random.integers(-scale, scale + 1, (8, 8)).astype(np.int32)
            forward(block, out)
            inverse(out, back)
            assert np.array_equal(back, block)


def test_the_scan_visits_every_place_from_low_to_high_frequency() -> None:
    assert sorted(ZIGZAG) == list(range(64))
    assert ZIGZAG[:6].tolist() == [0, 1, 8, 16, 9, 2]
    sums = [place // 8 + place % 8 for place in ZIGZAG]
    assert sums == sorted(sums)
