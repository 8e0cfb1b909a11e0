"""The Markov decision process of Section IV-A as pure functions, for use with `jit` and `vmap` over keys and scenarios.

`rollout` runs many cycles at once: no action changes a later slot, so all slots can be drawn first.
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
    """State between two steps.

    motion: positions and velocities of the UDs. slot: the slot to decide next; n: its index, from 0. given_phi: the
    phi drawn for it [K], 1 unless `extraction = random`. key: of the cycle.
    """

    motion: Motion
    slot: Slot
    given_phi: Float[Array, " K"]
    n: jax.Array
    key: Key


class Step(NamedTuple):
    """Result of a step.

    state, observation: of the next slot. reward: -T[n] - P of eq. (22), unscaled. terminated, truncated: whether the
    cycle ended, and how. outcome: every part of the slot just decided.
    """

    state: EnvState
    observation: Float[Array, " F"]
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    outcome: Outcome


def next_cycle(key: Key) -> Key:
    """The key of the cycle after the cycle of `key`."""
    return stream(key, "next cycle")


def given_phi(key: Key, scenario: Scenario, n: Array) -> Float[Array, " K"]:
    """phi that the random synchronisation strategy draws for slot n of the cycle of `key`."""
    return draw_phi(fold(stream(key, "phi"), n), scenario, (scenario.device_count,))


class DTSync(eqx.Module):
    """Digital twin synchronisation of K devices.

    | | |
    |---|---|
    | observation | float [features * K]: distances, data sizes; log gains (`csi`); phi (random extraction) |
    | action | float [decisions * K] in [-1, 1]: phi (if chosen), f, p, f^e |
    | reward | -T[n] - P, eq. (22), unscaled [s and penalties] |
    | termination | after N slots: `terminal` (the objective (19a) is a finite sum) or `truncation` |
    | dynamics | mobility, data and fading are exogenous: no action changes a later state |

    interface: options of observation and action, which are O(1) except with the unscaled encoding.

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
        """State and observation at the first slot of the cycle of `key`, which is that of `model.draw_cycle`."""
        state = self._enter(key, start_motion(key, self.scenario), jnp.asarray(0))
        return state, self.observe(state)

    def step(self, state: EnvState, action: Float[Array, " A"]) -> Step:
        """Decide the current slot and move to the next.

        action: [decisions * K] in [-1, 1], clipped.
        """
        outcome = slot_outcome(self.scenario, state.slot, self.allocation(state, action))
        motion = advance_motion(state.key, state.motion, self.scenario, state.n)
        following = self._enter(state.key, motion, state.n + 1)
        over = following.n >= self.scenario.slot_count
        no = jnp.zeros_like(over)
        ends = (over, no) if self.cycle_end == "terminal" else (no, over)
        return Step(following, self.observe(following), -outcome.cost, *ends, outcome)

    def step_autoreset(self, state: EnvState, action: Float[Array, " A"]) -> tuple[Step, Float[Array, " F"]]:
        """A step that starts the next cycle when one ends; state and observation are then those of its first slot.

        Also returns the observation that actually followed the action.
        """
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
        """The `Allocation` that an action means in a state."""
        return to_allocation(self.interface, self.scenario, action, state.given_phi)

    def _enter(self, key: Key, motion: Motion, n: jax.Array) -> EnvState:
        slot = draw_slot(key, motion, self.scenario, n)
        given = jnp.ones_like(slot.data_bits)
        if self.interface.extraction == "random":
            given = given_phi(key, self.scenario, n)
        return EnvState(motion, slot, given, n, key)


Act = Callable[[Key, Float[jax.Array, "*b F"]], Float[jax.Array, "*b A"]]


class Rollout(NamedTuple):
    """One cycle of N slots of C copies of the environment.

    `observation[n + 1]` follows `action[n]`; the observation after the last slot is not included. reward: -T[n] - P of
    eq. (22), unscaled. outcome: every part of the slots, [N, C, ...].
    """

    observation: Float[jax.Array, "N C F"]
    action: Float[jax.Array, "N C A"]
    reward: Float[jax.Array, "N C"]
    outcome: Outcome


def rollout(environment: DTSync, keys: Key, act: Act, key: Key) -> Rollout:
    """Run the cycles of `keys` [C] with actions `act(key, observation)` for all slots at once; call it inside a `jit`.

    Slots, observations and rewards are those of `environment.reset` and N times `environment.step`, but much faster.
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
