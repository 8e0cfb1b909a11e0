"""The edge's process with the real codec, on the bus inside this process: faults from outside, one log line each."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.ends import KINDS, identity
from twinsync.live.bus.interface import Bus
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.edge import Member
from twinsync.live.protocol.effects import Write
from twinsync.live.protocol.frame import ALONE, HEADER_BYTES, Header, frame_bytes, pack
from twinsync.live.radio.rates import Draws
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell
from twinsync.live.running.decisions import Decider
from twinsync.live.running.edge import EdgeProcess
from twinsync.live.running.sources import Sensor
from twinsync.live.store.memory import MemoryStore

PICTURE = np.random.default_rng(2).integers(100, 120, (48, 80)).astype(np.uint8)
SENSOR = Sensor("camera", PICTURE.shape)
BITS = float(SENSOR.data_bits)
SESSION = 5


def device_time() -> float:
    """The device's clock, a minute off."""
    return time.time() + 60.0


class Script:
    """A device that a test plays."""

    def __init__(self, bus: Bus, thing: str) -> None:
        self.bus, self.thing = bus, thing
        self.heard: asyncio.Queue[say.Message] = asyncio.Queue()
        for topic in (names.OPENED, names.TO + thing):
            bus.subscribe(topic, lambda topic, data: self.heard.put_nowait(say.decode(data)))

    def say(self, message: say.Message) -> None:
        self.bus.publish(names.CONTROL + self.thing, say.encode(message))

    async def hear(self, kind: type[say.Message]) -> say.Message:
        while True:
            message = await asyncio.wait_for(self.heard.get(), 60)
            if isinstance(message, kind):
                return message

    async def desired(self) -> say.Desired:
        """Report each slot that opens until one has an allocation in time."""
        while True:
            message = await self.hear(say.Message)
            if isinstance(message, say.Opened):
                self.say(say.Report(self.thing, SESSION, message.slot, 50.0, BITS, device_time()))
            if isinstance(message, say.Desired):
                return message


async def play(folder: Path) -> tuple[MemoryStore, str]:
    """A device's first slot amid everything that may go wrong on a bus; the store, and the twin's name."""
    broker, store = LocalBroker(), MemoryStore()
    overrides = ("cycle_s=50 s",)  # slots of 2 s: this test is no race
    cell = Cell(
        *("paper", overrides, 1, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9),
        sensors=(SENSOR,),
    )
    scenario = cell.load_scenario()
    (thing,) = cell.things
    decider = Decider("equal-share", scenario, cell.things, Draws(scenario, 0, 2), 0)
    clock = Clock(time.time() + 0.2, float(scenario.slot_s), float(scenario.sensing_share))
    edge = EdgeProcess(folder, cell, broker.connect(), store, decider, clock)
    device = Script(broker.connect(), thing)
    edge.join()
    await attack(device)
    device.say(say.Birth(thing, SESSION, identity(), ("camera",), ALONE))
    await device.hear(say.Welcome)
    encoder, revision = KINDS["camera"].device_end(), 0
    while not store.newest():  # whose first slot may pass while the codec is loaded
        desired = await device.desired()
        size = frame_bytes(desired.allocation.extraction_factor, BITS)
        stream = encoder.encode(PICTURE, size - HEADER_BYTES, revision)
        send_frames(device, desired, revision, stream)
        revision += 1
        for _ in range(20):
            if store.newest():
                break
            await asyncio.sleep(0.1)
    edge.stop()
    assert await asyncio.wait_for(edge.ended, 60) == 0
    await asyncio.sleep(0)
    return store, thing


async def attack(device: Script) -> None:
    """A thousand malformed messages, and well-formed ones of somebody else."""
    dice = random.Random(1)
    for _ in range(1000):
        device.bus.publish(names.CONTROL + device.thing, dice.randbytes(dice.randrange(60)))
        await asyncio.sleep(0)
    device.say(say.Birth("twinsync:another", 1, identity(), (), ALONE))
    device.say(say.Opened(1, 10**6))
    device.bus.publish(names.CONTROL + device.thing, b'{"protocol": 2, "type": "birth"}')
    device.bus.publish(names.FRAMES + "twinsync:another", b"frame")


def send_frames(device: Script, desired: say.Desired, revision: int, stream: bytes) -> None:
    """Frames damaged, of another session, too large, of another version; then the true one, twice."""
    phi = desired.allocation.extraction_factor
    header = Header(SESSION, desired.slot, revision, ALONE, phi, device_time())
    true = pack(header, stream)
    other = pack(Header(99, desired.slot, revision, ALONE, phi, 0.0), stream)
    newer = bytearray(true)
    newer[2] = 8
    for frame in (true[:-1] + bytes([true[-1] ^ 1]), other, pack(header, stream + b"more"), bytes(newer), true, true):
        device.bus.publish(names.FRAMES + device.thing, frame)


def test_a_twin_is_kept_amid_whatever_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, thing = asyncio.run(asyncio.wait_for(play(tmp_path), 120))
    (kept,) = store.history(thing)
    assert 50.0 < kept.observed_at - kept.stored_at < 61.0  # both times are kept, neither decides anything
    camera = json.loads(kept.document)["features"]["camera"]
    assert camera["desiredProperties"]["transmit_power_w"] == pytest.approx(0.1)
    assert camera["reference"] == ALONE
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    texts = [line["text"] for line in told]
    # A thousand and three messages, two lines.
    drops = [line for line in told if "a message was dropped" in line["text"] and "frame" not in line["text"]]
    assert len(drops) == 1
    assert sum(text.startswith("1002 more messages were dropped") for text in texts) == 1
    for reason in ("check sum differs", "from a session that is not", "exceeds what phi allows", "has version 8"):
        assert any(reason in text for text in texts), reason
    for record in records.read(tmp_path / names.SLOTS_FILE):
        assert set(record.devices) <= {thing}


class SlowStore(MemoryStore):
    """Takes a while for each transaction."""

    def commit(self, writes: Sequence[Write], stored_at: float) -> None:
        """Write all or none."""
        time.sleep(0.2)
        super().commit(writes, stored_at)


def test_what_is_recovered_is_stored_also_where_a_transaction_is_under_way_at_the_end(tmp_path: Path) -> None:
    store = SlowStore()

    async def story() -> None:
        cell = Cell("paper", (), 2, 0, 0, None, "equal-share", "none", None, "process", Access(""), 2.5e9)
        decider = object.__new__(Decider)  # no slot opens
        clock = Clock(time.time() + 1e6, 1.0, 0.25)
        process = EdgeProcess(tmp_path, cell, LocalBroker().connect(), store, decider, clock)
        for place, thing in enumerate(cell.things):
            process.core.members[thing] = Member(-1, -1, [], {})
            process.core._ready[thing] = Write(thing, 0, -1, 0, 0.0, b"{}")
            if place == 0:
                process.do(process.core.stop())  # the first twin's transaction
                await asyncio.sleep(0)
        process.stop()
        assert await process.ended == 0

    asyncio.run(story())
    assert len(store.newest()) == 2
