"""The Markov decision process of Section IV-A as pure functions: they jit, and vmap over keys and scenarios.

`rollout` decides many cycles at once: no action changes a later slot, so all slots are drawn first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from twinsync.arrays import Array, Bool, Float, Key
from twinsync.environment.interface import Interface, draw_phi, observe, see, to_allocation
from twinsync.errors import InputError
from twinsync.model import (
    Allocation,
    Motion,
    Outcome,
    Slot,
    advance_motion,
    draw_cycles,
    draw_slot,
    slot_outcome,
    start_motion,
)
from twinsync.scenario import Scenario
from twinsync.streams import fold, stream

CycleEnd = Literal["terminal", "truncation"]


class EnvState(eqx.Module):
    """State between two steps: the walk, the slot to decide next, phi given by chance (1 unless `extraction = random`),
    n, and the cycle's key."""

    motion: Motion
    slot: Slot
    given_phi: Float[Array, " K"]
    n: jax.Array
    key: Key


class Step(NamedTuple):
    """What a step returns. `terminated` and `truncated` are kept apart; `outcome` has every part of the slot."""

    state: EnvState
    observation: Float[Array, " F"]
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    outcome: Outcome


def next_cycle(key: Key) -> Key:
    """The key of the cycle that follows the one of `key`."""
    return stream(key, "next cycle")


def given_phi(key: Key, scenario: Scenario, n: Array) -> Float[Array, " K"]:
    """phi that the random synchronisation strategy gives the UDs in slot n of the cycle of `key`."""
    return draw_phi(fold(stream(key, "phi"), n), scenario, (scenario.device_count,))


class DTSync(eqx.Module):
    """Digital twin synchronisation of K devices.

    | | |
    |---|---|
    | observation | float [features * K], O(1): distances, data sizes; log gains (`csi`); phi (random extraction) |
    | action | float [decisions * K] in [-1, 1]: phi (if chosen), f, p, f^e |
    | reward | -T[n] - P, eq. (22), unscaled [s and penalties] |
    | termination | after N slots: `terminal` (the objective (19a) is a finite sum) or `truncation` |
    | dynamics | mobility, data and fading are exogenous: no action changes a later state |

    Source: Section IV-A, eqs. (20) to (22).
    """

    scenario: Scenario
    interface: Interface = eqx.field(static=True, default=Interface())
    cycle_end: str = eqx.field(static=True, default="terminal")

    def __check_init__(self) -> None:
        if self.cycle_end not in get_args(CycleEnd):
            raise InputError(f"cycle_end = {self.cycle_end!r} is not one of {', '.join(get_args(CycleEnd))}")

    @property
    def observation_size(self) -> int:
        """Length of the observation vector."""
        return self.interface.features * self.scenario.device_count

    @property
    def action_size(self) -> int:
        """Length of the action vector."""
        return self.interface.decisions * self.scenario.device_count

    def reset(self, key: Key) -> tuple[EnvState, Float[Array, " F"]]:
        """The first slot of the cycle that `key` stands for (the same as `model.draw_cycle(key)`)."""
        state = self._enter(key, start_motion(key, self.scenario), jnp.asarray(0))
        return state, self.observe(state)

    def step(self, state: EnvState, action: Float[Array, " A"]) -> Step:
        """Decide the present slot and move to the next one."""
        outcome = slot_outcome(self.scenario, state.slot, self.allocation(state, action))
        motion = advance_motion(state.key, state.motion, self.scenario, state.n)
        following = self._enter(state.key, motion, state.n + 1)
        over = following.n >= self.scenario.slot_count
        no = jnp.zeros_like(over)
        ends = (over, no) if self.cycle_end == "terminal" else (no, over)
        return Step(following, self.observe(following), -outcome.cost, *ends, outcome)

    def step_autoreset(self, state: EnvState, action: Float[Array, " A"]) -> tuple[Step, Float[Array, " F"]]:
        """A step that begins a fresh cycle when one ends: the step's state and observation are then the fresh cycle's
        first. The second value is the observation that truly followed the action."""
        step = self.step(state, action)
        fresh, first = self.reset(next_cycle(state.key))
        over = jnp.logical_or(step.terminated, step.truncated)
        state, observation = jax.tree.map(
            lambda new, old: jnp.where(over, new, old), (fresh, first), (step.state, step.observation)
        )
        return step._replace(state=state, observation=observation), step.observation

    def observe(self, state: EnvState) -> Float[Array, " F"]:
        """Observation vector of a state."""
        return observe(self.interface, self.scenario, see(state.slot, self.interface.observation), state.given_phi)

    def allocation(self, state: EnvState, action: Float[Array, " A"]) -> Allocation:
        """The `Allocation` an action stands for in a state."""
        return to_allocation(self.interface, self.scenario, action, state.given_phi)

    def _enter(self, key: Key, motion: Motion, n: jax.Array) -> EnvState:
        slot = draw_slot(key, motion, self.scenario, n)
        given = jnp.ones_like(slot.data_bits)
        if self.interface.extraction == "random":
            given = given_phi(key, self.scenario, n)
        return EnvState(motion, slot, given, n, key)


Act = Callable[[Key, Float[jax.Array, "*b F"]], Float[jax.Array, "*b A"]]


class Rollout(NamedTuple):
    """What C copies of the environment went through in a cycle of N slots, slot after slot.

    `observation[n + 1]` is what followed `action[n]`; after the last slot a fresh cycle begins. `outcome` has every
    part of the slots, [N, C, ...].
    """

    observation: Float[jax.Array, "N C F"]
    action: Float[jax.Array, "N C A"]
    reward: Float[jax.Array, "N C"]
    outcome: Outcome


def rollout(environment: DTSync, keys: Key, act: Act, key: Key) -> Rollout:
    """The cycles that `environment.reset` begins with each of `keys` [C], decided by `act(key, observation)`.

    The same slots, observations and rewards as N steps of `environment.step`, much faster. Jit the caller.
    """
    scenario, interface = environment.scenario, environment.interface
    slots = draw_cycles(keys, scenario)
    given = None
    if interface.extraction == "random":
        numbers = jnp.arange(scenario.slot_count)
        given = jax.vmap(lambda n: jax.vmap(lambda k: given_phi(k, scenario, n))(keys))(numbers)
    observation = observe(interface, scenario, see(slots, interface.observation), given)
    action = act(key, observation)
    outcome = slot_outcome(scenario, slots, to_allocation(interface, scenario, action, given))
    return Rollout(observation, action, -outcome.cost, outcome)
