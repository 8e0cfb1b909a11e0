"""Revisions that a device numbers itself."""

from __future__ import annotations

import numpy as np
from tests.conftest import Complaint

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import FIRST, parse
from twinsync.codec.twin import KEPT


def test_a_revision_s_number_is_given_and_only_rises(scene: np.ndarray, complains: Complaint) -> None:
    device, edge = CameraEncoder(), CameraDecoder()
    device.number(41)
    revision, stream = device.encode(scene[0], 0.2)
    assert revision == 41
    edge.decode(stream)
    device.acknowledge(41)
    device.number(45)
    revision, stream = device.encode(scene[1], 0.2)
    assert revision == 45
    np.testing.assert_array_equal(edge.decode(stream), device.decoded(45))
    assert edge.twin.revisions == (41, 45)
    with complains("revision 45", "numbers only rise"):
        device.number(45)


def test_a_device_whose_acknowledged_revision_is_no_longer_kept_codes_alone() -> None:
    device, edge, picture = CameraEncoder(), CameraDecoder(), np.full((16, 16), 90, np.uint8)
    edge.decode(device.encode(picture, 0.2)[1])
    device.acknowledge(0)
    for _ in range(KEPT):  # all lost
        device.encode(picture, 0.2)
    revision, stream = device.encode(picture, 0.2)
    assert parse(stream).kind == FIRST
    edge.decode(stream)
    device.acknowledge(revision)
    assert parse(device.encode(picture, 0.2)[1]).reference == revision == KEPT + 1
