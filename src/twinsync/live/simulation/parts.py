"""Parts of a simulated cell, and the counts of a run."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from twinsync.live.protocol.device import Device
from twinsync.live.protocol.edge import Edge
from twinsync.live.store.memory import MemoryStore


class Maker(msgspec.Struct, frozen=True):
    """Makes the cell's parts; tests put in faulty ones."""

    edge: Callable[..., Edge] = Edge
    device: Callable[..., Device] = Device
    store: Callable[[], MemoryStore] = MemoryStore


class Summary(msgspec.Struct, frozen=True):
    """Counts of a run without a violation."""

    events: int
    commits: int
    missed: int
    acknowledged: int

    def plus(self, other: Summary) -> Summary:
        """The sums of both runs' counts."""
        return Summary(
            self.events + other.events,
            self.commits + other.commits,
            self.missed + other.missed,
            self.acknowledged + other.acknowledged,
        )


class EdgeLife(msgspec.Struct):
    """One life of the edge's process, and what its decoder holds."""

    core: Edge
    decoded: dict[tuple[str, int], int]
    alive: bool = True


class DeviceLife(msgspec.Struct):
    """One life of a device's process, and what its encoder holds."""

    place: int
    core: Device
    coded: dict[int, int]
    wall_s: float  # the device's wall clock less the true time
    steady_s: float  # its monotonic clock less the true time
    frozen_until: float = 0.0
    abandoned: int = -1
    alive: bool = True
