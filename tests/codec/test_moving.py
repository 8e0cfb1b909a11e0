"""The semantic layer: exact, ahead of the texture, and worth its bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.quality import f1_score, moving_map, still_background
from twinsync.errors import InputError


def test_the_mask_arrives_exactly_and_the_picture_takes_the_rest(street: np.ndarray) -> None:
    background = still_background(street)
    device, edge = CameraEncoder(), CameraDecoder()
    edge.decode(device.encode(street[0], 1.0)[1])
    device.acknowledge(0)
    moving = moving_map(street[1], background)
    revision, stream = device.encode(street[1], 0.005, moving=moving)
    assert len(stream) == 384
    picture = edge.decode(stream)
    assert np.array_equal(picture, device.decoded(revision))
    told = edge.twin.newest.moving
    assert told is not None
    assert np.array_equal(told, moving)
    assert f1_score(told, moving) > f1_score(moving_map(picture, background), moving)
    # The mask is ahead of everything else: half of the stream has it too.
    half = CameraDecoder()
    half.twin.keep(device.sent.at(0))
    half.decode(stream[:192])
    assert np.array_equal(half.twin.newest.moving, moving)


@pytest.mark.parametrize(
    "wrong", [lambda mask: 255 * mask.astype(np.uint8), lambda mask: mask[:-1], lambda mask: mask.T]
)
def test_a_mask_of_another_kind_or_shape_is_refused(street: np.ndarray, wrong: Callable[..., np.ndarray]) -> None:
    # Compiled code would read and write beyond its tables.
    mask = np.zeros(street[0].shape, bool)
    with pytest.raises(InputError, match="give booleans of its shape"):
        CameraEncoder().encode(street[0], 0.05, moving=wrong(mask))


def test_moving_map_by_hand() -> None:
    picture, background = np.full((6, 6), 100, np.uint8), np.full((6, 6), 100, np.uint8)
    picture[0, 0] = 200  # a speck: one of nine votes
    picture[2:5, 2:5] = 130  # a square of 3x3; its corners have 4 of 9 votes, its edges 6, its middle 9
    # The first vote leaves a plus. In the second its middle has 5 votes and stays, its arms have 4.
    assert np.argwhere(moving_map(picture, background)).tolist() == [[3, 3]]


def test_f1_by_hand() -> None:
    true, found = np.array([[1, 1, 1, 0]], bool), np.array([[1, 1, 0, 1]], bool)
    # Two right, one missed, one false: precision 2/3, recall 2/3.
    assert f1_score(found, true) == 2 / 3
    assert f1_score(np.zeros((1, 4), bool), np.zeros((1, 4), bool)) == 1.0
