"""What a device's camera sees in a slot: the frames of a clip, forth and back without end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.sources import read_frames, sample_frames

MOST_FRAMES = 600


class Clip:
    """A clip that runs forth and back, so that it never jumps."""

    def __init__(self, source: Path | None) -> None:
        """The sample that ships, or a folder of images or a video. Raises `InputError`."""
        self.frames: UInt8[np.ndarray, "frames h w"] = (
            sample_frames() if source is None else np.stack(list(read_frames(source, most=MOST_FRAMES)))
        )

    @property
    def data_bits(self) -> int:
        """Raw bits of a frame, D."""
        return 8 * self.frames[0].size

    def at(self, slot: int) -> UInt8[np.ndarray, "h w"]:
        """The frame of a slot."""
        last = len(self.frames) - 1
        if last == 0:
            return self.frames[0]
        place = slot % (2 * last)
        return self.frames[place if place <= last else 2 * last - place]
