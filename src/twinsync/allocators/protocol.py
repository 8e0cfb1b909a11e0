"""The one protocol of everything that decides."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from twinsync.arrays import Key
from twinsync.environment.interface import Sight
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario


@runtime_checkable
class Allocator(Protocol):
    """A callable from what the edge sees to an allocation; a plain function will do.

    It is called with batches: arrays of shape [*b, K] in `sight`, the same shape in each part of the allocation out. It
    may use NumPy or JAX. Random ones draw from `key` alone. An allocator that needs the channel gain says so by an
    attribute `observation = "csi"`; without it `sight.channel_gain` is None.
    """

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every UD of every slot in the batch."""
        ...


def observation_of(allocator: object) -> str:
    """What an allocator asks to see: `paper` unless it says `csi`."""
    return getattr(allocator, "observation", "paper")
