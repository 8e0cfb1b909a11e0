"""A whole slot under jit, vmap and grad, in float32 and float64."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.model import Allocation, draw_slots, slot_outcome
from twinsync.streams import root_key


@pytest.fixture(scope="module")
def batch(scenario, table_ii_slot):
    slots = draw_slots(root_key(0), scenario.replace(fading_blocks=2), 50)
    _, allocation = table_ii_slot()
    return slots, jax.tree.map(lambda x: jnp.tile(x, (50, 1)), allocation)


def test_jit_and_vmap_agree_with_plain(scenario, batch):
    plain = slot_outcome(scenario, *batch)
    for other in (
        jax.jit(slot_outcome)(scenario, *batch),
        jax.vmap(lambda s, a: slot_outcome(scenario, s, a))(*batch),
    ):
        assert eqx.tree_equal(plain, other, rtol=2e-4, atol=1e-5)
    single = slot_outcome(scenario, *jax.tree.map(lambda x: x[7], batch))
    assert eqx.tree_equal(jax.tree.map(lambda x: x[7], plain), single, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("bandwidth_hz", [1e5, 2e5, 2e6]),
        ("extraction_exponent", [0.0, 1.2, 2.0]),
        ("energy_budget_j", [0.1, 0.5, 1.0]),
        ("edge_cpu_max_hz", [5e9, 1e10, 2e10]),
        ("latency_cap_slots", [2.0, 5.0, 100.0]),
    ],
)
def test_a_scenario_leaf_can_be_swept(scenario, batch, key, values):
    def cost(value):
        return slot_outcome(scenario.replace(**{key: value}), *batch).cost

    np.testing.assert_allclose(jax.vmap(cost)(jnp.array(values)), [cost(v) for v in values], rtol=1e-4)


def test_more_batch_axes(scenario, batch):
    deep = jax.tree.map(lambda x: x.reshape(5, 10, *x.shape[1:]), batch)
    cost = slot_outcome(scenario, *deep).cost
    assert cost.shape == (5, 10)
    np.testing.assert_allclose(cost.ravel(), slot_outcome(scenario, *batch).cost, rtol=1e-5)


def test_float32_agrees_with_float64(scenario, batch):
    single = slot_outcome(scenario, *batch)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float64), batch)
        double = slot_outcome(scenario, *wide)
    for key in ("sync_latency_s", "energy_j", "total_latency_s", "cost"):
        np.testing.assert_allclose(getattr(single, key), getattr(double, key), rtol=2e-5, err_msg=key)


@pytest.mark.parametrize("changes", [{}, {"penalty": "literal", "latency_cap_slots": math.inf}])
@pytest.mark.parametrize("least", [1.0, 2.0**-24])
def test_gradient_is_finite(scenario, batch, changes, least):
    setting = scenario.replace(**changes)
    slots, allocation = batch
    weak = slots.block_gain.at[0, 0].set(least * 5.6568542e-8)  # 2^-24 is the least fading that can be drawn
    slots = eqx.tree_at(lambda s: s.block_gain, slots, weak)
    for codec in (True, False):
        choice = Allocation(*jax.tree.leaves(allocation), codec=codec)
        for capped in (True, False):
            gradient = jax.grad(lambda a, c=capped: slot_outcome(setting, slots, a, capped=c).cost.sum())(choice)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_gradient_by_finite_differences(scenario, batch):
    with jax.enable_x64(True):
        slots, allocation = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float64), batch)

        def cost(scales):
            scaled = Allocation(*(x * s for x, s in zip(jax.tree.leaves(allocation), scales, strict=True)))
            return slot_outcome(scenario, slots, scaled).cost.mean()

        ones, step = jnp.ones(4), 1e-6
        gradient = jax.grad(cost)(ones)
        for i in range(4):
            change = step * jnp.eye(4)[i]
            difference = (cost(ones + change) - cost(ones - change)) / (2 * step)
            np.testing.assert_allclose(gradient[i], difference, rtol=1e-4)
