"""Executors: numbered workers that run tasks, and are replaced if they die.

The local executor uses one process per core, or, if JAX has an accelerator, this process itself.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax

from twinsync.compilation import one_thread
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.store import CellResult
from twinsync.experiments.compute.work import compute
from twinsync.experiments.compute.worker import receive, send


@dataclass(frozen=True)
class Report:
    """The results of a worker's task, or how the worker died during it (`lost`)."""

    worker: int
    results: tuple[CellResult, ...] = ()
    lost: str = ""


class TaskFailed(RuntimeError):
    """An error in a worker, with its traceback: a bug of ours, not a fault of the input."""


@runtime_checkable
class Executor(Protocol):
    """Runs tasks, which are lists of cells of one program; one task per worker at a time."""

    @property
    def workers(self) -> int:
        """Number of workers, which are numbered from 0."""
        ...

    @property
    def batch(self) -> int:
        """Largest number of cells in a task: 1 on CPUs, where cells run one by one; unlimited on accelerators."""
        ...

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Give an idle worker a task; a worker that died is restarted first."""
        ...

    def wait(self, timeout_s: float) -> list[Report]:
        """Reports that arrive within `timeout_s`, possibly none. Raises `TaskFailed` for an error in a worker."""
        ...

    def close(self) -> None:
        """Stop all workers at once; running tasks are lost."""
        ...


def local_executor(workers: int | None = None) -> Executor:
    """An executor on this machine: `workers` processes (by default one per core), or the accelerator if it has one."""
    if jax.default_backend() != "cpu":
        return Inline()
    return Processes(workers or len(os.sched_getaffinity(0)))


class Inline:
    """A single worker, this process, which already has the accelerator. All cells of a program are one batch."""

    workers = 1
    batch = 1_000_000

    def __init__(self) -> None:
        self._task: Sequence[Cell] = ()

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Keep the task until `wait`."""
        self._task = cells

    def wait(self, timeout_s: float) -> list[Report]:
        """Run the task to its end, however long that takes."""
        return [Report(0, tuple(compute(self._task)))]

    def close(self) -> None:
        """Do nothing; there are no workers to stop."""


class Processes:
    """Worker processes on this machine, connected by pipes. They end with this process."""

    batch = 1

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Send the task; if the worker died before reading it, `wait` reports that."""
        process = self._processes.get(worker)
        if process is None:
            process = self._start(worker)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            send(process.stdin, list(cells))

    def wait(self, timeout_s: float) -> list[Report]:
        """Read the answers that have arrived."""
        return [self._read(key.data) for key, _ in self._selector.select(timeout_s)]

    def close(self) -> None:
        """Kill all workers."""
        for worker in list(self._processes):
            self._end(worker)
        self._selector.close()

    def process_id(self, worker: int) -> int | None:
        """Process id of a worker that was started and is not known to be dead; otherwise None."""
        process = self._processes.get(worker)
        return None if process is None else process.pid

    def _start(self, worker: int) -> subprocess.Popen[bytes]:
        # A session of its own, so that Ctrl-C reaches only this process, which then stops its workers. One thread,
        # since small networks gain nothing from more, and sums must not depend on the number of threads.
        process = subprocess.Popen(
            [sys.executable, "-m", "twinsync.experiments.compute.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **one_thread(), "JAX_PLATFORMS": "cpu"},
        )  # fmt: skip
        assert process.stdout is not None
        self._processes[worker] = process
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        return process

    def _read(self, worker: int) -> Report:
        process = self._processes[worker]
        assert process.stdout is not None
        try:
            answer = receive(process.stdout)
        except EOFError:
            code = self._end(worker)
            return Report(worker, lost=f"worker process {process.pid} ended with code {code}")
        if isinstance(answer, str):
            raise TaskFailed(answer)
        return Report(worker, tuple(answer))

    def _end(self, worker: int) -> int:
        process = self._processes.pop(worker)
        assert process.stdout is not None
        self._selector.unregister(process.stdout)
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        return code
