"""The edge's state machine. It knows neither sockets nor clocks: events and the time go in, effects come out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.effects import Effect, Event
from twinsync.live.protocol.frame import ALONE, Header, ProtocolError, frame_bytes, parse

HELD = 8  # committed revisions of a twin that a device may code against, the newest
REMEMBERED = 16  # sessions of a device, the newest
MOST_BITS, MOST_M = 1e12, 1e9  # of a report
GONE = -1  # place in the order of births of a session that said farewell

# Where a device's slot stands; the last two are how it ends when nothing goes wrong on the way.
NO_REPORT, NO_ALLOCATION, NOT_RECEIVED = "no report", "no allocation", "not received"
NOT_RECOVERED, NOT_COMMITTED, COMMITTED = "not recovered", "not committed", "committed"

TAKEN = "another device has taken this identity"


class Member(msgspec.Struct):
    """What the edge knows of a device that was born."""

    newest: int  # revision in the store, -1 for none
    highest: int  # revision ever taken from the device
    held: list[int]  # committed, and at hand to decode against
    births: dict[int, int]  # sessions, and in which order they were born
    session: int = -1  # the one that takes part: the last born that has reported, -1 before any has


class Slot(msgspec.Struct):
    """One open slot."""

    stages: dict[str, str]  # of each device that was there when it opened
    sights: dict[str, do.Sight]
    allocations: dict[str, say.Allocation]
    deciding: bool = False


class Edge:
    """The edge of one cell.

    Every slot opens at its time, whatever the earlier ones wait for. What is recovered is committed in one transaction:
    when all devices of a slot are done, or when the next slot opens; what comes later, at once. Nothing is acknowledged
    before it is committed. At most one transaction is under way; of what waits for it a twin's newest state wins.
    """

    def __init__(
        self,
        things: Sequence[str],
        newest: Mapping[str, int],
        session: int,
        codec: str,
        clock: Clock,
        held: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """`newest`: the revisions in the store. `held`: those of them that can be decoded against, in rising order."""
        self.things = tuple(things)
        self.session = session
        self.codec = codec
        self.clock = clock
        self.members: dict[str, Member] = {}
        self.slots: dict[int, Slot] = {}
        self._stored = dict(newest)
        self._held = dict(held or {})
        self._open = -1
        self._ready: dict[str, do.Write] = {}
        self._headers: dict[tuple[str, int], Header] = {}
        self._committing = False
        self._births = 0

    def handle(self, event: Event | say.Message, now_s: float) -> list[Effect]:
        """What follows from an event at a time."""
        name = _HANDLERS.get(type(event))
        return [] if name is None else getattr(self, name)(event, now_s)

    def start(self, now_s: float, first_slot: int = 0) -> list[Effect]:
        """The first effects: the next slot that begins is the first one, none before `first_slot`."""
        slot = max(self.clock.slot_at(now_s) + 1, first_slot)
        return [do.SetTimer("open", slot, self.clock.opens_s(slot))]

    @property
    def newest_slot(self) -> int:
        """The slot that opened last, -1 before the first."""
        return self._open

    @property
    def committing(self) -> bool:
        """Whether a transaction is under way."""
        return self._committing

    def stop(self) -> list[Effect]:
        """The last effects: what is recovered is committed, unless a transaction is under way."""
        return self._commit()

    # Births

    def _birth(self, message: say.Birth, now_s: float) -> list[Effect]:
        trouble = self._trouble(message)
        if trouble:
            return self._refuse(message.thing, message.session, trouble)
        effects: list[Effect] = []
        if message.thing not in self.members:
            newest = self._stored.get(message.thing, -1)
            self.members[message.thing] = Member(
                newest, max(newest, message.acknowledged), list(self._held.get(message.thing, ())), {}
            )
            if message.acknowledged > newest:
                lost = f"{message.thing} holds revision {message.acknowledged}, the store ends at {newest}"
                effects.append(do.Log(lost))
        member = self.members[message.thing]
        if message.session not in member.births:
            self._births += 1
            member.births[message.session] = self._births
            if len(member.births) > REMEMBERED:
                others = [session for session in member.births if session != member.session]
                del member.births[min(others, key=member.births.__getitem__)]
        welcome = say.Welcome(message.thing, message.session, self.session, member.highest, tuple(member.held))
        return [*effects, do.Send(welcome)]

    def _trouble(self, message: say.Birth) -> str:
        if message.thing not in self.things:
            return "this cell has no such thing"
        if message.codec != self.codec:
            return f"codec {message.codec} there, {self.codec} here; both ends need the same release"
        member = self.members.get(message.thing)
        return "" if member is None or self._in_turn(member, message.session, True) else TAKEN

    def _refuse(self, thing: str, session: int, reason: str) -> list[Effect]:
        return [do.Send(say.Refused(thing, session, reason)), do.Log(f"{thing} refused: {reason}")]

    def _in_turn(self, member: Member, session: int, unborn: bool) -> bool:
        """Whether a session is the one that takes part, or may become it: only one born later may."""
        if session not in member.births:
            return unborn
        return member.births[session] >= max(0, member.births.get(member.session, 0))

    def _take_part(self, thing: str, member: Member, session: int) -> None:
        """A session has shown that it lives: a birth alone may be an echo of one that died since."""
        if member.session == session:
            return
        member.session = session
        self._drop_work(thing)

    def _drop_work(self, thing: str) -> None:
        """What a former session has not sent will not come. What is recovered is still committed."""
        for slot in self.slots.values():
            if slot.stages.get(thing) in (NO_REPORT, NO_ALLOCATION, NOT_RECEIVED, NOT_RECOVERED):
                slot.stages[thing] = NO_REPORT
                slot.sights.pop(thing, None)
                slot.allocations.pop(thing, None)

    def _farewell(self, message: say.Farewell, now_s: float) -> list[Effect]:
        member = self.members.get(message.thing)
        if member is None or message.session not in member.births:
            return []
        member.births[message.session] = GONE
        if member.session == message.session:
            member.session = -1
            self._drop_work(message.thing)
        return [do.Log(f"{message.thing} left")]

    # The slot

    def _timer(self, event: do.TimerFired, now_s: float) -> list[Effect]:
        if event.name == "open":
            return self._open_slot(event.slot, now_s)
        if event.slot not in self.slots:
            return []
        return self._decide(event.slot) if event.name == "decide" else self._close(event.slot)

    def _open_slot(self, due: int, now_s: float) -> list[Effect]:
        slot = max(due, self.clock.slot_at(now_s))
        effects: list[Effect] = [do.SetTimer("open", slot + 1, self.clock.opens_s(slot + 1))]
        present = [thing for thing, member in self.members.items() if max(member.births.values()) > GONE]
        for missed in range(due, slot):
            effects.append(do.SlotEnded(missed, dict.fromkeys(present, "the edge was late")))
        self._open = slot
        self.slots[slot] = Slot(dict.fromkeys(present, NO_REPORT), {}, {})
        effects.append(do.Send(say.Opened(self.session, slot)))
        effects.append(do.SetTimer("decide", slot, self.clock.decides_s(slot)))
        effects.append(do.SetTimer("close", slot, self.clock.closes_s(slot)))
        return effects + self._commit()

    def _report(self, message: say.Report, now_s: float) -> list[Effect]:
        slot, member = self.slots.get(message.slot), self.members.get(message.thing)
        if slot is None or slot.deciding or member is None or message.thing not in slot.stages:
            return []
        if not self._in_turn(member, message.session, False):
            return self._refuse(message.thing, message.session, TAKEN) if message.session in member.births else []
        self._take_part(message.thing, member, message.session)
        if slot.stages[message.thing] != NO_REPORT:
            return []
        if not (0.0 < message.data_bits <= MOST_BITS and 0.0 <= message.distance_m <= MOST_M):
            return [do.Log(f"a report of {message.data_bits:g} bit at {message.distance_m:g} m", message.thing)]
        slot.stages[message.thing] = NO_ALLOCATION
        slot.sights[message.thing] = do.Sight(message.distance_m, message.data_bits, message.kind, message.twin_db)
        return self._decide(message.slot) if len(slot.sights) == len(slot.stages) else []

    def _decide(self, number: int) -> list[Effect]:
        slot = self.slots[number]
        if slot.deciding or not slot.sights:
            return []
        slot.deciding = True
        return [do.Decide(number, dict(slot.sights))]

    def _decided(self, event: do.Decided, now_s: float) -> list[Effect]:
        slot = self.slots.get(event.slot)
        if slot is None or event.slot != self._open:
            return []  # the next slot has begun: nobody would start on this one
        effects: list[Effect] = []
        for thing, allocation in event.allocations.items():
            if slot.stages.get(thing) != NO_ALLOCATION:
                continue
            member = self.members[thing]
            slot.stages[thing] = NOT_RECEIVED
            slot.allocations[thing] = allocation
            reference = max(member.held, default=ALONE)
            effects.append(do.Send(say.Desired(thing, member.session, event.slot, allocation, reference)))
        return effects

    def _close(self, number: int) -> list[Effect]:
        slot = self.slots.pop(number)
        for thing in slot.stages:
            self._headers.pop((thing, number), None)
        return [do.SlotEnded(number, slot.stages)]

    # Twins

    def _received(self, event: do.Received, now_s: float) -> list[Effect]:
        try:
            header, stream = parse(event.frame)
        except ProtocolError as error:
            return [do.Log(str(error), event.thing)]
        member, slot = self.members.get(event.thing), self.slots.get(header.slot)
        if member is None or member.session != header.session:
            return [do.Log(f"a frame of slot {header.slot} from a session that is not the device's", event.thing)]
        if slot is None or slot.stages.get(event.thing) != NOT_RECEIVED:
            return []  # too late, or a repetition
        allocation, data_bits = slot.allocations[event.thing], slot.sights[event.thing].data_bits
        if len(event.frame) > frame_bytes(allocation.extraction_factor, data_bits):
            return [do.Log(f"a frame of {header.bits} bits exceeds what phi allows", event.thing)]
        if not math.isfinite(header.observed_at):
            return [do.Log(f"a frame of slot {header.slot} without the time of its data", event.thing)]
        if header.revision <= member.highest:
            return [do.Log(f"revision {header.revision} is not above {member.highest}", event.thing)]
        member.highest = header.revision
        if header.reference != ALONE and header.reference not in member.held:
            return self._reject(event.thing, header.slot, header.revision, f"reference {header.reference} is not held")
        slot.stages[event.thing] = NOT_RECOVERED
        self._headers[event.thing, header.slot] = header
        return [
            do.Recover(
                *(event.thing, header.session, header.slot, header.revision, header.reference, stream),
                allocation.edge_cpu_hz,
            )
        ]

    def _reject(self, thing: str, slot: int, revision: int, reason: str) -> list[Effect]:
        member = self.members[thing]
        held = tuple(member.held)
        rejected = say.Rejected(thing, member.session, slot, revision, reason, held)
        return [do.Send(rejected), do.Log(f"{thing}: revision {revision} of slot {slot}: {reason}")]

    def _recovered(self, event: do.Recovered, now_s: float) -> list[Effect]:
        member, slot = self.members.get(event.thing), self.slots.get(event.slot)
        if (
            member is None
            or member.session != event.session
            or slot is None
            or slot.stages.get(event.thing) != NOT_RECOVERED
        ):
            return []
        header = self._headers.pop((event.thing, event.slot))
        if event.revision != header.revision:
            return []
        slot.stages[event.thing] = NOT_COMMITTED
        waiting = self._ready.get(event.thing)
        if waiting is None or waiting.revision < event.revision:
            self._ready[event.thing] = do.Write(
                *(event.thing, event.revision, member.newest, event.slot, header.observed_at, event.document)
            )
        done = all(stage in (NOT_COMMITTED, COMMITTED) for stage in slot.stages.values())
        return self._commit() if done or event.slot < self._open else []

    def _not_recovered(self, event: do.NotRecovered, now_s: float) -> list[Effect]:
        member = self.members.get(event.thing)
        if member is None or member.session != event.session:
            return []
        header = self._headers.pop((event.thing, event.slot), None)
        if header is None:
            return []
        # Whatever is wrong with the stream, the device had better not code against the same again.
        member.held = [revision for revision in member.held if revision != header.reference]
        return self._reject(event.thing, event.slot, event.revision, event.reason)

    def _commit(self) -> list[Effect]:
        if self._committing:
            return []
        # What the store holds by now is what a write has to find there; a slow recovery may come after a newer state.
        newest = {thing: self.members[thing].newest for thing in self._ready}
        writes = [
            msgspec.structs.replace(write, previous=newest[thing])
            for thing, write in self._ready.items()
            if write.revision > newest[thing]
        ]
        self._ready = {}
        self._committing = bool(writes)
        return [do.Commit(tuple(writes))] if writes else []

    def _committed(self, event: do.Committed, now_s: float) -> list[Effect]:
        self._committing = False
        effects: list[Effect] = []
        for write in event.writes:
            self._stored[write.thing] = max(self._stored.get(write.thing, -1), write.revision)
            slot, member = self.slots.get(write.slot), self.members.get(write.thing)
            if slot is not None and write.thing in slot.stages:
                slot.stages[write.thing] = COMMITTED
            if member is not None:
                member.newest = write.revision
                member.held = [*member.held[1 - HELD :], write.revision]
                effects.append(do.Send(say.Acknowledged(write.thing, member.session, write.slot, write.revision)))
        return effects + self._commit()

    def _not_committed(self, event: do.NotCommitted, now_s: float) -> list[Effect]:
        self._committing = False
        log = do.Log(f"{len(event.writes)} twins are not stored: {event.reason}")
        return [log, do.Stop(event.reason)] if event.conflict else [log]


_HANDLERS = {
    do.TimerFired: "_timer",
    do.Received: "_received",
    do.Decided: "_decided",
    do.Recovered: "_recovered",
    do.NotRecovered: "_not_recovered",
    do.Committed: "_committed",
    do.NotCommitted: "_not_committed",
    say.Birth: "_birth",
    say.Report: "_report",
    say.Farewell: "_farewell",
}
