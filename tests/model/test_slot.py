"""A whole slot: eqs. (15) to (18), the cap, the penalties of (22), raw data."""

from __future__ import annotations

import copy
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.model import Allocation, Slot, slot_outcome
from twinsync.model.slot import device_penalty_of, executed_edge_cpu_hz, penalty_of
from twinsync.presets import load_scenario


def by_hand(table_ii) -> dict[str, list[float]]:
    rows = []
    for d, data, fading, phi, f, p, edge in zip(*vars(table_ii).values(), strict=True):
        t_s = data / (0.8e6 / 0.3)
        e_s = 1e-8 * data
        demand = data / phi**1.2
        t_en = 300 * demand / f
        e_en = 300 * 1e-27 * demand * f**2
        gain = 1e-3 * d**-2.5 * fading
        rate = 0.2e6 / 6 * math.log2(1 + p * gain / 1e-11)
        t_up = data * phi / rate
        e_up = t_up * p
        t_de = 300 * data * phi / (phi**1.5 * edge)
        t_dt = t_en + t_up + t_de
        rows.append(
            {
                "sensing_latency_s": t_s,
                "extraction_latency_s": t_en,
                "uplink_latency_s": t_up,
                "recovery_latency_s": t_de,
                "sync_latency_s": t_dt,
                "capped_sync_latency_s": t_dt,
                "sensing_energy_j": e_s,
                "extraction_energy_j": e_en,
                "uplink_energy_j": e_up,
                "energy_j": e_s + e_en + e_up,
                "sent_bits": data * phi,
            }
        )
    return {key: [row[key] for row in rows] for key in rows[0]}


@pytest.mark.parametrize("double", [False, True])
def test_table_ii_by_hand(scenario, table_ii, table_ii_slot, double):
    expected = by_hand(table_ii)
    with jax.enable_x64(double):
        slot, allocation = table_ii_slot(jnp.float64 if double else jnp.float32)
        outcome = slot_outcome(scenario, slot, allocation)
    tolerance = 1e-12 if double else 1e-5
    for key, values in expected.items():
        np.testing.assert_allclose(getattr(outcome, key), values, rtol=tolerance, err_msg=key)
    total = sum(expected["sensing_latency_s"]) + sum(expected["sync_latency_s"])
    late = sum(max(0.0, t - 0.9) for t in expected["sync_latency_s"])
    over = sum(max(0.0, e - 0.5) for e in expected["energy_j"])
    assert late > 0.1
    assert over > 0.01
    np.testing.assert_allclose(outcome.total_latency_s, total, rtol=tolerance)
    np.testing.assert_allclose(outcome.penalty, 10 * (late + over), rtol=tolerance)
    np.testing.assert_allclose(outcome.cost, total + 10 * (late + over), rtol=tolerance)
    assert not outcome.outage.any()
    assert outcome.cost.dtype == (np.float64 if double else np.float32)


class TestEdgeCpu:
    def test_requests_above_the_server_are_scaled_down(self, scenario, one_slot):
        # 24 GHz are requested of 10: each UD gets 10/24 of its request.
        asked = jnp.array([4e9, 4e9, 4e9, 4e9, 2e9, 6e9])
        given = np.asarray(asked) * 10 / 24
        np.testing.assert_allclose(executed_edge_cpu_hz(asked, scenario), given, rtol=1e-6)
        slot, allocation = one_slot(edge_cpu_hz=asked)
        outcome = slot_outcome(scenario, slot, allocation)
        np.testing.assert_allclose(outcome.recovery_latency_s, 300 * 0.7e6 / math.sqrt(0.7) / given, rtol=1e-5)

    def test_requests_within_the_server_are_granted(self, scenario):
        asked = jnp.array([1e9, 2e9, 3e9, 1e9, 2e9, 1e9])
        np.testing.assert_array_equal(executed_edge_cpu_hz(asked, scenario), asked)

    def test_excess_costs_w_per_ghz(self, roomy, one_slot):
        slot, allocation = one_slot(edge_cpu_hz=jnp.full(6, 4e9))
        np.testing.assert_allclose(slot_outcome(roomy, slot, allocation).penalty, 10 * 14.0, rtol=1e-5)


@pytest.fixture(scope="module")
def three(scenario):
    """Table II with three UDs."""
    return scenario.replace(device_count=3)


class TestPenalty:
    LATE = jnp.array([1.0, 0.8, 2.4])  # deadline 0.9 s
    ENERGY = jnp.array([0.4, 0.7, 0.55])  # budget 0.5 J
    EDGE = jnp.array([5e9, 4e9, 3e9])  # 12 of 10 GHz

    def test_hinge_by_hand(self, three):
        # 10 * (0.1 + 0 + 1.5 + 0 + 0.2 + 0.05 + 2)
        penalty = penalty_of(self.LATE, self.ENERGY, self.EDGE, three)
        np.testing.assert_allclose(penalty, 38.5, rtol=1e-6)

    def test_literal_by_hand(self, three):
        # 10 * ((4.2 - 0.9) + (1.65 - 0.5) + (12 - 10))
        literal = three.replace(penalty="literal")
        np.testing.assert_allclose(penalty_of(self.LATE, self.ENERGY, self.EDGE, literal), 64.5, rtol=1e-6)
        # Unclipped: slack is rewarded. 10 * ((0.3 - 0.9) + (0.3 - 0.5) + (3 - 10))
        tenth, third = jnp.full(3, 0.1), jnp.full(3, 1e9)
        np.testing.assert_allclose(penalty_of(tenth, tenth, third, literal), -78.0, rtol=1e-6)

    def test_a_device_s_part_by_hand(self, three):
        # Hinge: its own 0.1 s; 0.2 J; 1.5 s and 0.05 J; and a third each of 2 GHz.
        parts = device_penalty_of(self.LATE, self.ENERGY, self.EDGE, three)
        np.testing.assert_allclose(parts, [1 + 20 / 3, 2 + 20 / 3, 15.5 + 20 / 3], rtol=1e-6)
        # Literal: 10 * (own latency - 0.3 + own energy - 0.5/3 + 2/3)
        parts = device_penalty_of(self.LATE, self.ENERGY, self.EDGE, three.replace(penalty="literal"))
        np.testing.assert_allclose(
            parts, [10 * (t + e + 0.2) for t, e in [(1.0, 0.4), (0.8, 0.7), (2.4, 0.55)]], rtol=1e-6
        )

    def test_hinge_rewards_no_slack(self, three):
        tenth = jnp.full(3, 0.1)
        assert float(penalty_of(tenth, tenth, jnp.full(3, 1e9), three)) == 0.0

    def test_weight(self, three):
        light = three.replace(penalty_weight=2.0)
        np.testing.assert_allclose(penalty_of(self.LATE, self.ENERGY, self.EDGE, light), 7.7, rtol=1e-6)


@pytest.fixture(scope="module")
def case(scenario, one_slot):
    slot, allocation = one_slot(
        extraction_factor=jnp.array([0.7, 0.3, 0.7, 0.7, 0.7, 0.7]),
        device_cpu_hz=jnp.array([0.8e9, 0.05e9, 0.8e9, 0.8e9, 0.8e9, 0.8e9]),
    )
    return eqx.tree_at(lambda s: s.block_gain, slot, slot.block_gain.at[0].set(1e-16)), allocation


class TestCap:
    """The cap is 6 s. UD 0 has almost no channel; UD 1 extracts at 0.05 GHz: 300 * 0.7e6/0.3^1.2 / 0.05e9 = 17.8 s."""

    def test_latency_stops_and_outage_is_flagged(self, scenario, case):
        outcome = slot_outcome(scenario, *case)
        np.testing.assert_array_equal(outcome.outage, [True, True, False, False, False, False])
        np.testing.assert_allclose(outcome.capped_sync_latency_s[:2], 6.0, rtol=1e-6)
        np.testing.assert_array_equal(outcome.capped_sync_latency_s[2:], outcome.sync_latency_s[2:])
        assert float(outcome.uplink_latency_s[0]) > 1000.0
        assert float(outcome.extraction_latency_s[1]) == pytest.approx(300 * 0.7e6 / 0.3**1.2 / 0.05e9, rel=1e-5)
        ordinary = np.asarray(outcome.sync_latency_s[2:]).sum()
        assert float(outcome.total_latency_s) == pytest.approx(6 * 0.2625 + 12.0 + ordinary, rel=1e-5)

    def test_penalty_and_cost_count_the_capped_latency(self, scenario, case):
        outcome = slot_outcome(scenario, *case)
        late = 2 * (6.0 - 0.9) + np.maximum(np.asarray(outcome.sync_latency_s[2:]) - 0.9, 0).sum()
        over = np.maximum(np.asarray(outcome.energy_j) - 0.5, 0).sum()
        assert float(outcome.penalty) == pytest.approx(10 * (late + over), rel=1e-5)
        assert float(outcome.cost) == pytest.approx(float(outcome.total_latency_s) + 10 * (late + over), rel=1e-5)

    def test_energy_stops_with_it(self, scenario, case):
        outcome = slot_outcome(scenario, *case)
        # UD 0 extracts for 300 * 0.7e6/0.7^1.2 / 0.8e9 s, then sends at 0.1 W for what is left of 6 s.
        t_en = 300 * 0.7e6 / 0.7**1.2 / 0.8e9
        assert float(outcome.uplink_energy_j[0]) == pytest.approx(0.1 * (6 - t_en), rel=1e-5)
        assert float(outcome.extraction_energy_j[0]) == pytest.approx(1e-27 * 0.8e9**3 * t_en, rel=1e-5)
        # UD 1 never sends; it stops extracting after 6 s at k_loc f^3 = 1.25e-4 W.
        assert float(outcome.uplink_energy_j[1]) == 0.0
        assert float(outcome.extraction_energy_j[1]) == pytest.approx(6 * 1.25e-4, rel=1e-5)

    def test_uncapped_is_the_physics(self, scenario, case):
        outcome = slot_outcome(scenario, *case, capped=False)
        np.testing.assert_array_equal(outcome.capped_sync_latency_s, outcome.sync_latency_s)
        np.testing.assert_array_equal(outcome.outage, [True, True, False, False, False, False])
        np.testing.assert_allclose(outcome.uplink_energy_j, np.asarray(outcome.uplink_latency_s) * 0.1, rtol=1e-6)
        energy = 300 * 1e-27 * 0.7e6 / 0.3**1.2 * 0.05e9**2
        assert float(outcome.extraction_energy_j[1]) == pytest.approx(energy, rel=1e-5)

    def test_no_cap(self, scenario, case):
        endless = slot_outcome(scenario.replace(latency_cap_slots=math.inf), *case)
        assert not endless.outage.any()
        assert eqx.tree_equal(
            eqx.tree_at(lambda o: o.outage, endless, 0),
            eqx.tree_at(lambda o: o.outage, slot_outcome(scenario, *case, capped=False), 0),
        )

    def test_far_below_the_cap_nothing_changes(self, roomy, one_slot):
        slot, allocation = one_slot()
        assert eqx.tree_equal(
            slot_outcome(roomy, slot, allocation), slot_outcome(roomy, slot, allocation, capped=False), rtol=1e-6
        )


class TestRaw:
    def test_nothing_is_extracted_or_recovered(self, scenario, one_slot):
        slot, allocation = one_slot(extraction_factor=jnp.ones(6), codec=False)
        outcome = slot_outcome(scenario, slot, allocation)
        rate = 0.2e6 / 6 * math.log2(1 + 0.1 * 5.6568542e-8 / 1e-11)
        np.testing.assert_array_equal(outcome.extraction_latency_s, np.zeros(6))
        np.testing.assert_array_equal(outcome.recovery_latency_s, np.zeros(6))
        np.testing.assert_array_equal(outcome.extraction_energy_j, np.zeros(6))
        np.testing.assert_allclose(outcome.sync_latency_s, np.full(6, 0.7e6 / rate), rtol=1e-5)
        np.testing.assert_allclose(outcome.energy_j, np.full(6, 0.007 + 0.1 * 0.7e6 / rate), rtol=1e-5)

    def test_everything_is_sent_whatever_phi_says(self, scenario, one_slot):
        slot, allocation = one_slot(extraction_factor=jnp.full(6, 0.3), codec=False)
        np.testing.assert_array_equal(slot_outcome(scenario, slot, allocation).sent_bits, slot.data_bits)

    def test_needs_no_cpu(self, scenario, one_slot):
        slot, allocation = one_slot(device_cpu_hz=jnp.zeros(6), edge_cpu_hz=jnp.zeros(6), codec=False)
        outcome = slot_outcome(scenario, slot, allocation)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(outcome))


@pytest.mark.parametrize("name", ["paper", "literal"])
def test_the_devices_costs_add_up_to_the_slots(name: str):
    scenario = load_scenario(name)
    one = jnp.ones(6)
    slot = Slot(50.0 * one, 7e5 * one, jnp.linspace(1e-9, 1e-7, 6)[:, None])
    # Requests of 12 GHz: the excess over 10 GHz is shared.
    outcome = slot_outcome(scenario, slot, Allocation(0.5 * one, 1e9 * one, 0.1 * one, 2e9 * one))
    np.testing.assert_allclose(jnp.sum(outcome.device_cost), outcome.cost, rtol=1e-5)
    assert outcome.device_cost[0] > outcome.device_cost[-1]


@pytest.mark.parametrize("name", ["penalty", "workload_law"])
def test_a_form_without_a_formula_is_refused(scenario, complains, name: str) -> None:
    # If a form is added to the scenario but not here, no other form may be used in its place.
    unknown = copy.copy(scenario)
    object.__setattr__(unknown, name, "quadratic")
    one = np.ones(scenario.device_count, np.float32)
    slot = Slot(50.0 * one, 7e5 * one, 1e-9 * one[:, None])
    with complains(name, "quadratic"):
        slot_outcome(unknown, slot, Allocation(0.5 * one, 1e9 * one, 0.1 * one, 1e9 * one))
