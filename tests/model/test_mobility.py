"""Section III-A: the start circle, eqs. (1) and (2), the Gauss-Markov recursion, the edge of the disc."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from twinsync.model.mobility import Motion, advance_motion, advance_position, gauss_markov, start_motion
from twinsync.presets import load_scenario
from twinsync.streams import root_key, stream

MANY = 4000


@pytest.fixture(scope="module")
def crowd(scenario):
    """The paper's scenario with many UDs, for statistics."""
    return scenario.replace(device_count=MANY, edge_cpu_min_hz=1.0)


def walk(scenario, steps: int, seed: int = 0) -> list[Motion]:
    advance = jax.jit(advance_motion)
    motions = [start_motion(root_key(seed), scenario)]
    for n in range(steps):
        motions.append(advance(stream(root_key(seed), f"step {n}"), motions[-1], scenario))
    return motions


def test_position_by_hand():
    # v = 1.5 m/s at 30 degrees for tau = 1.2 s: 1.8 m, of which x = 1.8 cos 30 = 1.5588, y = 1.8 sin 30 = 0.9
    moved = advance_position(jnp.array([[50.0, 0.0]]), jnp.array([1.5]), jnp.array([math.pi / 6]), 1.2)
    np.testing.assert_allclose(moved, [[51.5588457, 0.9]], rtol=1e-6)


def test_gauss_markov_by_hand():
    # 0.8 * 1.2 + 0.2 * 1 + sqrt(1 - 0.64) * 0.2 * 0.5 = 0.96 + 0.2 + 0.06
    np.testing.assert_allclose(gauss_markov(jnp.array([1.2]), 1.0, 0.2, 0.8, jnp.array([0.5])), [1.22], rtol=1e-6)


def test_gauss_markov_limits():
    value, noise = jnp.array([3.0]), jnp.array([0.5])
    np.testing.assert_allclose(gauss_markov(value, 1.0, 0.2, 1.0, noise), [3.0])  # full memory: nothing changes
    np.testing.assert_allclose(gauss_markov(value, 1.0, 0.2, 0.0, noise), [1.1])  # none: mean + std w


def test_start_is_uniform_by_area(crowd):
    motion = start_motion(root_key(0), crowd)
    x, y = np.asarray(motion.position_m).T
    radius = np.hypot(x - 50.0, y)
    # Uniform by area: (r/5)^2 and the angle are uniform and independent; half the UDs lie within 5/sqrt(2).
    square, angle = (radius / 5.0) ** 2, np.arctan2(y, x - 50.0)
    assert radius.max() <= 5.0 + 1e-5
    assert stats.kstest(square, "uniform").pvalue > 0.01
    assert stats.kstest(angle, "uniform", args=(-math.pi, 2 * math.pi)).pvalue > 0.01
    assert abs(stats.spearmanr(square, angle).statistic) < 4 / math.sqrt(MANY)


def test_start_speed_and_direction(crowd):
    motion = start_motion(root_key(0), crowd)
    np.testing.assert_array_equal(motion.speed_m_s, np.ones(MANY, np.float32))
    np.testing.assert_array_equal(motion.direction_rad, motion.mean_direction_rad)
    assert stats.kstest(np.asarray(motion.direction_rad), "uniform", args=(0, 2 * math.pi)).pvalue > 0.01


def test_walk_is_stationary_gauss_markov(crowd):
    *_, before, last = walk(crowd, 40)
    speed, lagged = np.asarray(last.speed_m_s), np.asarray(before.speed_m_s)
    # Four standard errors of 4000 draws; 0.8^40 = 1e-4 is left of the start.
    assert speed.mean() == pytest.approx(1.0, abs=4 * 0.2 / math.sqrt(MANY))
    assert speed.var() == pytest.approx(0.04, rel=4 * math.sqrt(2 / MANY))
    assert np.corrcoef(speed, lagged)[0, 1] == pytest.approx(0.8, abs=4 * 0.36 / math.sqrt(MANY))
    turn = np.asarray(last.direction_rad - last.mean_direction_rad)
    assert turn.mean() == pytest.approx(0.0, abs=4 * 0.5 / math.sqrt(MANY))
    assert turn.var() == pytest.approx(0.25, rel=4 * math.sqrt(2 / MANY))
    assert abs(np.corrcoef(turn, speed)[0, 1]) < 4 / math.sqrt(MANY)


def test_advance_moves_by_the_present_speed_and_direction(scenario):
    first, second = walk(scenario, 1)
    heading, tau = np.asarray(first.direction_rad), 30.0 / 25
    expected = np.asarray(first.position_m) + tau * np.stack([np.cos(heading), np.sin(heading)], -1)
    np.testing.assert_allclose(second.position_m, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(second.mean_direction_rad, first.mean_direction_rad)


def test_speed_is_never_negative(crowd):
    speed = np.asarray(walk(crowd.replace(speed_std_m_s=3.0), 3)[-1].speed_m_s)
    assert speed.min() == 0.0
    assert 0.2 < np.mean(speed == 0.0) < 0.5


def test_reflection_by_hand(scenario):
    # Disc of 50 m about (50, 0). From offset 49.4 m along +x at 1 m/s: 49.4 + 1.2 = 50.6, folded to 49.4, turned to pi.
    # From (49.4, 0) along (cos 60, sin 60): the edge's normal there is about +x, so 60 degrees mirror to about 120.
    disc = scenario.replace(device_count=2, boundary="reflect", speed_std_m_s=0.0, direction_std_rad=0.0)
    heading = jnp.array([0.0, math.pi / 3])
    start = Motion(jnp.array([[99.4, 0.0], [99.4, 0.0]]), jnp.array([1.0, 2.0]), heading, heading)
    end = advance_motion(root_key(0), start, disc)
    np.testing.assert_allclose(end.position_m[0], [99.4, 0.0], atol=1e-4)
    assert float(end.direction_rad[0]) == pytest.approx(math.pi, abs=1e-5)
    dx, dy = 49.4 + 2.4 * math.cos(math.pi / 3), 2.4 * math.sin(math.pi / 3)
    radius, normal = math.hypot(dx, dy), math.atan2(dy, dx)
    folded = (100.0 - radius) / radius
    np.testing.assert_allclose(end.position_m[1], [50.0 + folded * dx, folded * dy], rtol=1e-6)
    assert float(end.direction_rad[1]) == pytest.approx(math.pi + 2 * normal - math.pi / 3, rel=1e-6)
    np.testing.assert_array_equal(end.mean_direction_rad, end.direction_rad)


@given(
    speed=st.floats(0.0, 100.0),
    memory=st.floats(0.0, 1.0),
    area=st.floats(5.0, 50.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_reflection_keeps_everyone_inside(speed, memory, area, seed):
    paper = load_scenario("paper")
    disc = paper.replace(boundary="reflect", speed_mean_m_s=speed, speed_memory=memory, area_radius_m=area)
    for motion in walk(disc, 5, seed):
        radius = np.hypot(*(np.asarray(motion.position_m) - [50.0, 0.0]).T)
        assert radius.max() <= area * (1 + 1e-5)


def test_free_boundary_lets_everyone_leave(scenario):
    motion = walk(scenario.replace(speed_mean_m_s=50.0, area_radius_m=10.0), 5)[-1]
    assert np.hypot(*(np.asarray(motion.position_m) - [50.0, 0.0]).T).min() > 10.0
