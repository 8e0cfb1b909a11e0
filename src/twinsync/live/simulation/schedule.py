"""A schedule: everything that decides a simulated run. The same schedule is the same run, event by event."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

Kind = Literal[
    "edge dies", "power fails", "device dies", "device freezes", "clock jumps", "disk slow", "disk fails",
    "message lost", "message doubled", "message late", "frame damaged",
]  # fmt: skip
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
_ON_MESSAGES = ("message lost", "message doubled", "message late", "frame damaged")
CALM_SLOTS = 5  # at the end, without faults: the cell has to heal in them


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong.

    `at` is the time in slots, or for messages and transactions the number of the one it strikes; `device` is struck, or
    a link: even to the device 2 i, odd from it. `amount` is how long, in slots.
    """

    kind: Kind
    at: float
    device: int
    amount: float


class Schedule(msgspec.Struct, frozen=True):
    """A run's size, the seed of its delays and data, and its faults."""

    seed: int
    devices: int
    slots: int
    faults: tuple[Fault, ...]


def draw(seed: int, most_devices: int = 3, most_slots: int = 12) -> Schedule:
    """The schedule of a seed."""
    dice = random.Random(seed)
    devices, slots = dice.randint(1, most_devices), dice.randint(CALM_SLOTS + 2, most_slots)
    rough = slots - CALM_SLOTS
    faults = []
    for _ in range(dice.randint(0, 8)):
        kind = dice.choice(KINDS)
        if kind in _ON_MESSAGES:
            fault = Fault(kind, dice.randrange(5 * rough), dice.randrange(2 * devices), dice.uniform(0.1, 2.5))
        elif kind.startswith("disk"):
            fault = Fault(kind, dice.randrange(2 * rough), 0, dice.uniform(0.1, 2.5))
        else:
            fault = Fault(kind, dice.uniform(0.0, rough), dice.randrange(devices), dice.uniform(0.05, 2.0))
        faults.append(fault)
    return Schedule(seed, devices, slots, tuple(faults))
