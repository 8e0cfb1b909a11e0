import jax
import numpy as np
import pytest

from twinsync.environment.dtsync import DTSync
from twinsync.environment.gym_support import MARGIN, action_space, distance_range_m, observation_space
from twinsync.environment.interface import Interface
from twinsync.presets import load_scenario

CYCLES = 400


@jax.jit
def all_observations(mdp, keys):
    """All observations of many cycles, first and last included; [keys, N + 1, F]."""

    def cycle(key):
        state, first = mdp.reset(key)

        def advance(state, _):
            step = mdp.step(state, np.zeros(mdp.action_size, np.float32))
            return step.state, step.observation

        rest = jax.lax.scan(advance, state, length=mdp.scenario.slot_count)[1]
        return jax.numpy.concatenate([first[None], rest])

    return jax.vmap(cycle)(keys)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["speed_mean_m_s=20", "speed_std_m_s=10", "direction_std_rad=0"],
        ["boundary=reflect", "area_radius_m=6", "speed_mean_m_s=3", "station_height_m=10", "fading_blocks=4"],
        ["start_x_m=0", "station_height_m=25", "data_min_bits=0.8e6", "extraction_factor_min=1"],
        ["speed_memory=1", "start_radius_m=0"],
    ],
    ids=lambda overrides: " ".join(overrides) or "paper",
)
def test_no_observation_leaves_the_space(overrides):
    stays(DTSync(load_scenario("paper", ["device_count=3", *overrides]), Interface("csi", "shares", "random")))


@pytest.mark.parametrize("observation", ["paper", "csi"])
@pytest.mark.parametrize("encoding", ["unscaled", "physical"])
def test_no_observation_of_another_encoding_leaves_its_space(observation, encoding):
    stays(DTSync(load_scenario("paper", ["device_count=3"]), Interface(observation, encoding=encoding)))


def stays(mdp):
    """Assert that the observations of many cycles lie within the space, whose bounds are finite."""
    space = observation_space(mdp)
    seen = np.asarray(all_observations(mdp, jax.random.split(jax.random.key(0), CYCLES)))
    assert np.all(seen >= space.low)
    assert np.all(seen <= space.high)
    assert np.all(np.isfinite(space.low) & np.isfinite(space.high) & (space.low < space.high))


def test_the_data_entries_fill_their_range():
    mdp = DTSync(load_scenario("paper", ["device_count=3"]), Interface("csi", "shares", "random"))
    space = observation_space(mdp)
    np.testing.assert_allclose(space.low[3:6], np.full(3, -1.0 - MARGIN))
    np.testing.assert_allclose(space.high[3:6], np.full(3, 1.0 + MARGIN))
    data = np.asarray(all_observations(mdp, jax.random.split(jax.random.key(1), CYCLES)))[..., 3:6]
    assert data.min() < -0.999
    assert data.max() > 0.999


def test_how_far_a_ud_can_walk_by_hand(scenario):
    # Noise at most 0.6 * 0.2 m/s * 8.3 a slot, of which a = 0.8 is kept: (1 - 0.8^25)/0.2 = 4.981 of them in all;
    # (1 + 0.996 * 4.981) m/s for 30 s and 5 m of start circle reach 183.8 m from (50, 0), past the BS's 1 m floor.
    near_m, far_m = distance_range_m(scenario)
    assert near_m == 1.0
    assert far_m == pytest.approx(233.8, abs=0.1)


def test_a_ud_that_stands_still_or_is_reflected_by_hand():
    still = load_scenario("paper", ["start_radius_m=3", "speed_mean_m_s=0", "speed_std_m_s=0"])
    assert distance_range_m(still) == pytest.approx((47.0, 53.0))
    # Within 30 m of (40, 0) and 40 m up: 10 and 70 m across.
    inside = load_scenario("paper", ["boundary=reflect", "start_x_m=40", "area_radius_m=30", "station_height_m=40"])
    assert distance_range_m(inside) == pytest.approx((np.hypot(10, 40), np.hypot(70, 40)))


def test_action_space_counts_the_decisions(scenario):
    assert action_space(DTSync(scenario)).shape == (24,)
    space = action_space(DTSync(scenario, Interface(extraction="none")))
    assert space.shape == (18,)
    np.testing.assert_array_equal((space.low, space.high), ([-1] * 18, [1] * 18))
