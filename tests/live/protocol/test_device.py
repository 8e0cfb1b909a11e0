"""The device's state machine, event by event."""

from __future__ import annotations

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.device import Device
from twinsync.live.protocol.frame import ALONE, parse

GRANTED = say.Allocation(0.5, 1e9, 0.1, 2e9)


def welcomed(highest: int = -1) -> Device:
    device = Device("cell:0", 1, "camera", ("camera",), retry_s=1.0)
    device.start(0.0)
    device.handle(say.Welcome("cell:0", 1, 9, highest, ()), 0.1)
    return device


def extracting(device: Device, slot: int, acknowledged: int = ALONE) -> list[do.Effect]:
    """A slot up to its extraction."""
    assert device.handle(say.Opened(9, slot), slot) == [do.Sense(slot)]
    device.handle(do.Observed(slot, 50.0, 1600.0, 5.0), slot)
    assert device.handle(do.Sensed(slot, 0.2), slot + 0.2) == []
    return device.handle(say.Desired("cell:0", 1, slot, GRANTED, acknowledged), slot + 0.2)


def transmitting(device: Device, slot: int, revision: int, reference: int = ALONE) -> list[do.Effect]:
    return device.handle(do.Extracted(slot, revision, reference, bytes(56), 0.1, 1e8), slot + 0.3)


def test_a_slot_from_its_opening_to_the_report_of_what_was_applied() -> None:
    device = welcomed(highest=4)
    assert extracting(device, 0) == [do.Extract(0, 5, ALONE, 56, 1e9)]
    (transmit,) = transmitting(device, 0, 5)
    assert isinstance(transmit, do.Transmit)
    header, stream = parse(transmit.frame)
    assert (header.slot, header.revision, header.reference, header.bits) == (0, 5, ALONE, 800)
    assert len(stream) == 56
    (reported,) = device.handle(do.Sent(0, 0.4), 0.7)
    assert reported == do.Send(say.Reported("cell:0", 1, 0, 5, GRANTED, 0.2, 0.1, 1e8, 0.4))


def test_only_an_acknowledged_revision_is_a_reference() -> None:
    device = welcomed()
    extracting(device, 0)
    transmitting(device, 0, 0)
    device.handle(do.Sent(0, 0.1), 0.5)
    assert extracting(device, 1) == [do.Extract(1, 1, ALONE, 56, 1e9)]
    transmitting(device, 1, 1)
    assert device.handle(say.Acknowledged("cell:0", 1, 1, 1), 1.5) == [do.UseReference(1, 1)]
    device.handle(do.Sent(1, 0.1), 1.5)
    assert extracting(device, 2) == [do.Extract(2, 2, 1, 56, 1e9)]


def test_a_report_says_how_good_the_state_is_that_the_next_frame_builds_on() -> None:
    device = welcomed()
    device.handle(say.Opened(9, 0), 0.0)
    (first,) = device.handle(do.Observed(0, 50.0, 1600.0, 5.0), 0.0)
    assert first == do.Send(say.Report("cell:0", 1, 0, 50.0, 1600.0, 5.0, "camera", 0.0))
    device.handle(do.Sensed(0, 0.2), 0.2)
    device.handle(say.Desired("cell:0", 1, 0, GRANTED, ALONE), 0.2)
    device.handle(do.Extracted(0, 0, ALONE, bytes(56), 0.1, 1e8, fidelity_db=31.5), 0.3)
    device.handle(do.Sent(0, 0.1), 0.5)
    device.handle(say.Opened(9, 1), 1.0)
    (unacknowledged,) = device.handle(do.Observed(1, 50.0, 1600.0, 6.0), 1.0)
    assert unacknowledged.message.twin_db == 0.0
    device.handle(say.Acknowledged("cell:0", 1, 0, 0), 1.5)
    device.handle(say.Opened(9, 2), 2.0)
    (acknowledged,) = device.handle(do.Observed(2, 50.0, 1600.0, 7.0), 2.0)
    assert acknowledged.message.twin_db == 31.5


def test_a_lost_acknowledgement_comes_with_the_next_allocation() -> None:
    device = welcomed()
    extracting(device, 0)
    transmitting(device, 0, 0)
    device.handle(do.Sent(0, 0.1), 0.5)
    assert extracting(device, 1, acknowledged=0) == [do.UseReference(0, 0), do.Extract(1, 1, 0, 56, 1e9)]


def test_a_newer_slot_supersedes_unfinished_work() -> None:
    device = welcomed()
    extracting(device, 0)
    transmitting(device, 0, 0)
    assert extracting(device, 1) == [do.Abandon(0), do.Extract(1, 1, ALONE, 56, 1e9)]
    assert device.handle(do.Sent(0, 1.0), 1.3) == []


def test_another_edge_holds_nothing() -> None:
    device = welcomed()
    extracting(device, 0)
    transmitting(device, 0, 0)
    device.handle(say.Acknowledged("cell:0", 1, 0, 0), 0.5)
    (born,) = device.handle(say.Opened(10, 1), 1.0)
    assert born == do.Send(say.Birth("cell:0", 1, "camera", ("camera",), 0))
    device.handle(say.Welcome("cell:0", 1, 10, 0, ()), 1.1)
    assert device.acknowledged == ALONE


def test_a_birth_is_repeated_until_it_is_answered() -> None:
    device = Device("cell:0", 1, "camera", ("camera",), retry_s=1.0)
    assert any(isinstance(effect, do.Send) for effect in device.handle(do.TimerFired("birth", 0), 1.0))
    device.handle(say.Welcome("cell:0", 1, 9, -1, ()), 1.1)
    assert device.handle(do.TimerFired("birth", 0), 2.0) == [do.SetTimer("birth", 0, 3.0)]


def test_refused_means_stop() -> None:
    device = welcomed()
    assert device.handle(say.Refused("cell:0", 2, "another session's"), 0.2) == []
    assert device.handle(say.Refused("cell:0", 1, "taken"), 0.2) == [do.Stop("taken")]


def test_a_factor_that_leaves_no_room_for_a_stream_is_logged() -> None:
    device = welcomed()
    device.handle(say.Opened(9, 0), 0.0)
    device.handle(do.Observed(0, 50.0, 400.0, 5.0), 0.0)
    device.handle(do.Sensed(0, 0.2), 0.2)
    (log,) = device.handle(say.Desired("cell:0", 1, 0, GRANTED, ALONE), 0.2)
    assert isinstance(log, do.Log)
    assert "too few for a stream" in log.text


def test_what_was_coded_may_be_less_than_granted_and_is_what_is_reported() -> None:
    device = welcomed()
    extracting(device, 0)
    (transmit,) = device.handle(do.Extracted(0, 0, ALONE, bytes(16), 0.1, 1e8), 0.3)
    assert isinstance(transmit, do.Transmit)
    # A header of 44 bytes and 16 of the stream are 480 bits of 1600.
    assert parse(transmit.frame)[0].extraction_factor == 0.3
    (send,) = device.handle(do.Sent(0, 0.4), 0.7)
    assert isinstance(send, do.Send)
    assert isinstance(send.message, say.Reported)
    assert send.message.applied == say.Allocation(0.3, 1e9, 0.1, 2e9)


def test_a_reference_that_the_codec_has_no_more_is_not_taken_again() -> None:
    device = welcomed()
    extracting(device, 0)
    transmitting(device, 0, 0)
    device.handle(do.Sent(0, 0.1), 0.5)
    extract = extracting(device, 1, acknowledged=0)[-1]
    assert extract == do.Extract(1, 1, 0, 56, 1e9)
    device.handle(do.ExtractionFailed(1, "revision 0 is not held"), 1.3)
    # The edge still holds it and names it with each allocation.
    assert extracting(device, 2, acknowledged=0) == [do.Extract(2, 2, ALONE, 56, 1e9)]
