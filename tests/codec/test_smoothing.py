"""The filter network in integers: by hand, and what it may touch."""

from __future__ import annotations

import numpy as np

from twinsync.codec.smoothing import FEATURES, HIDDEN, OUTPUTS, Network, convolve, no_network, smooth


def _scene() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (32, 48)).astype(np.uint8)
    busy = np.zeros((4, 6), np.uint8)
    busy[1, 2] = 4
    return picture, picture.astype(np.int32), picture.copy(), busy


def test_a_network_of_zeros_changes_nothing() -> None:
    picture, prediction, background, busy = _scene()
    assert np.array_equal(smooth(picture, prediction, background, busy, 64, no_network()), picture)


def test_only_blocks_that_were_sent_change() -> None:
    picture, prediction, background, busy = _scene()
    zeros = no_network()
    # A bias of one step in the last layer: 8192 is 1 in the layer's 1/256 of 1/32; a step of 64/16 = 4 grey levels.
    network = Network(*zeros[:5], np.full(OUTPUTS, 8192, np.int32))
    change = smooth(np.full_like(picture, 100), prediction, background, busy, 64, network).astype(int) - 100
    assert (change[8:16, 16:24] == 4).all()
    change[8:16, 16:24] = 0
    assert not change.any()


def test_convolution_is_the_sum_it_says() -> None:
    random = np.random.default_rng(1)
    inputs = np.zeros((7, 8, FEATURES), np.int16)
    inputs[1:-1, 1:-1] = random.integers(-127, 128, (5, 6, FEATURES))
    weight = random.integers(-300, 300, (9, FEATURES, HIDDEN)).astype(np.int32)
    bias = random.integers(-9000, 9000, HIDDEN).astype(np.int32)
    out = np.zeros((7, 8, HIDDEN), np.int16)
    convolve(inputs, weight, bias, np.ones((5, 6), np.uint8), 0, out)
    for i, j in ((0, 0), (2, 3), (4, 5)):
        window = inputs[i : i + 3, j : j + 3].reshape(9, FEATURES).astype(int)
        expected = (np.einsum("tc,tco->o", window, weight) + bias + 128) >> 8
        assert np.array_equal(out[i + 1, j + 1], np.clip(expected, 0, 127))
