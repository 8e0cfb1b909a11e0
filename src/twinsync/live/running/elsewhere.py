"""`twinsync device run --connect`: a device's process on another machine than its edge."""

from __future__ import annotations

from pathlib import Path

import msgspec

from twinsync.errors import InputError
from twinsync.live.bus.zenoh import Access
from twinsync.live.running.cell import Cell, user_of
from twinsync.live.running.device import DeviceProcess, reach, run_on
from twinsync.live.running.joining import ask_settings, joined
from twinsync.live.running.sources import Cut, check_size, find_source


class Elsewhere(msgspec.Struct, frozen=True):
    """What a device brings that joins from another machine; `ca` is a file, empty for a bus without TLS."""

    address: str
    password: str
    ca: str
    source: str | None
    cut: Cut
    radio: str
    clock_hz: float

    def access(self, thing: str) -> Access:
        """How the device joins the bus."""
        tls = {"root_ca_certificate": self.ca} if self.ca else {}
        return Access(f"{'tls' if tls else 'tcp'}/{self.address}", user_of(thing), self.password, tls)


async def run_elsewhere(folder: Path, thing: str, own: Elsewhere) -> int:
    """The device until it is told to stop; the exit code. Raises `InputError`."""
    check_size(find_source(own.source, own.cut).sensor, f"--source {own.source or 'the sample'}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--data {folder}: cannot be written: {error.strerror}; choose another place") from None
    access = own.access(thing)
    bus = await reach(access)
    try:
        told = await ask_settings(bus, thing)
        cell = joined(told, folder, _unknown(own, access))
        source = find_source(own.source, own.cut, cell.place_of(thing) / cell.devices)
        process = DeviceProcess(folder, cell, thing, bus, source)
        process.outlive_parent()
        return await run_on(process)
    finally:
        bus.close()


def _unknown(own: Elsewhere, access: Access) -> Cell:
    """The device's own settings, before the edge has told the cell's."""
    return Cell("", (), 1, 0, 0, None, "", own.radio, own.source, "process", access, own.clock_hz, cut=own.cut)
