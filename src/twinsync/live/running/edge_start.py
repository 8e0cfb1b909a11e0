"""A cell's edge from its folder: bus, store and allocator, when the first slot begins, and the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from twinsync import storage
from twinsync.errors import InputError
from twinsync.live.bus.interface import BusError
from twinsync.live.bus.zenoh import router
from twinsync.live.protocol import clock
from twinsync.live.radio.rates import Draws
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import read_cell
from twinsync.live.running.decisions import Decider
from twinsync.live.running.edge import EdgeProcess
from twinsync.live.running.joining import answer_joins
from twinsync.live.running.process import write_log
from twinsync.live.store.interface import StoreError, TwinStore
from twinsync.live.store.opening import open_store

PATIENCE_S = 120.0  # for the devices' first appearance: a codec that compiles first takes a minute


async def run_edge(folder: Path) -> int:
    """The edge until it is told to stop or the last slot ended; the exit code.

    Raises `InputError` for settings, a store or a bus of no use. An edge that starts again in the middle of a run ends
    with 1 where its store or its bus cannot be had, so that whoever started it tries once more.
    """
    again = (folder / names.EPOCH_FILE).is_file()
    try:
        return await _run(folder, again)
    except (StoreError, BusError) as error:
        if not again:
            raise InputError(str(error)) from None
        write_log("edge", time.time(), f"{'the store' if isinstance(error, StoreError) else 'the bus'}: {error}")
        return 1


async def _run(folder: Path, again: bool) -> int:
    cell = read_cell(folder).with_sensors()
    scenario = cell.load_scenario()
    slot_s = float(scenario.slot_s)
    bus = router(cell.access_as(folder, names.EDGE_USER), folder / names.USERS_FILE, cell.permits())
    store: TwinStore | None = None
    try:
        store = open_store(folder, cell.store, cell.durability)
        answer_joins(bus, cell)
        decider = Decider(cell.allocator, scenario, cell.things, Draws(scenario, cell.seed), cell.seed, cell.catch_up)
        provisional = clock.Clock(0.0, slot_s, float(scenario.sensing_share))
        process = EdgeProcess(folder, cell, bus, store, decider, provisional)
        server = await _serve(process, cell.http_port)
        if not again:
            process.warm_up()
            process.settle()
        epoch = await _epoch_s(folder, process, slot_s)
        process.core.clock = process.ledger.clock = msgspec.structs.replace(provisional, epoch_s=epoch)
        process.join()
        if again:  # after a crash slots are passing: take births meanwhile
            process.later(asyncio.to_thread(process.warm_up_meanwhile))
        code = await process.ended
        if server is not None:
            server.close()
        return code
    finally:
        bus.close()
        if store is not None:
            store.close()


async def _epoch_s(folder: Path, process: EdgeProcess, slot_s: float) -> float:
    """When slot 0 began: kept by an earlier edge of this start, or two slots before the first once all are there.

    A wall clock that was set back meanwhile would open slots once more: the kept time is then moved, so that the next
    one is the newest that is known and one.
    """
    path, cell = folder / names.EPOCH_FILE, process.cell
    if path.is_file():
        kept = storage.read_json(path)
        newest = records.newest_slot(folder / names.SLOTS_FILE, process.store)
        if kept["epoch_s"] + newest * slot_s > process.now():
            process.log(f"the clock was set back: slots go on with {newest + 1}")
            kept["epoch_s"] = process.now() - newest * slot_s
            storage.write_json(path, kept)
        return float(kept["epoch_s"])
    present: set[str] = set()
    process.bus.watch(names.PRESENT + "**", lambda topic, here: present.add(topic.removeprefix(names.PRESENT)))
    until = time.monotonic() + PATIENCE_S
    while not present.issuperset(cell.things) and time.monotonic() < until and not process.ended.done():
        await asyncio.sleep(0.02)
    epoch = time.time() + (2 - cell.first_slot) * slot_s
    if not process.ended.done():
        storage.write_json(path, {"epoch_s": epoch, "present": sorted(present)})
    return epoch


async def _serve(process: EdgeProcess, port: int) -> asyncio.Server | None:
    """The edge over HTTP, where that is wanted. Raises `InputError` where the port is taken."""
    if not port:
        return None
    try:
        return await process.pages.serve(port)
    except OSError as error:
        raise InputError(f"--http {port}: {error.strerror}; choose another port") from None
