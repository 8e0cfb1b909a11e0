"""A small moving scene and the sample's frames, for all tests of the codec."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.codec.sources import sample_frames


@pytest.fixture(scope="session")
def scene() -> np.ndarray:
    """Six frames of 48 x 80: a textured background with a bright object that crosses it."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:48, :80]
    background = 110 + 30 * np.sin(rows / 7) + 20 * np.cos(columns / 5) + random.normal(0, 2, (48, 80))
    frames = []
    for step in range(6):
        frame = background + random.normal(0, 1, (48, 80))
        frame[14:34, 5 + 9 * step : 17 + 9 * step] = 210 + 8 * np.sin(rows[14:34, :12])
        frames.append(np.clip(np.rint(frame), 0, 255))
    return np.stack(frames).astype(np.uint8)


@pytest.fixture(scope="session")
def street() -> np.ndarray:
    """The street camera's frames."""
    return sample_frames()
