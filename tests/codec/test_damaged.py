"""Damaged and cut streams end in a picture or a named error. `python -m benchmarks.codec_fuzz` does 100,000 of them."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import StreamError

ROUNDS = 1500


def damage(stream: bytes, random: np.random.Generator) -> bytes:
    """The stream cut, with bits flipped, with bytes replaced, or random altogether."""
    kind = random.integers(5)
    if kind == 0:
        return stream[: random.integers(len(stream))]
    content = np.frombuffer(stream, np.uint8).copy()
    if kind == 1:
        content[random.integers(len(content), size=3)] ^= np.uint8(1 << random.integers(8))
    elif kind == 2:
        content[random.integers(4, 16)] = random.integers(256)
    elif kind == 3:
        start = random.integers(len(content))
        content[start:] = random.integers(0, 256, len(content) - start)
    else:
        content[8:] = random.integers(0, 256, len(content) - 8)
    return content.tobytes()


@pytest.mark.parametrize(("seed", "factor"), [(0, 0.05), (1, 0.02), (2, 0.6)])
def test_damage_ends_in_a_picture_or_a_named_error(scene: np.ndarray, seed: int, factor: float) -> None:
    random = np.random.default_rng(seed)
    device, edge = CameraEncoder(), CameraDecoder()
    edge.decode(device.encode(scene[0], 1.0)[1])
    device.acknowledge(0)
    _, stream = device.encode(scene[1], factor)
    pictures = 0
    for _ in range(ROUNDS // 3):
        try:
            picture = edge.decode(damage(stream, random))
        except StreamError:
            continue
        pictures += 1
        if picture.shape == scene[0].shape:
            edge.twin.keep(device.sent.at(0))  # whatever the damage made of it, revision 0 is what it was
    assert pictures > ROUNDS // 30
