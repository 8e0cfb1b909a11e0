"""A whole cell on one machine: the edge and each device in a process of its own, started again when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from twinsync import interrupts, storage
from twinsync.compilation import one_thread
from twinsync.errors import InputError
from twinsync.live.bus.zenoh import Access
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell
from twinsync.live.running.process import PARENT, STOPPED_BY_PROTOCOL
from twinsync.live.store.opening import open_store

EDGE = "edge"
POLL_S, PATIENCE_S = 0.05, 10.0
INTERRUPTED_S = 2.0  # after Ctrl-C, which leaves less time than that for both groups
RESTART_S, LATER_S, SHORT_LIFE_S = 0.2, 3.0, 5.0  # LATER_S after a life shorter than SHORT_LIFE_S
BAD_INPUT = 2  # exit code
FINAL = (0, BAD_INPUT, STOPPED_BY_PROTOCOL)  # exit codes after which starting again is of no use
LOCK_FILE = "lock"
OnSlot = Callable[[records.SlotRecord], None]


@contextlib.contextmanager
def prepared(folder: Path, cell: Cell) -> Iterator[Cell]:
    """The settings of a start, written into its folder, which no other start can use while the block runs.

    Slots go on after the last one that the folder or the store holds. Raises `InputError` where the folder cannot be
    used, or is in use.
    """
    try:
        for name in ("devices", "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK_FILE).open("a")
    except OSError as error:
        raise InputError(f"--data {folder}: cannot be written: {error.strerror}; choose another place") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it, however this process ends
        except BlockingIOError:
            raise InputError(f"--data {folder}: a cell runs there already; stop it, or choose another folder") from None
        yield _prepare(folder, cell)


def _prepare(folder: Path, cell: Cell) -> Cell:
    store = open_store(folder, cell.store, cell.durability)
    try:
        first_slot = records.newest_slot(folder / names.SLOTS_FILE, store) + 1
    finally:
        store.close()
    (folder / names.EPOCH_FILE).unlink(missing_ok=True)
    endpoint = f"{'tls' if cell.tls else 'tcp'}/{cell.listen or _free_address(bool(cell.tls))}"
    ready = msgspec.structs.replace(cell, access=Access(endpoint), first_slot=first_slot)
    names.write_secrets(folder, ready)
    names.write_cell(folder, ready)
    return ready


def check_free(address: str) -> None:
    """Raise `InputError` for a HOST:PORT of --listen that is another machine's, or taken."""
    host, _, port = address.rpartition(":")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
            trial.listen()
    except OSError as error:
        raise InputError(f"--listen {address}: this machine cannot listen there: {error.strerror}") from None


def _free_address(tls: bool) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        # A certificate is made out for a name.
        return f"{'localhost' if tls else '127.0.0.1'}:{free.getsockname()[1]}"


class Supervisor:
    """The processes of a cell.

    on_slot: called with the record of each slot that ended. tell: called with one line for each device that ended and
    is not started again.
    """

    def __init__(self, folder: Path, cell: Cell, on_slot: OnSlot, tell: Callable[[str], None]) -> None:
        self.folder = folder
        self.cell = cell
        self.on_slot = on_slot
        self.tell = tell
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._again: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._read = (folder / names.SLOTS_FILE).stat().st_size if (folder / names.SLOTS_FILE).is_file() else 0
        self._stopping = False
        self._interrupted = False

    def run(self) -> None:
        """Run until the last slot ended or SIGTERM came. Raises `InputError` where the edge refuses its settings."""
        before = signal.signal(signal.SIGTERM, lambda number, frame: setattr(self, "_stopping", True))
        try:
            with interrupts.ending(self._interrupt):
                for name in (EDGE, *(() if self.cell.listen else self.cell.things)):
                    self._start(name)
                self._write_pids()
                while not self._stopping and EDGE in self.processes | self._again:
                    time.sleep(POLL_S)
                    self._check()
                if self._interrupted:  # the thread that waits for Ctrl-C ends the children, and then this process
                    time.sleep(PATIENCE_S)
        finally:
            self.stop()
            self._tell_slots()
            signal.signal(signal.SIGTERM, before)

    def _interrupt(self) -> None:
        self._interrupted = True
        self.stop(INTERRUPTED_S)

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """End the devices, then the edge, which commits what it has; kill what takes longer than `patience_s` each."""
        self._stopping = True
        edge = self.processes.pop(EDGE, None)
        devices, self.processes = list(self.processes.values()), {}
        for group in (devices, [edge] if edge else []):
            for process in group:
                process.terminate()
            until = time.monotonic() + patience_s
            for process in group:
                try:
                    process.wait(max(0.05, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _command(self, name: str) -> Sequence[str]:
        part = ["edge", "serve"] if name == EDGE else ["device", "run", "--thing", name]
        return [sys.executable, "-m", "twinsync", *part, "--data", str(self.folder)]

    def _start(self, name: str) -> None:
        # One thread of XLA's and of numba's each: a machine has fewer cores than a cell has processes.
        environment = {**os.environ, **one_thread(), "JAX_PLATFORMS": "cpu", PARENT: str(os.getpid())}
        command = self._command(name)
        self._began[name] = time.monotonic()
        with self._log(name).open("ab") as file:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
            )

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name.replace(':', '_')}.log"

    def _check(self) -> None:
        for name, process in list(self.processes.items()):
            code = process.poll()
            if code is None:
                continue
            self.processes.pop(name, None)
            if self._stopping:  # in the thread that Ctrl-C wakes: it has ended them, and none is to start again
                return
            if code in FINAL:
                self._ended(name, code)
                continue
            young = time.monotonic() - self._began.get(name, 0.0) < SHORT_LIFE_S
            self._again[name] = time.monotonic() + (LATER_S if young else RESTART_S)
        for name in [name for name, at in self._again.items() if at <= time.monotonic()]:
            if self._stopping:
                return
            del self._again[name]
            self._start(name)
            self._write_pids()
        self._tell_slots()

    def _ended(self, name: str, code: int) -> None:
        """A process ended with a code after which it is not started again."""
        if name == EDGE and code == BAD_INPUT:
            raise InputError(_last_line(self._log(name)))
        if name != EDGE and code:
            self.tell(f"{name} ended and is not started again: {_last_line(self._log(name))}")

    def _write_pids(self) -> None:
        pids = {name: process.pid for name, process in self.processes.items()}
        edge = pids.pop(EDGE, None)
        with contextlib.suppress(OSError):  # a full disk must not end the cell
            storage.write_json(self.folder / names.PIDS_FILE, {"edge": edge, "devices": pids})

    def _tell_slots(self) -> None:
        path = self.folder / names.SLOTS_FILE
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            with contextlib.suppress(msgspec.DecodeError):
                self.on_slot(msgspec.json.decode(line, type=records.SlotRecord))


def _last_line(path: Path) -> str:
    """What a process said last: an error of the command line, or the text of a line of its log."""
    lines = path.read_text("utf-8", errors="replace").strip().splitlines() if path.is_file() else []
    last = lines[-1] if lines else "it said nothing"
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(last)["text"])
    return last.removeprefix("twinsync: ").removeprefix("error: ")
