"""One slot with fixed numbers, for tests of whole slots."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import jax.numpy as jnp
import pytest

from twinsync.model import Allocation, Slot
from twinsync.scenario import Scenario

# Six UDs in the setting of Table II.
TABLE_II = SimpleNamespace(
    distance_m=[46.0, 47.5, 49.0, 50.0, 52.0, 54.5],
    data_bits=[0.60e6, 0.65e6, 0.70e6, 0.72e6, 0.76e6, 0.80e6],
    fading=[0.3, 1.2, 0.8, 2.5, 0.05, 1.0],
    extraction_factor=[0.30, 0.45, 0.50, 0.60, 0.80, 1.00],
    device_cpu_hz=[0.5e9, 0.8e9, 0.86e9, 0.9e9, 1.0e9, 0.7e9],
    transmit_power_w=[0.10, 0.05, 0.01, 0.08, 0.10, 0.03],
    edge_cpu_hz=[1.5e9, 1.6e9, 1.7e9, 1.8e9, 1.6e9, 1.7e9],  # 9.9 GHz in total
)


@pytest.fixture(scope="session")
def table_ii() -> SimpleNamespace:
    """A slot and its allocation as plain lists."""
    return TABLE_II


@pytest.fixture(scope="session")
def table_ii_slot() -> Callable[..., tuple[Slot, Allocation]]:
    """The same slot and allocation as arrays of a given dtype."""

    def build(dtype=jnp.float32) -> tuple[Slot, Allocation]:
        t = TABLE_II
        gain = [[1e-3 * d**-2.5 * fading] for d, fading in zip(t.distance_m, t.fading, strict=True)]
        slot = Slot(*(jnp.array(values, dtype) for values in (t.distance_m, t.data_bits, gain)))
        parts = (t.extraction_factor, t.device_cpu_hz, t.transmit_power_w, t.edge_cpu_hz)
        return slot, Allocation(*(jnp.array(values, dtype) for values in parts))

    return build


@pytest.fixture(scope="session")
def one_slot() -> Callable[..., tuple[Slot, Allocation]]:
    """A slot without penalty in the `roomy` scenario, and its allocation with some parts changed."""

    def build(**changes) -> tuple[Slot, Allocation]:
        slot = Slot(jnp.full(6, 50.0), jnp.full(6, 0.7e6), jnp.full((6, 1), 5.6568542e-8))
        parts = {"extraction_factor": 0.7, "device_cpu_hz": 0.8e9, "transmit_power_w": 0.1, "edge_cpu_hz": 1.6e9}
        return slot, Allocation(**{key: jnp.full(6, value) for key, value in parts.items()} | changes)

    return build


@pytest.fixture(scope="session")
def roomy(scenario: Scenario) -> Scenario:
    """A scenario with enough bandwidth for the allocation of `one_slot` to meet every constraint."""
    return scenario.replace(bandwidth_hz=20e6)
