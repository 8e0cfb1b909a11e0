"""The local executor: a process a core; or, where JAX has found an accelerator, this process itself."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence

import jax

from twinsync.experiments.sweeps.cell import Cell
from twinsync.experiments.sweeps.executor import Executor, Report, TaskFailed
from twinsync.experiments.sweeps.work import compute
from twinsync.experiments.sweeps.worker import receive, send

# One thread a worker: small networks gain nothing from more, and sums then never depend on how many there are.
ONE_THREAD = {"NPROC": "1", "PJRT_NPROC": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_NO_THREADS = "--xla_cpu_multi_thread_eigen=false"


def worker_environment() -> dict[str, str]:
    """Environment of a worker on a CPU, whatever starts it: the same one gives the same results."""
    flags = os.environ.get("XLA_FLAGS", "")
    return {**ONE_THREAD, "XLA_FLAGS": f"{flags} {_NO_THREADS}".strip()}


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
    """Worker processes of this machine, spoken to through pipes. They end when this process does."""

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
        """Read what has come."""
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
        # A session of its own: Ctrl-C is for this process, which then ends its workers.
        process = subprocess.Popen(
            [sys.executable, "-m", "twinsync.experiments.sweeps.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **worker_environment(), "JAX_PLATFORMS": "cpu"},
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
