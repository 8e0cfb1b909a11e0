"""The device's state machine. It knows neither sockets nor clocks: events and the time go in, effects come out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.effects import Effect, Event
from twinsync.live.protocol.frame import ALONE, HEADER_BYTES, LEAST_STREAM, Header, frame_bytes, pack

KEPT = 16  # revisions sent that the codec can still code against, the newest


class Work(msgspec.Struct):
    """One slot's work at a device."""

    slot: int
    observed: do.Observed | None = None
    sensing_s: float | None = None
    desired: say.Desired | None = None
    revision: int = -1
    reference: int = ALONE
    extracted: do.Extracted | None = None
    applied: say.Allocation | None = None


class Coded(msgspec.Struct, frozen=True):
    """What the codec can still code against: a revision's slot and its fidelity [dB]."""

    slot: int
    fidelity_db: float


class Device:
    """One device, from its birth to its farewell.

    A slot's work waits for its sensor data and its allocation, then occupies the CPU and the radio until it is sent or
    until the next slot's work needs them: the newer slot supersedes. References are acknowledged revisions only.
    """

    def __init__(self, thing: str, session: int, codec: str, sensors: Sequence[str], retry_s: float) -> None:
        self.thing = thing
        self.session = session
        self.codec = codec
        self.sensors = tuple(sensors)
        self.retry_s = retry_s
        self.acknowledged = ALONE
        self._sent: dict[int, Coded] = {}  # by revision
        self._next_revision = 0
        self._edge: int | None = None
        self._heard_s = -1e300
        self._current = Work(-1)
        self._busy: Work | None = None

    def handle(self, event: Event | say.Message, now_s: float) -> list[Effect]:
        """What follows from an event at a time."""
        name = _HANDLERS.get(type(event))
        return [] if name is None else getattr(self, name)(event, now_s)

    def start(self, now_s: float) -> list[Effect]:
        """The first effects: the birth, repeated until it is answered."""
        return [do.Send(self._birth()), do.SetTimer("birth", 0, now_s + self.retry_s)]

    def stop(self) -> list[Effect]:
        """The last effects: the farewell."""
        return [do.Send(say.Farewell(self.thing, self.session)), do.Stop("told to stop")]

    def _birth(self) -> say.Birth:
        return say.Birth(self.thing, self.session, self.codec, self.sensors, self.acknowledged)

    def _timer(self, event: do.TimerFired, now_s: float) -> list[Effect]:
        silent = now_s - self._heard_s > 3 * self.retry_s
        again: list[Effect] = [do.Send(self._birth())] if self._edge is None or silent else []
        return [*again, do.SetTimer("birth", 0, now_s + self.retry_s)]

    def _mine(self, message: say.Welcome | say.Refused | say.Desired | say.Acknowledged | say.Rejected) -> bool:
        return message.thing == self.thing and message.session == self.session

    def _welcome(self, message: say.Welcome, now_s: float) -> list[Effect]:
        if not self._mine(message):
            return []
        self._heard_s = now_s
        if self._edge == message.edge:
            return []  # a repeated birth's answer may be older than what this edge acknowledged since
        self._edge = message.edge
        self._next_revision = max(self._next_revision, message.highest + 1)
        self.acknowledged = ALONE
        return self._hold(message.held)

    def _refused(self, message: say.Refused, now_s: float) -> list[Effect]:
        return [do.Stop(message.reason)] if self._mine(message) else []

    def _opened(self, message: say.Opened, now_s: float) -> list[Effect]:
        if message.edge != self._edge:
            # Another edge's life: it may hold none of the references.
            self._edge = None
            return [do.Send(self._birth())]
        self._heard_s = now_s
        if message.slot <= self._current.slot:
            return []
        self._current = Work(message.slot)
        return [do.Sense(message.slot)]

    def _observed(self, event: do.Observed, now_s: float) -> list[Effect]:
        if event.slot != self._current.slot:
            return []
        self._current.observed = event
        twin = self._sent.get(self.acknowledged)
        report = say.Report(
            *(self.thing, self.session, event.slot, event.distance_m, event.data_bits, event.observed_at),
            *(next(iter(self.sensors), ""), 0.0 if twin is None else twin.fidelity_db),
        )
        return [do.Send(report)]

    def _sensed(self, event: do.Sensed, now_s: float) -> list[Effect]:
        if event.slot != self._current.slot:
            return []
        self._current.sensing_s = event.sensing_s
        return self._begin()

    def _desired(self, message: say.Desired, now_s: float) -> list[Effect]:
        if not self._mine(message):
            return []
        effects = self._acknowledge(message.acknowledged)
        if message.slot != self._current.slot or self._current.desired is not None:
            return effects
        self._current.desired = message
        return effects + self._begin()

    def _begin(self) -> list[Effect]:
        """Extract once sensor data and allocation are there; the CPU and the radio leave older work for it."""
        work = self._current
        if work.sensing_s is None or work.desired is None or work.observed is None:
            return []
        effects: list[Effect] = []
        if self._busy is not None:
            effects.append(do.Abandon(self._busy.slot))
        self._busy = work
        work.revision = self._next_revision
        self._next_revision += 1
        allocation = work.desired.allocation
        size = frame_bytes(allocation.extraction_factor, work.observed.data_bits) - HEADER_BYTES
        if size < LEAST_STREAM:
            self._busy = None
            return [*effects, do.Log(f"slot {work.slot}: phi leaves {size} bytes, too few for a stream")]
        work.reference = self._reference()
        return [*effects, do.Extract(work.slot, work.revision, work.reference, size, allocation.device_cpu_hz)]

    def _reference(self) -> int:
        """The newest acknowledged revision, while the codec still has it."""
        return self.acknowledged if self.acknowledged in self._sent else ALONE

    def _extracted(self, event: do.Extracted, now_s: float) -> list[Effect]:
        work = self._busy
        if work is None or event.slot != work.slot or work.desired is None or work.observed is None:
            return []
        work.extracted = event
        self._sent[event.revision] = Coded(work.slot, event.fidelity_db)
        while len(self._sent) > KEPT:
            del self._sent[min(self._sent)]
        # What was coded may be less than what was granted.
        factor = 8 * (HEADER_BYTES + len(event.stream)) / work.observed.data_bits
        work.applied = msgspec.structs.replace(work.desired.allocation, extraction_factor=factor)
        header = Header(*(self.session, work.slot, event.revision, event.reference, factor, work.observed.observed_at))
        return [do.Transmit(work.slot, pack(header, event.stream), work.applied.transmit_power_w)]

    def _extraction_failed(self, event: do.ExtractionFailed, now_s: float) -> list[Effect]:
        if self._busy is not None and self._busy.slot == event.slot:
            # The codec may have it no more, though the edge does and will name it again.
            self._sent.pop(self._busy.reference, None)
            self._busy = None
        self.acknowledged = ALONE
        return [do.Log(f"slot {event.slot}: not extracted: {event.reason}")]

    def _sent_frame(self, event: do.Sent, now_s: float) -> list[Effect]:
        work = self._busy
        if work is None or event.slot != work.slot or work.extracted is None or work.applied is None:
            return []
        self._busy = None
        reported = say.Reported(
            *(self.thing, self.session, work.slot, work.revision, work.applied),
            *(work.sensing_s or 0.0, work.extracted.extraction_s, work.extracted.cycles, event.uplink_s),
            *(work.extracted.fidelity_db, work.extracted.stale_db),
        )
        return [do.Send(reported)]

    def _acknowledged(self, message: say.Acknowledged, now_s: float) -> list[Effect]:
        return self._acknowledge(message.revision) if self._mine(message) else []

    def _not_kept(self, event: do.NotKept, now_s: float) -> list[Effect]:
        if self.acknowledged == event.revision:
            self.acknowledged = ALONE
        return []

    def _rejected(self, message: say.Rejected, now_s: float) -> list[Effect]:
        if not self._mine(message):
            return []
        if self.acknowledged not in message.held:
            self.acknowledged = ALONE
        because = do.Log(f"slot {message.slot}: revision {message.revision} rejected: {message.reason}")
        return [because, *self._hold(message.held)]

    def _hold(self, held: Sequence[int]) -> list[Effect]:
        known = [revision for revision in held if revision in self._sent]
        return self._acknowledge(max(known)) if known else []

    def _acknowledge(self, revision: int) -> list[Effect]:
        if revision <= self.acknowledged or revision not in self._sent:
            return []
        self.acknowledged = revision
        return [do.UseReference(self._sent[revision].slot, revision)]


_HANDLERS = {
    do.TimerFired: "_timer",
    do.Observed: "_observed",
    do.Sensed: "_sensed",
    do.Extracted: "_extracted",
    do.ExtractionFailed: "_extraction_failed",
    do.Sent: "_sent_frame",
    do.NotKept: "_not_kept",
    say.Welcome: "_welcome",
    say.Refused: "_refused",
    say.Opened: "_opened",
    say.Desired: "_desired",
    say.Acknowledged: "_acknowledged",
    say.Rejected: "_rejected",
}
