"""What all processes of a cell know: its settings in `cell.json`, the names of files, topics and things."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from twinsync import storage
from twinsync.codec.tables import shipped
from twinsync.live.bus.zenoh import Access
from twinsync.live.store.interface import Durability
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

CELL_FILE, PIDS_FILE, EPOCH_FILE, SLOTS_FILE, STORE_FILE = (
    *("cell.json", "pids.json", "epoch.json", "slots.jsonl"),
    "twins.sqlite",
)


class Cell(msgspec.Struct, frozen=True):
    """Settings of a cell. `first_slot` is the first of this start; earlier ones are in the folder already."""

    scenario: str
    overrides: tuple[str, ...]
    devices: int
    seed: int
    first_slot: int
    slots: int | None
    allocator: str
    radio: str
    source: str | None
    durability: Durability
    access: Access
    clock_hz: float
    http_port: int = 0  # of the edge's pages for operators, 0 for none

    @property
    def things(self) -> tuple[str, ...]:
        """Names of the twins."""
        return tuple(f"twinsync:device-{place}" for place in range(self.devices))

    def load_scenario(self, data_bits: int) -> Scenario:
        """The scenario, with D as large as what the sensor gives."""
        size = (f"data_min_bits={data_bits}", f"data_max_bits={data_bits}", f"device_count={self.devices}")
        return load_scenario(self.scenario, [*self.overrides, *size])


def write_cell(folder: Path, cell: Cell) -> None:
    """Keep the settings; the file holds the bus's password."""
    path = folder / CELL_FILE
    storage.write_text(path, storage.encode(cell))
    os.chmod(path, 0o600)


def read_cell(folder: Path) -> Cell:
    """The settings. Raises `InputError`."""
    return storage.read(folder / CELL_FILE, Cell)


def codec_name() -> str:
    """What both ends' codecs must agree on."""
    return f"camera-{shipped().identity:04x}"


def new_session() -> int:
    """A number for this life of a process."""
    return int.from_bytes(os.urandom(4), "little")


class Clock:
    """Seconds since 1970 that never jump: the wall clock when the process began, plus what has passed."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Now."""
        return self._offset_s + time.monotonic()


OPENED = "twinsync/cell/opened"
FRAMES = "twinsync/cell/frame/"
CONTROL = "twinsync/cell/control/"
TO = "twinsync/cell/to/"
PRESENT = "twinsync/cell/present/"
