"""Random draws of slots and whole cycles: mobility, data sizes and fading. No action influences them."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from twinsync.arrays import Array, Float, Key
from twinsync.model import mobility
from twinsync.model.channel import block_gain, distance_m, fading
from twinsync.model.mobility import Motion
from twinsync.model.sensing import data_bits
from twinsync.model.slot import Slot
from twinsync.scenario import Scenario
from twinsync.streams import Dice, root_key, stream

# Roles of throws, after those of `mobility`; fading beyond the first block has one role per pair of blocks.
_DATA, _MORE_FADING = 3, 4


def draw_slot(key: Key, motion: Motion, scenario: Scenario, n: Array | int = 0) -> Slot:
    """Slot n, from 0, of the cycle of `key`, at the positions of `motion`; shapes [K] and [K, L]."""
    return _slot(Dice.of(key, scenario.device_count), motion, scenario, n)


@jax.jit
def draw_cycle(key: Key, scenario: Scenario) -> Slot:
    """The N slots of the cycle of `key`; shapes [N, K] and [N, K, L]."""
    return _walk(Dice.of(key, scenario.device_count), scenario)


@jax.jit
def draw_positions(key: Key, scenario: Scenario) -> Float[Array, "N K 2"]:
    """Positions of the UDs in each slot of the cycle of `key` [m], the same cycle that `draw_cycle` draws."""
    dice = Dice.of(key, scenario.device_count)

    def step(motion: Motion, n: jax.Array) -> tuple[Motion, jax.Array]:
        return mobility.move(dice, motion, scenario, n), motion.position_m

    return jax.lax.scan(step, mobility.place(dice, scenario), jnp.arange(scenario.slot_count))[1]


@jax.jit
def draw_cycles(keys: Key, scenario: Scenario) -> Slot:
    """The cycles of C keys [C]; shapes [N, C, K] and [N, C, K, L].

    UDs move independently, so the UDs of all cycles are stepped as one batch, which is fast for many cycles.
    """
    count = scenario.device_count
    slots = _walk(Dice.of(keys, count), scenario)
    return jax.tree.map(lambda x: x.reshape(x.shape[0], -1, count, *x.shape[2:]), slots)


@partial(jax.jit, static_argnames="count")
def draw_slots(key: Key, scenario: Scenario, count: int) -> Slot:
    """`count` slots of consecutive independent cycles; shapes [count, K] and [count, K, L]."""
    slots = draw_cycles(jax.random.split(key, -(-count // scenario.slot_count)), scenario)
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1).reshape((-1, *x.shape[2:]))[:count], slots)


_draw_slots, _draw_cycles = eqx.filter_jit(draw_slots), eqx.filter_jit(draw_cycles)


def draw_slot_set(scenario: Scenario, seed: int, index: int, count: int) -> tuple[Slot, Key]:
    """Evaluation set `index` of root seed `seed`: `count` slots (NumPy, float64) and a key for random allocators."""
    with jax.enable_x64(True):
        key = _set_key(seed, index)
        slot = jax.device_get(_draw_slots(stream(key, "slots"), scenario, count))
    return slot, stream(key, "allocator")


def draw_slot_block(scenario: Scenario, seed: int, index: int, first_cycle: int, cycles: int) -> Slot:
    """The slots of whole cycles of the set that `draw_slot_set` draws, from `first_cycle` on (NumPy, float64).

    Shapes [cycles N, K] and [cycles N, K, L]. They are the same bits, whatever else of the set is drawn.
    """
    with jax.enable_x64(True):
        keys = jax.random.split(stream(_set_key(seed, index), "slots"), first_cycle + cycles)[first_cycle:]
        slots = jax.device_get(_draw_cycles(keys, scenario))
    return jax.tree.map(lambda x: np.swapaxes(x, 0, 1).reshape((-1, *x.shape[2:])), slots)


def _set_key(seed: int, index: int) -> Key:
    return jax.random.fold_in(stream(root_key(seed), "evaluation"), index)


def _walk(dice: Dice, scenario: Scenario) -> Slot:
    """The N slots of a cycle, one UD per die of `dice` [*b]; shapes [N, *b] and [N, *b, L]."""

    def step(motion: Motion, n: jax.Array) -> tuple[Motion, Slot]:
        return mobility.move(dice, motion, scenario, n), _slot(dice, motion, scenario, n)

    return jax.lax.scan(step, mobility.place(dice, scenario), jnp.arange(scenario.slot_count))[1]


def _slot(dice: Dice, motion: Motion, scenario: Scenario, n: Array | int) -> Slot:
    data, *shares = dice.throw(_DATA, n)
    for i in range(scenario.fading_blocks // 2):
        shares.extend(dice.throw(_MORE_FADING + i, n))
    blocks = fading(jnp.stack(shares[: scenario.fading_blocks], axis=-1))
    distance = distance_m(motion.position_m, scenario)
    return Slot(distance, data_bits(data, scenario), block_gain(distance, blocks, scenario))
