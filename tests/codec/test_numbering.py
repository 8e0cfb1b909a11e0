"""Revisions that a device numbers itself."""

from __future__ import annotations

import numpy as np
from tests.conftest import Complaint

from twinsync.codec.camera import CameraDecoder, CameraEncoder


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
