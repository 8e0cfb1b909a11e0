"""Evaluation of all schemes on the same slots, since no decision affects where devices are or what they sense.

M evaluation seeds give M independent sets of N slots. Every policy of a scheme (one per training seed; a single one for
a heuristic) decides every set, in float64. The exact optimum is solved on the same sets as the reference for gaps.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.optimum import solve
from twinsync.allocators.protocol import Allocator, checked, observation_of
from twinsync.arrays import Float, Key
from twinsync.environment.interface import see
from twinsync.errors import InputError
from twinsync.experiments.metrics import Measures, measure
from twinsync.model import Allocation, Slot
from twinsync.model.draws import draw_slot_set
from twinsync.scenario import Scenario

Progress = Callable[[str, int, int], None]  # current step's name, steps done, total number of steps

CERTIFIED_GAP = 1e-4  # relative; with a larger proven gap, a solution does not count as the optimum


@dataclass(frozen=True)
class RawScheme:
    """One scheme's raw results: P policies, M sets, N slots.

    latency_s, cost: T[n] and T[n] + P, both with the latency cap. means: each figure of merit averaged over a set.
    trained: whether a policy stands for whatever its training would yield, so that one alone allows no interval.
    """

    latency_s: Float[np.ndarray, "P M N"]
    cost: Float[np.ndarray, "P M N"]
    means: dict[str, Float[np.ndarray, "P M"]]
    trained: bool = False

    @property
    def policies(self) -> int:
        """Number of policies P."""
        return self.cost.shape[0]

    @property
    def over_seeds(self) -> bool:
        """Whether its policies are the units of replication; otherwise the sets of slots are."""
        return self.trained or self.policies > 1


@dataclass(frozen=True)
class Reference:
    """The exact optimum on the same slots.

    cost: of its allocation, with the latency cap that applies to all schemes. relative_gap: proven bound on its
    relative distance from the true minimum of that cost.
    """

    cost: Float[np.ndarray, "M N"]
    relative_gap: Float[np.ndarray, "M N"]


@dataclass(frozen=True)
class RawEvaluation:
    """Raw results of an evaluation; `summary.summarise` turns them into means, intervals and paired differences."""

    scenario: Scenario
    slots: int
    seeds: int
    seed: int
    schemes: dict[str, RawScheme]
    optimum: Reference | None
    optimum_note: str

    def units_rows(self) -> list[dict[str, Any]]:
        """A row per scheme, policy and set of slots, with the means over the set."""
        rows = []
        for name, scheme in self.schemes.items():
            for policy, slot_set in np.ndindex(*scheme.cost.shape[:2]):
                means = {key: float(values[policy, slot_set]) for key, values in scheme.means.items()}
                best = {} if self.optimum is None else {"optimum_cost": float(self.optimum.cost[slot_set].mean())}
                rows.append({"allocator": name, "policy": policy, "slot_set": slot_set, **means, **best})
        return rows


def evaluate(
    scenario: Scenario,
    allocators: Mapping[str, Sequence[Allocator]],
    *,
    slots: int,
    seeds: int,
    seed: int,
    compare: bool = True,
    progress: Progress | None = None,
) -> RawEvaluation:
    """Evaluate each named scheme, a list of policies (one per training seed), on `seeds` sets of `slots` slots.

    compare: whether to solve the optimum on the same sets. Raises `InputError` that names the allocator if its output
    has a wrong shape or is not finite and positive.
    """
    # As Python numbers the constants would be compiled in, and every scenario would need its own compilation.
    scenario = jax.tree.map(np.float64, scenario)
    tell = progress or (lambda what, done, total: None)
    total = seeds * (1 + sum(len(policies) for policies in allocators.values()))
    done = 0
    results: dict[str, list[list[Measures]]] = {name: [[] for _ in policies] for name, policies in allocators.items()}
    references, note = [], ""
    with jax.enable_x64(True):
        for index in range(seeds):
            slot, key = draw_slot_set(scenario, seed, index, slots)
            tell("optimum", done, total)
            reference, trouble = _reference(scenario, slot) if compare else (None, "it was not asked for")
            references.append(reference)
            note = note or trouble
            done += 1
            for name, policies in allocators.items():
                for place, allocator in enumerate(policies):
                    tell(name, done, total)
                    allocation = decide(name, allocator, scenario, slot, key)
                    results[name][place].append(measure(scenario, slot, allocation))
                    done += 1
    tell("done", done, total)
    schemes = {name: _gather(rows) for name, rows in results.items()}
    return RawEvaluation(scenario, slots, seeds, seed, schemes, _stack(references), note)


def decide(name: str, allocator: Allocator, scenario: Scenario, slot: Slot, key: Key) -> Allocation:
    """An allocator's decisions for a set of slots, checked. Call it with float64 enabled.

    Raises `InputError` that names the allocator if it fails or decides something invalid.
    """
    sight = see(jax.tree.map(jnp.asarray, slot), observation_of(allocator))
    try:
        allocation = allocator(scenario, sight, key)
    except InputError as error:
        raise InputError(f"allocator {name!r}: {error}") from None
    except (Exception, SystemExit) as error:
        if _is_ours(allocator):
            raise
        raise InputError(f"allocator {name!r} raised {type(error).__name__} ({_place(error)}): {error}") from error
    return checked(name, allocation, slot.data_bits.shape)


def _place(error: BaseException) -> str:
    """File and line of the user's code that an exception passed last."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames[1:] if "site-packages" not in frame.filename]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _is_ours(allocator: Allocator) -> bool:
    """Whether the allocator belongs to this package, in which case its exceptions are bugs of ours."""
    return str(getattr(allocator, "__module__", "")).split(".")[0] == __name__.split(".")[0]


_Reference = tuple[np.ndarray, np.ndarray]  # capped cost and proven relative gap of each slot in a set


def _reference(scenario: Scenario, slot: Slot) -> tuple[_Reference | None, str]:
    try:
        solution = solve(scenario, slot)
    except InputError as error:
        return None, f"no certified optimum: {error}"
    if not (solution.relative_gap <= CERTIFIED_GAP).all():
        return None, f"no certified optimum: its proven gap exceeds {CERTIFIED_GAP:g} in some slots"
    return (measure(scenario, slot, solution.allocation).cost, solution.relative_gap), ""


def optimum_cost(scenario: Scenario, slot: Slot) -> float | None:
    """Mean capped cost of the certified optimum over slots (NumPy, float64); None if it cannot be certified."""
    with jax.enable_x64(True):
        reference, _ = _reference(scenario, slot)
    return None if reference is None else float(reference[0].mean())


def _stack(references: list[_Reference | None]) -> Reference | None:
    present = [reference for reference in references if reference is not None]
    if len(present) < len(references):
        return None
    return Reference(*(np.stack(arrays) for arrays in zip(*present, strict=True)))


def _gather(rows: list[list[Measures]]) -> RawScheme:
    names = rows[0][0].means
    return RawScheme(
        latency_s=np.stack([[measures.latency_s for measures in row] for row in rows]),
        cost=np.stack([[measures.cost for measures in row] for row in rows]),
        means={name: np.array([[measures.means[name] for measures in row] for row in rows]) for name in names},
    )
