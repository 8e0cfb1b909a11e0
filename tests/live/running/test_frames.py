"""What a device's camera sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Complaint

from twinsync.live.running.frames import Clip, absolute_source, find_camera


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


OWN = """
import numpy as np
def view(slot):
    return np.full((8, 16), slot, np.uint8)
class Fading:
    def __call__(self, slot):
        if slot == 2:
            raise OSError("unplugged")
        return np.full((8, 16 + slot), slot, np.uint8)
def colour(slot):
    return np.zeros((8, 16, 3), np.uint8)
nothing = 3
"""


def test_a_user_s_own_camera(tmp_path: Path, complains: Complaint, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    camera = find_camera(f"{file}:view")
    assert camera.data_bits == 8 * 8 * 16
    assert int(camera.at(7)[0, 0]) == 7
    fading = find_camera(f"{file}:Fading")
    with complains("slot 1 gave uint8 [8, 17], expected uint8 [8, 16]"):
        fading.at(1)
    with complains("slot 2", "OSError", "unplugged"):
        fading.at(2)
    with complains("slot 0 gave uint8 [8, 16, 3], expected uint8 [height, width]"):
        find_camera(f"{file}:colour")
    with complains("not a function"):
        find_camera(f"{file}:nothing")
    with complains("nowhere: no such folder or file"):
        find_camera("nowhere")
    monkeypatch.chdir(tmp_path)
    assert absolute_source("mine.py:view") == f"{file}:view"
    assert absolute_source("nowhere") == "nowhere"


def test_a_camera_that_an_installed_package_announces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "lens-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lens\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[twinsync.cameras]\nporch = lens_views:view\n")
    (tmp_path / "lens_views.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert absolute_source("porch") == "porch"
    assert int(find_camera("porch").at(5)[0, 0]) == 5
