"""Checks by which the solvers refuse scenarios and slots for which their guarantees would not hold."""

from __future__ import annotations

import numpy as np

from twinsync.arrays import Float
from twinsync.errors import InputError
from twinsync.model.slot import Slot
from twinsync.scenario import Scenario

PENALTIES = ("hinge", "literal")
WORKLOAD_LAWS = ("power", "constant", "piecewise")


def check_certifiable(scenario: Scenario) -> None:
    """Raise `InputError` for a scenario without an exact optimum: an unknown penalty or workload law, or L > 1."""
    check_forms(scenario)
    if scenario.fading_blocks != 1:
        raise InputError(f"the exact optimum needs fading_blocks = 1, got {scenario.fading_blocks}")


def check_forms(scenario: Scenario) -> None:
    """Raise `InputError` for a penalty or workload law that the solvers do not know."""
    for key, known in (("penalty", PENALTIES), ("workload_law", WORKLOAD_LAWS)):
        value = getattr(scenario, key)
        if value not in known:
            raise InputError(f"{key} = {value!r} has no exact solution here; it is known for {', '.join(known)}")


def check_device_count(scenario: Scenario, **shapes: tuple[int, ...]) -> None:
    """Raise `InputError` unless all named shapes are equal and end in the scenario's device count K."""
    first = next(iter(shapes.values()))
    if first[-1:] != (scenario.device_count,) or any(shape != first for shape in shapes.values()):
        given = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"{given} must both have the shape (..., device_count = {scenario.device_count})")


def known_slots(scenario: Scenario, slot: Slot) -> tuple[Float[np.ndarray, "*b K"], Float[np.ndarray, "*b K"]]:
    """Data sizes [bit] and channel gains of slots with L = 1, float64.

    Raises `InputError` unless both have the shape [*b, K] and are positive and finite.
    """
    check_device_count(scenario, data_bits=np.shape(slot.data_bits), channel_gain=np.shape(slot.block_gain)[:-1])
    data, gain = np.asarray(slot.data_bits, np.float64), np.asarray(slot.block_gain, np.float64)[..., 0]
    for name, values in (("data_bits", data), ("channel_gain", gain)):
        wrong = values[~(np.isfinite(values) & (values > 0))]
        if wrong.size:
            raise InputError(f"{name} must be positive and finite in every slot, got {wrong[0]:g}")
    return data, gain
