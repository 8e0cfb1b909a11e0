"""The edge's state machine, event by event."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.edge import TAKEN, Edge
from twinsync.live.protocol.frame import ALONE, Header, pack

CLOCK = Clock(0.0, 1.0, 0.25)
GRANTED = say.Allocation(0.5, 1e9, 0.1, 2e9)
DATA_BITS = 1600.0  # at phi = 0.5, frames of 100 bytes
Kind = TypeVar("Kind", bound=do.Effect)


def only(effects: list[do.Effect], kind: type[Kind]) -> Kind:
    """The one effect of a kind."""
    matching = [effect for effect in effects if isinstance(effect, kind)]
    assert len(matching) == 1, effects
    return matching[0]


def sent(effects: list[do.Effect]) -> list[say.Message]:
    """The messages among effects."""
    return [effect.message for effect in effects if isinstance(effect, do.Send)]


def birth(session: int, thing: str = "cell:0", acknowledged: int = ALONE) -> say.Birth:
    return say.Birth(thing, session, "camera", ("camera",), acknowledged)


def report(session: int, slot: int, thing: str = "cell:0") -> say.Report:
    return say.Report(thing, session, slot, 50.0, DATA_BITS, float(slot), "camera", 40.5)


def frame(session: int, slot: int, revision: int, reference: int = ALONE, size: int = 56) -> do.Received:
    return do.Received("cell:0", pack(Header(session, slot, revision, reference, 0.5, 0.0), bytes(size)))


def edge_with(*sessions: int, newest: dict[str, int] | None = None) -> Edge:
    edge = Edge(("cell:0", "cell:1"), newest or {}, 9, "camera", CLOCK)
    for session in sessions:
        edge.handle(birth(session), 0.0)
    return edge


def open_slot(edge: Edge, slot: int) -> list[do.Effect]:
    return edge.handle(do.TimerFired("open", slot), float(slot))


def granted(edge: Edge, slot: int, session: int = 1) -> list[do.Effect]:
    open_slot(edge, slot)
    decide = only(edge.handle(report(session, slot), slot + 0.01), do.Decide)
    assert decide.sights == {"cell:0": do.Sight(50.0, DATA_BITS, "camera", 40.5)}
    return edge.handle(do.Decided(slot, {"cell:0": GRANTED}), slot + 0.02)


def test_a_slot_from_report_to_acknowledgement() -> None:
    edge = edge_with(1, newest={"cell:0": 4})
    assert sent(granted(edge, 0)) == [say.Desired("cell:0", 1, 0, GRANTED, ALONE)]
    recover = only(edge.handle(frame(1, 0, 5), 0.5), do.Recover)
    assert (recover.revision, recover.reference, recover.edge_cpu_hz) == (5, ALONE, 2e9)
    commit = only(edge.handle(do.Recovered("cell:0", 1, 0, 5, b"{}"), 0.6), do.Commit)
    assert [(write.revision, write.previous, write.slot) for write in commit.writes] == [(5, 4, 0)]
    assert sent(edge.handle(do.Committed(commit.writes), 0.7)) == [say.Acknowledged("cell:0", 1, 0, 5)]
    ended = only(edge.handle(do.TimerFired("close", 0), 1.25), do.SlotEnded)
    assert ended.outcomes == {"cell:0": "committed"}


def test_the_next_slot_opens_whatever_the_last_one_waits_for() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    effects = open_slot(edge, 1)
    assert sent(effects) == [say.Opened(9, 1)]
    assert only(edge.handle(do.TimerFired("close", 0), 1.25), do.SlotEnded).outcomes == {"cell:0": "not received"}


def test_a_frame_past_the_end_of_its_slot_is_dropped() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    open_slot(edge, 1)
    edge.handle(do.TimerFired("close", 0), 1.25)
    assert edge.handle(frame(1, 0, 0), 1.3) == []


def test_no_reference_but_a_committed_one() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    effects = edge.handle(frame(1, 0, 3, reference=2), 0.5)
    assert sent(effects) == [say.Rejected("cell:0", 1, 0, 3, "reference 2 is not held", ())]


def test_a_replayed_frame_and_one_too_large_change_nothing() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    assert "exceeds what phi allows" in only(edge.handle(frame(1, 0, 0, size=57), 0.4), do.Log).text
    only(edge.handle(frame(1, 0, 0), 0.5), do.Recover)
    assert edge.handle(frame(1, 0, 0), 0.5) == []


def test_a_birth_alone_displaces_nobody() -> None:
    """A birth may be an echo of a session that died; who reports lives."""
    edge = edge_with(1, 2)
    granted(edge, 0, session=2)
    assert sent(edge.handle(birth(3), 0.5))[0] == say.Welcome("cell:0", 3, 9, -1, ())
    only(edge.handle(frame(2, 0, 0), 0.5), do.Recover)


def test_of_two_devices_with_one_identity_the_older_is_told_to_stop() -> None:
    edge = edge_with(1, 2)
    open_slot(edge, 0)
    edge.handle(report(2, 0), 0.01)
    edge.handle(do.TimerFired("decide", 0), 0.1)
    open_slot(edge, 1)
    effects = edge.handle(report(1, 1), 1.01)
    assert sent(effects) == [say.Refused("cell:0", 1, TAKEN)]
    assert only(effects, do.Log).text == f"cell:0 refused: {TAKEN}"


def test_unknown_things_and_other_codecs_are_refused() -> None:
    edge = edge_with()
    (stranger,) = sent(edge.handle(birth(1, "cell:7"), 0.0))
    assert stranger == say.Refused("cell:7", 1, "this cell has no such thing")
    (other,) = sent(edge.handle(say.Birth("cell:0", 1, "lidar", (), ALONE), 0.0))
    assert isinstance(other, say.Refused)
    assert "both ends need the same release" in other.reason


def test_a_device_that_knows_more_than_the_store_is_noticed() -> None:
    edge = edge_with(newest={"cell:0": 4})
    effects = edge.handle(birth(1, acknowledged=6), 0.0)
    assert only(effects, do.Log).text == "cell:0 holds revision 6, the store ends at 4"
    assert sent(effects)[0] == say.Welcome("cell:0", 1, 9, 6, ())


def test_a_full_disk_misses_the_slot_and_goes_on() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    edge.handle(frame(1, 0, 0), 0.5)
    commit = only(edge.handle(do.Recovered("cell:0", 1, 0, 0, b""), 0.6), do.Commit)
    effects = edge.handle(do.NotCommitted(commit.writes, "no space left"), 0.7)
    assert [type(effect) for effect in effects] == [do.Log]
    open_slot(edge, 1)
    assert only(edge.handle(do.TimerFired("close", 0), 1.25), do.SlotEnded).outcomes == {"cell:0": "not committed"}


def test_an_edge_that_finds_another_one_writing_stops() -> None:
    edge = edge_with(1)
    effects = edge.handle(do.NotCommitted((), "revision 3 after 1", conflict=True), 0.7)
    assert only(effects, do.Stop).reason == "revision 3 after 1"


def test_an_edge_that_overslept_skips_to_the_present_slot() -> None:
    edge = edge_with(1)
    effects = edge.handle(do.TimerFired("open", 2), 4.3)
    assert [effect.slot for effect in effects if isinstance(effect, do.SlotEnded)] == [2, 3]
    assert sent(effects) == [say.Opened(9, 4)]


def test_a_start_that_goes_on_opens_no_slot_that_is_over() -> None:
    # Between slots 6 and 7 the next to begin is 7, but an earlier start has stored slot 8.
    assert only(edge_with().start(6.5), do.SetTimer).slot == 7
    timer = only(edge_with().start(6.5, 9), do.SetTimer)
    assert (timer.slot, timer.at_s) == (9, 9.0)
    assert only(edge_with().start(20.5, 9), do.SetTimer).slot == 21


def test_an_older_state_that_is_recovered_after_a_newer_one_was_stored_is_left() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    only(edge.handle(frame(1, 0, 0), 0.9), do.Recover)
    granted(edge, 1)
    only(edge.handle(frame(1, 1, 1), 1.1), do.Recover)
    commit = only(edge.handle(do.Recovered("cell:0", 1, 1, 1, b"{}"), 1.15), do.Commit)
    # Recovered while the newer one's transaction is under way, then after it.
    assert edge.handle(do.Recovered("cell:0", 1, 0, 0, b"{}"), 1.17) == []
    assert sent(edge.handle(do.Committed(commit.writes), 1.2)) == [say.Acknowledged("cell:0", 1, 1, 1)]
    assert edge.stop() == []
    granted(edge, 2)
    assert only(edge.handle(frame(1, 2, 2), 2.1), do.Recover).revision == 2
    later = only(edge.handle(do.Recovered("cell:0", 1, 2, 2, b"{}"), 2.2), do.Commit)
    assert [(write.revision, write.previous) for write in later.writes] == [(2, 1)]


def test_a_frame_without_a_time_is_refused() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    timeless = do.Received("cell:0", pack(Header(1, 0, 0, ALONE, 0.5, float("nan")), bytes(56)))
    log = only(edge.handle(timeless, 0.5), do.Log)
    assert "without the time of its data" in log.text
    assert only(edge.handle(frame(1, 0, 0), 0.6), do.Recover).revision == 0


def test_births_that_never_report_do_not_displace_the_session_that_lives() -> None:
    edge = edge_with(1)
    granted(edge, 0)
    for session in range(2, 40):
        edge.handle(birth(session), 0.5)
    granted(edge, 1)
    assert len(edge.members["cell:0"].births) == 16


def test_a_report_of_a_size_that_no_sensor_has_is_dropped() -> None:
    edge = edge_with(1)
    open_slot(edge, 0)
    for data_bits in (0.0, 1e300):
        huge = msgspec.structs.replace(report(1, 0), data_bits=data_bits)
        assert only(edge.handle(huge, 0.01), do.Log).dropped_from == "cell:0"
    assert only(edge.handle(report(1, 0), 0.02), do.Decide).slot == 0
