"""Random draws: slots, cycles, and many cycles."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twinsync.model import Motion, advance_motion, draw_cycle, draw_cycles, draw_slot, draw_slots, start_motion
from twinsync.model.slot import Slot
from twinsync.streams import root_key


def test_slot_is_at_the_devices_positions(scenario):
    still = jnp.zeros(6)
    position = jnp.array([[3.0, 4.0], [0.0, 0.0], [50.0, 0.0], [0.0, -10.0], [6.0, 8.0], [-5.0, 12.0]])
    slot = draw_slot(root_key(0), Motion(position, still, still, still), scenario.replace(fading_blocks=2))
    np.testing.assert_allclose(slot.distance_m, [5.0, 1.0, 50.0, 10.0, 10.0, 13.0], rtol=1e-6)
    assert slot.block_gain.shape == (6, 2)
    # The reported gain is the mean of the blocks.
    np.testing.assert_allclose(slot.channel_gain, np.asarray(slot.block_gain).mean(-1), rtol=1e-6)


def test_cycle_is_its_slots_one_after_another(scenario):
    short = scenario.replace(slot_count=3, fading_blocks=2)
    key = root_key(5)
    cycle = draw_cycle(key, short)
    assert cycle.distance_m.shape == cycle.data_bits.shape == (3, 6)
    assert cycle.block_gain.shape == (3, 6, 2)
    motion = start_motion(key, short)
    for n in range(3):
        slot = draw_slot(key, motion, short, n)
        np.testing.assert_allclose(cycle.distance_m[n], slot.distance_m, rtol=1e-6)
        np.testing.assert_allclose(cycle.data_bits[n], slot.data_bits, rtol=1e-6)
        np.testing.assert_allclose(cycle.block_gain[n], slot.block_gain, rtol=1e-5)
        motion = advance_motion(key, motion, short, n)


def test_cycles_side_by_side_are_those_of_their_keys(scenario):
    odd = scenario.replace(slot_count=4, fading_blocks=3)
    keys = jax.random.split(root_key(8), 5)
    together = draw_cycles(keys, odd)
    assert together.block_gain.shape == (4, 5, 6, 3)
    for c, key in enumerate(keys):
        alone = draw_cycle(key, odd)
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[:, c], b, rtol=1e-5)


def test_many_slots_are_whole_fresh_cycles(scenario):
    key = root_key(1)
    slots = draw_slots(key, scenario, 60)
    assert slots.distance_m.shape == slots.data_bits.shape == (60, 6)
    assert slots.block_gain.shape == (60, 6, 1)
    third = draw_cycle(jax.random.split(key, 3)[2], scenario)
    np.testing.assert_array_equal(slots.data_bits[50:], third.data_bits[:10])
    # A cycle begins in the 5 m circle about x = 50 m; UDs walk about 1.2 m per slot from there.
    distance = np.asarray(slots.distance_m)
    assert np.abs(distance[[0, 25, 50]] - 50.0).max() <= 5.0 + 1e-4
    steps = np.abs(np.diff(distance, axis=0))
    assert np.delete(steps, [24, 49], axis=0).max() < 2.4


def test_more_slots_keep_the_first_ones(scenario):
    few, many = draw_slots(root_key(2), scenario, 30), draw_slots(root_key(2), scenario, 100)
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_array_equal(a, b[:30])


def test_same_seed_same_bits_other_seed_other_slots(scenario):
    a, b, c = (draw_slots(root_key(seed), scenario, 25) for seed in (3, 3, 4))
    for x, y, z in zip(*map(jax.tree.leaves, (a, b, c)), strict=True):
        np.testing.assert_array_equal(x, y)
        assert not np.any(np.asarray(x) == np.asarray(z))


def test_quantities_are_independent(scenario):
    slots = draw_slots(root_key(0), scenario, 5000)
    fading = np.asarray(slots.block_gain[..., 0] / (1e-3 * slots.distance_m**-2.5))
    assert fading.mean() == pytest.approx(1.0, abs=4 / np.sqrt(fading.size))
    columns = [np.asarray(x).ravel() for x in (slots.distance_m, slots.data_bits, fading)]
    assert np.abs(np.corrcoef(columns) - np.eye(3)).max() < 5 / np.sqrt(fading.size)
    assert stats.kstest(slots.data_bits.ravel(), "uniform", args=(0.6e6, 0.2e6)).pvalue > 0.01
    # UDs, neighbouring slots and fading blocks are independent too.
    for x in (np.asarray(slots.data_bits), fading):
        assert np.abs(np.corrcoef(x.T) - np.eye(6)).max() < 5 / np.sqrt(5000)
        assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 4 / np.sqrt(x.size)


def test_fading_blocks_are_independent(scenario):
    slots = draw_slots(root_key(0), scenario.replace(fading_blocks=4, path_loss_exponent=0.0), 2000)
    blocks = np.asarray(slots.block_gain).reshape(-1, 4) / 1e-3
    assert np.abs(np.corrcoef(blocks.T) - np.eye(4)).max() < 5 / np.sqrt(len(blocks))
    assert blocks.mean(0) == pytest.approx(np.ones(4), abs=4 / np.sqrt(len(blocks)))


def test_single_and_double_precision_draw_the_same_slots(scenario):
    single = draw_slots(root_key(3), scenario, 50)
    with jax.enable_x64(True):
        double = draw_slots(root_key(3), scenario, 50)
    np.testing.assert_allclose(single.data_bits, double.data_bits, rtol=1e-6)
    np.testing.assert_allclose(single.distance_m, double.distance_m, rtol=1e-4)


def test_double_precision_follows_the_context(scenario):
    with jax.enable_x64(True):
        slots = draw_slots(root_key(0), scenario, 2)
    assert {leaf.dtype for leaf in jax.tree.leaves(slots)} == {np.dtype(np.float64)}


def test_jit_and_a_batch_of_scenarios(scenario):
    slots = jax.jit(draw_slots, static_argnums=2)(root_key(0), scenario, 25)
    np.testing.assert_allclose(slots.block_gain, draw_slots(root_key(0), scenario, 25).block_gain, rtol=1e-5)

    def cycle(exponent: jax.Array) -> Slot:
        return draw_cycle(root_key(0), scenario.replace(path_loss_exponent=exponent))

    both = jax.vmap(cycle)(jnp.array([2.5, 3.5]))
    np.testing.assert_allclose(both.block_gain[0] / both.block_gain[1], both.distance_m[0][..., None], rtol=1e-4)
