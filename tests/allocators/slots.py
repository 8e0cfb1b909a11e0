"""Random slots of a scenario, and what the simulator says an allocation costs in them."""

from __future__ import annotations

import jax
import numpy as np

from twinsync.model import Slot, draw_slots, slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import root_key

COUNT = 8  # slots in most tests: one shape, so one compilation per K


def slots_of(scenario: Scenario, seed: int, count: int) -> Slot:
    with jax.enable_x64(True):
        return jax.device_get(jax.jit(draw_slots, static_argnums=2)(root_key(seed), scenario, count))


def one(slot: Slot, n: int) -> Slot:
    return jax.tree.map(lambda x: x[n], slot)


def cost_of(scenario: Scenario, slot: Slot, allocation, *, capped: bool = True) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(slot_outcome(scenario, slot, allocation, capped=capped).cost)
