"""Device and edge agree; every stream has its size; what the edge lacks it says."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from twinsync.codec.camera import KEPT, CameraDecoder, CameraEncoder
from twinsync.codec.container import DamagedStream, MissingReference, OtherTables
from twinsync.codec.quality import psnr_db
from twinsync.codec.tables import shipped
from twinsync.errors import InputError


def _pair(scene: np.ndarray) -> tuple[CameraEncoder, CameraDecoder]:
    """Two ends that both hold the scene's first frame, exactly."""
    device, edge = CameraEncoder(), CameraDecoder()
    revision, stream = device.encode(scene[0], 1.0)
    edge.decode(stream)
    device.acknowledge(revision)
    return device, edge


@pytest.mark.parametrize("factor", [0.02, 0.1, 0.4, 1.0])
def test_both_ends_agree_frame_after_frame(scene: np.ndarray, factor: float) -> None:
    device, edge = _pair(scene)
    for frame in scene[1:]:
        revision, stream = device.encode(frame, factor)
        assert len(stream) == math.floor(factor * 8 * frame.size) // 8
        assert np.array_equal(edge.decode(stream), device.decoded(revision))
        device.acknowledge(revision)


def test_quality_rises_with_the_factor_and_one_is_exact(street: np.ndarray) -> None:
    quality = []
    for factor in (0.005, 0.02, 0.1, 1.0):
        device, _ = _pair(street)
        revision, _ = device.encode(street[1], factor)
        quality.append(psnr_db(device.decoded(revision), street[1]))
    assert quality == sorted(quality)
    assert quality[0] > 35
    assert quality[-1] == math.inf


def test_the_twin_is_worth_more_than_its_bytes(street: np.ndarray) -> None:
    """At a fiftieth of the raw bits, coding against the twin beats coding alone at a tenth."""
    device, _ = _pair(street)
    revision, _ = device.encode(street[1], 0.02)
    alone = CameraEncoder()
    alone.encode(street[1], 0.1)
    assert psnr_db(device.decoded(revision), street[1]) > psnr_db(alone.decoded(0), street[1])


@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (48, 80), (33, 100)])
def test_any_size_of_picture_and_any_factor_give_the_exact_size(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(shape[0])
    picture = random.integers(0, 256, shape).astype(np.uint8)
    device, edge = CameraEncoder(), CameraDecoder()
    for factor in random.uniform(20 / picture.size, 1, 8):
        revision, stream = device.encode(picture, float(factor))
        assert len(stream) == math.floor(factor * 8 * picture.size) // 8
        assert np.array_equal(edge.decode(stream), device.decoded(revision))
        device.acknowledge(revision)


def test_noise_at_factor_one_is_sent_as_it_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 48)).astype(np.uint8)
    device, edge = CameraEncoder(), CameraDecoder()
    _, stream = device.encode(noise, 1.0)
    assert stream == noise.tobytes()
    assert np.array_equal(edge.decode(stream, noise.shape), noise)


def test_first_contact_is_coded_alone_and_decodes(scene: np.ndarray) -> None:
    device, edge = CameraEncoder(), CameraDecoder()
    _, stream = device.encode(scene[0], 0.2)
    assert psnr_db(edge.decode(stream), scene[0]) > 30


def test_a_cut_stream_decodes_at_lower_quality(street: np.ndarray) -> None:
    device, _ = _pair(street)
    _, stream = device.encode(street[1], 0.05)
    quality = []
    for share in (0.02, 0.1, 0.3, 0.6, 1.0):
        _, edge = _pair(street)
        quality.append(psnr_db(edge.decode(stream[: int(share * len(stream))]), street[1]))
    assert quality == sorted(quality)
    assert quality[-1] > quality[0] + 5


def test_a_lost_slot_is_never_a_wrong_picture(scene: np.ndarray) -> None:
    device, edge = _pair(scene)
    device.encode(scene[1], 0.1)  # lost: the edge never sees it, the device never hears of it
    revision, stream = device.encode(scene[2], 0.1)
    assert np.array_equal(edge.decode(stream), device.decoded(revision))
    lost, _ = device.encode(scene[3], 0.1)
    device.acknowledge(lost)  # a device that believes wrongly
    _, stream = device.encode(scene[4], 0.1)
    with pytest.raises(MissingReference, match=f"revision {lost}, this decoder holds 0, 2") as caught:
        edge.decode(stream)
    assert caught.value.revision == lost
    device.forget()
    _, stream = device.encode(scene[4], 0.3)
    assert psnr_db(edge.decode(stream), scene[4]) > 25


def test_a_reference_of_the_same_number_and_other_samples_is_refused(scene: np.ndarray) -> None:
    device, _ = _pair(scene)
    _, other = _pair(scene[1:])
    _, stream = device.encode(scene[2], 0.1)
    with pytest.raises(MissingReference):
        other.decode(stream)


def test_older_references_still_serve(scene: np.ndarray) -> None:
    device, edge = _pair(scene)
    for frame in scene[1:4]:
        revision, stream = device.encode(frame, 0.1)
        edge.decode(stream)
        device.acknowledge(revision)
    revision, stream = device.encode(scene[4], 0.1, reference=1)
    assert np.array_equal(edge.decode(stream), device.decoded(revision))


def test_other_tables_are_refused_by_name(scene: np.ndarray) -> None:
    tables = shipped()
    changed = dataclasses.replace(tables, probability=tables.probability ^ 1)
    _, stream = CameraEncoder().encode(scene[0], 0.2)
    with pytest.raises(OtherTables, match="same release"):
        CameraDecoder(changed).decode(stream)


def test_an_end_keeps_a_bounded_number_of_revisions(scene: np.ndarray) -> None:
    device = CameraEncoder()
    for _ in range(KEPT + 3):
        device.encode(scene[0], 0.02)
    assert device.sent.revisions == tuple(range(3, KEPT + 3))
    with pytest.raises(MissingReference):
        device.acknowledge(0)


def test_too_few_bytes_for_a_header_are_refused(scene: np.ndarray) -> None:
    with pytest.raises(InputError, match="a stream has at least"):
        CameraEncoder().encode(scene[0], 0.002)


def test_bytes_that_are_no_stream() -> None:
    with pytest.raises(DamagedStream):
        CameraDecoder().decode(b"no stream at all")


def test_a_stream_of_raw_size_that_is_damaged_is_no_picture(scene: np.ndarray) -> None:
    shape = scene[0].shape
    device, edge = _pair(scene)
    _, stream = device.encode(scene[1], 1.0)
    with pytest.raises(MissingReference):
        CameraDecoder().decode(stream, shape)
    assert np.array_equal(edge.decode(stream, shape), scene[1])
    noise = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    noise[0, 0] = 0xFF  # begins no stream
    assert np.array_equal(edge.decode(noise.tobytes(), shape), noise)
