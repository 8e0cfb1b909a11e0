"""The Ray executor: one actor per core of a cluster, or per GPU if it has any."""

from __future__ import annotations

import logging
import os
import socket
import traceback
from collections.abc import Sequence
from typing import Any

from twinsync.compilation import VARIABLE, one_thread
from twinsync.errors import InputError, install
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Report, TaskFailed
from twinsync.experiments.compute.store import CellResult
from twinsync.experiments.compute.work import compute
from twinsync.experiments.compute.worker import connect_quietly

_PLACED_S = 60.0  # patience for an actor's place in the cluster


class RayCluster:
    """An executor whose workers are actors of a Ray cluster: one per GPU if it has any, otherwise one per core.

    address: of a running cluster (`ray start --head` prints it); None starts one on this machine until `close`. Every
    machine of the cluster needs the same version of twinsync. Raises `InputError` if Ray is not installed or no cluster
    answers at the address.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._ray = _connect(address, workers)
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        self.workers = min(workers or gpus or int(resources.get("CPU", 1)), gpus or int(resources.get("CPU", 1)))
        self.batch = 1_000_000 if gpus else 1
        environment = {} if gpus else {**one_thread(), "JAX_PLATFORMS": "cpu"}
        if VARIABLE in os.environ:
            environment[VARIABLE] = os.environ[VARIABLE]
        self._actor = self._ray.remote(
            num_cpus=0 if gpus else 1, num_gpus=1 if gpus else 0, max_restarts=0,
            runtime_env={"env_vars": environment},
        )(_Worker)  # fmt: skip
        self._actors: dict[int, Any] = {}
        self._process_ids: dict[int, Any] = {}
        self._tasks: dict[Any, int] = {}

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        """Send the task to the worker's actor, starting one if there is none."""
        if worker not in self._actors:
            # Not waited for: while other jobs hold the cluster, an actor may have to wait for its place.
            self._actors[worker] = self._actor.remote()
            self._process_ids[worker] = self._actors[worker].process_id.remote()
        self._tasks[self._actors[worker].run.remote(list(cells))] = worker

    def wait(self, timeout_s: float) -> list[Report]:
        """Collect the answers that have arrived."""
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=timeout_s)
        return [self._collect(task) for task in ready]

    def process_id(self, worker: int) -> int | None:
        """Process id of a worker's actor; None if it has none, or none that has its place by now."""
        if worker not in self._actors:
            return None
        try:
            return self._ray.get(self._process_ids[worker], timeout=_PLACED_S)
        except self._ray.exceptions.RayError:
            return None

    def close(self) -> None:
        """Stop the actors, and the cluster if it was started here."""
        self._ray.shutdown()

    def _collect(self, task: Any) -> Report:
        worker = self._tasks.pop(task)
        try:
            answer = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise TaskFailed(str(error)) from None
        except self._ray.exceptions.RayError as error:  # its process, its machine or its answer is gone
            del self._actors[worker]
            reason = str(error).strip().splitlines()[0]
            return Report(worker, lost=f"Ray worker {worker} died: {reason}")
        if isinstance(answer, str):
            raise TaskFailed(answer)
        return Report(worker, tuple(answer))


class _Worker:
    def __init__(self) -> None:
        connect_quietly()

    def run(self, cells: list[Cell]) -> list[CellResult] | str:
        """Results, or a traceback."""
        try:
            return compute(cells)
        except Exception:
            return traceback.format_exc()

    def process_id(self) -> int:
        return os.getpid()


def _connect(address: str | None, workers: int | None) -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise InputError(f"--executor ray: Ray is not installed; {install('ray')}") from None
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address is None:
            ray.init(num_cpus=workers, include_dashboard=False, **options)
        else:
            _check_listens(address)
            ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError, SystemExit) as error:
        lines = str(error).strip().splitlines()
        where = "this machine" if address is None else f"--address {address}"
        raise InputError(
            f"{where}: no Ray cluster answers ({lines[0] if lines else type(error).__name__}); start one with "
            "`ray start --head` and give the address it prints"
        ) from None
    return ray


def _check_listens(address: str) -> None:
    """Fail at once if nothing listens at the address; Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        raise ValueError("expected HOST:PORT, or auto")
    socket.create_connection((host, int(port)), timeout=10.0).close()
