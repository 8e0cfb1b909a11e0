"""What a worker does with cells of one program: train them in parallel, then evaluate each policy."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from twinsync.allocators.protocol import Allocator
from twinsync.allocators.registry import find_allocators
from twinsync.compilation import forget_many
from twinsync.errors import InputError
from twinsync.experiments.compute.cell import Cell, source_of
from twinsync.experiments.compute.peers import peer_versions, train_peer
from twinsync.experiments.compute.store import CellResult
from twinsync.experiments.evaluate import RawEvaluation, evaluate
from twinsync.experiments.results import OPTIMUM
from twinsync.learning.divergence import find_divergences
from twinsync.learning.run import finite_seeds, policy_card
from twinsync.learning.training import CurveRow, Training, advance, in_scenario, start_cells
from twinsync.manifest import provenance

_LOST = "its weights are no longer finite numbers"


def compute(cells: Sequence[Cell]) -> list[CellResult]:
    """Results of cells that share a program. An error in a user's allocator becomes the `trouble` of its result.

    Raises `InputError` for settings that a cell's library does not support, or if that library is not installed.
    """
    forget_many()
    if cells[0].settings is None:
        return [_allocate(cell) for cell in cells]
    if cells[0].library:
        return [_learn_elsewhere(cell) for cell in cells]
    return _learn(cells)


def _learn(cells: Sequence[Cell]) -> list[CellResult]:
    began = time.perf_counter()
    first = cells[0]
    assert first.settings is not None
    numbers = [cell.training_seed for cell in cells]
    training = start_cells([cell.scenario for cell in cells], first.settings, numbers=numbers, seed=first.seed)
    advance(training, first.stretches, stop_if_diverged=False)
    training_s = (time.perf_counter() - began) / len(cells)
    return [_learned(cell, _alone(training, place, cell), training_s) for place, cell in enumerate(cells)]


def _alone(training: Training, place: int, cell: Cell) -> Training:
    """One cell of a batched training as a separate training."""

    def take(leaf: Any) -> Any:
        return leaf[place : place + 1]

    return dataclasses.replace(
        training,
        algorithm=in_scenario(cell.scenario, training.algorithm),
        scenarios=jax.tree.map(take, training.scenarios),
        state=jax.tree.map(take, training.state),
        numbers=(training.numbers[place],),
        curve=training.curve[place :: training.seeds],
    )


def _learn_elsewhere(cell: Cell) -> CellResult:
    """The result of a cell that another library trains, without weights."""
    assert cell.settings is not None
    trained = train_peer(
        cell.scenario, cell.settings, seed=cell.seed, number=cell.training_seed, stretches=cell.stretches
    )
    known = _provenance(cell.seed)
    unmeasured = CellResult(
        identity=cell.identity, measured=None, trouble=_LOST, curve=trained.curve, diverged=_signs(trained.curve),
        training_s=trained.training_s,
        provenance={**known, "versions": {**known["versions"], **peer_versions()}},
    )  # fmt: skip
    return unmeasured if trained.policy is None else _measured(cell, unmeasured, trained.policy)


def _signs(curve: Sequence[CurveRow]) -> tuple[dict[str, Any], ...]:
    """Signs of divergence in the form of a run's manifest."""
    signs = find_divergences(curve)
    return tuple({"seed": sign.seed, "slots": sign.slots, "reason": sign.reason} for sign in signs)


def _learned(cell: Cell, training: Training, training_s: float) -> CellResult:
    policies = training.policies()
    unmeasured = CellResult(
        identity=cell.identity, measured=None, trouble=_LOST, curve=tuple(training.curve),
        diverged=_signs(training.curve), card=_card(training, cell),
        weights=tuple(np.asarray(leaf) for leaf in jax.tree.leaves(policies)), training_s=training_s,
        provenance=_provenance(cell.seed),
    )  # fmt: skip
    if not finite_seeds(training):
        return unmeasured
    return _measured(cell, unmeasured, jax.tree.map(lambda leaf: leaf[0], policies))


def _allocate(cell: Cell) -> CellResult:
    unmeasured = CellResult(identity=cell.identity, measured=None, trouble="", provenance=_provenance(cell.seed))
    try:
        if source_of(cell.allocator) != cell.identity["source"]:
            raise InputError(f"{cell.allocator} changed while the run was under way; continue with --resume")
        return _measured(cell, unmeasured, find_allocators(cell.allocator, cell.scenario)[0])
    except InputError as error:
        return dataclasses.replace(unmeasured, trouble=str(error))


def _measured(cell: Cell, unmeasured: CellResult, allocator: Allocator) -> CellResult:
    began = time.perf_counter()
    evaluation: RawEvaluation = evaluate(
        cell.scenario, {cell.scheme: [allocator]}, slots=cell.slots, seeds=cell.sets, seed=cell.seed,
        compare=cell.allocator == OPTIMUM,
    )  # fmt: skip
    optimum = evaluation.optimum
    return dataclasses.replace(
        unmeasured,
        measured=evaluation.schemes[cell.scheme],
        trouble=evaluation.optimum_note if cell.allocator == OPTIMUM else "",
        relative_gap=None if optimum is None else optimum.relative_gap,
        evaluation_s=time.perf_counter() - began,
    )


@functools.cache
def _provenance(seed: int) -> dict[str, Any]:
    """Versions, device, machine and revision of this worker; only the driver knows the command."""
    everything = provenance("", seed)
    return {key: everything[key] for key in ("versions", "device", "machine", "git_revision")}


def _card(training: Training, cell: Cell) -> dict[str, Any]:
    """The policy's card after a round trip through JSON, as it will be read back."""
    return json.loads(json.dumps(policy_card(training, cell.scenario)))
