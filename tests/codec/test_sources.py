"""Frames from a folder of images."""

from pathlib import Path

import numpy as np

from twinsync.codec.sources import read_frames, write_picture


def test_numbers_in_the_names_of_images_count_by_value(tmp_path: Path) -> None:
    for name, level in (("frame-10", 100), ("frame-9", 90), ("frame-9b", 91), ("a", 1), ("frame-09", 89)):
        write_picture(tmp_path / f"{name}.png", np.full((16, 16), level, np.uint8))
    assert [int(frame[0, 0]) for frame in read_frames(tmp_path)] == [1, 89, 90, 91, 100]
