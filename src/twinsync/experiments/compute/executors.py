"""What runs the work: numbered workers that take tasks, may die, and are replaced.

The local executor has one process per core, or, where JAX has found an accelerator, is this process itself.
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
    """The results of a worker's task, or how it died over it (`lost`)."""

    worker: int
    results: tuple[CellResult, ...] = ()
    lost: str = ""


class TaskFailed(RuntimeError):
    """A worker's own error, with its traceback: a fault of ours, not of the input."""


@runtime_checkable
class Executor(Protocol):
    """Runs tasks, lists of cells of one program. One task per worker at a time."""

    @property
    def workers(self) -> int:
        """Number of workers; they are numbered from 0."""
        ...

    @property
    def batch(self) -> int:
        """Most cells in a task: 1 where cells take turns anyway, all of a program on an accelerator."""
        ...

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Give an idle worker a task; one that died is started anew first."""
        ...

    def wait(self, timeout_s: float) -> list[Report]:
        """Reports of the workers, at the latest after `timeout_s`. Raises `TaskFailed`."""
        ...

    def close(self) -> None:
        """Stop all workers at once; tasks at work are lost."""
        ...


def local_executor(workers: int | None = None) -> Executor:
    """An executor on this machine: `workers` processes (as many as cores unless told), or the accelerator."""
    if jax.default_backend() != "cpu":
        return Inline()
    return Processes(workers or len(os.sched_getaffinity(0)))


class Inline:
    """One worker, which is this process: it has the accelerator already. All cells of a program are one batch."""

    workers = 1
    batch = 1_000_000

    def __init__(self) -> None:
        self._task: Sequence[Cell] = ()

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Keep the task until `wait`."""
        self._task = cells

    def wait(self, timeout_s: float) -> list[Report]:
        """Do the task, however long it takes."""
        return [Report(0, tuple(compute(self._task)))]

    def close(self) -> None:
        """Nothing to stop."""


class Processes:
    """Worker processes of this machine, connected by pipes. They end when this process does."""

    batch = 1

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Send the task; a worker that died before it could read it is found by `wait`."""
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
        """Process number of a worker that was started and not found dead yet."""
        process = self._processes.get(worker)
        return None if process is None else process.pid

    def _start(self, worker: int) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for this process, which then ends its workers. One thread: small networks gain
        # nothing from more, and sums then never depend on how many there are.
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
