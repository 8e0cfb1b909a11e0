"""What a device's camera sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from twinsync.live.running.frames import Clip


def folder_of(count: int, folder: Path) -> Path:
    for place in range(count):
        Image.fromarray(np.full((8, 16), place, np.uint8)).save(folder / f"{place}.png")
    return folder


def test_a_clip_runs_forth_and_back_without_a_jump(tmp_path: Path) -> None:
    clip = Clip(folder_of(4, tmp_path))
    assert [int(clip.at(slot)[0, 0]) for slot in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert clip.data_bits == 8 * 8 * 16


def test_a_single_picture_is_a_clip(tmp_path: Path) -> None:
    clip = Clip(folder_of(1, tmp_path))
    assert int(clip.at(7)[0, 0]) == 0


def test_the_sample_is_the_camera_unless_another_is_given() -> None:
    assert Clip(None).data_bits == 614_400
