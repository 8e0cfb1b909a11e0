"""Many cycles at once: no action changes a later slot (finding 4), so all are drawn first and decided together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key
from twinsync.environment.dtsync import DTSync, given_phi
from twinsync.environment.interface import observe, to_allocation
from twinsync.environment.sight import see
from twinsync.model import Outcome, draw_cycles, slot_outcome

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
