"""A cycle as a moving picture: the same draws as an evaluation, one picture per slot, every format readable."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from twinsync.allocators.heuristics import EqualShare
from twinsync.experiments.animation import ages_at_slot_ends, cycle_pictures, cycle_positions_m, write_animation
from twinsync.experiments.evaluate import draw_slot_set
from twinsync.presets import load_scenario

SEED = 3


@pytest.fixture(scope="module")
def small():
    return load_scenario("paper", ["device_count=2", "slot_count=3", "cycle_s=3.6"])


@pytest.fixture(scope="module")
def pictures(small) -> list[np.ndarray]:
    return cycle_pictures(small, {"one": EqualShare(), "other": EqualShare()}, SEED)


def test_positions_are_those_of_the_slots_that_an_evaluation_judges(small) -> None:
    slots, _ = draw_slot_set(small, SEED, 0, small.slot_count)
    distance_m = np.linalg.norm(cycle_positions_m(small, SEED), axis=-1)
    np.testing.assert_allclose(distance_m, slots.distance_m, rtol=1e-6)


def test_a_picture_per_slot_with_the_allocators_one_above_the_other(small, pictures) -> None:
    assert len(pictures) == small.slot_count
    assert {picture.shape for picture in pictures} == {(1280, 1280, 3)}
    # Slots differ; the two panels, which the same allocator decides, differ in their titles alone.
    assert np.mean(pictures[0] != pictures[1]) > 0.01
    top, bottom = np.split(pictures[0], 2)
    assert np.array_equal(top[100:], bottom[100:])
    assert not np.array_equal(top[:100], bottom[:100])


def test_ages_by_hand() -> None:
    # tau = 1. First UD: the update of slot 0 arrives at 0.5, in slot 0: age 1 at its end; that of slot 1 at 2.5, in
    # slot 2, where it is 2 old at the end; that of slot 2 never. Second UD: nothing arrives, from age 1 at the start.
    latency_s = np.array([[0.5, np.inf], [1.5, np.inf], [np.inf, np.inf]])
    np.testing.assert_allclose(ages_at_slot_ends(latency_s, 1.0), [[1.0, 2.0], [2.0, 3.0], [2.0, 4.0]])


def test_a_gif_has_every_slot(tmp_path: Path, small, pictures) -> None:
    path = tmp_path / "cycle.gif"
    write_animation(path, pictures)
    with Image.open(path) as moving:
        assert (moving.n_frames, moving.size) == (small.slot_count, (960, 960))


def test_a_page_has_every_slot_and_fetches_nothing(tmp_path: Path, small, pictures) -> None:
    path = tmp_path / "cycle.html"
    write_animation(path, pictures)
    page = path.read_text("utf-8")
    assert page.count("data:image/png;base64,") == small.slot_count
    assert "http" not in page


def test_a_video_has_every_slot(tmp_path: Path, small, pictures) -> None:
    path = tmp_path / "cycle.mp4"
    write_animation(path, pictures)
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == 6 * small.slot_count  # each slot is shown for 0.6 s at ten frames per second


def test_another_suffix_is_refused(tmp_path: Path, pictures, complains) -> None:
    with complains("cycle.avi", ".gif, .html, .mp4"):
        write_animation(tmp_path / "cycle.avi", pictures)
    assert not list(tmp_path.iterdir())
