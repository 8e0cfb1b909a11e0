"""Which worker does what next, until every cell has its result in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Executor, TaskFailed
from twinsync.experiments.compute.store import Store
from twinsync.experiments.evaluate import Progress
from twinsync.experiments.formatting import duration

MOST_LOSSES = 3  # of workers over one task
_PATIENCE_S = 5.0


@dataclass
class Task:
    """Cells that one worker does at once, and how many workers died over them."""

    cells: list[Cell]
    losses: int = 0

    @property
    def program(self) -> str:
        """What has to be compiled for it."""
        return self.cells[0].program


class Clock:
    """How long what is left will take, from what was done: by program, else by scheme, else by all."""

    def __init__(self) -> None:
        self._spent: dict[str, list[float]] = {}

    def note(self, cell: Cell, seconds: float) -> None:
        """A cell took this long."""
        for name in (cell.program, cell.scheme, ""):
            self._spent.setdefault(name, []).append(seconds)

    def left_s(self, cells: Sequence[Cell], workers: int) -> float | None:
        """Time left for these cells on so many workers; None before anything is known."""
        if not self._spent:
            return None
        return sum(self._guess(cell) for cell in cells) / min(workers, max(len(cells), 1))

    def _guess(self, cell: Cell) -> float:
        for name in (cell.program, cell.scheme):
            # The first of a program is compiled too, which the later ones are not.
            spent = self._spent.get(name, [])
            if spent:
                return sum(spent[1:]) / (len(spent) - 1) if len(spent) > 1 else spent[0]
        spent = self._spent[""]
        return sum(spent) / len(spent)


def run(
    cells: Sequence[Cell], store: Store, executor: Executor, progress: Progress, say: Callable[[str], None]
) -> None:
    """Compute what the store lacks of `cells`. Results are stored as they come, so whatever ends this early costs the
    tasks at work at most. A task whose worker dies goes to another; `say` gets a sentence for each loss.

    Raises `InputError` where a result cannot be written, `TaskFailed` where a worker fails or three died over a task.
    """
    todo = store.missing(cells)
    for sentence in store.damaged:
        say(sentence)
    total, done = len({cell.address for cell in cells}), 0
    pending = _tasks(todo, executor.batch)
    done = total - len(todo)
    progress("starting workers" if todo else "all results are there", done, total)
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
    """The next task: of a program this worker has compiled, else one that nobody has, else any; the largest first."""
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
        raise TaskFailed(f"{task.losses} workers died over {label} ({lost}); out of memory, perhaps")
    say(f"{lost}; {label} goes to another worker")
    pending.insert(0, task)
