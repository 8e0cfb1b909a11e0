import numpy as np
import pytest

from twinsync.environment.interface import Interface, observe
from twinsync.environment.sight import Sight
from twinsync.errors import InputError
from twinsync.groups import PHYSICAL
from twinsync.presets import load_scenario

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
