"""Estimates how long a plan takes before it starts, by timing a sample of each learner on this machine."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

import jax

from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.executors import Executor
from twinsync.experiments.compute.peers import check_peer, train_peer
from twinsync.experiments.evaluate import Progress
from twinsync.experiments.formatting import duration
from twinsync.learning.settings import PpoSettings, SacSettings, Settings
from twinsync.learning.training import run_steps, start_cells
from twinsync.scenario import Scenario

_SAMPLE_S = 3.0
_PEER_SLOTS = 200  # slots timed of another library's learner that updates after every slot


def estimate(cells: Sequence[Cell], executor: Executor, progress: Progress) -> Iterator[str]:
    """A line per learner with its number of runs and their duration, then a line with the total.

    One batch of each learner is timed in this process, as a worker would run it, at the K that most of its runs have;
    runs with another K are assumed to take as long.
    """
    learners: dict[str, list[Cell]] = {}
    for cell in {cell.address: cell for cell in cells if cell.settings is not None}.values():
        learners.setdefault(cell.scheme, []).append(cell)
    total = 0.0
    for place, (name, members) in enumerate(learners.items()):
        progress(f"timing {name}", place, len(learners))
        programs: dict[str, list[Cell]] = {}
        for cell in members:
            programs.setdefault(cell.program, []).append(cell)
        batch = max(programs.values(), key=len)[: executor.batch]
        each = sample_s(batch) / len(batch)
        total += each * len(members)
        devices = batch[0].scenario.device_count
        yield f"{name}: {len(members)} runs of about {duration(each)} (timed at K = {devices})"
    device = jax.devices()[0].device_kind
    yield (
        f"about {duration(total / executor.workers)} on {executor.workers} worker{'s' * (executor.workers != 1)} like "
        f"this one ({device}), without compilation, evaluation and the exact schemes; samples ran alone, "
        "and workers side by side on one machine may take up to twice as long"
    )


def sample_s(batch: Sequence[Cell]) -> float:
    """Time to train a batch [s], extrapolated from as many steps as fit into about `_SAMPLE_S`."""
    first = batch[0]
    assert first.settings is not None
    if first.library:
        return len(batch) * _peer_sample_s(first.scenario, first.settings)
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


def _peer_sample_s(scenario: Scenario, settings: Settings) -> float:
    """Time that another library needs to train one seed [s], extrapolated from a few slots and their updates."""
    check_peer(settings)
    if isinstance(settings, SacSettings):
        few: Settings = dataclasses.replace(settings, slots=_PEER_SLOTS, warmup_slots=0)
    else:
        assert isinstance(settings, PpoSettings)
        few = dataclasses.replace(settings, slots=settings.rollout_slots)
    samples = [train_peer(scenario, few, seed=0, number=0, stretches=1) for _ in range(2)]  # the first one compiles
    return samples[-1].training_s / few.slots * settings.slots
