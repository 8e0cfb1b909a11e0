import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twinsync.environment.interface import SHARE_LOGIT_SCALE, Interface, Sight, draw_phi, observe, to_allocation
from twinsync.errors import InputError
from twinsync.presets import load_scenario
from twinsync.quantity import PHYSICAL

INTERFACES = [
    Interface(*options)
    for options in itertools.product(("paper", "csi"), ("requests", "shares"), ("chosen", "none", "random"))
]
SCENARIOS = {
    "paper": load_scenario("paper"),
    "one device": load_scenario("paper", ["device_count=1"]),
    "edge floor takes all": load_scenario("paper", ["edge_cpu_min_hz=1.6e9", "edge_cpu_max_hz=9.6e9"]),
    "phi fixed": load_scenario("paper", ["extraction_factor_min=1"]),
}


def within(value, low, high):
    # Bounds in the arrays' own precision: 0.01 W is not a float32.
    return np.all(value >= np.float32(low)) and np.all(value <= np.float32(high))


def decide(interface, scenario, action):
    given_phi = draw_phi(jax.random.key(0), scenario, (scenario.device_count,))
    return to_allocation(interface, scenario, jnp.asarray(action, jnp.float32), given_phi), given_phi


@pytest.mark.parametrize("interface", INTERFACES, ids=str)
@given(
    name=st.sampled_from(sorted(SCENARIOS)),
    action=arrays.arrays(
        np.float32, 24, elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.floats(-1, 1, width=32)
    ),
)
def test_every_allocation_is_within_the_bounds_of_19e_to_19h(interface, name, action):
    scenario = SCENARIOS[name]
    allocation, _ = decide(interface, scenario, action[: interface.decisions * scenario.device_count])
    assert within(allocation.extraction_factor, scenario.extraction_factor_min, 1.0)
    assert within(allocation.device_cpu_hz, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz)
    assert within(allocation.transmit_power_w, scenario.transmit_power_min_w, scenario.transmit_power_max_w)
    edge_hz = allocation.edge_cpu_hz
    if interface.edge_cpu == "requests":
        assert within(edge_hz, scenario.edge_cpu_min_hz, scenario.edge_cpu_max_hz)
    else:
        assert np.all(edge_hz >= np.float32(scenario.edge_cpu_min_hz))
        assert float(edge_hz.sum()) == pytest.approx(scenario.edge_cpu_max_hz, rel=1e-6)


def test_an_action_is_affine_to_the_bounds_grouped_by_quantity(scenario):
    # phi: 0.3 + 0.7/2 at 0; f: 0.05 + 0.95/4 at -0.5; p: 0.01 + 0.09 * 3/4 at 0.5; f^e: the cap at 1
    action = np.repeat([0.0, -0.5, 0.5, 1.0], 6)
    allocation, _ = decide(Interface(), scenario, action)
    np.testing.assert_allclose(allocation.extraction_factor, np.full(6, 0.65), rtol=1e-6)
    np.testing.assert_allclose(allocation.device_cpu_hz, np.full(6, 0.2875e9), rtol=1e-6)
    np.testing.assert_allclose(allocation.transmit_power_w, np.full(6, 0.0775), rtol=1e-6)
    np.testing.assert_allclose(allocation.edge_cpu_hz, np.full(6, 10e9), rtol=1e-6)


def test_beyond_one_an_action_is_clipped(scenario):
    wild, _ = decide(Interface(), scenario, np.repeat([-7.0, 7.0], 12))
    edge, _ = decide(Interface(), scenario, np.repeat([-1.0, 1.0], 12))
    for a, b in zip(jax.tree.leaves(wild), jax.tree.leaves(edge), strict=True):
        np.testing.assert_array_equal(a, b)


def test_shares_are_a_softmax_above_the_floor(scenario):
    logits = np.array([1.0, 0.0, 0.0, -1.0, -1.0, -1.0])
    allocation, _ = decide(Interface(edge_cpu="shares"), scenario, np.concatenate([np.zeros(18), logits]))
    above = np.asarray(allocation.edge_cpu_hz) - 0.05e9
    # 10 GHz less six floors of 0.05 GHz are 9.7 GHz to share; neighbours in `logits` differ by e^3.
    assert above.sum() == pytest.approx(9.7e9, rel=1e-6)
    assert above[0] / above[1] == pytest.approx(np.exp(SHARE_LOGIT_SCALE), rel=1e-4)
    assert above[1] / above[3] == pytest.approx(np.exp(SHARE_LOGIT_SCALE), rel=1e-4)


def test_phi_is_one_without_semantics_and_given_with_random_extraction(scenario):
    allocation, _ = decide(Interface(extraction="none"), scenario, np.full(18, -1.0))
    np.testing.assert_array_equal(allocation.extraction_factor, np.ones(6))
    allocation, given_phi = decide(Interface(extraction="random"), scenario, np.full(18, -1.0))
    np.testing.assert_array_equal(allocation.extraction_factor, given_phi)


@pytest.mark.parametrize(
    ("interface", "features", "decisions"),
    [
        (Interface(), 2, 4),
        (Interface("csi"), 3, 4),
        (Interface("paper", "shares", "none"), 2, 3),
        (Interface("csi", "shares", "random"), 4, 3),
    ],
)
def test_counts(interface, features, decisions):
    assert (interface.features, interface.decisions) == (features, decisions)


def test_observation_by_hand(scenario):
    # centre 50 m; spread 5 m circle + half of 1 m/s * 30 s + 1 m = 21 m; data 0.7 +- 0.1 Mbit
    distance = jnp.array([50.0, 71.0, 29.0, 50.0, 50.0, 50.0])
    data = jnp.array([0.7e6, 0.6e6, 0.8e6, 0.7e6, 0.7e6, 0.7e6])
    seen = observe(Interface(), scenario, Sight(distance, data))
    np.testing.assert_allclose(seen, [0, 1, -1, 0, 0, 0, 0, -1, 1, 0, 0, 0], atol=1e-6)


def test_csi_adds_the_logarithm_of_the_gain_over_a_typical_one(scenario):
    typical = 1e-3 * 50.0**-2.5
    gain = typical * jnp.array([1.0, 10.0, 0.01, 0.0, 1e-9, 1.0])
    sight = Sight(jnp.full(6, 50.0), jnp.full(6, 0.7e6), gain)
    seen = observe(Interface("csi"), scenario, sight)
    np.testing.assert_allclose(seen[12:], [0, 1, -2, -6, -6, 0], atol=1e-5)


def test_random_extraction_shows_the_phi_it_drew(scenario):
    sight = Sight(jnp.full(6, 50.0), jnp.full(6, 0.7e6))
    seen = observe(Interface(extraction="random"), scenario, sight, jnp.array([0.3, 1.0, 0.65, 0.3, 0.3, 0.3]))
    np.testing.assert_allclose(seen[12:], [-1, 1, 0, -1, -1, -1], atol=1e-6)


def test_a_fixed_data_size_is_observed_as_zero():
    scenario = load_scenario("paper", ["data_min_bits=0.7e6", "data_max_bits=0.7e6"])
    seen = observe(Interface(), scenario, Sight(jnp.full(6, 50.0), jnp.full(6, 0.7e6)))
    np.testing.assert_array_equal(seen[6:], np.zeros(6))


def test_given_phi_is_uniform_between_its_bounds(scenario):
    phi = np.asarray(draw_phi(jax.random.key(3), scenario, (20_000, 6)))
    assert within(phi, 0.3, 1.0)
    # The mean of 120,000 uniforms on [0.3, 1] is 0.65 with a standard error of 0.0006.
    assert phi.mean() == pytest.approx(0.65, abs=0.003)
    assert (phi < 0.475).mean() == pytest.approx(0.25, abs=0.006)


@pytest.mark.parametrize("option", ["observation", "edge_cpu", "extraction"])
def test_an_unknown_option_is_named(option, complains):
    with complains(option, "'bogus'", "is not one of"):
        Interface(**{option: "bogus"})


def test_csi_without_a_gain_is_an_error(scenario, complains):
    with complains("observation = csi", "channel_gain"):
        observe(Interface("csi"), scenario, Sight(jnp.full(6, 50.0), jnp.full(6, 0.7e6)))


SIGHT = Sight(np.array([50.0, 25.0]), np.array([0.6e6, 0.8e6]), np.array([1e-7, 2e-7]))


def groups(scenario, observation="paper", sight=SIGHT):
    face = Interface(observation=observation, encoding="physical")
    assert face.features == len(PHYSICAL)
    return np.asarray(observe(face, scenario, sight)).reshape(len(PHYSICAL), -1)


def test_physical_groups_by_hand():
    # Table II, two devices: gain 1e-3 50^-2.5, noise 1e-11 W, tau = 1.2 s, 0.1 MHz and 5 GHz each.
    found = groups(load_scenario("paper", ["device_count=2"]))[:, 0]
    by_hand = (
        1e-3 * 50**-2.5 / 1e-11 * 0.1,  # 566
        0.6e6 / 0.1e6 / 1.2,  # 5
        300 * 0.6e6 / 1e9 / 1.2,  # 0.15
        300 * 0.6e6 / 5e9 / 1.2,  # 0.03
        1e-27 * 300 * 0.6e6 * 1e18 / 0.5,  # 0.36
        0.1 * 1.2 / 0.5,  # 0.24
        0.3,
    )
    np.testing.assert_allclose(found, np.log(by_hand), rtol=1e-5)


def test_channel_knowledge_replaces_the_mean_gain():
    scenario = load_scenario("paper", ["device_count=2"])
    blind, knowing = groups(scenario), groups(scenario, "csi")
    np.testing.assert_allclose(knowing[0], np.log(SIGHT.channel_gain * 0.1 / 1e-11), rtol=1e-5)
    np.testing.assert_array_equal(knowing[1:], blind[1:])


def test_bandwidth_and_edge_cpu_that_grow_with_the_devices_look_the_same():
    small = groups(load_scenario("paper", ["device_count=2"]))
    grown = groups(load_scenario("paper", ["device_count=20", "bandwidth_hz=2 MHz", "edge_cpu_max_hz=100 GHz"]))
    np.testing.assert_allclose(grown, small, rtol=1e-6)


def test_a_free_computation_stays_finite():
    assert np.isfinite(groups(load_scenario("paper", ["device_count=2", "capacitance=0"]))).all()


def test_a_policy_that_asks_for_the_gain_must_see_it():
    with pytest.raises(InputError, match="channel_gain"):
        groups(load_scenario("paper", ["device_count=2"]), "csi", Sight(SIGHT.distance_m, SIGHT.data_bits))


def test_unscaled_is_metres_and_megabits():
    scenario = load_scenario("paper", ["device_count=2"])
    seen = np.asarray(observe(Interface("csi", encoding="unscaled"), scenario, SIGHT)).reshape(3, 2)
    np.testing.assert_allclose(seen, [[50.0, 25.0], [0.6, 0.8], [-7.0, np.log10(2e-7)]], rtol=1e-6)


def test_unknown_encoding_is_named():
    with pytest.raises(InputError, match="encoding = 'polar' is not one of affine, unscaled, physical"):
        Interface(encoding="polar")
