"""What the schedule asks of whatever runs the work: numbered workers that take tasks, may die, and are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from twinsync.experiments.sweeps.cell import Cell
from twinsync.experiments.sweeps.result import CellResult


@dataclass(frozen=True)
class Report:
    """A worker's word: the results of its task, or that it died over it (`lost` says how)."""

    worker: int
    results: tuple[CellResult, ...] = ()
    lost: str = ""


class TaskFailed(RuntimeError):
    """A worker's own error, with its traceback: a fault of ours, not of the input."""


@runtime_checkable
class Executor(Protocol):
    """Runs tasks, lists of cells of one program. One task a worker at a time."""

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
        """What workers have to say, at the latest after `timeout_s`. Raises `TaskFailed`."""
        ...

    def close(self) -> None:
        """Stop all workers at once; tasks in hand are lost."""
        ...
