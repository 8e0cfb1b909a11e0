"""The paper's clock: slots of length tau, their share eta for sensing."""

from __future__ import annotations

import math

import msgspec

DECIDE_SHARE = 0.5  # of the sensing time; reports that come later miss the decision


class Clock(msgspec.Struct, frozen=True):
    """When slots begin on the edge's clock. Slot n begins at epoch + n tau."""

    epoch_s: float
    slot_s: float
    sensing_share: float

    def opens_s(self, slot: int) -> float:
        """When the slot begins."""
        return self.epoch_s + slot * self.slot_s

    def decides_s(self, slot: int) -> float:
        """When the edge allocates at the latest, with the reports there are."""
        return self.opens_s(slot) + DECIDE_SHARE * self.sensing_share * self.slot_s

    def closes_s(self, slot: int) -> float:
        """When the slot's work has to be in the store: the end of the next slot's sensing."""
        return self.opens_s(slot + 1) + self.sensing_share * self.slot_s

    def slot_at(self, now_s: float) -> int:
        """The slot that is open at a time."""
        return math.floor((now_s - self.epoch_s) / self.slot_s + 1e-9)
