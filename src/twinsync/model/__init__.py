"""Section III of the paper as pure functions: arrays and a `Scenario` in, arrays out."""

from twinsync.model.allocation import Allocation, Slot
from twinsync.model.mobility import Motion, advance_motion, start_motion
from twinsync.model.nature import draw_cycle, draw_cycles, draw_slot, draw_slots
from twinsync.model.slot import Outcome, Violations, slot_outcome

__all__ = [
    "Allocation",
    "Motion",
    "Outcome",
    "Slot",
    "Violations",
    "advance_motion",
    "draw_cycle",
    "draw_cycles",
    "draw_slot",
    "draw_slots",
    "slot_outcome",
    "start_motion",
]
