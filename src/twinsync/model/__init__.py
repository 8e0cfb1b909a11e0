"""Section III of the paper as pure functions: arrays and a `Scenario` in, arrays out."""

from twinsync.model.draws import draw_cycle, draw_cycles, draw_slot, draw_slots
from twinsync.model.mobility import Motion, advance_motion, start_motion
from twinsync.model.slot import Allocation, Outcome, Slot, Violations, slot_outcome

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
