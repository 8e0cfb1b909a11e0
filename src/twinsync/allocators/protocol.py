"""The protocol that all allocators share."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from twinsync.arrays import Float, Key
from twinsync.environment.interface import Sight
from twinsync.errors import InputError
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario

DECISIONS = ("extraction_factor", "device_cpu_hz", "transmit_power_w", "edge_cpu_hz")


@runtime_checkable
class Allocator(Protocol):
    """A callable that maps what the edge server observes to an allocation; a plain function will do.

    It is called with batches: the arrays in `sight` and those of the returned allocation have shape [*b, K]. It may use
    NumPy or JAX. Random allocators draw only from `key`. An allocator that needs the channel gain declares it by the
    attribute `observation = "csi"`; otherwise `sight.channel_gain` is None.
    """

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every UD of every slot in the batch."""
        ...


def observation_of(allocator: object) -> str:
    """What an allocator observes: its attribute `observation`, or `paper` without one."""
    return getattr(allocator, "observation", "paper")


def checked(name: str, allocation: Any, shape: tuple[int, ...]) -> Allocation:
    """The allocation that allocator `name` returned, as float64 NumPy arrays of `shape` = (slots, devices).

    Raises `InputError` that names the allocator if it is not an `Allocation`, has another shape, or contains numbers
    that are not finite and above 0.
    """
    if not isinstance(allocation, Allocation):
        got = type(allocation).__name__
        raise InputError(f"allocator {name!r} returned {got}, expected a twinsync.model.Allocation")
    decisions = {part: _decision(name, part, getattr(allocation, part), shape) for part in DECISIONS}
    return Allocation(**decisions, codec=bool(allocation.codec))


def _decision(name: str, part: str, given: Any, shape: tuple[int, ...]) -> Float[np.ndarray, "*b K"]:
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"allocator {name!r}: {part} is not an array of numbers but {type(given).__name__}") from None
    if values.shape != shape:
        raise InputError(f"allocator {name!r}: {part} has shape {values.shape}, expected {shape} (slots, devices)")
    wrong = np.argwhere(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        slot, device = wrong[0]
        raise InputError(
            f"allocator {name!r}: {part} is {values[slot, device]:g} at slot {slot}, device {device}; "
            "expected a finite number above 0"
        )
    return values
