"""The scheduler: assigns tasks to workers until the store has a result for every cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Executor, TaskFailed
from twinsync.experiments.compute.store import Store
from twinsync.experiments.evaluate import Progress
from twinsync.experiments.formatting import duration

MOST_LOSSES = 3  # number of workers that one task may cost before the run stops
_PATIENCE_S = 5.0


@dataclass
class Task:
    """Cells that one worker computes together, and the number of workers that died during them."""

    cells: list[Cell]
    losses: int = 0

    @property
    def program(self) -> str:
        """The program that has to be compiled for it."""
        return self.cells[0].program


class Clock:
    """Estimates the remaining time from finished cells: of the same program, else the same scheme, else all."""

    def __init__(self) -> None:
        self._spent: dict[str, list[float]] = {}

    def note(self, cell: Cell, seconds: float) -> None:
        """Record the time that a cell took."""
        for name in (cell.program, cell.scheme, ""):
            self._spent.setdefault(name, []).append(seconds)

    def left_s(self, cells: Sequence[Cell], workers: int) -> float | None:
        """Remaining time for these cells on `workers` workers [s]; None before any cell has finished."""
        if not self._spent:
            return None
        return sum(self._guess(cell) for cell in cells) / min(workers, max(len(cells), 1))

    def _guess(self, cell: Cell) -> float:
        for name in (cell.program, cell.scheme):
            # The first cell of a program includes its compilation; later ones do not.
            spent = self._spent.get(name, [])
            if spent:
                return sum(spent[1:]) / (len(spent) - 1) if len(spent) > 1 else spent[0]
        spent = self._spent[""]
        return sum(spent) / len(spent)


def run(
    cells: Sequence[Cell], store: Store, executor: Executor, progress: Progress, say: Callable[[str], None]
) -> None:
    """Compute the results of `cells` that the store lacks. Results are stored as they arrive, so an interruption costs
    at most the running tasks. A task whose worker dies goes to another worker; `say` gets a sentence for each loss.

    Raises `InputError` if a result cannot be written, and `TaskFailed` if a task fails or `MOST_LOSSES` workers died
    during it.
    """
    todo = store.missing(cells)
    for sentence in store.damaged:
        say(sentence)
    total = len({cell.address for cell in cells})
    pending = _tasks(todo, executor.batch)
    done = total - len(todo)
    progress("starting workers" if todo else "all results exist already", done, total)
    compiled: dict[int, set[str]] = {worker: set() for worker in range(executor.workers)}
    at_work: dict[int, Task] = {}
    clock = Clock()
    while pending or at_work:
        for worker, known in compiled.items():
            if worker not in at_work and pending:
                at_work[worker] = _take(pending, worker, compiled)
                known.add(at_work[worker].program)
                executor.submit(worker, at_work[worker].cells)
        for report in executor.wait(_PATIENCE_S):
            task = at_work.pop(report.worker)
            if report.lost:
                compiled[report.worker].clear()
                _give_back(task, pending, report.lost, say)
                continue
            for cell, result in zip(task.cells, report.results, strict=True):
                store.write(cell, result)
                clock.note(cell, result.total_s)
            done += len(task.cells)
        left = clock.left_s([cell for task in (*pending, *at_work.values()) for cell in task.cells], executor.workers)
        doing = "; ".join(sorted({task.cells[0].label for task in at_work.values()}))
        progress(doing + ("" if left is None else f"; about {duration(left)} left"), done, total)


def _tasks(cells: Sequence[Cell], batch: int) -> list[Task]:
    programs: dict[str, list[Cell]] = {}
    for cell in cells:
        programs.setdefault(cell.program, []).append(cell)
    return [
        Task(members[first : first + batch]) for members in programs.values() for first in range(0, len(members), batch)
    ]


def _take(pending: list[Task], worker: int, compiled: dict[int, set[str]]) -> Task:
    """The next task: of a program that this worker has compiled, else one that no other has; the largest first."""
    left: dict[str, int] = {}
    for task in pending:
        left[task.program] = left.get(task.program, 0) + len(task.cells)
    others = {program for other, programs in compiled.items() if other != worker for program in programs}

    def preference(program: str) -> tuple[bool, bool, int]:
        return program in compiled[worker], program not in others, left[program]

    best = max(left, key=preference)
    place = next(place for place, task in enumerate(pending) if task.program == best)
    return pending.pop(place)


def _give_back(task: Task, pending: list[Task], lost: str, say: Callable[[str], None]) -> None:
    task.losses += 1
    label = task.cells[0].label
    if task.losses >= MOST_LOSSES:
        raise TaskFailed(f"{task.losses} workers died while computing {label} ({lost}); perhaps out of memory")
    say(f"{lost}; {label} goes to another worker")
    pending.insert(0, task)
