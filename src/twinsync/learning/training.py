"""The training loop of all algorithms: jitted end to end, in stretches between which it can be interrupted.

It trains several cells at once. A cell is a scenario and a training seed; all cells have the same algorithm, settings
and sizes. The seeds of a run are cells that share a scenario; a sweep over numeric constants adds cells with others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.policy import Policy
from twinsync.arrays import Key
from twinsync.environment.interface import see
from twinsync.errors import InputError
from twinsync.learning.algorithm import averaged, joined, nothing_yet
from twinsync.learning.divergence import complaint, discount_sum, find_divergences, value_bound
from twinsync.learning.gradient import Gradient
from twinsync.learning.ppo import Ppo
from twinsync.learning.sac import Sac
from twinsync.learning.settings import GradientSettings, PpoSettings, SacSettings, Settings
from twinsync.learning.validation import check_settings
from twinsync.model import Slot, draw_slots, slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import root_key, stream

Algorithm = Sac | Ppo | Gradient

# A new learner needs an entry here, its settings in `settings`, and its own module.
ALGORITHMS: dict[type[Any], type[Any]] = {SacSettings: Sac, PpoSettings: Ppo, GradientSettings: Gradient}

CURVE_SLOTS = 500  # fixed slots on which the deterministic policy is evaluated during training


class CurveRow(NamedTuple):
    """One point of a learning curve: a seed's deterministic policy on fixed slots, and statistics of its training.

    slots: slots trained so far. cost, latency_s: mean T + P and mean T [s] on the fixed slots; cost is NaN if a weight
    is not finite. training_reward: mean reward (22) while exploring. critic_loss, entropy, alpha, value_size: as in
    `algorithm.Stats`. value_bound: the largest |Q| that the rewards seen so far allow, see `divergence`. NaN before the
    first slot and for what the learner does not have.
    """

    seed: int
    slots: int
    cost: float
    latency_s: float
    training_reward: float
    critic_loss: float
    entropy: float
    alpha: float
    value_size: float
    value_bound: float


@dataclass
class Training:
    """A run in memory: the states of S cells (leaves stacked [S, ...]), the current step, and the curve so far.

    algorithm: that of the first cell; the others differ only in their scenario's numbers. scenarios: leaves stacked
    [S]. numbers: the cells' training seeds. seed: the root seed that all draws derive from.
    """

    algorithm: Algorithm
    scenarios: Scenario
    state: Any
    numbers: tuple[int, ...]
    seed: int
    step: int = 0
    curve: list[CurveRow] = field(default_factory=list)

    @property
    def seeds(self) -> int:
        """Number S of cells; in a run of one scenario, the number of training seeds."""
        return len(self.numbers)

    @property
    def total_steps(self) -> int:
        """Steps of the algorithm that use up its slots; the last may take a few slots more."""
        return -(-self.algorithm.settings.slots // self.algorithm.slots_per_step)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.total_steps

    def policies(self) -> Policy:
        """The deterministic policies of all cells, leaves stacked [S, ...]."""
        return self.algorithm.policy(self.state)


def start_training(scenario: Scenario, settings: Settings, *, seeds: int, seed: int) -> Training:
    """Start `seeds` training seeds of one scenario; all draws derive from root seed `seed`.

    Raises `InputError` for impossible settings.
    """
    return start_cells([scenario] * seeds, settings, numbers=range(seeds), seed=seed)


def start_cells(scenarios: Sequence[Scenario], settings: Settings, *, numbers: Sequence[int], seed: int) -> Training:
    """Start several cells: cell i has scenario i and training seed `numbers[i]` of root seed `seed`.

    The scenarios may differ only in numbers: counts and options determine the program that all cells share. Raises
    `InputError` for impossible settings.
    """
    check_settings(settings)
    # The key of a seed does not depend on how many seeds there are.
    keys = jax.random.split(stream(root_key(seed), "training"), max(numbers) + 1)[jnp.asarray(numbers)]
    algorithm = build_algorithm(scenarios[0], settings)
    stacked = jax.tree.map(lambda *leaves: np.asarray(leaves), *scenarios)
    return Training(algorithm, stacked, _init(algorithm, stacked, keys), tuple(numbers), seed)


def build_algorithm(scenario: Scenario, settings: Settings) -> Algorithm:
    """The algorithm that the settings belong to, with its environment. Raises `InputError` for unknown settings."""
    if type(settings) not in ALGORITHMS:
        known = ", ".join(kind.__name__ for kind in ALGORITHMS)
        raise InputError(f"{type(settings).__name__} are the settings of no learner; known: {known}")
    return ALGORITHMS[type(settings)](settings.environment(scenario), settings)


def advance(
    training: Training,
    stretches: int = 20,
    report: Callable[[Training], None] | None = None,
    *,
    stop_if_diverged: bool = True,
) -> None:
    """Train to the end in about `stretches` equal stretches and a shorter last one.

    report: called after each stretch; it may save the training. The number of stretches affects only the points of the
    curve: the same seed gives the same policies. If `stop_if_diverged`, raises `Diverged` after the report of the
    stretch in which a seed's critic or weights diverged.
    """
    slots = _curve_slots(training)
    if training.step == 0 and not training.curve:
        _judge(training, slots, None)
    length = max(training.total_steps // stretches, 1)
    while not training.finished:
        # Stretches end at multiples of the length, so a resumed run has the same points as an uninterrupted one.
        end = min((training.step // length + 1) * length, training.total_steps)
        rewards = []
        for first, last, warm in _split(training.step, end, training.algorithm.warmup_steps):
            training.state, stats = _stretch(
                training.algorithm, training.scenarios, training.state, jnp.asarray(first), jnp.asarray(last), warm
            )
            rewards.append(stats)
        training.step = end
        _judge(training, slots, rewards)
        if report is not None:
            report(training)
        if stop_if_diverged:
            check_divergence(training)


def run_steps(training: Training, steps: int, *, from_step: int) -> None:
    """Run `steps` steps, from step `from_step`, and wait for them, without evaluation or records; for timing."""
    last = jnp.asarray(from_step + steps)
    training.state, _ = jax.block_until_ready(
        _stretch(training.algorithm, training.scenarios, training.state, jnp.asarray(from_step), last, False)
    )


def check_divergence(training: Training) -> None:
    """Raise `Diverged` if the curve shows that a seed diverged."""
    found = find_divergences(training.curve)
    if found:
        raise complaint(found, training.seeds, training.algorithm.settings)


def _split(start: int, end: int, warmup: int) -> list[tuple[int, int, bool]]:
    cut = min(max(warmup, start), end)
    return [part for part in ((start, cut, True), (cut, end, False)) if part[1] > part[0]]


def curve_slots(scenario: Scenario, seed: int) -> Slot:
    """The slots on which every learner of root seed `seed` is evaluated during training."""
    return _draw(stream(root_key(seed), "curve"), scenario)


def _curve_slots(training: Training) -> Slot:
    """The evaluation slots of each cell, [S, ...]: the same draws, in each cell's scenario."""
    return _draw_all(stream(root_key(training.seed), "curve"), training.scenarios)


@jax.jit
def _draw(key: Key, scenario: Scenario) -> Slot:
    return draw_slots(key, scenario, CURVE_SLOTS)


@jax.jit
def _draw_all(key: Key, scenarios: Scenario) -> Slot:
    return jax.lax.map(lambda scenario: draw_slots(key, scenario, CURVE_SLOTS), scenarios)


@jax.jit
def _init(algorithm: Algorithm, scenarios: Scenario, keys: Key) -> Any:
    states = jax.vmap(lambda scenario, key: in_scenario(scenario, algorithm).init(key))(scenarios, keys)
    # SAC's targets start as the critics themselves; donation needs separate buffers.
    return jax.tree.map(jnp.copy, states)


def in_scenario(scenario: Scenario, algorithm: Algorithm) -> Algorithm:
    """The algorithm in another scenario with the same counts and options."""
    return eqx.tree_at(lambda known: known.environment.scenario, algorithm, scenario)


@functools.partial(jax.jit, static_argnums=(5,), donate_argnums=(2,))
def _stretch(
    algorithm: Algorithm, scenarios: Scenario, state: Any, first: jax.Array, last: jax.Array, warm: bool
) -> tuple[Any, Any]:
    """Run steps `first` to `last` (exclusive) of all cells; returns their states and statistics over the steps, [S].

    The bounds are traced, so stretches of any length share one compiled program.
    """

    def of_cell(cell: tuple[Scenario, Any]) -> tuple[Any, Any]:
        here = in_scenario(cell[0], algorithm)
        one = here.warm_up if warm else here.step

        def body(i: jax.Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            state, stats = one(carry[0], i)
            return state, joined(carry[1], stats)

        shapes = jax.eval_shape(one, cell[1], first)[1]
        return jax.lax.fori_loop(first, last, body, (cell[1], nothing_yet(shapes)))

    state, total = over_seeds(of_cell, (scenarios, state))
    return state, averaged(total, last - first)


def over_seeds(of_seed: Callable[[Any], Any], states: Any) -> Any:
    """Apply a function of one seed's state to all, leaves stacked [S, ...]. Call it inside a `jit`.

    On a CPU the seeds run one after another: matrix products batched over seeds are several times slower there.
    """
    return jax.lax.map(of_seed, states) if jax.default_backend() == "cpu" else jax.vmap(of_seed)(states)


@jax.jit
def _costs(policies: Policy, scenarios: Scenario, slots: Slot, key: Key) -> tuple[jax.Array, jax.Array]:
    def of(policy: Policy, scenario: Scenario, slots: Slot) -> tuple[jax.Array, jax.Array]:
        outcome = slot_outcome(scenario, slots, policy(scenario, see(slots, policy.observation), key))
        # Clipping can hide a non-finite weight; a policy with one has no cost.
        whole = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(policy)]).all()
        return jnp.where(whole, jnp.mean(outcome.cost), jnp.nan), jnp.mean(outcome.total_latency_s)

    return jax.vmap(of)(policies, scenarios, slots)


def _judge(training: Training, slots: Slot, stretches: list[Any] | None) -> None:
    key = stream(root_key(training.seed), "curve phi")
    cost, latency = jax.device_get(_costs(training.policies(), training.scenarios, slots, key))
    statistics = [jax.device_get(stats) for stats in stretches or ()]
    bounds = _bounds(training, statistics)
    reached = training.step * training.algorithm.slots_per_step
    for s in range(training.seeds):
        # The first five of `Stats`, in the curve's order.
        last = (float(x[s]) for x in statistics[-1][:5]) if statistics else (float("nan"),) * 5
        row: tuple[Any, ...] = (training.numbers[s], reached, float(cost[s]), float(latency[s]), *last, bounds[s])
        training.curve.append(CurveRow(*row))


def _bounds(training: Training, statistics: list[Any]) -> list[float]:
    """Largest |Q| that any stretch so far allows, by cell: the critic's memory may still hold early rewards."""
    algorithm = training.algorithm
    settings, environment = algorithm.settings, algorithm.environment
    bootstraps = getattr(settings, "discount", 0.0), environment.scenario.slot_count
    discounts = discount_sum(*bootstraps, getattr(settings, "cycle_end", "terminal"))
    first = getattr(settings, "initial_alpha", 0.0) * environment.action_size * math.log(2.0)
    bounds = [row.value_bound for row in training.curve[-training.seeds :]] or [float("nan")] * training.seeds
    for stats in statistics:
        now = [
            value_bound(float(r), float(b), first, discounts)
            for r, b in zip(stats.largest_reward, stats.largest_bonus, strict=True)
        ]
        bounds = [float(np.fmax(old, new)) for old, new in zip(bounds, now, strict=True)]
    return bounds
