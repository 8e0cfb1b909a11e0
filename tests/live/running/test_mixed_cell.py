"""A camera and an inertial sensor in one cell, with the real codecs, on the bus inside this process."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.conftest import Complaint

from twinsync.codec.ends import CAMERA, SERIES
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.frame import HEADER_BYTES, LEAST_FRAME
from twinsync.live.radio.rates import Draws
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell, write_cell
from twinsync.live.running.decisions import Decider
from twinsync.live.running.device import DeviceProcess
from twinsync.live.running.edge import EdgeProcess
from twinsync.live.running.records import SlotRecord, Synchronisation
from twinsync.live.running.refit import refit
from twinsync.live.running.replay import replay
from twinsync.live.running.restoring import context_file, kept_context
from twinsync.live.running.sources import Cut
from twinsync.live.running.summary import summarise
from twinsync.live.store.opening import open_store

SLOTS = 7
CAMERA_CODE = """
import numpy as np
SCENE = np.random.default_rng(2).integers(100, 120, (48, 80)).astype(np.uint8)
def view(slot):
    return np.roll(SCENE, slot, axis=1)
"""


def settings(folder: Path) -> Cell:
    """Two devices, slots of 0.8 s, phi as small as can be: too small for a window's frame."""
    (folder / "mine.py").write_text(CAMERA_CODE)
    walk = np.cumsum(np.random.default_rng(3).normal(0, 150, (640, 3)), axis=0)
    (folder / "walk.csv").write_text("".join(",".join(f"{value:.1f}" for value in row) + "\n" for row in walk))
    sources = (f"{folder / 'mine.py'}:view", str(folder / "walk.csv"))
    overrides = ("cycle_s=20 s", "extraction_factor_min=0.001")
    common = ("paper", overrides, 2, 0, 0, SLOTS, "equal-share", "none", sources, "process", Access(""), 2.5e9)
    return Cell(*common).with_sensors()


async def live(folder: Path, cell: Cell) -> list[say.Birth]:
    """The cell until its last slot has ended; the births that the edge heard."""
    broker, births = LocalBroker(), list[say.Birth]()

    def hear(topic: str, data: bytes) -> None:
        message = say.decode(data)
        if isinstance(message, say.Birth):
            births.append(message)

    store = open_store(folder, "", "process")
    scenario = cell.load_scenario()
    decider = Decider(cell.allocator, scenario, cell.things, Draws(scenario, cell.seed, 32), cell.seed)
    at = Clock(0.0, float(scenario.slot_s), float(scenario.sensing_share))
    edge = EdgeProcess(folder, cell, broker.connect(), store, decider, at)
    edge.warm_up()
    devices = [DeviceProcess(folder, cell, each, broker.connect(), cell.source_of(each)) for each in cell.things]
    broker.connect().subscribe(names.CONTROL + "**", hear)
    for device in devices:
        device.warm_up()
        device.bus.subscribe(names.OPENED, lambda topic, data, to=device: to.received(data, say.Opened))
        device.bus.subscribe(names.TO + device.name, lambda topic, data, to=device: to.received(data))
    edge.core.clock = edge.ledger.clock = msgspec.structs.replace(at, epoch_s=time.time() + 0.3)
    edge.join()
    for device in devices:
        device.do(device.core.start(device.now()))
    assert await edge.ended == 0
    for device in devices:
        device.stop()
        device._record.close()
    store.close()
    return births


def test_a_camera_and_a_series_live_in_one_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinsync.live.running.edge.EVERY", 2)  # commits between two files of a decoder's state
    cell = settings(tmp_path)
    write_cell(tmp_path, cell)
    camera, series = cell.things
    births = asyncio.run(asyncio.wait_for(live(tmp_path, cell), 120))
    assert {birth.thing: birth.sensors for birth in births} == {camera: (CAMERA,), series: (SERIES,)}
    done = [record.devices for record in records.read(tmp_path / names.SLOTS_FILE)]
    synchronised = {thing: [each[thing] for each in done if each[thing].measured] for thing in cell.things}
    for thing, kind, data_bits in ((camera, CAMERA, 8 * 48 * 80), (series, SERIES, 16 * 64 * 3)):
        assert len(synchronised[thing]) >= 3
        for each in synchronised[thing]:
            assert (each.kind, each.data_bits) == (kind, data_bits)
            assert each.bits is not None
            assert LEAST_FRAME <= each.bits / 8 <= data_bits / 8
        alone = [each.alone for each in synchronised[thing]]
        assert alone[0]
        assert not alone[-1]
    assert synchronised[series][0].predicted != synchronised[camera][0].predicted
    check_files(tmp_path, cell)


def check_files(folder: Path, cell: Cell) -> None:
    """What is stored says which kind it is; it is made again from the sources; a summary tells both kinds apart."""
    camera, series = cell.things
    store = names.open_twins(folder)
    for thing, kind in ((camera, CAMERA), (series, SERIES)):
        assert {next(iter(json.loads(kept.document)["features"])) for kept in store.history(thing)} == {kind}
    store.close()
    assert all(kept_context(context_file(folder, thing)) is not None for thing in cell.things)
    again = replay(folder, cell)
    assert again.differences == []
    assert again.same_streams == again.streams >= 6
    told = summarise(folder, cell, 1.0)
    assert told["lost"] == 0
    fidelity = told["fidelity_db"]
    assert (fidelity[CAMERA]["measure"], fidelity[SERIES]["measure"]) == ("PSNR", "1/NMSE")
    assert min(each["samples"] for each in fidelity.values()) >= 3
    assert fidelity[SERIES]["p50"] > 0.0  # closer than the window's own means, from 16 bytes


def test_a_frame_s_header_bounds_phi(tmp_path: Path) -> None:
    cell = settings(tmp_path)
    # 384 and 3840 bytes raw: 60 of them are 0.156 and 0.0156.
    assert float(cell.load_scenario().extraction_factor_min) == (8 * LEAST_FRAME + 0.5) / (8 * 3840)
    alone = msgspec.structs.replace(cell, source=cell.sources[1:], sensors=cell.sensors[1:])
    assert float(alone.load_scenario().extraction_factor_min) == (8 * LEAST_FRAME + 0.5) / (8 * 384)
    lines = list(cell.raised())
    assert len(lines) == 2
    assert "walk.csv (series 64 x 3): phi is at least 0.156, the 60 bytes that a frame needs" in lines[1]
    wide = msgspec.structs.replace(alone, overrides=("extraction_factor_min=0.3",))
    assert float(wide.load_scenario().extraction_factor_min) == 0.3
    assert list(wide.raised()) == []
    assert HEADER_BYTES < LEAST_FRAME


def test_sources_beyond_the_devices_and_windows_below_a_frame_are_refused(tmp_path: Path, complains: Complaint) -> None:
    cell = settings(tmp_path)
    with complains("--source is given 2 times for 1 devices"):
        msgspec.structs.replace(cell, devices=1).check_sources()
    short = msgspec.structs.replace(cell, cut=Cut(8), sensors=())
    with complains("walk.csv: series 8 x 3 is 48 bytes, and a frame takes at least 60"):
        short.with_sensors().check_sources()
    cell.check_sources()


def test_work_of_two_kinds_has_no_common_law(tmp_path: Path, complains: Complaint) -> None:
    metered = Synchronisation(
        *("committed", None, 0.5),
        **{"alone": False, "data_bits": 6e5, "extraction_cycles": 1e6, "recovery_cycles": 1e6, "fidelity_db": 30.0},
    )
    devices = {"a:0": metered, "a:1": msgspec.structs.replace(metered, kind=SERIES)}
    records.append(tmp_path / names.SLOTS_FILE, SlotRecord(0, 1, 0.01, devices))
    with complains("devices of camera and series, whose work has no common law; run each kind alone"):
        refit(tmp_path, settings(tmp_path))
