"""Real workers, in processes of this machine and in a Ray cluster: the same results, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.experiments.compute.conftest import heuristic_cell, tiny_cell

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Inline, Processes, TaskFailed, local_executor
from twinsync.experiments.compute.ray_cluster import RayCluster
from twinsync.experiments.compute.schedule import run
from twinsync.experiments.compute.store import CellResult, Store
from twinsync.experiments.compute.work import compute

PLAIN = [heuristic_cell(name, seed) for name in ("random", "equal-share") for seed in range(2)]
CELLS = [tiny_cell("0.1 MHz"), *PLAIN]


PATIENCE_S = 300.0  # generous: a cluster starts in ten seconds


def results(store: Store, cells: Sequence[Cell] = CELLS) -> list[CellResult]:
    found = [store.read(cell) for cell in cells]
    return [result for result in found if result is not None]


def equal(here: list[CellResult], there: list[CellResult]) -> None:
    assert len(here) == len(there) > 0
    for a, b in zip(here, there, strict=True):
        assert a.measured is not None
        assert b.measured is not None
        np.testing.assert_array_equal(a.measured.cost, b.measured.cost)
        np.testing.assert_array_equal(a.measured.latency_s, b.measured.latency_s)
        np.testing.assert_array_equal(a.curve, b.curve)
        for x, y in zip(a.weights, b.weights, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Store:
    """What two local processes come to, undisturbed."""
    store, executor = Store(tmp_path_factory.mktemp("local")), Processes(2)
    try:
        run(CELLS, store, executor, lambda what, done, total: None, print)
    finally:
        executor.close()
    return store


def killing(executor: Processes | RayCluster):
    """A progress report that kills both workers once, when the first results are in: at least one is at work then."""
    shot: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        if 0 < done < total and not shot:
            for worker in range(executor.workers):
                process = executor.process_id(worker)
                if process is not None:
                    os.kill(process, signal.SIGKILL)
                    shot.append(process)

    return progress, shot


def test_killed_processes_are_replaced_and_nothing_changes(local: Store, tmp_path: Path):
    executor, told = Processes(2), []
    progress, shot = killing(executor)
    try:
        run(PLAIN, Store(tmp_path), executor, progress, told.append)
    finally:
        executor.close()
    assert shot
    assert any("ended with code -9" in line for line in told)
    equal(results(Store(tmp_path), PLAIN), results(local, PLAIN))


def alone(script: str, *arguments: str) -> str:
    """Output of a script in a process of its own. Ray brings native threads and leaves signal handlers and sockets."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


WITH_RAY = """
import json, sys
from pathlib import Path
from tests.experiments.compute.test_executors import CELLS, killing
from twinsync.experiments.compute.ray_cluster import RayCluster
from twinsync.experiments.compute.schedule import run
from twinsync.experiments.compute.store import Store

executor, told = RayCluster(workers=2), []
assert executor.workers == 2
progress, shot = killing(executor)
try:
    run(CELLS, Store(Path(sys.argv[1])), executor, progress, told.append)
finally:
    executor.close()
print(json.dumps({"shot": shot, "told": told}))
"""


def test_a_ray_cluster_whose_workers_are_killed_comes_to_the_local_results(local: Store, tmp_path: Path):
    output = json.loads(alone(WITH_RAY, str(tmp_path)))
    assert output["shot"]
    assert any("died" in line and "goes to another worker" in line for line in output["told"])
    equal(results(Store(tmp_path)), results(local))


UNREACHABLE = """
from twinsync.errors import InputError
from twinsync.experiments.compute.ray_cluster import RayCluster

try:
    RayCluster("127.0.0.1:1")
except InputError as error:
    print(error)
"""


def test_an_unreachable_ray_cluster_is_named():
    assert "--address 127.0.0.1:1: no Ray cluster answers" in alone(UNREACHABLE)


def test_cells_side_by_side_are_cells_alone():
    cells = [tiny_cell("0.1 MHz"), tiny_cell("0.4 MHz", 1)]
    together = compute(cells)
    alone = [compute([cell])[0] for cell in cells]
    for a, b in zip(together, alone, strict=True):
        assert a.measured is not None
        assert b.measured is not None
        np.testing.assert_allclose(a.measured.cost, b.measured.cost, rtol=1e-5)
        assert a.card is not None
        assert b.card is not None
        assert a.card["scenario"] == b.card["scenario"]
        assert a.card["ranges"] == b.card["ranges"]
        assert [row.slots for row in a.curve] == [row.slots for row in b.curve]


def test_what_a_cell_cannot_have_is_its_results_trouble():
    (result,) = compute([heuristic_cell("no-such-thing")])
    assert result.measured is None
    assert "unknown allocator 'no-such-thing'" in result.trouble


def test_a_fault_of_a_worker_is_an_error_with_its_traceback():
    executor = Processes(1)
    try:
        executor.submit(0, [])
        with pytest.raises(TaskFailed, match="IndexError"):
            executor.wait(120.0)
    finally:
        executor.close()


def test_without_an_accelerator_workers_are_processes():
    executor = local_executor()
    try:
        assert isinstance(executor, Processes)
        assert executor.workers == len(os.sched_getaffinity(0))
    finally:
        executor.close()
    assert Inline().workers == 1
