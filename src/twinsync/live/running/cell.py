"""What all processes of a cell know: its settings in `cell.json`, the names of files, topics and things."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from twinsync import storage
from twinsync.codec.ends import CAMERA, KINDS
from twinsync.errors import InputError
from twinsync.live.bus.interface import Permit
from twinsync.live.bus.zenoh import Access, tls_settings
from twinsync.live.protocol.frame import LEAST_FRAME, least_factor
from twinsync.live.running.sources import Cut, Sensor, Source, check_size, find_source
from twinsync.live.store.interface import Durability, TwinStore
from twinsync.live.store.opening import open_existing
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.writing import whole_file

CELL_FILE, PIDS_FILE, EPOCH_FILE, SLOTS_FILE, USERS_FILE = (
    *("cell.json", "pids.json", "epoch.json", "slots.jsonl"),
    "users",
)
TLS_FILES = ("ca.pem", "edge.pem", "edge-key.pem")
EDGE_USER, OPERATOR = "edge", "operator"  # users of the bus beside the devices


class Cell(msgspec.Struct, frozen=True):
    """Settings of a cell.

    first_slot: the first of this start; earlier ones are in the folder already.
    http_port: of the edge's pages for operators, 0 for none.
    tls: folder of the bus's certificates, empty for none.
    source: one for all devices, None for the sample clip; of several, device i has number i modulo their count.
    sensors: what each source gives, in their order. cut: how a series becomes windows.
    catch_up: whether a twin that is worse than the scenario's law of accuracy says is granted more phi.
    listen: HOST:PORT of the edge where devices join from other machines, with sources of their own; empty for none.
    store: `postgresql://...`, empty for a file in the folder. keep: revisions of each twin that it keeps, None for all.
    """

    scenario: str
    overrides: tuple[str, ...]
    devices: int
    seed: int
    first_slot: int
    slots: int | None
    allocator: str
    radio: str
    source: str | tuple[str, ...] | None
    durability: Durability
    access: Access
    clock_hz: float
    http_port: int = 0
    store: str = ""
    keep: int | None = None
    tls: str = ""
    sensors: tuple[Sensor, ...] = ()
    cut: Cut = Cut()
    listen: str = ""
    catch_up: bool = True

    @property
    def sources(self) -> tuple[str | None, ...]:
        """The sources, None for the sample clip."""
        return self.source if isinstance(self.source, tuple) else (self.source,)

    def source_of(self, thing: str) -> Source:
        """What a device senses. Raises `InputError`, also where that is on another machine."""
        if self.listen:
            raise InputError(f"what {thing} senses is on the machine that it joins from")
        place = self.place_of(thing)
        return find_source(self.sources[place % len(self.sources)], self.cut, place / self.devices)

    def sensor_of(self, thing: str) -> Sensor:
        """What a device's source gives."""
        return self.sensors[self.things.index(thing) % len(self.sensors)]

    def most_samples(self, thing: str) -> float:
        """Samples of the largest picture that a device may send; D_max tells for devices of other machines."""
        elsewhere = self.listen or not self.sensors
        bits = self.load_scenario().data_max_bits if elsewhere else self.sensor_of(thing).data_bits
        return float(bits) // KINDS[CAMERA].sample_bits

    def place_of(self, thing: str) -> int:
        """A device's number. Raises `InputError` for one that the cell has not."""
        if thing not in self.things:
            raise InputError(f"--thing {thing}: this cell has {self.things[0]} to {self.things[-1]}")
        return self.things.index(thing)

    def with_sensors(self) -> Cell:
        """The settings with what the sources give, which is looked up unless it is there. Raises `InputError`."""
        if self.sensors or self.listen:
            return self
        return msgspec.structs.replace(
            self, sensors=tuple(find_source(source, self.cut).sensor for source in self.sources)
        )

    def check_sources(self) -> None:
        """Raise `InputError` for more sources than devices, and for one whose raw samples take less than any frame."""
        if self.listen:
            return  # they are elsewhere
        if len(self.sources) > self.devices:
            raise InputError(f"--source is given {len(self.sources)} times for {self.devices} devices")
        for source, sensor in zip(self.sources, self.sensors, strict=True):
            check_size(sensor, f"--source {source or 'the sample'}")

    def raised(self) -> Iterator[str]:
        """A line for each sensor whose phi cannot be as small as the scenario says, because of its frame's header."""
        wanted = float(load_scenario(self.scenario, list(self.overrides)).extraction_factor_min)
        for source, sensor in zip(self.sources if self.sensors else (), self.sensors, strict=True):
            least = least_factor(sensor.data_bits)
            if least > wanted:
                yield (
                    f"{source or 'the sample'} ({sensor}): phi is at least {least:.3g}, the {LEAST_FRAME} bytes that a "
                    f"frame needs; the scenario's {wanted:g} would leave no stream"
                )

    @property
    def things(self) -> tuple[str, ...]:
        """Names of the twins."""
        return tuple(f"twinsync:device-{place}" for place in range(self.devices))

    def access_as(self, folder: Path, user: str) -> Access:
        """How a user of the cell's bus joins it. Raises `InputError` where the folder has no password for it."""
        try:
            password = secret_file(folder, user).read_text("utf-8")
        except OSError:
            raise InputError(f"{secret_file(folder, user)}: missing; twinsync live writes it") from None
        tls = tls_settings(Path(self.tls), listens=user == EDGE_USER) if self.tls else {}
        return msgspec.structs.replace(self.access, user=user, password=password, tls=tls)

    def permits(self) -> dict[str, Permit]:
        """What each user may do on the bus: a device speaks of its own twin alone."""
        operator = {OPERATOR: Permit((ASK,), (f"{ANSWER}**",))}
        return operator | {
            user_of(thing): Permit(
                (CONTROL + thing, FRAMES + thing, JOIN + thing), (OPENED, TO + thing), (PRESENT + thing,)
            )
            for thing in self.things
        }

    def load_scenario(self) -> Scenario:
        """The scenario, with D as large as what the sensors give, and no phi whose frame would have no stream."""
        wanted = [*self.overrides, f"device_count={self.devices}"]
        if self.sensors:
            sizes = [sensor.data_bits for sensor in self.sensors]
            wanted += [f"data_min_bits={min(sizes)}", f"data_max_bits={max(sizes)}"]
            least = least_factor(max(sizes))
            if load_scenario(self.scenario, wanted).extraction_factor_min < least:
                wanted.append(f"extraction_factor_min={least!r}")
        return load_scenario(self.scenario, wanted)


def check_tls(folder: str) -> None:
    """Raise `InputError` for a folder that has not the bus's certificates."""
    for name in TLS_FILES if folder else ():
        if not (Path(folder) / name).is_file():
            raise InputError(f"--tls {folder}: {name} is missing; give a folder with {', '.join(TLS_FILES)}")


def user_of(thing: str) -> str:
    """A thing's name as a user of the bus."""
    return thing.rpartition(":")[2]


def secret_file(folder: Path, user: str) -> Path:
    """Where a user's password is."""
    return folder / "secrets" / user


def write_secrets(folder: Path, cell: Cell) -> None:
    """Passwords for all users, for nobody else to read: one file each, and all in `users` for the edge.

    They are new with every start, but for devices of other machines, which keep theirs.
    """
    lines = []
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for user in (EDGE_USER, *cell.permits()):
        path = secret_file(folder, user)
        kept = path.read_text("utf-8") if cell.listen and path.is_file() else ""
        password = kept or secrets.token_hex(16)
        lines.append(f"{user}:{password}\n")
        if not kept:
            _write_secret(path, password)
    _write_secret(folder / USERS_FILE, "".join(lines))


def _write_secret(path: Path, text: str) -> None:
    with whole_file(path) as partial:
        partial.unlink(missing_ok=True)
        partial.touch(0o600)  # before there is anything to read
        partial.write_text(text, "utf-8")


def write_cell(folder: Path, cell: Cell) -> None:
    """Write the settings, for nobody else to read: the address of a store among them may hold a password."""
    _write_secret(folder / CELL_FILE, storage.encode(cell))


def read_cell(folder: Path) -> Cell:
    """The settings. Raises `InputError`."""
    return storage.read(folder / CELL_FILE, Cell)


def open_twins(folder: Path) -> TwinStore:
    """The twins of a cell that has run, to read. Raises `InputError` where there are none."""
    url = read_cell(folder).store if (folder / CELL_FILE).is_file() else ""
    return open_existing(folder, url)


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
JOIN = "twinsync/cell/join/"
ASK = "twinsync/cell/operator/ask"
ANSWER = "twinsync/cell/operator/answer/"
