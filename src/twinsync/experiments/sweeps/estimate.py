"""How long a plan would take, told before it starts: a sample of each learner is timed on the machine at hand."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import jax

from twinsync.experiments.sweeps.cell import Cell
from twinsync.experiments.sweeps.executor import Executor
from twinsync.experiments.sweeps.schedule import Progress
from twinsync.experiments.words import duration
from twinsync.learning.training import run_steps, start_cells

_SAMPLE_S = 3.0


def estimate(cells: Sequence[Cell], executor: Executor, progress: Progress) -> Iterator[str]:
    """Lines that say, for each learner and size, how many cells there are and how long they take, then the whole.

    Samples are timed in this process, on one batch as a worker would have it, without the compilation.
    """
    kinds: dict[str, list[Cell]] = {}
    for cell in {cell.address: cell for cell in cells if cell.settings is not None}.values():
        kinds.setdefault(cell.program, []).append(cell)
    total = 0.0
    for place, members in enumerate(kinds.values()):
        first = members[0]
        name = f"{first.scheme}, K = {first.scenario.device_count}"
        progress(f"timing {name}", place, len(kinds))
        batch = members[: executor.batch]
        each = sample_s(batch) / len(batch)
        total += each * len(members)
        yield f"{name}: {len(members)} runs of {duration(each)}"
    yield (
        f"about {duration(total / executor.workers)} on {executor.workers} workers, without compilation, evaluation "
        f"and the exact schemes; samples were timed on {jax.devices()[0].device_kind}"
    )


def sample_s(batch: Sequence[Cell]) -> float:
    """Time that training a batch takes [s], from as many steps as `_SAMPLE_S` allow."""
    first = batch[0]
    assert first.settings is not None
    numbers = [cell.training_seed for cell in batch]
    training = start_cells([cell.scenario for cell in batch], first.settings, numbers=numbers, seed=first.seed)
    warm, total = training.algorithm.warmup_steps, training.total_steps
    run_steps(training, 1, from_step=warm)  # compiles
    steps, took = 1, 0.0
    while took < _SAMPLE_S / 2 and steps < total:
        steps = min(steps * 4, total)
        began = time.perf_counter()
        run_steps(training, steps, from_step=warm)
        took = time.perf_counter() - began
    return took / steps * (total - warm)
