"""Streams once written decode to the same samples, on every machine and in every release with the same tables.

`python tests/codec/test_golden.py` writes them again, for a release that changes the format or the tables on purpose.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.sources import sample_frames

FOLDER = Path(__file__).parent / "golden"
FACTORS = (0.12, 0.005, 0.01, 0.05, 0.2, 1.0)


def _digest(picture: np.ndarray) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


def test_golden_streams_decode_to_the_same_samples() -> None:
    expected = json.loads((FOLDER / "samples.json").read_text("utf-8"))
    edge = CameraDecoder()
    for name, digest in expected.items():
        assert _digest(edge.decode((FOLDER / name).read_bytes())) == digest, name


def test_the_encoder_writes_the_golden_streams() -> None:
    device = CameraEncoder()
    for place, (factor, frame) in enumerate(zip(FACTORS, sample_frames(), strict=False)):
        revision, stream = device.encode(frame, factor)
        assert stream == (FOLDER / f"{place:05d}.twin").read_bytes()
        device.acknowledge(revision)


def write() -> None:
    """Write the streams and the digests of their samples."""
    FOLDER.mkdir(exist_ok=True)
    device, edge, digests = CameraEncoder(), CameraDecoder(), {}
    for place, (factor, frame) in enumerate(zip(FACTORS, sample_frames(), strict=False)):
        revision, stream = device.encode(frame, factor)
        device.acknowledge(revision)
        name = f"{place:05d}.twin"
        (FOLDER / name).write_bytes(stream)
        digests[name] = _digest(edge.decode(stream))
    (FOLDER / "samples.json").write_text(json.dumps(digests, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write()
