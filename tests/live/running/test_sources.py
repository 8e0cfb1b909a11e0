"""What a device senses: clips, recorded series, a user's own code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Complaint

from twinsync.codec.ends import SERIES
from twinsync.live.running.sources import Clip, Cut, Sensor, absolute, check_size, find_source, warm_codecs


def folder_of(count: int, folder: Path) -> Path:
    for place in range(count):
        Image.fromarray(np.full((8, 16), place, np.uint8)).save(folder / f"{place}.png")
    return folder


def test_a_clip_runs_forth_and_back_without_a_jump(tmp_path: Path) -> None:
    clip = Clip(folder_of(4, tmp_path))
    assert [int(clip.at(slot)[0, 0]) for slot in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert clip.sensor.data_bits == 8 * 8 * 16


def test_a_single_picture_is_a_clip(tmp_path: Path) -> None:
    clip = Clip(folder_of(1, tmp_path))
    assert int(clip.at(7)[0, 0]) == 0


def test_the_sample_is_the_camera_unless_another_is_given() -> None:
    assert Clip(None).sensor.data_bits == 614_400
    assert find_source("sample").sensor == find_source(None).sensor


OWN = """
import numpy as np
def view(slot):
    return np.full((8, 16), slot, np.uint8)
class Fading:
    def __call__(self, slot):
        if slot == 2:
            raise OSError("unplugged")
        return np.full((8, 16 + slot), slot, np.uint8)
def swing(slot):
    return np.full((50, 3), slot, np.int16)
def long(slot):
    return np.zeros((300, 3), np.int16)
def colour(slot):
    return np.zeros((8, 16, 3), np.uint8)
nothing = 3
"""


def test_a_user_s_own_camera(tmp_path: Path, complains: Complaint, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    camera = find_source(f"{file}:view")
    assert camera.sensor.data_bits == 8 * 8 * 16
    assert int(camera.at(7)[0, 0]) == 7
    fading = find_source(f"{file}:Fading")
    swing = find_source(f"{file}:swing")
    assert swing.sensor == Sensor(SERIES, (50, 3))
    assert swing.sensor.data_bits == 16 * 50 * 3
    with complains("300 x 3 samples: at most 255 x 64"):
        find_source(f"{file}:long")
    with complains("slot 1 gave uint8 [8, 17], expected uint8 [8, 16]"):
        fading.at(1)
    with complains("slot 2", "OSError", "unplugged"):
        fading.at(2)
    with complains("slot 0 gave uint8 [8, 16, 3], expected uint8 [height, width] or int16"):
        find_source(f"{file}:colour")
    with complains("not a function"):
        find_source(f"{file}:nothing")
    with complains("nowhere: no such folder or file"):
        find_source("nowhere")
    monkeypatch.chdir(tmp_path)
    assert absolute("mine.py:view") == f"{file}:view"
    assert absolute("nowhere") == "nowhere"
    assert absolute("trace:mine.py") == f"trace:{file}"
    (tmp_path / "random").mkdir()
    assert absolute("random") == str(tmp_path / "random")
    assert absolute("random", ["random"]) == "random"  # a name wins over a folder that happens to be called so


def test_a_camera_that_an_installed_package_announces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "lens-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lens\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[twinsync.cameras]\nporch = lens_views:view\n")
    (tmp_path / "lens_views.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert absolute("porch") == "porch"
    assert int(find_source("porch").at(5)[0, 0]) == 5


def series(folder: Path, samples: int) -> str:
    file = folder / "walk.csv"
    file.write_text("x,y\n" + "".join(f"{0.5 * n},{-n}\n" for n in range(samples)))
    return str(file)


def test_each_device_begins_at_another_place_of_a_series(tmp_path: Path) -> None:
    source, cut = series(tmp_path, 45), Cut(10, 2.0)
    first, second = (find_source(source, cut, share) for share in (0.0, 0.5))
    assert first.sensor == Sensor(SERIES, (10, 2))
    assert first.sensor.data_bits == 320
    # Column x is n / 2, two counts a unit: the counts are n, and the five samples at the end fill no window.
    assert [int(first.at(slot)[0, 0]) for slot in range(5)] == [0, 10, 20, 30, 0]
    assert [int(second.at(slot)[0, 0]) for slot in range(5)] == [20, 30, 0, 10, 20]
    assert first.at(1).dtype == np.int16
    assert first.at(1)[3].tolist() == [13, -26]


def test_series_that_are_none_are_refused(tmp_path: Path, complains: Complaint) -> None:
    source = series(tmp_path, 45)
    with complains("45 samples fill no window of 64; give a shorter --window"):
        find_source(source)
    with complains("outside of 16 bits"):
        find_source(source, Cut(10, 1e6))
    with complains("nowhere.csv"):
        find_source("nowhere.csv")
    with complains("walk.csv: series 10 x 2 is 40 bytes, and a frame takes at least 60", "--window"):
        check_size(find_source(source, Cut(10)).sensor, "walk.csv")


def test_the_codecs_of_all_kinds_are_loaded() -> None:
    warm_codecs([Sensor(SERIES, (16, 3)), Sensor("camera", (48, 64))])
