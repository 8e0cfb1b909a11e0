"""Comparison of allocators on the same slots."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from twinsync.allocators.policy import Policy
from twinsync.allocators.protocol import Allocator
from twinsync.allocators.registry import find_allocators
from twinsync.api.learners import TrainedPolicies
from twinsync.api.table import Table
from twinsync.errors import InputError
from twinsync.experiments.evaluate import Progress, draw_slot_set
from twinsync.experiments.evaluate import evaluate as evaluate_schemes
from twinsync.experiments.outside import card_of, outside_training
from twinsync.experiments.summary import summarise
from twinsync.runtime import OutsideTraining
from twinsync.scenario import Scenario

Scheme = str | Path | Callable[..., Any] | Sequence[Callable[..., Any]]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Results of an evaluation. `print` shows `table`.

    table: one row per allocator, cheapest first: means over slots, and the 95 % interval of the cost if it is defined.
    units: one row per allocator, policy (training seed) and set of slots, with every figure of merit.
    summary: all results in the form of `twinsync evaluate --json`, with the definition of each figure of merit.
    """

    table: Table
    units: Table
    summary: dict[str, Any]

    def to_pandas(self) -> Any:
        """`units` as a `pandas.DataFrame`. Raises `InputError` if pandas is not installed."""
        return self.units.to_pandas()

    def __repr__(self) -> str:
        return str(self.table)


def evaluate(
    scenario: Scenario,
    allocators: Scheme | Sequence[Scheme] | Mapping[str, Scheme],
    *,
    slots: int = 500,
    seeds: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare allocators on the same `seeds` sets of `slots` slots by latency, cost, broken limits, energy and age.

    An allocator is a name that `twinsync evaluate --allocators` takes, the folder of a training run, an exported file,
    your own function (scenario, sight, key) -> `Allocation` (arrays [slots, K], SI units), a policy, or a list of
    policies, one per training seed. A mapping gives allocators names of your own. seed: root seed of the slots.
    progress: called with the current activity, steps done and total steps.

    Warns with `OutsideTraining` of policies that were trained on another scenario; they are evaluated all the same.
    Raises `InputError` for an unknown allocator, and for one whose output has a wrong shape or is not finite and
    positive.
    """
    if slots < 1 or seeds < 1:
        raise InputError(f"slots = {slots} and seeds = {seeds} must be at least 1")
    allocators = _listed(allocators)
    schemes = named_schemes(allocators, scenario)
    evaluation = evaluate_schemes(scenario, schemes, slots=slots, seeds=seeds, seed=seed, progress=progress)
    summary = summarise(evaluation)
    summary["notes"] += _outside(allocators, schemes, scenario, slots, seed)
    return Comparison(_table(summary), Table(evaluation.units_rows()), summary)


def named_schemes(allocators: Any, scenario: Scenario) -> dict[str, list[Allocator]]:
    """The policies of each allocator that `evaluate` accepts, by name. Raises `InputError` that names a wrong one."""
    allocators = _listed(allocators)
    named = allocators.items() if isinstance(allocators, Mapping) else ((_name(each), each) for each in allocators)
    schemes: dict[str, list[Allocator]] = {}
    for name, each in named:
        if name in schemes:
            raise InputError(f'two allocators are called {name!r}; name them: {{"first": ..., "second": ...}}')
        schemes[name] = _policies(name, each, scenario)
    if not schemes:
        raise InputError("no allocators; name at least one")
    return schemes


def _listed(allocators: Any) -> Mapping[str, Any] | list[Any]:
    """Allocators as a mapping or list; a single one, such as the policies of one training, becomes a list of one."""
    if isinstance(allocators, Mapping):
        return allocators
    if isinstance(allocators, str | Path | TrainedPolicies) or callable(allocators):
        return [allocators]
    return list(allocators)


def _outside(
    allocators: Mapping[str, Any] | list[Any],
    schemes: Mapping[str, list[Allocator]],
    scenario: Scenario,
    slots: int,
    seed: int,
) -> list[str]:
    """A note and a warning for each policy that was trained on another scenario or other slots."""
    given = allocators.values() if isinstance(allocators, Mapping) else allocators
    notes = []
    for each, (name, policies) in zip(given, schemes.items(), strict=True):
        card = card_of(each, policies)
        note = "" if card is None else outside_training(card, scenario, draw_slot_set(scenario, seed, 0, slots)[0])
        if note:
            notes.append(f"{name}: {note}")
            warnings.warn(notes[-1], OutsideTraining, stacklevel=3)
    return notes


def _policies(name: str, given: Any, scenario: Scenario) -> list[Allocator]:
    if isinstance(given, str | Path):
        return find_allocators(str(given), scenario)
    if isinstance(given, Policy) and given.network.layers[0].weight.ndim == 3:
        # As from `Training.policies()`: leaves stacked over the training seeds.
        count = given.network.layers[0].weight.shape[0]
        given = [jax.tree.map(lambda leaf, place=place: leaf[place], given) for place in range(count)]
    policies: list[Any] = list(given) if isinstance(given, Sequence) else [given]
    for policy in policies:
        if not callable(policy) or isinstance(policy, type):
            raise InputError(
                f"allocator {name!r}: expected a function (scenario, sight, key) -> Allocation, got {policy!r:.60}"
            )
    return policies


def _name(given: Any) -> str:
    """Name of an allocator given without one: a file's or folder's name, else the string itself; a function's name."""
    if isinstance(given, str | Path):
        return Path(given).resolve().name if Path(given).exists() else str(given)
    if isinstance(given, Sequence):
        return "trained"
    return str(getattr(given, "__name__", type(given).__name__))


def _table(summary: Mapping[str, Any]) -> Table:
    rows = []
    for name, entry in sorted(summary["allocators"].items(), key=lambda item: item[1]["cost"]["mean"]):
        latency, cost, gap = entry["latency_s"], entry["cost"], entry["gap_to_optimum"]
        rows.append({
            "allocator": name,
            "latency_s": latency["mean"],
            "cost": cost["mean"],
            "cost_low": cost["ci_low"],
            "cost_high": cost["ci_high"],
            "gap_to_optimum": None if gap is None else gap["mean"],
            "deadline_miss_rate": entry["deadline_miss_rate"],
            "energy_violation_rate": entry["energy_violation_rate"],
            "outage_rate": entry["outage_rate"],
            "extraction_factor": entry["extraction_factor"],
            "energy_j": entry["energy_j"],
        })  # fmt: skip
    return Table(rows)
