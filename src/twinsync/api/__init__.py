"""The Python interface: scenarios, slots, the exact optimum, learners, and comparisons of allocators.

Everything here is also in `twinsync` itself (`import twinsync; twinsync.solve(...)`). Arrays have shape [..., K] for K
user devices (UDs) and SI units. Wrong input raises `InputError` with one line that says what to change.
"""

from twinsync.api.learners import TrainedPolicies, load_policy, train
from twinsync.api.pictures import draw_decisions
from twinsync.api.schemes import Comparison, evaluate
from twinsync.api.slots import draw_slots, load_scenario, solve
from twinsync.api.studies import Run, read_run, sweep
from twinsync.api.table import Table
from twinsync.compilation import connect as use_compilation_cache
from twinsync.errors import InputError
from twinsync.model.slot import Allocation, Slot
from twinsync.scenario import Scenario

__all__ = [
    "Allocation",
    "Comparison",
    "InputError",
    "Run",
    "Scenario",
    "Slot",
    "Table",
    "TrainedPolicies",
    "draw_decisions",
    "draw_slots",
    "evaluate",
    "load_policy",
    "load_scenario",
    "read_run",
    "solve",
    "sweep",
    "train",
    "use_compilation_cache",
]
