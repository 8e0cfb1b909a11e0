"""A device's process: camera, codec and emulated radio around the protocol's state machine."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twinsync.codec.camera import CameraEncoder
from twinsync.codec.container import parse
from twinsync.codec.quality import psnr_db
from twinsync.live.bus.interface import Bus, BusError
from twinsync.live.bus.zenoh import Access, connect
from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.device import Device
from twinsync.live.protocol.frame import ALONE
from twinsync.live.radio.rates import Draws, airtime_s, find_rate
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, codec_name, new_session, read_cell
from twinsync.live.running.effort import Effort
from twinsync.live.running.frames import Camera, find_camera, warm_codec
from twinsync.live.running.process import STOPPED_BY_PROTOCOL, Process
from twinsync.model.sensing import sensing_latency_s

LONGEST_FRAME_SLOTS = 3.0  # a frame that takes longer is never sent: it would be superseded long before
CONNECT_S = 120.0


def acknowledged_file(folder: Path, thing: str) -> Path:
    """Where a device keeps a record of what was acknowledged."""
    return folder / "devices" / thing.replace(":", "_") / "acknowledged.jsonl"


class DeviceProcess(Process):
    """One device of a cell."""

    def __init__(self, folder: Path, cell: Cell, thing: str, bus: Bus, clip: Camera) -> None:
        self.cell = cell
        self.place = cell.things.index(thing)
        self.clip = clip
        self.scenario = cell.load_scenario(clip.data_bits)
        self.slot_s = float(self.scenario.slot_s)
        self.draws = Draws(self.scenario, cell.seed)
        self.rate = find_rate(cell.radio, self.draws)
        self.encoder = CameraEncoder()
        self.effort = Effort(clip.data_bits // 8)
        self.bus = bus
        super().__init__(thing, Device(thing, new_session(), codec_name(), ("camera",), self.slot_s / 2))
        self._worker = ThreadPoolExecutor(1)
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}
        path = acknowledged_file(folder, thing)
        path.parent.mkdir(parents=True, exist_ok=True)
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
        warm_codec(self.clip)
        self.draws.at(self.cell.first_slot)
        self.rate(self.cell.first_slot, self.place, 0.1, 0.0)

    def stop(self) -> None:
        """Say farewell and end."""
        self.do(self.core.stop())
        self.end(0)

    def _send(self, effect: do.Send) -> None:
        self.bus.publish(names.CONTROL + self.name, say.encode(effect.message))

    def _sense(self, effect: do.Sense) -> None:
        slot, bits = effect.slot, float(self.clip.data_bits)
        self._tasks = {number: tasks for number, tasks in self._tasks.items() if number > slot - 3}
        distance = float(self.draws.at(slot).distance_m[self.place])
        began = self.now()
        self.tell(do.Observed(slot, distance, bits, time.time()))
        wait = float(sensing_latency_s(bits, self.scenario))
        self.loop.call_later(wait, lambda: self.tell(do.Sensed(slot, self.now() - began)))

    async def _extract(self, effect: do.Extract) -> None:
        """Encode in another thread; the cycles metered there set how long it takes at f."""
        began = self.now()
        try:
            reference, stream, cycles, fidelity = await self.loop.run_in_executor(self._worker, self._encode, effect)
        except ValueError as error:
            self.tell(do.ExtractionFailed(effect.slot, str(error)))
            return
        await self.sleep_until(began + cycles / effect.device_cpu_hz)
        took = self.now() - began
        self.tell(do.Extracted(effect.slot, effect.revision, reference, stream, took, cycles, fidelity))

    def _encode(self, effect: do.Extract) -> tuple[int, bytes, float, float]:
        picture = self.clip.at(effect.slot)
        began = time.thread_time()
        self.encoder.number(effect.revision)
        if effect.reference == ALONE:
            self.encoder.forget()
        reference = None if effect.reference == ALONE else effect.reference
        size = self.effort.stream_bytes(effect.stream_bytes, reference is None)
        _, stream = self.encoder.encode(picture, (size + 0.5) / picture.size, reference)
        cycles = (time.thread_time() - began) * self.cell.clock_hz
        fidelity = psnr_db(self.encoder.decoded(effect.revision), picture)
        # An acknowledgement may have come meanwhile: the stream itself says what it was coded against.
        return parse(stream).reference, stream, cycles, min(99.0, fidelity)

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
            return
        self.encoder.acknowledge(effect.revision)

    def _stop(self, effect: do.Stop) -> None:
        self.log(f"stops: {effect.reason}")
        self.end(STOPPED_BY_PROTOCOL)


async def run_device(folder: Path, thing: str) -> int:
    """A device until it is told to stop; the exit code."""
    cell = read_cell(folder)
    clip = find_camera(cell.source)
    bus = await _connect(cell.access_as(folder, names.user_of(thing)))
    process = DeviceProcess(folder, cell, thing, bus, clip)
    try:
        process.warm_up()
        process.settle()
        bus.subscribe(names.OPENED, lambda topic, data: process.received(data, say.Opened))
        bus.subscribe(names.TO + thing, lambda topic, data: process.received(data))
        bus.appear(names.PRESENT + thing)
        process.do(process.core.start(process.now()))
        return await process.ended
    finally:
        bus.close()


async def _connect(access: Access) -> Bus:
    """A connection to the edge, which may start a little later than its devices."""
    until = time.monotonic() + CONNECT_S
    while True:
        try:
            return connect(access)
        except BusError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.5)
