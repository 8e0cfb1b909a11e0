"""A device's process: sensor, codec and emulated radio around the protocol's state machine."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from twinsync.codec.ends import KINDS, identity
from twinsync.errors import InputError
from twinsync.live.bus.interface import Bus, BusError
from twinsync.live.bus.zenoh import Access, connect
from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.device import Device
from twinsync.live.protocol.frame import ALONE
from twinsync.live.radio.rates import Draws, airtime_s, find_rate
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, new_session, read_cell
from twinsync.live.running.effort import Effort
from twinsync.live.running.process import STOPPED_BY_PROTOCOL, Process, write_log
from twinsync.live.running.sources import Source, warm_codecs
from twinsync.model.sensing import sensing_latency_s
from twinsync.writing import end_line

LONGEST_FRAME_SLOTS = 3.0  # a frame that takes longer is never sent: it would be superseded long before
CONNECT_S = 120.0


def acknowledged_file(folder: Path, thing: str) -> Path:
    """Where a device keeps a record of what was acknowledged."""
    return folder / "devices" / thing.replace(":", "_") / "acknowledged.jsonl"


class DeviceProcess(Process):
    """One device of a cell."""

    def __init__(self, folder: Path, cell: Cell, thing: str, bus: Bus, source: Source) -> None:
        self.cell = cell
        self.place = cell.place_of(thing)
        self.source, self.sensor = source, source.sensor
        self.kind = KINDS[self.sensor.kind]
        self.scenario = cell.load_scenario()
        self.slot_s = float(self.scenario.slot_s)
        self.draws = Draws(self.scenario, cell.seed)
        self.rate = find_rate(cell.radio, self.draws)
        self.encoder = self.kind.device_end()
        self.effort = Effort(self.sensor.data_bits // 8)
        self.bus = bus
        super().__init__(thing, Device(thing, new_session(), identity(), (self.kind.name,), self.slot_s / 2))
        self._worker = ThreadPoolExecutor(1)
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}
        path = acknowledged_file(folder, thing)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            end_line(file)  # of a former life
        self._record = path.open("a", encoding="utf-8")
        self.effects |= {
            do.Send: self._send,
            do.Sense: self._sense,
            do.Extract: lambda effect: self._begin(effect.slot, self._extract(effect)),
            do.Transmit: lambda effect: self._begin(effect.slot, self._transmit(effect)),
            do.Abandon: self._abandon,
            do.UseReference: self._use_reference,
            do.Stop: self._stop,
        }

    def warm_up(self) -> None:
        """Load what the first slot would otherwise wait for."""
        warm_codecs([self.sensor])
        self.draws.at(self.cell.first_slot)
        self.rate(self.cell.first_slot, self.place, 0.1, 0.0)

    def stop(self) -> None:
        """Say farewell and end."""
        self.end(0)  # first: what the protocol says of stopping has an exit code of its own
        self.do(self.core.stop())

    def _send(self, effect: do.Send) -> None:
        self.bus.publish(names.CONTROL + self.name, say.encode(effect.message))

    def _sense(self, effect: do.Sense) -> None:
        slot, bits = effect.slot, float(self.sensor.data_bits)
        self._tasks = {number: tasks for number, tasks in self._tasks.items() if number > slot - 3}
        distance = float(self.draws.at(slot).distance_m[self.place])
        began = self.now()
        self.tell(do.Observed(slot, distance, bits, time.time()))
        wait = float(sensing_latency_s(np.array([bits]), self.scenario)[0])
        self.loop.call_later(wait, lambda: self.tell(do.Sensed(slot, self.now() - began)))

    async def _extract(self, effect: do.Extract) -> None:
        """Encode in another thread; the cycles metered there set how long it takes at f."""
        began = self.now()
        try:
            stream, cycles, quality = await self.loop.run_in_executor(self._worker, self._encode, effect)
        except ValueError as error:
            self.tell(do.ExtractionFailed(effect.slot, str(error)))
            return
        await self.sleep_until(began + cycles / effect.device_cpu_hz)
        took = self.now() - began
        self.tell(do.Extracted(effect.slot, effect.revision, effect.reference, stream, took, cycles, *quality))

    def _encode(self, effect: do.Extract) -> tuple[bytes, float, tuple[float, float | None]]:
        """The stream, the cycles it took, and the fidelity of what it makes and of its reference to the new sample."""
        sample = self.source.at(effect.slot)
        began = time.thread_time()
        reference = None if effect.reference == ALONE else effect.reference
        size = self.effort.stream_bytes(effect.stream_bytes, reference is None)
        stream = self.encoder.encode(sample, size, effect.revision, reference)
        cycles = (time.thread_time() - began) * self.cell.clock_hz
        fidelity = self.kind.fidelity_db(self.encoder.decoded(effect.revision), sample)
        stale = None if reference is None else self.kind.fidelity_db(self.encoder.decoded(reference), sample)
        return stream, cycles, (fidelity, stale)

    async def _transmit(self, effect: do.Transmit) -> None:
        began = self.now()
        airtime = airtime_s(
            8 * len(effect.frame),
            lambda elapsed: self.rate(effect.slot, self.place, effect.transmit_power_w, elapsed),
            LONGEST_FRAME_SLOTS * self.slot_s,
        )
        if airtime is None:
            self.log("the radio is too slow for the frame", slot=effect.slot)
            return
        await self.sleep_until(began + airtime)
        self.bus.publish(names.FRAMES + self.name, effect.frame)
        self.effort.sent()
        self.tell(do.Sent(effect.slot, self.now() - began))

    def _begin(self, slot: int, work: object) -> None:
        self._tasks.setdefault(slot, []).append(self.later(work))

    def _abandon(self, effect: do.Abandon) -> None:
        for task in self._tasks.pop(effect.slot, ()):
            task.cancel()
        self.effort.superseded()
        self.log("superseded by the next slot", slot=effect.slot)

    def _use_reference(self, effect: do.UseReference) -> None:
        line = {"thing": self.name, "revision": effect.revision, "slot": effect.slot}
        try:
            self._record.write(json.dumps(line) + "\n")
            self._record.flush()
        except OSError as error:
            self.log(f"an acknowledgement is not recorded, nor used: {error.strerror}", slot=effect.slot)
            self.tell(do.NotKept(effect.revision))

    def _stop(self, effect: do.Stop) -> None:
        self.log(f"stops: {effect.reason}")
        self.end(STOPPED_BY_PROTOCOL)


async def run_device(folder: Path, thing: str) -> int:
    """A device of a cell on this machine until it is told to stop; the exit code.

    It ends with 1, and is to be started again, where the edge cannot be reached: it may be starting again itself.
    """
    cell = read_cell(folder)
    source = cell.source_of(thing)
    try:
        bus = await reach(cell.access_as(folder, names.user_of(thing)))
    except InputError as error:
        write_log(thing, time.time(), str(error))
        return 1
    try:
        return await run_on(DeviceProcess(folder, cell, thing, bus, source))
    finally:
        bus.close()


async def run_on(process: DeviceProcess) -> int:
    """A device on its bus until it is told to stop; the exit code."""
    process.warm_up()
    process.settle()
    process.bus.subscribe(names.OPENED, lambda topic, data: process.received(data, say.Opened))
    process.bus.subscribe(names.TO + process.name, lambda topic, data: process.received(data))
    process.bus.appear(names.PRESENT + process.name)
    process.do(process.core.start(process.now()))
    return await process.ended


async def reach(access: Access, patience_s: float = CONNECT_S) -> Bus:
    """A connection to the edge, which may start a little later than its devices. Raises `InputError`."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return connect(access)
        except BusError as error:
            if time.monotonic() > until:
                raise InputError(f"{error}; is that the edge's address, and the device's password?") from None
        await asyncio.sleep(0.5)
