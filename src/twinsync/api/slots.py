"""Scenarios, slots, and exact optima."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinsync import presets
from twinsync.allocators import optimum
from twinsync.allocators.optimum import Solution
from twinsync.errors import InputError
from twinsync.experiments.evaluate import draw_slot_set
from twinsync.model.slot import Slot
from twinsync.scenario import Scenario


def load_scenario(name: str | Path = "paper", **changes: Any) -> Scenario:
    """A scenario by the name of a preset or the path of a TOML file, with some constants changed.

    `changes` are SI values as a `Scenario` has them, or texts with a unit:
    `load_scenario("paper", device_count=10, bandwidth_hz="2 MHz")`. `twinsync scenario show` lists the keys. Raises
    `InputError` that names the file, key, value and bound.
    """
    try:
        return presets.load_scenario(str(name), [f"{key}={_text(value)}" for key, value in changes.items()])
    except InputError as error:
        raise InputError(str(error).replace("--set", "load_scenario")) from None


def _text(value: Any) -> str:
    """A value of a scenario as `--set` reads it."""
    if value is None:
        return "auto"
    return str([list(row) for row in value]) if isinstance(value, tuple) else str(value)


def draw_slots(scenario: Scenario, count: int, *, seed: int = 0) -> Slot:
    """Draw `count` slots of consecutive cycles, the same as `twinsync solve --seed`.

    Returns float64 NumPy arrays: `distance_m` [count, K] in m, `data_bits` [count, K] in bit, and `block_gain`
    [count, K, L], the channel power gain |g|^2 with path loss in each of the slot's L fading blocks. For your own
    slots, build a `Slot` from such arrays. Raises `InputError` for a `count` below 1 or a `seed` out of range.
    """
    if count < 1:
        raise InputError(f"count = {count} must be at least 1 slot")
    return draw_slot_set(scenario, seed, 0, count)[0]


def solve(scenario: Scenario, slots: Slot) -> Solution:
    """The allocation that minimises T[n] + P of eq. (22) in every slot for known channels, with a proof.

    Returns float64 NumPy arrays, for slots of batch shape *b: `allocation` (four arrays [*b, K] in SI units), `cost`
    T[n] + P [*b], `latency_s` T[n] [*b], and `lower_bound` [*b], below which no allocation's cost can lie. Latency and
    energy count up to the scenario's latency cap, as in `evaluate`. Raises `InputError` for more than one fading block
    per slot, slots of another K than the scenario's, gains or data sizes that are not positive and finite, and a
    workload law under which a slot's optimum cannot be proven.
    """
    return optimum.solve(scenario, slots)
