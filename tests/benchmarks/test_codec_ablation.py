"""Each part left out makes another codec whose both ends still agree, and what is patched comes back."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.codec_ablation import PARTS, without

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.sources import sample_frames

FRAMES = np.ascontiguousarray(sample_frames()[:4, 90:138, 120:216])


def _streams() -> list[bytes]:
    device, edge = CameraEncoder(), CameraDecoder()
    streams = []
    for place, frame in enumerate(FRAMES):
        revision, stream = device.encode(frame, 0.06 if place else 1.0)
        assert np.array_equal(edge.decode(stream, frame.shape), device.decoded(revision))
        device.acknowledge(revision)
        streams.append(stream)
    return streams


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    """Streams of the whole codec."""
    return _streams()


@pytest.mark.parametrize("part", [part for part in PARTS if part != "half-sample motion"])  # that one compiles
def test_without_a_part(part: str, whole: list[bytes]) -> None:
    with without(part):
        assert _streams() != whole
    assert _streams() == whole
