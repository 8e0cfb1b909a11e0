"""What the edge records of open slots: what was decided, predicted, measured and stored."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from twinsync.codec.ends import CAMERA, kind_of
from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.frame import ALONE, HEADER_BYTES
from twinsync.live.running.decisions import Decider
from twinsync.live.running.documents import document
from twinsync.live.running.records import Parts, SlotRecord, Synchronisation
from twinsync.model.channel import uplink_energy_j
from twinsync.model.semantics import extraction_energy_j
from twinsync.model.sensing import sensing_energy_j

KEPT_SLOTS = 4
LEAST_FACTOR = 1e-6  # no frame is that short


class Entry(msgspec.Struct):
    """One device in one open slot; times on the edge's clock."""

    reported: say.Reported | None = None
    recover: do.Recover | None = None
    recovery_s: float = 0.0
    recovery_cycles: float = 0.0
    recovered_at_s: float = 0.0
    commit_s: float | None = None


class Page(msgspec.Struct):
    """One open slot."""

    opened_at_s: float
    decision_s: float | None
    allocations: dict[str, say.Allocation]
    entries: dict[str, Entry]
    sights: dict[str, do.Sight] = {}
    allocator: str = ""


class Ledger:
    """Collects what happens in open slots until each is closed as a record."""

    def __init__(self, decider: Decider, clock: Clock, edge: int) -> None:
        self.clock = clock
        self._decider = decider
        self._edge = edge
        self._pages: dict[int, Page] = {}

    def opened(self, slot: int, now_s: float) -> None:
        """A slot opened."""
        self._pages[slot] = Page(now_s, None, {}, {})
        for old in [number for number in self._pages if number <= slot - KEPT_SLOTS]:
            del self._pages[old]

    def decided(
        self, effect: do.Decide, allocations: Mapping[str, say.Allocation], took_s: float, allocator: str
    ) -> None:
        """The allocator answered."""
        if page := self._pages.get(effect.slot):
            page.decision_s, page.allocator = took_s, allocator
            page.allocations, page.sights = dict(allocations), effect.sights

    def reported(self, message: say.Reported) -> None:
        """A device said what it applied; what it was not granted is left out."""
        page = self._pages.get(message.slot)
        granted = None if page is None else page.allocations.get(message.thing)
        entry = self._entry(message.slot, message.thing)
        if entry is None or granted is None:
            return
        factor = message.applied.extraction_factor
        if msgspec.structs.replace(granted, extraction_factor=factor) == message.applied and factor >= LEAST_FACTOR:
            entry.reported = message

    def recovered(self, effect: do.Recover, took_s: float, now_s: float, cycles: float) -> None:
        """A twin's state was decoded."""
        if entry := self._entry(effect.slot, effect.thing):
            entry.recover, entry.recovery_s, entry.recovered_at_s = effect, took_s, now_s
            entry.recovery_cycles = cycles

    def committed(self, write: do.Write, took_s: float) -> None:
        """A twin's state is stored."""
        if entry := self._entry(write.slot, write.thing):
            entry.commit_s = took_s

    def reported_in(self, slot: int, thing: str) -> say.Reported | None:
        """What a device said it applied in an open slot, None before it did."""
        page = self._pages.get(slot)
        entry = None if page is None else page.entries.get(thing)
        return None if entry is None else entry.reported

    def opened_at_s(self, slot: int) -> float | None:
        """When a slot opened, None for one that is no longer open."""
        page = self._pages.get(slot)
        return None if page is None else page.opened_at_s

    def document(self, effect: do.Recover) -> bytes:
        """What the store keeps: the slot's desired state, what was applied, and the stream with its reference."""
        page = self._pages.get(effect.slot)
        allocation = None if page is None else page.allocations.get(effect.thing)
        entry = self._entry(effect.slot, effect.thing)
        applied = None if entry is None else entry.reported
        return document(kind_of(effect.stream), effect.reference, effect.stream, allocation, applied)

    def close(self, effect: do.SlotEnded) -> SlotRecord:
        """The record of a slot that ended."""
        page = self._pages.get(effect.slot)
        if page is None:
            missed = {thing: Synchronisation(outcome) for thing, outcome in effect.outcomes.items()}
            return SlotRecord(effect.slot, self._edge, None, missed)
        entries = dict(page.entries)  # this runs in a thread of its own, and a late report adds an entry meanwhile
        # Of what was applied, where the device said so: it may have coded less than it was granted.
        told = {thing: entry.reported for thing, entry in entries.items() if entry.reported is not None}
        applied = {thing: told[thing].applied if thing in told else one for thing, one in page.allocations.items()}
        predicted = self._decider.predict(effect.slot, applied, page.sights) if applied else {}
        devices = {
            thing: self._synchronisation(page, thing, outcome, predicted) for thing, outcome in effect.outcomes.items()
        }
        return SlotRecord(effect.slot, self._edge, page.decision_s, devices, page.allocator)

    def _synchronisation(
        self, page: Page, thing: str, outcome: str, predicted: Mapping[str, tuple[Parts, float]]
    ) -> Synchronisation:
        if thing not in predicted:
            return Synchronisation(outcome)
        parts, energy = predicted[thing]
        sight = page.sights[thing]
        known = Synchronisation(
            outcome,
            page.allocations[thing],
            predicted=parts,
            predicted_energy_j=energy,
            distance_m=sight.distance_m,
            data_bits=sight.data_bits,
            twin_db=sight.twin_db,
            kind=sight.kind or CAMERA,
        )
        entry = page.entries.get(thing)
        if entry is None or entry.reported is None or entry.recover is None:
            return known
        told = entry.reported
        measured = Parts(told.sensing_s, told.extraction_s, told.uplink_s, entry.recovery_s)
        return msgspec.structs.replace(
            known,
            kind=kind_of(entry.recover.stream),
            applied_factor=told.applied.extraction_factor,
            measured=measured,
            overhead_s=entry.recovered_at_s - page.opened_at_s - measured.total_s,
            commit_s=entry.commit_s,
            energy_j=self._energy_j(told, sight.data_bits),
            fidelity_db=told.fidelity_db,
            stale_db=told.stale_db,
            bits=8 * (HEADER_BYTES + len(entry.recover.stream)),
            alone=entry.recover.reference == ALONE,
            extraction_cycles=told.extraction_cycles,
            recovery_cycles=entry.recovery_cycles,
        )

    def _energy_j(self, told: say.Reported, data_bits: float) -> float:
        """Eq. (18) with the metered cycles and the measured airtime; kappa f^2 a cycle is the model's, not measured."""
        scenario, applied = self._decider.scenario, told.applied
        workload_bits = np.array([told.extraction_cycles / scenario.cycles_per_bit])
        return float(
            sensing_energy_j(np.array([data_bits]), scenario)[0]
            + extraction_energy_j(workload_bits, np.array([applied.device_cpu_hz]), scenario)[0]
            + uplink_energy_j(np.array([told.uplink_s]), np.array([applied.transmit_power_w]))[0]
        )

    def _entry(self, slot: int, thing: str) -> Entry | None:
        page = self._pages.get(slot)
        return None if page is None else page.entries.setdefault(thing, Entry())
