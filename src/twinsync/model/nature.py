"""Whole cycles of what nature hands out: mobility, data and fading, which no action influences (finding 4)."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from twinsync.arrays import Key
from twinsync.model.allocation import Slot
from twinsync.model.channel import block_gain, distance_m, draw_fading
from twinsync.model.mobility import Motion, advance_motion, start_motion
from twinsync.model.sensing import draw_data_bits
from twinsync.scenario import Scenario
from twinsync.streams import stream


def draw_slot(key: Key, motion: Motion, scenario: Scenario) -> Slot:
    """One slot at the UDs' present positions: distances, data and fading; shapes [K] and [K, L]."""
    distance = distance_m(motion.position_m, scenario)
    data = draw_data_bits(stream(key, "data"), scenario).astype(distance.dtype)
    fading = draw_fading(stream(key, "fading"), scenario).astype(distance.dtype)
    return Slot(distance, data, block_gain(distance, fading, scenario))


@jax.jit
def draw_cycle(key: Key, scenario: Scenario) -> Slot:
    """The N slots of one cycle; shapes [N, K] and [N, K, L]. Slot n draws from the stream `slot` folded with n."""

    def step(motion: Motion, n: jax.Array) -> tuple[Motion, Slot]:
        here = jax.random.fold_in(stream(key, "slot"), n)
        slot = draw_slot(here, motion, scenario)
        return advance_motion(stream(here, "motion"), motion, scenario), slot

    _, slots = jax.lax.scan(step, start_motion(key, scenario), jnp.arange(scenario.slot_count))
    return slots


@partial(jax.jit, static_argnames="count")
def draw_slots(key: Key, scenario: Scenario, count: int) -> Slot:
    """`count` slots, whole fresh cycles after one another; shapes [count, K] and [count, K, L]."""
    cycles = -(-count // scenario.slot_count)
    keys = jax.random.split(key, cycles)
    slots = jax.vmap(lambda k: draw_cycle(k, scenario))(keys)
    return jax.tree.map(lambda x: x.reshape((-1, *x.shape[2:]))[:count], slots)
