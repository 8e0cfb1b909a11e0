"""Small cells that train in a second, and executors made of nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Report
from twinsync.experiments.compute.store import CellResult
from twinsync.experiments.evaluate import RawScheme
from twinsync.learning.settings import GradientSettings
from twinsync.presets import load_scenario

TINY = GradientSettings(slots=100, batch_size=25, fading_draws=2, hidden=(4,))


def tiny_cell(bandwidth: str = "0.2 MHz", number: int = 0, devices: int = 2) -> Cell:
    scenario = load_scenario("paper", [f"device_count={devices}", f"bandwidth_hz={bandwidth}"])
    return Cell("tiny", scenario, TINY, "", 0, number, 10, 2, 2)


def heuristic_cell(name: str = "equal-share", seed: int = 0) -> Cell:
    return Cell(name, load_scenario("paper", ["device_count=2"]), None, name, seed, 0, 10, 2, 2)


def made_up(cell: Cell) -> CellResult:
    """A result of the right shape, of one number that its address decides."""
    value = int(cell.address[:6], 16) / 1e6
    scheme = RawScheme(np.full((1, 2, 10), value), np.full((1, 2, 10), 2 * value), {"cost": np.full((1, 2), 2 * value)})
    return CellResult(identity=cell.identity, measured=scheme, trouble="", evaluation_s=1.0)


class Script:
    """An executor whose workers answer at once, but die over the tasks in `deadly` as often as told."""

    batch = 2

    def __init__(self, workers: int = 2, deadly: dict[str, int] | None = None) -> None:
        self.workers = workers
        self.deadly = dict(deadly or {})
        self.log: list[tuple[int, tuple[str, ...]]] = []
        self._hands: dict[int, Sequence[Cell]] = {}

    def submit(self, worker: int, cells: Sequence[Cell]) -> None:
        assert worker not in self._hands
        self._hands[worker] = cells
        self.log.append((worker, tuple(cell.label for cell in cells)))

    def wait(self, timeout_s: float) -> list[Report]:
        worker, cells = next(iter(self._hands.items()))
        del self._hands[worker]
        if self.deadly.get(cells[0].address, 0):
            self.deadly[cells[0].address] -= 1
            return [Report(worker, lost=f"worker {worker} was shot")]
        return [Report(worker, tuple(made_up(cell) for cell in cells))]

    def close(self) -> None:
        pass


@pytest.fixture
def cells() -> list[Cell]:
    """Three programs: two sizes of a learner, and an allocator."""
    learned = [tiny_cell(bandwidth, number) for bandwidth in ("0.1 MHz", "0.2 MHz") for number in range(2)]
    larger = [dataclasses.replace(tiny_cell(devices=3), training_seed=number) for number in range(3)]
    return [*learned, *larger, heuristic_cell()]
