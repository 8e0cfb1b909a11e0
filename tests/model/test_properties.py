"""Properties of any allocation in any slot of any scenario: monotonicity, limits, symmetry, log-convexity."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.model import Allocation, Outcome, Slot, slot_outcome
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

K = 3
PAPER = load_scenario("paper", [f"device_count={K}"])
PARTS = [field.name for field in dataclasses.fields(Allocation) if field.name != "codec"]
compiled = partial(jax.jit, static_argnames="capped")(slot_outcome)


def outcome_of(scenario: Scenario, slot: dict, parts: dict, capped: bool = False) -> Outcome:
    with jax.enable_x64(True):
        arrays = {key: jnp.array(value, jnp.float64) for key, value in (slot | parts).items()}
        nature = Slot(arrays["distance_m"], arrays["data_bits"], arrays["gain"][:, None])
        outcome = compiled(scenario, nature, Allocation(**{key: arrays[key] for key in PARTS}), capped=capped)
        return jax.tree.map(np.asarray, outcome)


def setting_of(keys: dict) -> Scenario:
    return PAPER.replace(**keys, transmit_power_min_w=1e-6, device_cpu_min_hz=1e6, edge_cpu_min_hz=1e3)


def decades(low: float, high: float):
    """Floats spread evenly over the decades from 10^low to 10^high."""
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


def each(values):
    return st.lists(values, min_size=K, max_size=K)


settings = st.fixed_dictionaries(
    {
        "cycle_s": decades(0, 3),
        "sensing_share": st.floats(0.05, 0.9),
        "extraction_exponent": st.floats(0.1, 4.0),
        "recovery_exponent": st.floats(1.0, 4.0),
        "cycles_per_bit": decades(0, 5),
        "capacitance": decades(-30, -24),
        "edge_cpu_max_hz": decades(8, 13),
        "bandwidth_hz": decades(3, 9),
        "energy_budget_j": decades(-3, 3),
        "penalty_weight": decades(-2, 3),
    }
)
slots = st.fixed_dictionaries(
    {"distance_m": each(decades(0, 3)), "data_bits": each(decades(3, 8)), "gain": each(decades(-14, -4))}
)
allocations = st.fixed_dictionaries(
    {
        "extraction_factor": each(st.floats(0.02, 1.0)),
        "device_cpu_hz": each(decades(6, 11)),
        "transmit_power_w": each(decades(-5, 2)),
        "edge_cpu_hz": each(decades(6, 12)),
    }
)

# (decision, outcomes that strictly fall as it rises, outcomes that strictly rise)
MONOTONE = [
    ("device_cpu_hz", ["extraction_latency_s"], ["extraction_energy_j"]),
    ("transmit_power_w", ["uplink_latency_s"], ["uplink_energy_j"]),
    ("edge_cpu_hz", [], []),
    ("extraction_factor", ["extraction_latency_s", "extraction_energy_j"], ["uplink_latency_s", "uplink_energy_j"]),
]


@pytest.mark.parametrize(("part", "falling", "rising"), MONOTONE)
@given(setting=settings, slot=slots, parts=allocations, k=st.integers(0, K - 1), factor=st.floats(1.01, 10.0))
def test_each_decision_moves_its_parts_one_way(part, falling, rising, setting, slot, parts, k, factor):
    scenario = setting_of(setting)
    more = [value * (factor if i == k else 1.0) for i, value in enumerate(parts[part])]
    before, after = outcome_of(scenario, slot, parts), outcome_of(scenario, slot, parts | {part: more})
    for name in falling:
        assert getattr(after, name)[k] < getattr(before, name)[k], name
    for name in rising:
        assert getattr(after, name)[k] > getattr(before, name)[k], name
    if part != "extraction_factor":
        assert after.sync_latency_s[k] <= before.sync_latency_s[k]
    if part in ("device_cpu_hz", "transmit_power_w"):
        assert after.energy_j[k] >= before.energy_j[k]
    others = [i for i in range(K) if i != k]
    if part != "edge_cpu_hz":  # only the server is shared
        np.testing.assert_array_equal(after.sync_latency_s[others], before.sync_latency_s[others])


@given(setting=settings, slot=slots, parts=allocations, factor=st.floats(1.01, 10.0))
def test_recovery_falls_in_the_edge_s_cpu(setting, slot, parts, factor):
    scenario = setting_of(setting)
    # Within the server's capacity, where requests are granted.
    share = [0.05 * scenario.edge_cpu_max_hz * (i + 1) / K / factor for i in range(K)]
    less = outcome_of(scenario, slot, parts | {"edge_cpu_hz": share})
    more = outcome_of(scenario, slot, parts | {"edge_cpu_hz": [factor * hz for hz in share]})
    np.testing.assert_allclose(less.recovery_latency_s, factor * more.recovery_latency_s, rtol=1e-12)


@given(setting=settings, slot=slots, parts=allocations)
def test_accounts_add_up(setting, slot, parts):
    scenario = setting_of(setting)
    for capped in (False, True):
        o = outcome_of(scenario, slot, parts, capped)
        codec = o.extraction_latency_s + o.recovery_latency_s
        np.testing.assert_allclose(o.sync_latency_s, codec + o.uplink_latency_s, rtol=1e-12)
        np.testing.assert_allclose(
            o.energy_j, o.sensing_energy_j + o.extraction_energy_j + o.uplink_energy_j, rtol=1e-12
        )
        total = (o.sensing_latency_s + o.capped_sync_latency_s).sum()
        np.testing.assert_allclose(o.total_latency_s, total, rtol=1e-12)
        np.testing.assert_allclose(o.cost, o.total_latency_s + o.penalty, rtol=1e-12)
        np.testing.assert_allclose(o.device_cost.sum(), o.cost, rtol=1e-12)
        assert o.penalty >= 0  # the hinge never rewards
        assert all((leaf >= 0).all() for leaf in jax.tree.leaves(o.violations))


@given(setting=settings, slot=slots, parts=allocations)
def test_the_cap_only_takes_away(setting, slot, parts):
    scenario = setting_of(setting)
    capped, free = (outcome_of(scenario, slot, parts, flag) for flag in (True, False))
    cap = scenario.latency_cap_s
    assert (capped.capped_sync_latency_s <= cap * (1 + 1e-12)).all()
    for name in ("capped_sync_latency_s", "extraction_energy_j", "uplink_energy_j", "energy_j", "cost"):
        assert (getattr(capped, name) <= getattr(free, name) * (1 + 1e-12)).all(), name
    np.testing.assert_array_equal(capped.outage, free.outage)
    assert (free.sync_latency_s[free.outage] >= cap * (1 - 1e-12)).all()
    assert (free.sync_latency_s[~free.outage] < cap * (1 + 1e-12)).all()
    # A UD is busy for the cap at most.
    busy = capped.uplink_energy_j / np.array(parts["transmit_power_w"])
    assert (busy <= cap * (1 + 1e-9)).all()


@given(setting=settings, slot=slots, parts=allocations, order=st.permutations(range(K)))
def test_devices_are_interchangeable(setting, slot, parts, order):
    scenario = setting_of(setting)

    def permuted(rows: dict) -> dict:
        return {key: [values[i] for i in order] for key, values in rows.items()}

    before, after = outcome_of(scenario, slot, parts), outcome_of(scenario, permuted(slot), permuted(parts))
    np.testing.assert_allclose(after.cost, before.cost, rtol=1e-12)
    np.testing.assert_allclose(after.sync_latency_s, before.sync_latency_s[list(order)], rtol=1e-12)


@given(setting=settings, slot=slots, a=allocations, b=allocations)
def test_cost_is_convex_in_logarithms(setting, slot, a, b):
    """At the geometric mean of two allocations the cost is at most the mean of their costs."""
    scenario = setting_of(setting)

    def within_the_server(parts: dict) -> dict:
        total = sum(parts["edge_cpu_hz"])
        return parts | {"edge_cpu_hz": [0.99 * scenario.edge_cpu_max_hz * hz / total for hz in parts["edge_cpu_hz"]]}

    a, b = within_the_server(a), within_the_server(b)
    middle = {key: [np.sqrt(x * y) for x, y in zip(a[key], b[key], strict=True)] for key in PARTS}
    costs = [float(outcome_of(scenario, slot, parts).cost) for parts in (a, middle, b)]
    assert costs[1] <= (costs[0] + costs[2]) / 2 * (1 + 1e-9)


@given(setting=settings, slot=slots, parts=allocations, factor=st.floats(1.01, 10.0))
def test_worse_radio_is_slower(setting, slot, parts, factor):
    scenario = setting_of(setting)
    base = outcome_of(scenario, slot, parts)
    worse = [
        outcome_of(scenario.replace(noise_power_w=scenario.noise_power_w * factor), slot, parts),
        outcome_of(scenario.replace(bandwidth_hz=scenario.bandwidth_hz / factor), slot, parts),
        outcome_of(scenario, slot | {"gain": [gain / factor for gain in slot["gain"]]}, parts),
    ]
    for other, name in itertools.product(worse, ("uplink_latency_s", "uplink_energy_j")):
        assert (getattr(other, name) > getattr(base, name)).all(), name
