"""What a live system knows of the codecs: both kinds behind one interface, and what they hold in a file and back."""

from __future__ import annotations

import io

import numpy as np
import pytest

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import DamagedStream, MissingReference
from twinsync.codec.ends import CAMERA, KINDS, SERIES, EdgeEnd, arrays_of, held_from, identity, kind_of, window_db
from twinsync.codec.series import Window

PICTURE = np.random.default_rng(1).integers(90, 130, (32, 48)).astype(np.uint8)
WINDOW = np.random.default_rng(2).integers(-900, 900, (32, 3)).astype(np.int16)
SAMPLES = {CAMERA: PICTURE, SERIES: WINDOW}
both = pytest.mark.parametrize("kind", [CAMERA, SERIES])


def later(sample: np.ndarray, by: int) -> np.ndarray:
    return np.roll(sample, by, axis=0)


@both
def test_revisions_and_references_are_the_caller_s(kind: str) -> None:
    device, edge, sample = KINDS[kind].device_end(), EdgeEnd(), SAMPLES[kind]
    for revision, reference in ((3, None), (10, 3), (11, 3), (60, 11), (61, None)):
        stream = device.encode(later(sample, revision), 90, revision, reference)
        assert len(stream) == 90
        assert kind_of(stream) == kind
        assert np.array_equal(edge.decode(stream, revision, reference), device.decoded(revision))
    assert edge.revisions == (3, 10, 11, 60, 61)


@both
def test_a_frame_that_names_something_else_is_refused(kind: str) -> None:
    device, edge = KINDS[kind].device_end(), EdgeEnd()
    edge.decode(device.encode(SAMPLES[kind], 90, 0), 0)
    stream = device.encode(SAMPLES[kind], 90, 1, 0)
    with pytest.raises(DamagedStream):
        edge.decode(stream, 1, None)
    with pytest.raises((MissingReference, DamagedStream)):
        edge.decode(stream, 1, 5)
    with pytest.raises(DamagedStream, match="begin no stream"):
        edge.decode(b"", 1, 0)


def test_a_device_may_become_another_kind_of_sensor() -> None:
    edge = EdgeEnd()
    edge.decode(KINDS[CAMERA].device_end().encode(PICTURE, 90, 0), 0)
    device = KINDS[SERIES].device_end()
    assert np.array_equal(edge.decode(device.encode(WINDOW, 90, 1), 1), device.decoded(1))
    # What the other codec made is no reference.
    device.twin.keep(Window(WINDOW, np.zeros((32, 3), np.int32), 0))
    with pytest.raises(MissingReference, match="revision 0"):
        edge.decode(device.encode(WINDOW, 90, 2, 0), 2, 0)
    with pytest.raises(MissingReference):
        edge.at(9)


@both
def test_what_is_held_survives_a_file(kind: str) -> None:
    device, edge = KINDS[kind].device_end(), EdgeEnd()
    edge.decode(device.encode(SAMPLES[kind], 90, 4), 4)
    edge.decode(device.encode(later(SAMPLES[kind], 1), 90, 6, 4), 6, 4)
    file = io.BytesIO()
    np.savez(file, **arrays_of(edge.at(6)))  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file) as arrays:
        restored = held_from(dict(arrays))
    assert restored is not None
    another = EdgeEnd()
    another.keep(restored)
    stream = device.encode(later(SAMPLES[kind], 2), 90, 7, 6)
    assert np.array_equal(another.decode(stream, 7, 6), device.decoded(7))
    arrays = arrays_of(edge.at(6))
    arrays["numbers"][0] ^= 1
    assert held_from(arrays) is None


def test_the_camera_s_streams_are_those_of_its_encoder() -> None:
    device, encoder, decoder = KINDS[CAMERA].device_end(), CameraEncoder(), CameraDecoder()
    first = device.encode(PICTURE, 300, 0)
    assert first == encoder.encode(PICTURE, (300 + 0.5) / PICTURE.size)[1]
    assert np.array_equal(decoder.decode(first), device.decoded(0))


def test_fidelity_by_hand() -> None:
    # Deviation from the mean 1 each, four in all; one error of 1: NMSE 0.25.
    true = np.array([[0], [2], [0], [2]], np.int16)
    assert window_db(true + np.array([[0], [0], [0], [1]], np.int16), true) == pytest.approx(6.0206, abs=1e-4)
    assert window_db(true, true) == 99.0
    still = np.full((4, 1), 7, np.int16)
    assert window_db(still, still) == 99.0
    assert window_db(still + np.int16(1), still) == -99.0
    # A tenth of all samples wrong by 255 grey levels: 10 dB.
    grey = np.zeros((10, 10), np.uint8)
    wrong = grey.copy()
    wrong[0] = 255
    assert KINDS[CAMERA].fidelity_db(wrong, grey) == pytest.approx(10.0)
    assert KINDS[CAMERA].fidelity_db(grey, grey) == 99.0


def test_both_ends_agree_on_the_tables_of_every_kind() -> None:
    assert [part.partition("-")[0] for part in identity().split()] == [CAMERA, SERIES]


def test_a_picture_larger_than_the_device_has_is_refused_before_it_is_decoded() -> None:
    device = KINDS[CAMERA].device_end()
    stream = device.encode(PICTURE, 90, 0)
    assert EdgeEnd(PICTURE.size).decode(stream, 0).shape == PICTURE.shape
    edge = EdgeEnd(PICTURE.size - 1)
    with pytest.raises(DamagedStream, match="a picture of 48x32 samples; this device's have at most 1535"):
        edge.decode(stream, 0)
    assert edge.revisions == ()
