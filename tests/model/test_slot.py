"""A whole slot: eqs. (15) to (18), the cap, the penalties of (22), the violations of (19b) to (19h)."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.model import Allocation, Slot, draw_slots, slot_outcome
from twinsync.model.slot import device_penalty_of, executed_edge_cpu_hz, penalty_of
from twinsync.presets import load_scenario
from twinsync.streams import root_key

# Six UDs of Table II, and everything that follows, worked out in plain Python.
DISTANCE = [46.0, 47.5, 49.0, 50.0, 52.0, 54.5]
DATA = [0.60e6, 0.65e6, 0.70e6, 0.72e6, 0.76e6, 0.80e6]
FADING = [0.3, 1.2, 0.8, 2.5, 0.05, 1.0]
PHI = [0.30, 0.45, 0.50, 0.60, 0.80, 1.00]
DEVICE = [0.5e9, 0.8e9, 0.86e9, 0.9e9, 1.0e9, 0.7e9]
POWER = [0.10, 0.05, 0.01, 0.08, 0.10, 0.03]
EDGE = [1.5e9, 1.6e9, 1.7e9, 1.8e9, 1.6e9, 1.7e9]  # 9.9 GHz together


def by_hand() -> dict[str, list[float]]:
    rows = []
    for d, data, fading, phi, f, p, edge in zip(DISTANCE, DATA, FADING, PHI, DEVICE, POWER, EDGE, strict=True):
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


def table_ii_slot(dtype=jnp.float32) -> tuple[Slot, Allocation]:
    gain = [[1e-3 * d**-2.5 * fading] for d, fading in zip(DISTANCE, FADING, strict=True)]
    slot = Slot(*(jnp.array(values, dtype) for values in (DISTANCE, DATA, gain)))
    return slot, Allocation(*(jnp.array(values, dtype) for values in (PHI, DEVICE, POWER, EDGE)))


def one_slot(scenario, **changes) -> tuple[Slot, Allocation]:
    """A slot that costs no penalty in the `roomy` setting, and its allocation with some parts changed."""
    slot = Slot(jnp.full(6, 50.0), jnp.full(6, 0.7e6), jnp.full((6, 1), 5.6568542e-8))
    parts = {"extraction_factor": 0.7, "device_cpu_hz": 0.8e9, "transmit_power_w": 0.1, "edge_cpu_hz": 1.6e9}
    return slot, Allocation(**{key: jnp.full(6, value) for key, value in parts.items()} | changes)


@pytest.fixture(scope="module")
def roomy(scenario):
    """Bandwidth in which the allocation of `one_slot` meets every constraint."""
    return scenario.replace(bandwidth_hz=20e6)


@pytest.mark.parametrize("double", [False, True])
def test_table_ii_by_hand(scenario, double):
    expected = by_hand()
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
    def test_requests_above_the_server_are_scaled_down(self, scenario):
        # 24 GHz asked for of 10: everyone gets 10/24 of the request.
        asked = jnp.array([4e9, 4e9, 4e9, 4e9, 2e9, 6e9])
        given = np.asarray(asked) * 10 / 24
        np.testing.assert_allclose(executed_edge_cpu_hz(asked, scenario), given, rtol=1e-6)
        slot, allocation = one_slot(scenario, edge_cpu_hz=asked)
        outcome = slot_outcome(scenario, slot, allocation)
        np.testing.assert_allclose(outcome.recovery_latency_s, 300 * 0.7e6 / math.sqrt(0.7) / given, rtol=1e-5)

    def test_requests_within_the_server_are_granted(self, scenario):
        asked = jnp.array([1e9, 2e9, 3e9, 1e9, 2e9, 1e9])
        np.testing.assert_array_equal(executed_edge_cpu_hz(asked, scenario), asked)

    def test_excess_costs_w_per_ghz(self, roomy):
        slot, allocation = one_slot(roomy, edge_cpu_hz=jnp.full(6, 4e9))
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
def case(scenario):
    slot, allocation = one_slot(
        scenario,
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
        # UD 1 never gets to send, and stops extracting after 6 s at kappa f^3 = 1.25e-4 W.
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

    def test_far_below_the_cap_nothing_changes(self, roomy):
        slot, allocation = one_slot(roomy)
        assert eqx.tree_equal(
            slot_outcome(roomy, slot, allocation), slot_outcome(roomy, slot, allocation, capped=False), rtol=1e-6
        )


class TestViolations:
    def test_none(self, roomy):
        violations = slot_outcome(roomy, *one_slot(roomy)).violations
        for leaf in jax.tree.leaves(violations):
            np.testing.assert_array_equal(leaf, np.zeros(leaf.shape))

    # Deadline 0.9 s, budget 0.5 J; the one UD's excess, worked out beside the change that causes it.
    @pytest.mark.parametrize(
        ("name", "part", "value", "excess"),
        [
            ("extraction_factor", "extraction_factor", 0.28, 0.02),
            ("extraction_factor", "extraction_factor", 1.05, 0.05),
            ("device_cpu_hz", "device_cpu_hz", 1.02e9, 0.02e9),
            ("transmit_power_w", "transmit_power_w", 0.009, 0.001),
            ("transmit_power_w", "transmit_power_w", 0.15, 0.05),
        ],
    )
    def test_bounds_19e_19f_19g(self, roomy, name, part, value, excess):
        # More bandwidth and a bigger budget, so that no latency or energy is in the way.
        free = roomy.replace(energy_budget_j=10.0, bandwidth_hz=200e6, cycle_s=60.0)
        _, usual = one_slot(free)
        slot, allocation = one_slot(free, **{part: getattr(usual, part).at[2].set(value)})
        violations = slot_outcome(free, slot, allocation).violations
        expected = {key: np.zeros(6) for key in ("extraction_factor", "device_cpu_hz", "transmit_power_w")}
        expected[name][2] = excess
        for key, row in expected.items():
            np.testing.assert_allclose(getattr(violations, key), row, rtol=1e-4, err_msg=key)
        for key in ("sensing_s", "deadline_s", "energy_j", "edge_cpu_hz"):
            assert not np.any(getattr(violations, key)), key

    def test_slow_device_19f(self, roomy):
        slot, allocation = one_slot(roomy, device_cpu_hz=jnp.full(6, 0.8e9).at[3].set(0.04e9))
        violations = slot_outcome(roomy, slot, allocation).violations
        np.testing.assert_allclose(violations.device_cpu_hz, [0, 0, 0, 0.01e9, 0, 0], rtol=1e-5)

    def test_sensing_19b(self, roomy):
        # 0.7e6 bit at 2 Mbit/s take 0.35 s of the 0.3 s there are.
        slow = roomy.replace(sensing_rate_bps=2e6)
        violations = slot_outcome(slow, *one_slot(slow)).violations
        np.testing.assert_allclose(violations.sensing_s, np.full(6, 0.05), rtol=1e-5)

    def test_deadline_19c_counts_the_uncapped_latency(self, roomy):
        slot, allocation = one_slot(roomy)
        slot = eqx.tree_at(lambda s: s.block_gain, slot, slot.block_gain.at[0].set(1e-16))
        outcome = slot_outcome(roomy, slot, allocation)
        rate = 20e6 / 6 * math.log1p(0.1 * 1e-16 / 1e-11) / math.log(2)
        t_dt = 300 * 0.7e6 / 0.7**1.2 / 0.8e9 + 0.49e6 / rate + 300 * 0.7e6 / math.sqrt(0.7) / 1.6e9
        assert t_dt > 6.0
        np.testing.assert_allclose(outcome.violations.deadline_s, [t_dt - 0.9, 0, 0, 0, 0, 0], rtol=1e-5)

    def test_energy_19d(self, roomy):
        slot, allocation = one_slot(roomy, extraction_factor=jnp.full(6, 0.7).at[4].set(0.3))
        outcome = slot_outcome(roomy, slot, allocation)
        # 0.007 J to sense, 300 * 1e-27 * 0.7e6/0.3^1.2 * 0.64e18 = 0.57 J to extract, 0.1 W times the time to send
        rate = 20e6 / 6 * math.log2(1 + 0.1 * 5.6568542e-8 / 1e-11)
        energy = 0.007 + 300 * 1e-27 * 0.7e6 / 0.3**1.2 * 0.8e9**2 + 0.1 * 0.21e6 / rate
        np.testing.assert_allclose(outcome.violations.energy_j, [0, 0, 0, 0, energy - 0.5, 0], rtol=1e-4)

    def test_edge_19h_is_one_number_a_slot(self, roomy):
        slot, allocation = one_slot(roomy, edge_cpu_hz=jnp.full(6, 2e9))
        violations = slot_outcome(roomy, slot, allocation).violations
        assert violations.edge_cpu_hz.shape == ()
        np.testing.assert_allclose(violations.edge_cpu_hz, 2e9, rtol=1e-6)
        slot, allocation = one_slot(roomy, edge_cpu_hz=jnp.full(6, 1.6e9).at[1].set(0.03e9))
        np.testing.assert_allclose(slot_outcome(roomy, slot, allocation).violations.edge_cpu_hz, 0.02e9, rtol=1e-5)

    @pytest.mark.parametrize("data", [1e5, 3e5, 0.7e6, 0.8e6, 1.1e6])
    @pytest.mark.parametrize("cycle", [7.0, 30.0, 33.3])
    def test_rounding_is_no_violation(self, scenario, data, cycle):
        # At the automatic rate D_max is sensed in exactly eta tau, and six sixths of the server are the server.
        tight = scenario.replace(data_min_bits=data, data_max_bits=data, cycle_s=cycle)
        slot, allocation = one_slot(tight, edge_cpu_hz=jnp.full(6, 10e9 / 6))
        slot = eqx.tree_at(lambda s: s.data_bits, slot, jnp.full(6, data))
        violations = slot_outcome(tight, slot, allocation).violations
        assert not violations.sensing_s.any()
        assert not violations.edge_cpu_hz.any()


class TestRaw:
    def test_nothing_is_extracted_or_recovered(self, scenario):
        slot, allocation = one_slot(scenario, extraction_factor=jnp.ones(6), codec=False)
        outcome = slot_outcome(scenario, slot, allocation)
        rate = 0.2e6 / 6 * math.log2(1 + 0.1 * 5.6568542e-8 / 1e-11)
        np.testing.assert_array_equal(outcome.extraction_latency_s, np.zeros(6))
        np.testing.assert_array_equal(outcome.recovery_latency_s, np.zeros(6))
        np.testing.assert_array_equal(outcome.extraction_energy_j, np.zeros(6))
        np.testing.assert_allclose(outcome.sync_latency_s, np.full(6, 0.7e6 / rate), rtol=1e-5)
        np.testing.assert_allclose(outcome.energy_j, np.full(6, 0.007 + 0.1 * 0.7e6 / rate), rtol=1e-5)

    def test_everything_is_sent_whatever_phi_says(self, scenario):
        slot, allocation = one_slot(scenario, extraction_factor=jnp.full(6, 0.3), codec=False)
        np.testing.assert_array_equal(slot_outcome(scenario, slot, allocation).sent_bits, slot.data_bits)

    def test_needs_no_cpu(self, scenario):
        slot, allocation = one_slot(scenario, device_cpu_hz=jnp.zeros(6), edge_cpu_hz=jnp.zeros(6), codec=False)
        outcome = slot_outcome(scenario, slot, allocation)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(outcome))


@pytest.fixture(scope="module")
def batch(scenario):
    slots = draw_slots(root_key(0), scenario.replace(fading_blocks=2), 50)
    _, allocation = table_ii_slot()
    return slots, jax.tree.map(lambda x: jnp.tile(x, (50, 1)), allocation)


class TestTransformations:
    def test_jit_and_vmap_agree_with_plain(self, scenario, batch):
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
    def test_a_scenario_leaf_can_be_swept(self, scenario, batch, key, values):
        def cost(value):
            return slot_outcome(scenario.replace(**{key: value}), *batch).cost

        np.testing.assert_allclose(jax.vmap(cost)(jnp.array(values)), [cost(v) for v in values], rtol=1e-4)

    def test_more_batch_axes(self, scenario, batch):
        deep = jax.tree.map(lambda x: x.reshape(5, 10, *x.shape[1:]), batch)
        cost = slot_outcome(scenario, *deep).cost
        assert cost.shape == (5, 10)
        np.testing.assert_allclose(cost.ravel(), slot_outcome(scenario, *batch).cost, rtol=1e-5)

    def test_float32_agrees_with_float64(self, scenario, batch):
        single = slot_outcome(scenario, *batch)
        with jax.enable_x64(True):
            wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float64), batch)
            double = slot_outcome(scenario, *wide)
        for key in ("sync_latency_s", "energy_j", "total_latency_s", "cost"):
            np.testing.assert_allclose(getattr(single, key), getattr(double, key), rtol=2e-5, err_msg=key)

    @pytest.mark.parametrize("changes", [{}, {"penalty": "literal", "latency_cap_slots": math.inf}])
    @pytest.mark.parametrize("least", [1.0, 2.0**-24])
    def test_gradient_is_finite(self, scenario, batch, changes, least):
        setting = scenario.replace(**changes)
        slots, allocation = batch
        weak = slots.block_gain.at[0, 0].set(least * 5.6568542e-8)  # 2^-24 is the least fading that is ever drawn
        slots = eqx.tree_at(lambda s: s.block_gain, slots, weak)
        for codec in (True, False):
            choice = Allocation(*jax.tree.leaves(allocation), codec=codec)
            for capped in (True, False):
                gradient = jax.grad(lambda a, c=capped: slot_outcome(setting, slots, a, capped=c).cost.sum())(choice)
                assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))

    def test_gradient_by_finite_differences(self, scenario, batch):
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


@pytest.mark.parametrize("name", ["paper", "literal"])
def test_the_devices_costs_add_up_to_the_slots(name: str):
    scenario = load_scenario(name)
    one = jnp.ones(6)
    slot = Slot(50.0 * one, 7e5 * one, jnp.linspace(1e-9, 1e-7, 6)[:, None])
    # Requests of 12 GHz: the excess over 10 GHz is shared.
    outcome = slot_outcome(scenario, slot, Allocation(0.5 * one, 1e9 * one, 0.1 * one, 2e9 * one))
    np.testing.assert_allclose(jnp.sum(outcome.device_cost), outcome.cost, rtol=1e-5)
    assert outcome.device_cost[0] > outcome.device_cost[-1]
