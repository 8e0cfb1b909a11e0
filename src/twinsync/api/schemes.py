"""Anyone's allocator, and what it costs, on the same slots as everyone else's."""

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
    """What an evaluation measured. `print` shows `table`.

    table: a row an allocator, cheapest first: means over slots with 95 % intervals where they can be given.
    units: a row for each allocator, policy (training seed) and set of slots, with every figure of merit.
    summary: everything as `twinsync evaluate --json` writes it, with the definition of each figure.
    """

    table: Table
    units: Table
    summary: dict[str, Any]

    def to_pandas(self) -> Any:
        """`units` as a `pandas.DataFrame`: tidy, a row a measurement. Raises `InputError` without pandas."""
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
    """Let allocators decide the same slots, `seeds` sets of `slots`, and measure latency, cost, limits, energy, age.

    An allocator is a name that `twinsync evaluate --allocators` takes, the folder of a training run, an exported file,
    a function (scenario, sight, key) -> `Allocation` of your own (arrays [slots, K], SI units), a policy, or a list of
    policies, one per training seed. A mapping gives them names of your own. One that was trained elsewhere is judged
    all the same, with an `OutsideTraining` warning that says what differs. `progress` is called with what is being
    done, steps done, and steps in all. Raises `InputError` naming the allocator whose output has a wrong shape or is
    not finite and positive.
    """
    if slots < 1 or seeds < 1:
        raise InputError(f"slots = {slots} and seeds = {seeds} must be at least 1")
    schemes = named_schemes(allocators, scenario)
    evaluation = evaluate_schemes(scenario, schemes, slots=slots, seeds=seeds, seed=seed, progress=progress)
    summary = summarise(evaluation)
    summary["notes"] += _outside(allocators, schemes, scenario, slots, seed)
    return Comparison(_table(summary), Table(evaluation.units_rows()), summary)


def named_schemes(allocators: Any, scenario: Scenario) -> dict[str, list[Allocator]]:
    """Policies by name, of what `evaluate` takes as allocators. Raises `InputError` naming what is none."""
    if isinstance(allocators, str | Path) or callable(allocators):
        allocators = [allocators]
    named = allocators.items() if isinstance(allocators, Mapping) else ((_name(each), each) for each in allocators)
    found: dict[str, list[Allocator]] = {}
    for name, each in named:
        if name in found:
            raise InputError(f'two allocators are called {name!r}; name them: {{"first": ..., "second": ...}}')
        found[name] = _policies(name, each, scenario)
    if not found:
        raise InputError("no allocators; name at least one")
    return found


def _outside(
    given: Any, schemes: Mapping[str, list[Allocator]], scenario: Scenario, slots: int, seed: int
) -> list[str]:
    """A note, and a warning, for each trained policy that is judged elsewhere than where it was trained."""
    asked = given.values() if isinstance(given, Mapping) else given if isinstance(given, Sequence) else [given]
    asked = [given] if isinstance(given, str) else asked
    notes = []
    for each, (name, policies) in zip(asked, schemes.items(), strict=True):
        card = card_of(each, policies)
        told = "" if card is None else outside_training(card, scenario, draw_slot_set(scenario, seed, 0, slots)[0])
        if told:
            notes.append(f"{name}: {told}")
            warnings.warn(notes[-1], OutsideTraining, stacklevel=3)
    return notes


def _policies(name: str, given: Any, scenario: Scenario) -> list[Allocator]:
    if isinstance(given, str | Path):
        return find_allocators(str(given), scenario)
    if isinstance(given, Policy) and given.network.layers[0].weight.ndim == 3:
        # As `Training.policies()` has them: leaves stacked over the training seeds.
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
    """What an allocator without a name is called: as given, a run by its folder's, a function by its own."""
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
