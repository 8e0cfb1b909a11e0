"""The NumPy runtime and the ONNX model decide as the JAX policy does.

The runtime refuses wrong input and reports what lies outside the policy's training.
"""

from __future__ import annotations

import itertools
import warnings

import jax
import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from tests.runtime.twins import PARTS, Twins, assert_same, eagerly, make_twins, open_onnx, reference, run_onnx, slots

from twinsync.environment import Interface
from twinsync.export.onnx_model import onnx_bytes
from twinsync.runtime import OutsideTraining, RuntimePolicy

PHYSICAL, AFFINE = Interface(edge_cpu="shares", encoding="physical"), Interface(edge_cpu="shares")
FACES = list(
    itertools.product(("paper", "csi"), ("requests", "shares"), ("chosen", "none", "random"), ("affine", "physical"))
)
# Architecture, squash and K vary over the interfaces so that every pair of options occurs.
TURNS = list(itertools.product(("set", "flat"), ("tanh", "clip"), (1, 2, 6, 100)))
KINDS = [(Interface(*face), *TURNS[(5 * i + i // 16) % 16]) for i, face in enumerate(FACES)]


@pytest.mark.parametrize(("face", "architecture", "squash", "devices"), KINDS)
def test_every_kind_of_policy_decides_as_in_jax(scenario, face, architecture, squash, devices) -> None:
    twins = make_twins(scenario.replace(device_count=devices), face, architecture, squash)
    given = slots(face, devices)
    found = twins.runtime.decide(**given)
    expected = eagerly(twins.trained, twins.scenario, given)
    assert_same(found, expected, twins)
    assert_same(run_onnx(open_onnx(onnx_bytes(twins.runtime)), given), expected, twins)
    assert {getattr(found, part).shape for part in PARTS} == {(3, devices)}


def test_every_pair_of_options_is_among_the_kinds() -> None:
    options = [(*vars(face).values(), *rest) for face, *rest in KINDS]
    for a, b in itertools.combinations(range(6), 2):
        pairs = {(kind[a], kind[b]) for kind in options}
        assert len(pairs) == len({kind[a] for kind in options}) * len({kind[b] for kind in options})


@pytest.fixture(scope="module")
def general(scenario) -> Twins:
    return make_twins(scenario, Interface("csi", "shares", "chosen", "physical"))


@pytest.fixture(scope="module")
def affine(scenario) -> Twins:
    return make_twins(scenario, Interface("csi"), squash="clip")


_jitted = jax.jit(reference)


@settings(max_examples=15)
@drawn(
    st.sampled_from([(1, (4,)), (2, (2, 3)), (6, ()), (100, (1,))]),
    st.integers(0, 1000),
    st.fixed_dictionaries(
        {
            "bandwidth_hz": st.floats(1e4, 1e9),
            "edge_cpu_max_hz": st.floats(5e9, 1e12),
            "device_cpu_max_hz": st.floats(1e8, 1e10),
            "extraction_factor_min": st.floats(0.05, 1.0),
            "capacitance": st.sampled_from([0.0, 1e-28, 1e-26]),
            "noise_power_w": st.floats(1e-14, 1e-9),
            "energy_budget_j": st.floats(0.01, 10.0),
            "cycle_s": st.floats(1.0, 100.0),
        }
    ),
)
def test_any_scenario_any_k_any_batch(general: Twins, size, seed, overrides) -> None:
    devices, batch = size
    face = general.trained.interface
    given, here = slots(face, devices, batch, seed), general.scenario.replace(device_count=devices, **overrides)
    with jax.enable_x64(True):
        expected = jax.device_get(_jitted(general.trained, here, given))
    assert_same(general.runtime.decide(**given, **overrides), expected, general, **overrides)


@settings(max_examples=15)
@drawn(
    st.fixed_dictionaries(
        {
            "start_x_m": st.floats(20.0, 80.0),
            "station_height_m": st.floats(0.0, 30.0),
            "speed_mean_m_s": st.floats(0.0, 10.0),
            "data_max_bits": st.floats(0.6e6, 2e6),
            "path_loss_exponent": st.floats(2.0, 4.0),
            "edge_cpu_min_hz": st.floats(1e6, 9e7),
            "transmit_power_max_w": st.floats(0.01, 1.0),
        }
    )
)
def test_any_scenario_in_the_affine_code(affine: Twins, overrides) -> None:
    given, here = slots(affine.trained.interface, 6), affine.scenario.replace(**overrides)
    with jax.enable_x64(True):
        expected = jax.device_get(_jitted(affine.trained, here, given))
    assert_same(affine.runtime.decide(**given, **overrides), expected, affine, **overrides)


def test_lists_ints_and_float32_are_taken_and_inputs_are_left_alone(scenario) -> None:
    runtime = make_twins(scenario.replace(device_count=2), Interface(extraction="random")).runtime
    exact = runtime.decide([50, 40], [600_000, 700_000], given_phi=[0.3, 1.0])
    given = np.array([0.3, 1.0])
    single = runtime.decide(np.float32([50, 40]), np.float32([6e5, 7e5]), given_phi=given)
    for part in PARTS:
        assert getattr(exact, part).dtype == np.float64
        np.testing.assert_array_equal(getattr(exact, part), getattr(single, part))
    single.extraction_factor[:] = 7.0
    np.testing.assert_array_equal(given, [0.3, 1.0])


def test_no_nearer_than_the_distance_that_path_loss_is_used_from(blind) -> None:
    near, floor = blind.decide([0.01, 50.0], [6e5, 6e5]), blind.decide([1.0, 50.0], [6e5, 6e5])
    np.testing.assert_array_equal(near.device_cpu_hz, floor.device_cpu_hz)


def test_devices_are_treated_alike(general) -> None:
    given, order = slots(general.trained.interface, 6, ()), [5, 0, 3, 1, 4, 2]
    straight = general.runtime.decide(**given)
    mixed = general.runtime.decide(**{name: value[order] for name, value in given.items()})
    for part in PARTS:
        np.testing.assert_allclose(getattr(mixed, part), getattr(straight, part)[order], rtol=1e-5)


def test_the_server_is_never_overbooked(general) -> None:
    decided = general.runtime.decide(**slots(general.trained.interface, 100, (50,)))
    total = decided.edge_cpu_hz.sum(-1)
    assert (total <= general.scenario.edge_cpu_max_hz * (1 + 1e-12)).all()
    assert (decided.edge_cpu_hz >= general.scenario.edge_cpu_min_hz).all()


@pytest.fixture(scope="module")
def blind(scenario) -> RuntimePolicy:
    return make_twins(scenario, PHYSICAL).runtime


GOOD = {"distance_m": [50.0, 40.0], "data_bits": [6e5, 7e5]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"distance_m": [50.0, 0.0]}, ("distance_m[1] = 0", "above 0")),
        ({"distance_m": [50.0, float("nan")]}, ("distance_m[1] = nan",)),
        ({"data_bits": [[6e5, -1.0]]}, ("data_bits[0, 1] = -1",)),
        ({"data_bits": [6e5]}, ("data_bits has shape (1,)", "(2,)")),
        ({"data_bits": 6e5}, ("data_bits = 600000.0", "array")),
        ({"data_bits": ["many", 1]}, ("data_bits must be an array of numbers",)),
        ({"distance_m": [], "data_bits": []}, ("not empty",)),
        ({"data_bits": None}, ("needs data_bits",)),
        ({"channel_gain": [1e-7, 1e-7]}, ("does not take channel_gain",)),
        ({"given_phi": [0.5, 0.5]}, ("does not take given_phi",)),
        ({"bandwidth_hz": -1.0}, ("bandwidth_hz = -1.0", "above 0")),
        ({"bandwidth_hz": "2 MHz"}, ("bandwidth_hz = '2 MHz'",)),
        ({"bandwidth_hz": float("inf")}, ("bandwidth_hz = inf",)),
        ({"slot_count": 2.5}, ("slot_count = 2.5", "whole")),
        ({"bandwith_hz": 1e6}, ("bandwith_hz", "did you mean 'bandwidth_hz'")),
        ({"colour": 1}, ("unknown constant 'colour'", "noise_power_w")),
        ({"device_count": 2}, ("device_count", "distance_m")),
        ({"sensing_share": 0.5}, ("sensing_share = 0.5", "cannot follow")),
        ({"device_cpu_min_hz": 2e9}, ("device_cpu_min_hz = 2e+09 exceeds device_cpu_max_hz",)),
        ({"edge_cpu_max_hz": 9e7}, ("edge_cpu_min_hz = 5e+07 Hz for each of 2", "at least 1e+08")),
    ],
)
def test_bad_input_is_told_in_one_line(blind, complains, changes, told) -> None:
    with complains(*told):
        blind.decide(**{**GOOD, **changes})


def test_what_a_policy_needs_or_cannot_do(scenario, complains) -> None:
    with complains("needs channel_gain"):
        make_twins(scenario, Interface("csi")).runtime.decide(**GOOD)
    two = scenario.replace(device_count=2)
    random = make_twins(two, Interface(extraction="random")).runtime
    with complains("needs given_phi"):
        random.decide(**GOOD)
    with complains("given_phi from 0.1 to 0.5", "0.3"):
        random.decide(**GOOD, given_phi=[0.1, 0.5])
    with complains("trained for 6 devices", "has 2"):
        make_twins(scenario, AFFINE, "flat").runtime.decide(**GOOD)
    with complains("bandwidth_hz = 2000000.0", "cannot follow", "200000.0"):
        make_twins(scenario, AFFINE).runtime.decide(**GOOD, bandwidth_hz=2e6)


def test_a_constant_told_as_in_training_is_no_error(scenario) -> None:
    policy = make_twins(scenario.replace(device_count=2), AFFINE).runtime
    same = policy.decide(**GOOD, bandwidth_hz=0.2e6, sensing_share=scenario.sensing_share)
    np.testing.assert_array_equal(same.edge_cpu_hz, policy.decide(**GOOD).edge_cpu_hz)


@pytest.mark.parametrize("architecture", ["set", "flat"])
def test_outside_training_is_told_each_time_and_warned_of_once(scenario, architecture) -> None:
    two = scenario.replace(device_count=2)
    policy = make_twins(two, AFFINE, architecture, ranges={"distance": [-1.0, 1.0], "data size": [-1.0, 1.0]}).runtime
    assert policy.decide(**GOOD).outside == ()
    # 0.81 Mbit is 1.1 of the code's half range above its middle: within 5 % of the width. 0.85 Mbit is 1.5.
    assert policy.decide([50.0, 40.0], [8.1e5, 7e5]).outside == ()
    with pytest.warns(OutsideTraining, match="data size"):
        assert policy.decide([50.0, 40.0], [8.5e5, 7e5]).outside == ("data size",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert policy.decide([50.0, 40.0], [8.5e5, 7e5]).outside == ("data size",)
        with pytest.raises(OutsideTraining, match=r": distance$"):
            policy.decide([500.0, 40.0], [8.5e5, 7e5])


def test_a_policy_that_does_not_see_k_tells_when_it_is_another(scenario) -> None:
    policy = make_twins(scenario, AFFINE).runtime
    with pytest.warns(OutsideTraining, match="number of devices"):
        assert policy.decide(**GOOD).outside == ("number of devices",)
    assert make_twins(scenario, PHYSICAL).runtime.decide(**GOOD).outside == ()


def test_it_prints_on_a_line_or_two(blind) -> None:
    assert "bandwidth_hz" in repr(blind)
    assert len(repr(blind)) < 1000
