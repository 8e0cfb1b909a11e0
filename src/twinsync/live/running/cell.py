"""What all processes of a cell know: its settings in `cell.json`, the names of files, topics and things."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import msgspec

from twinsync import storage
from twinsync.codec.tables import shipped
from twinsync.errors import InputError
from twinsync.live.bus.interface import Permit
from twinsync.live.bus.zenoh import Access, tls_settings
from twinsync.live.store.interface import Durability, TwinStore
from twinsync.live.store.opening import open_existing
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

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
    source: str | None
    durability: Durability
    access: Access
    clock_hz: float
    http_port: int = 0
    store: str = ""
    keep: int | None = None
    tls: str = ""

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
            user_of(thing): Permit((CONTROL + thing, FRAMES + thing), (OPENED, TO + thing), (PRESENT + thing,))
            for thing in self.things
        }

    def load_scenario(self, data_bits: int) -> Scenario:
        """The scenario, with D as large as what the sensor gives."""
        size = (f"data_min_bits={data_bits}", f"data_max_bits={data_bits}", f"device_count={self.devices}")
        return load_scenario(self.scenario, [*self.overrides, *size])


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
    """New passwords for all users, for nobody else to read: one file each, and all in `users` for the edge."""
    lines = []
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for user in (EDGE_USER, *cell.permits()):
        password = secrets.token_hex(16)
        lines.append(f"{user}:{password}\n")
        _write_secret(secret_file(folder, user), password)
    _write_secret(folder / USERS_FILE, "".join(lines))


def _write_secret(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text, "utf-8")


def write_cell(folder: Path, cell: Cell) -> None:
    """Keep the settings; a store's address among them may hold a password."""
    path = folder / CELL_FILE
    storage.write_text(path, storage.encode(cell))
    os.chmod(path, 0o600)


def read_cell(folder: Path) -> Cell:
    """The settings. Raises `InputError`."""
    return storage.read(folder / CELL_FILE, Cell)


def open_twins(folder: Path) -> TwinStore:
    """The twins of a cell that has run, to read. Raises `InputError` where there are none."""
    url = read_cell(folder).store if (folder / CELL_FILE).is_file() else ""
    return open_existing(folder, url)


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
ASK = "twinsync/cell/operator/ask"
ANSWER = "twinsync/cell/operator/answer/"
