"""The scenario: derived times, a pytree that sweeps in one program, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.errors import InputError
from twinsync.presets import load_scenario
from twinsync.scenario import Constant, Scenario, constants, validate

STATIC = {"device_count", "slot_count", "boundary", "workload_law", "fading_blocks", "penalty"}
NUMBERS = [k for k, c in constants().items() if k not in STATIC and not c.columns and not c.optional]

UNITS = {"_hz": "Hz", "_s": "s", "_m": "m", "_w": "W", "_j": "J", "_bits": "bit", "_bps": "bit/s", "_rad": "rad"}
UNITS |= {"_m_s": "m/s", "_j_bit": "J/bit"}


def test_times_by_hand(scenario):
    # tau = T/N = 30/25 = 1.2 s; (1 - 0.25) 1.2 = 0.9 s; cap 5 * 1.2 = 6 s
    assert scenario.slot_s == pytest.approx(1.2)
    assert scenario.deadline_s == pytest.approx(0.9)
    assert scenario.latency_cap_s == pytest.approx(6.0)


def test_frozen(scenario):
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.bandwidth_hz = 1.0


def test_a_whole_number_is_a_real_one(scenario):
    # In compiled code an int would be a 32-bit one: 50 x 50,000,000 would be negative.
    changed = scenario.replace(device_count=50, edge_cpu_min_hz=50_000_000, edge_cpu_max_hz=np.int64(10_000_000_000))
    assert isinstance(changed.edge_cpu_min_hz, float)
    assert float(jax.jit(lambda s: s.edge_cpu_min_hz * s.device_count)(changed)) == 2.5e9
    assert isinstance(changed.device_count, int)


def test_replace_changes_a_copy(scenario):
    wider = scenario.replace(bandwidth_hz=1e6, device_count=3)
    assert (wider.bandwidth_hz, wider.device_count) == (1e6, 3)
    assert (scenario.bandwidth_hz, scenario.device_count) == (2e5, 6)


def test_counts_and_options_are_static_numbers_are_leaves(scenario):
    named = {path[0].name for path, _ in jax.tree_util.tree_flatten_with_path(scenario)[0]}
    assert named == set(NUMBERS)


def test_every_number_of_a_table_is_a_leaf(scenario):
    known = scenario.replace(accuracy_knots=((0.1, 30.0), (1.0, 60.0)))
    assert jax.tree.structure(known).num_leaves == jax.tree.structure(scenario).num_leaves + 4
    doubled = jax.tree.map(lambda leaf: 2 * leaf, known)
    assert doubled.accuracy_knots == ((0.2, 60.0), (2.0, 120.0))


def test_another_number_does_not_retrace_another_count_does(scenario):
    traces = []

    @jax.jit
    def power(given: Scenario):
        traces.append(given.device_count)
        return given.bandwidth_hz * given.noise_power_w

    assert float(power(scenario)) == pytest.approx(2e5 * 1e-11)
    assert float(power(scenario.replace(bandwidth_hz=4e5))) == pytest.approx(4e5 * 1e-11)
    power(scenario.replace(device_count=5))
    assert traces == [6, 5]


def test_a_leaf_can_be_batched(scenario):
    cycles = jnp.array([30.0, 60.0])
    deadline = jax.vmap(lambda t: scenario.replace(cycle_s=t).deadline_s)(cycles)
    np.testing.assert_allclose(deadline, [0.9, 1.8], rtol=1e-6)
    swept = eqx.tree_at(lambda s: s.cycle_s, scenario, cycles)
    axes = jax.tree.map(lambda leaf: 0 if isinstance(leaf, jax.Array) else None, swept)
    np.testing.assert_allclose(jax.vmap(lambda s: s.deadline_s, in_axes=(axes,))(swept), [0.9, 1.8], rtol=1e-6)


def test_every_constant_says_what_it_is():
    for key, constant in constants().items():
        assert constant.meaning, key
        assert constant.bound(), key
        ending = re.search(r"(_m_s|_j_bit|_hz|_s|_m|_w|_j|_bits|_bps|_rad)$", key)
        if ending:
            assert constant.unit == UNITS[ending[1]], key


@pytest.mark.parametrize(
    ("constant", "bound", "inside", "outside"),
    [
        (Constant("", "", "", low_open=True), "(0, inf)", [1e-300, 1e300], [0.0, -1.0, math.inf, math.nan]),
        (Constant("", "", "", high=1.0), "[0, 1]", [0.0, 1.0], [-1e-9, 1.0 + 1e-9, math.nan]),
        (Constant("", "", "", low=1.0, high_open=False), "[1, inf]", [1.0, math.inf], [0.5, math.nan]),
    ],
)
def test_bounds(constant, bound, inside, outside):
    assert constant.bound() == bound
    assert all(constant.admits(value) for value in inside)
    assert not any(constant.admits(value) for value in outside)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("device_count", 0, "device_count = 0 is outside its bound [1, 1e+06]"),
        ("device_count", -3, "[1, 1e+06]"),
        ("device_count", True, "whole number"),
        ("slot_count", 0, "[1, 1e+06]"),
        ("fading_blocks", 0, "[1, 1e+06]"),
        ("bandwidth_hz", -1.0, "bandwidth_hz = -1 Hz is outside its bound (0, 1e+12] Hz"),
        ("bandwidth_hz", math.nan, "bandwidth_hz = nan Hz is outside its bound"),
        ("bandwidth_hz", math.inf, "bandwidth_hz = inf Hz is outside its bound"),
        ("bandwidth_hz", True, "must be a number"),
        ("sensing_rate_bps", 0.0, "(0, 1e+15] bit/s"),
        ("extraction_factor_min", 0.0, "extraction_factor_min = 0 is outside its bound (0, 1]"),
        ("extraction_factor_min", 1.01, "(0, 1]"),
        ("sensing_share", 1.0, "(0, 0.99]"),
        ("sensing_share", 0.0, "(0, 0.99]"),
        ("latency_cap_slots", 1.0, "(1, inf]"),
        ("penalty", "soft", "penalty = 'soft' is not one of hinge, literal"),
        ("workload_law", "cubic", "one of power, constant, piecewise"),
        ("boundary", "wall", "one of free, reflect"),
        ("transmit_power_min_w", 0.2, "transmit_power_min_w = 0.2 W exceeds transmit_power_max_w = 0.1 W; lower"),
        ("transmit_power_max_w", 0.001, "transmit_power_min_w = 0.01 W exceeds transmit_power_max_w = 0.001 W"),
        ("data_min_bits", 9e5, "data_min_bits = 900000 bit exceeds data_max_bits = 800000 bit"),
        ("device_cpu_min_hz", 2e9, "device_cpu_min_hz = 2e+09 Hz exceeds device_cpu_max_hz = 1e+09 Hz"),
        ("edge_cpu_min_hz", 2e9, "for each of 6 UDs exceeds edge_cpu_max_hz = 1e+10 Hz"),
        ("device_count", 201, "edge_cpu_min_hz = 5e+07 Hz for each of 201 UDs"),
    ],
)
def test_refuses(scenario, complains, key, value, expected):
    with complains(expected):
        scenario.replace(**{key: value})


@pytest.mark.parametrize(
    ("knots", "expected"),
    [
        ((), "at least two rows"),
        (((0.5, 1.0, 1.0),), "at least two rows"),
        (((0.5, 1.0, 1.0), (0.4, 1.0, 1.0)), "phi must rise"),
        (((0.5, 1.0, 1.0), (0.5, 2.0, 1.0)), "phi must rise"),
        (((0.5, 1.0, 1.0), (1.5, 1.0, 1.0)), "end at 1 or below"),
        (((0.0, 1.0, 1.0), (1.0, 1.0, 1.0)), "above 0"),
        (((0.5, 1.0, -1.0), (1.0, 1.0, 1.0)), "above 0"),
        (((0.5, math.nan, 1.0), (1.0, 1.0, 1.0)), "above 0"),
    ],
)
def test_refuses_knots(scenario, complains, knots, expected):
    with complains("workload_knots", expected):
        scenario.replace(workload_law="piecewise", workload_knots=knots)
    assert scenario.replace(workload_knots=knots).workload_law == "power"  # knots that nothing reads harm nothing


@pytest.mark.parametrize(
    ("knots", "expected"),
    [
        (((0.5, 30.0),), "the accuracy law needs at least two rows (phi, PSNR in dB)"),
        (((0.5, 30.0), (0.5, 40.0)), "phi must rise"),
        (((0.5, 30.0), (1.5, 40.0)), "end at 1 or below"),
        (((0.5, 0.0), (1.0, 40.0)), "every phi and every PSNR must be a finite number above 0"),
        (((0.5, 30.0), (1.0, math.inf)), "every phi and every PSNR must be a finite number above 0"),
        (((0.5, 40.0), (1.0, 30.0)), "PSNR may not fall as phi rises, got [40.0, 30.0]"),
    ],
)
def test_refuses_a_law_of_accuracy(scenario, complains, knots, expected):
    with complains("accuracy_knots", expected):
        scenario.replace(accuracy_knots=knots)


@pytest.mark.parametrize("rows", [5, "rows", ((0.5, 30.0, 1.0), (1.0, 40.0, 1.0)), (0.5, 30.0)])
def test_refuses_what_is_no_table(scenario, complains, rows):
    values = {field.name: getattr(scenario, field.name) for field in dataclasses.fields(scenario)}
    with complains(f"accuracy_knots = {rows!r} must be rows (phi, psnr_db)"):
        validate(values | {"accuracy_knots": rows})


def test_a_law_of_accuracy_may_stand_still_and_may_be_left_out(scenario):
    flat = ((0.5, 40.0), (1.0, 40.0))
    assert scenario.replace(accuracy_knots=flat).accuracy_knots == flat
    without = {key: getattr(scenario, key) for key in constants() if key != "accuracy_knots"}
    assert Scenario(**without) == scenario


def test_reflection_needs_the_start_inside(scenario, complains):
    with complains("start_radius_m = 60 m exceeds area_radius_m = 50 m"):
        scenario.replace(boundary="reflect", start_radius_m=60.0)
    assert scenario.replace(start_radius_m=60.0).start_radius_m == 60.0


def test_validate_knows_numpy_scalars_and_leaves_arrays_alone(scenario, complains):
    values = {field.name: getattr(scenario, field.name) for field in dataclasses.fields(scenario)}
    validate(values | {"bandwidth_hz": np.float32(1.0), "cycle_s": jnp.array([-1.0, 1.0])})
    with complains("bandwidth_hz = -1 Hz"):
        validate(values | {"bandwidth_hz": np.float32(-1.0)})
    with complains("bandwidth_hz = 'wide' must be a number within (0, 1e+12]"):
        validate(values | {"bandwidth_hz": "wide"})


@given(key=st.sampled_from(NUMBERS), value=st.floats(allow_nan=True, allow_infinity=True, width=64))
def test_any_number_is_taken_or_refused_by_name(key, value):
    base = load_scenario("paper")
    complaint = None
    try:
        changed = base.replace(**{key: value})
    except InputError as error:
        complaint = str(error)
    if complaint is not None:
        assert key in complaint
        assert "\n" not in complaint
    else:
        assert getattr(changed, key) == value
        assert constants()[key].admits(value)
        assert changed.data_min_bits <= changed.data_max_bits
        assert changed.transmit_power_min_w <= changed.transmit_power_max_w
        assert changed.device_cpu_min_hz <= changed.device_cpu_max_hz
