"""`random` and `equal-share` stay within the bounds and do what they are documented to do."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from twinsync.allocators.heuristics import EqualShare, Random
from twinsync.environment import see
from twinsync.model import draw_slots, slot_outcome
from twinsync.presets import load_scenario

SCENARIOS = [("paper", ()), ("feasible", ()), ("paper", ("device_count=1",)), ("paper", ("device_count=20",))]


@pytest.mark.parametrize("allocator", [Random(), EqualShare()])
@pytest.mark.parametrize(("preset", "overrides"), SCENARIOS)
def test_within_bounds(allocator, preset: str, overrides: tuple[str, ...]) -> None:
    scenario = load_scenario(preset, overrides)
    with jax.enable_x64(True):
        slots = draw_slots(jax.random.key(0), scenario, 50)
        allocation = allocator(scenario, see(slots, allocator.observation), jax.random.key(1))
        violations = jax.device_get(slot_outcome(scenario, slots, allocation).violations)
    for name in ("extraction_factor", "device_cpu_hz", "transmit_power_w", "edge_cpu_hz"):
        assert not getattr(violations, name).any(), name
    assert np.asarray(allocation.edge_cpu_hz).sum(-1) == pytest.approx(scenario.edge_cpu_max_hz)  # all of the server


def test_equal_share_by_hand(scenario) -> None:
    # Table II: f_u = 1 GHz, phi_min = 0.3 (assumed), greatest p, and a sixth of the server.
    slots = draw_slots(jax.random.key(0), scenario, 3)
    allocation = EqualShare()(scenario, see(slots, "paper"), jax.random.key(1))
    np.testing.assert_allclose(allocation.extraction_factor, np.sqrt(scenario.extraction_factor_min), rtol=1e-6)
    np.testing.assert_allclose(allocation.device_cpu_hz, 0.9 * scenario.device_cpu_max_hz, rtol=1e-6)
    np.testing.assert_allclose(allocation.transmit_power_w, scenario.transmit_power_max_w, rtol=1e-6)
    np.testing.assert_allclose(allocation.edge_cpu_hz, scenario.edge_cpu_max_hz / 6, rtol=1e-6)


def test_random_is_uniform_and_follows_its_key(scenario) -> None:
    slots = draw_slots(jax.random.key(0), scenario, 2000)
    one, same, other = (Random()(scenario, see(slots, "paper"), jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.extraction_factor, same.extraction_factor)
    assert np.abs(np.asarray(one.extraction_factor) - np.asarray(other.extraction_factor)).max() > 0.1
    for values, low, high in (
        (one.extraction_factor, scenario.extraction_factor_min, 1.0),
        (one.device_cpu_hz, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        (one.transmit_power_w, scenario.transmit_power_min_w, scenario.transmit_power_max_w),
    ):
        share = (np.asarray(values).ravel() - low) / (high - low)
        assert np.abs(np.histogram(share, 4, (0, 1))[0] - 3000).max() < 5 * np.sqrt(3000)
