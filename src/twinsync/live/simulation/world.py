"""The simulated cell. Time is virtual, delays are drawn from the schedule's seed.

The codec is a stand-in of eight bytes whose stream, as the real one's, decodes to nonsense against any reference but
its own.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.edge import HELD
from twinsync.live.protocol.frame import ALONE
from twinsync.live.simulation import invariants
from twinsync.live.simulation.invariants import Violation, Witness
from twinsync.live.simulation.parts import DeviceLife, EdgeLife, Maker, Summary
from twinsync.live.simulation.schedule import CALM_SLOTS, Fault, Schedule
from twinsync.live.store.interface import Conflict

CLOCK = Clock(epoch_s=0.0, slot_s=1.0, sensing_share=0.25)
DATA_BITS, ALLOCATION = 1000.0, say.Allocation(0.8, 1e9, 0.1, 1e9)
VALUE_BYTES = 8


class World:
    """One run of a schedule."""

    def __init__(self, schedule: Schedule, maker: Maker) -> None:
        self.schedule = schedule
        self.maker = maker
        self.now = 0.0
        self.events = 0
        self.things = tuple(f"cell:{place}" for place in range(schedule.devices))
        self.store = maker.store()
        self.witness = Witness(self.store, CLOCK)
        self._dice = [random.Random(schedule.seed * 1009 + place) for place in range(2 * schedule.devices + 1)]
        self._counts = [0] * (2 * schedule.devices + 1)
        self._strikes = {(fault.kind, fault.device, int(fault.at)): fault for fault in schedule.faults}
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._sessions = 0
        self.edge = self._new_edge()
        self.devices = [self._new_device(place) for place in range(schedule.devices)]
        for fault in schedule.faults:
            if fault.kind in _TIMED:
                self._later(fault.at, _TIMED[fault.kind], self, fault)

    def run(self) -> Summary:
        """Run to the end of the last slot. Raises `Violation`."""
        end = CLOCK.closes_s(self.schedule.slots - 1) + 0.1
        while self._queue and self._queue[0][0] <= end:
            self.now, _, act, arguments = heapq.heappop(self._queue)
            self.events += 1
            act(*arguments)
        self.witness.check_end(self.edge.core.session, self.things, self.schedule.slots)
        return Summary(self.events, self.witness.commits, self.witness.missed, len(self.witness.acknowledged))

    def _later(self, at: float, act: Callable[..., None], *arguments: Any) -> None:
        self._order += 1
        heapq.heappush(self._queue, (at, self._order, act, arguments))

    def _session(self) -> int:
        self._sessions += 1
        return self._sessions

    def _rough(self) -> bool:
        return self.now < self.schedule.slots - CALM_SLOTS

    def _strike(self, kind: str, link: int, number: int) -> Fault | None:
        return self._strikes.get((kind, link, number)) if self._rough() else None

    # Processes

    def _new_edge(self) -> EdgeLife:
        newest = {thing: kept.revision for thing, kept in self.store.newest().items()}
        held, decoded = self._rebuilt()
        core = self.maker.edge(self.things, newest, self._session(), "stand-in", CLOCK, held)
        life = EdgeLife(core, decoded)
        self._do_edge(life, core.start(self.now))
        return life

    def _rebuilt(self) -> tuple[dict[str, list[int]], dict[tuple[str, int], int]]:
        """What a new edge's decoder has of the store: as many of the newest revisions as chance would have it."""
        held: dict[str, list[int]] = {}
        decoded: dict[tuple[str, int], int] = {}
        for thing in self.store.newest():
            kept = list(self.store.history(thing))[-HELD:][self._dice[-1].randrange(HELD + 1) :]
            held[thing] = [each.revision for each in kept]
            decoded |= {(thing, each.revision): int.from_bytes(each.document, "little") for each in kept}
        return held, decoded

    def _new_device(self, place: int) -> DeviceLife:
        dice = self._dice[2 * place]
        core = self.maker.device(self.things[place], self._session(), "stand-in", ("camera",), CLOCK.slot_s)
        life = DeviceLife(place, core, {}, dice.uniform(-60.0, 60.0), dice.uniform(0.0, 1e5))
        self._do_device(life, core.start(self.now + life.steady_s))
        return life

    def _tell_edge(self, life: EdgeLife, event: do.Event | say.Message) -> None:
        if life.alive:
            self._do_edge(life, _guarded(life.core.handle, event, self.now))

    def _tell_device(self, life: DeviceLife, event: do.Event | say.Message) -> None:
        if not life.alive:
            return
        if self.now < life.frozen_until:
            self._later(life.frozen_until, self._tell_device, life, event)
            return
        self._do_device(life, _guarded(life.core.handle, event, self.now + life.steady_s))

    def kill_edge(self, fault: Fault) -> None:
        """The edge's process dies and is started again."""
        if self.edge.alive:
            self.edge.alive = False
            self._later(self.now + fault.amount, self._restart_edge)
            self.witness.nothing_lost()

    def cut_power(self, fault: Fault) -> None:
        """The edge dies and what is not synced to disk is gone."""
        self.store.lose_power()
        self.kill_edge(fault)
        self.witness.nothing_lost()

    def _restart_edge(self) -> None:
        self.edge = self._new_edge()

    def kill_device(self, fault: Fault) -> None:
        """A device's process dies and is started again, knowing nothing."""
        life = self.devices[fault.device]
        if life.alive:
            life.alive = False
            self._later(self.now + fault.amount, self._restart_device, fault.device)

    def _restart_device(self, place: int) -> None:
        self.devices[place] = self._new_device(place)

    def freeze_device(self, fault: Fault) -> None:
        """A device does nothing for a while, then everything at once."""
        self.devices[fault.device].frozen_until = self.now + fault.amount

    def jump_clock(self, fault: Fault) -> None:
        """A device's wall clock jumps by minutes."""
        self.devices[fault.device].wall_s += 60.0 * (fault.amount - 1.0)

    # The network

    def _carry(self, link: int, deliver: Callable[[Any], None], content: Any) -> None:
        """Bring a message or frame over a link, unless a fault strikes it."""
        number, dice = self._counts[link], self._dice[link]
        self._counts[link] += 1
        at = self.now + dice.uniform(0.001, 0.02)
        if self._strike("message lost", link, number):
            return
        if late := self._strike("message late", link, number):
            at += late.amount
        if doubled := self._strike("message doubled", link, number):
            self._later(at + doubled.amount, deliver, content)
        if self._strike("frame damaged", link, number) and isinstance(content, do.Received):
            spot = dice.randrange(len(content.frame))
            frame = bytearray(content.frame)
            frame[spot] ^= 1 << dice.randrange(8)
            content = do.Received(content.thing, bytes(frame))
        self._later(at, deliver, content)

    def _to_edge(self, content: do.Event | say.Message) -> None:
        self._tell_edge(self.edge, content)

    # What the state machines want done

    def _do_edge(self, life: EdgeLife, effects: Sequence[do.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, do.Send):
                self._send_from_edge(life, effect.message)
            elif isinstance(effect, do.SetTimer):
                self._later(effect.at_s, self._tell_edge, life, do.TimerFired(effect.name, effect.slot))
            elif isinstance(effect, do.SlotEnded):
                self.witness.ended(life.core.session, effect.slot, effect.outcomes)
            elif isinstance(effect, do.Stop):
                raise Violation(invariants.STOPPED, f"the edge: {effect.reason}")
            elif type(effect) in _EDGE_EFFECTS:
                _EDGE_EFFECTS[type(effect)](self, life, effect)

    def _send_from_edge(self, life: EdgeLife, message: say.Message) -> None:
        if isinstance(message, say.Opened):
            self.witness.opened(life.core.session, message.slot, self.now)
            places = range(len(self.things))
        else:
            places = [self.things.index(message.thing)]  # type: ignore[attr-defined]
        for place in places:
            self._carry(
                2 * place, lambda content, place=place: self._tell_device(self.devices[place], content), message
            )

    def _decide(self, life: EdgeLife, effect: do.Decide) -> None:
        at = self.now + self._dice[-1].uniform(0.001, 0.03)
        self._later(at, self._tell_edge, life, do.Decided(effect.slot, dict.fromkeys(effect.sights, ALLOCATION)))

    def _recover(self, life: EdgeLife, effect: do.Recover) -> None:
        # Little of the edge's CPU makes a recovery slow, so that the next slot's may overtake it.
        most = self._dice[-1].choice((0.03, 0.15, 0.5))
        self._later(self.now + self._dice[-1].uniform(0.02, most), self._decode, life, effect)

    def _decode(self, life: EdgeLife, effect: do.Recover) -> None:
        which = (effect.thing, effect.session, effect.slot, effect.revision)
        if effect.reference == ALONE:
            base = 0
        elif (effect.thing, effect.reference) in life.decoded:
            base = life.decoded[effect.thing, effect.reference]
        else:
            self._tell_edge(life, do.NotRecovered(*which, "the reference is missing"))
            return
        value = int.from_bytes(effect.stream[:VALUE_BYTES], "little") ^ base
        life.decoded[effect.thing, effect.revision] = value
        self._tell_edge(life, do.Recovered(*which, value.to_bytes(VALUE_BYTES, "little")))

    def _commit(self, life: EdgeLife, effect: do.Commit) -> None:
        number, dice = self._counts[-1], self._dice[-1]
        self._counts[-1] += 1
        slow = self._strike("disk slow", 0, number)
        ends = self.now + dice.uniform(0.002, 0.01) + (slow.amount if slow else 0.0)
        if self._strike("disk fails", 0, number):
            self._later(ends, self._tell_edge, life, do.NotCommitted(effect.writes, "no space left"))
        else:
            self._later(dice.uniform(self.now, ends), self._apply, life, effect, ends)

    def _apply(self, life: EdgeLife, effect: do.Commit, ends: float) -> None:
        if not life.alive:
            return
        try:
            self.store.commit(effect.writes, self.now)
        except Conflict as error:
            self._later(ends, self._tell_edge, life, do.NotCommitted(effect.writes, str(error), conflict=True))
            return
        self.witness.stored(effect.writes)
        self._later(ends, self._tell_edge, life, do.Committed(effect.writes))

    def _do_device(self, life: DeviceLife, effects: Sequence[do.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, do.Send):
                self._carry(2 * life.place + 1, self._to_edge, effect.message)
            elif isinstance(effect, do.SetTimer):
                event = do.TimerFired(effect.name, effect.slot)
                self._later(effect.at_s - life.steady_s, self._tell_device, life, event)
            elif isinstance(effect, do.Stop):
                raise Violation(invariants.STOPPED, f"{life.core.thing}: {effect.reason}")
            elif type(effect) in _DEVICE_EFFECTS:
                _DEVICE_EFFECTS[type(effect)](self, life, effect)

    def _sense(self, life: DeviceLife, effect: do.Sense) -> None:
        self._tell_device(life, do.Observed(effect.slot, 50.0, DATA_BITS, self.now + life.wall_s))
        took = self._dice[2 * life.place].choice(
            (0.02, 0.2)
        )  # a small sensor is done long before its share of the slot
        self._later(self.now + took, self._tell_device, life, do.Sensed(effect.slot, took))

    def _extract(self, life: DeviceLife, effect: do.Extract) -> None:
        dice = self._dice[2 * life.place]
        value = dice.getrandbits(8 * VALUE_BYTES)
        base = 0 if effect.reference == ALONE else life.coded[effect.reference]
        life.coded[effect.revision] = value
        self.witness.sensed(life.core.thing, effect.slot, effect.revision, value.to_bytes(VALUE_BYTES, "little"))
        stream = (value ^ base).to_bytes(VALUE_BYTES, "little").ljust(effect.stream_bytes, b"\0")
        took = dice.uniform(0.02, dice.choice((0.04, 0.3)))
        extracted = do.Extracted(effect.slot, effect.revision, effect.reference, stream, took, 1e9 * took)
        self._later(self.now + took, self._tell_device, life, extracted)

    def _transmit(self, life: DeviceLife, effect: do.Transmit) -> None:
        # A slow link makes slots overlap; in the calm at the end every slot can be met.
        dice = self._dice[2 * life.place]
        took = dice.uniform(0.02, dice.choice((0.04, 0.9 if self._rough() else 0.5)))
        self._later(self.now + took, self._on_air, life, effect, took)

    def _on_air(self, life: DeviceLife, effect: do.Transmit, took: float) -> None:
        if not life.alive or effect.slot <= life.abandoned:
            return
        if self.now < life.frozen_until:
            self._later(life.frozen_until, self._on_air, life, effect, took)
            return
        self._carry(2 * life.place + 1, self._to_edge, do.Received(life.core.thing, effect.frame))
        self._tell_device(life, do.Sent(effect.slot, took))

    def _abandon(self, life: DeviceLife, effect: do.Abandon) -> None:
        life.abandoned = max(life.abandoned, effect.slot)

    def _use(self, life: DeviceLife, effect: do.UseReference) -> None:
        self.witness.used(life.core.thing, effect.revision)


def _guarded(handle: Callable[..., Any], event: Any, now: float) -> Any:
    try:
        return handle(event, now)
    except Exception as error:
        raise Violation(invariants.RAISED, f"{type(error).__name__}: {error}") from error


_TIMED: dict[str, Callable[[World, Fault], None]] = {
    "edge dies": World.kill_edge,
    "power fails": World.cut_power,
    "device dies": World.kill_device,
    "device freezes": World.freeze_device,
    "clock jumps": World.jump_clock,
}
_EDGE_EFFECTS: dict[type, Callable[..., None]] = {
    do.Decide: World._decide,
    do.Recover: World._recover,
    do.Commit: World._commit,
}
_DEVICE_EFFECTS: dict[type, Callable[..., None]] = {
    do.Sense: World._sense,
    do.Extract: World._extract,
    do.Transmit: World._transmit,
    do.Abandon: World._abandon,
    do.UseReference: World._use,
}
