"""A whole cell on one machine: the edge and each device in a process of its own, started again when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from twinsync import interrupts, storage
from twinsync.compilation import one_thread
from twinsync.errors import InputError
from twinsync.live.bus.zenoh import Access
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell
from twinsync.live.running.process import STOPPED_BY_PROTOCOL
from twinsync.live.store.opening import open_store

EDGE = "edge"
POLL_S, PATIENCE_S = 0.05, 10.0
RESTART_S, LATER_S, SHORT_LIFE_S = 0.2, 3.0, 5.0  # who dies young is started again a little later
FINAL = (0, 2, STOPPED_BY_PROTOCOL)  # exit codes after which starting again is of no use
OnSlot = Callable[[records.SlotRecord], None]


def prepare(folder: Path, cell: Cell) -> Cell:
    """Write the settings of a start into its folder, where slots go on after the last one that it holds.

    Raises `InputError` where the folder cannot be used.
    """
    try:
        for name in ("devices", "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--data {folder}: cannot be written: {error.strerror}; choose another place") from None
    store = open_store(folder, cell.store, cell.durability)
    stored = [kept.slot for kept in store.newest().values()]
    store.close()
    seen = [record.slot for record in records.read(folder / names.SLOTS_FILE)]
    (folder / names.EPOCH_FILE).unlink(missing_ok=True)
    endpoint = f"{'tls' if cell.tls else 'tcp'}/{cell.listen or _free_address(bool(cell.tls))}"
    first_slot = max([*stored, *seen], default=-1) + 1
    ready = msgspec.structs.replace(cell, access=Access(endpoint), first_slot=first_slot)
    names.write_secrets(folder, ready)
    names.write_cell(folder, ready)
    return ready


def _free_address(tls: bool) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        # A certificate is made out for a name.
        return f"{'localhost' if tls else '127.0.0.1'}:{free.getsockname()[1]}"


class Supervisor:
    """The processes of a cell."""

    def __init__(self, folder: Path, cell: Cell, on_slot: OnSlot) -> None:
        self.folder = folder
        self.cell = cell
        self.on_slot = on_slot
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
        self.stop()

    def stop(self) -> None:
        """End the devices, then the edge, which commits what it has."""
        self._stopping = True
        edge = self.processes.pop(EDGE, None)
        devices, self.processes = list(self.processes.values()), {}
        for group in (devices, [edge] if edge else []):
            for process in group:
                process.terminate()
            until = time.monotonic() + PATIENCE_S
            for process in group:
                try:
                    process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _start(self, name: str) -> None:
        part = ["edge", "serve"] if name == EDGE else ["device", "run", "--thing", name]
        command = [sys.executable, "-m", "twinsync", *part, "--data", str(self.folder)]
        # One thread of XLA's and of numba's each: a machine has fewer cores than a cell has processes.
        environment = {**os.environ, **one_thread(), "JAX_PLATFORMS": "cpu"}
        log = self.folder / "logs" / f"{name.replace(':', '_')}.log"
        self._began[name] = time.monotonic()
        with log.open("ab") as file:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
            )

    def _check(self) -> None:
        for name, process in list(self.processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self.processes[name]
            if code in FINAL:
                if name == EDGE and code == 2:
                    raise InputError(_last_line(self.folder / "logs" / "edge.log"))
                continue
            young = time.monotonic() - self._began.get(name, 0.0) < SHORT_LIFE_S
            self._again[name] = time.monotonic() + (LATER_S if young else RESTART_S)
        for name in [name for name, at in self._again.items() if at <= time.monotonic()]:
            del self._again[name]
            self._start(name)
            self._write_pids()
        self._tell_slots()

    def _write_pids(self) -> None:
        pids = {name: process.pid for name, process in self.processes.items()}
        edge = pids.pop(EDGE, None)
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
    lines = path.read_text("utf-8", errors="replace").strip().splitlines() if path.is_file() else []
    last = lines[-1] if lines else "the edge did not start"
    return last.removeprefix("twinsync: ").removeprefix("error: ")
