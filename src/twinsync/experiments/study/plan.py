"""The study's runs: discount x cycle end x target at the paper's settings, and tuned settings put back one by one."""

from __future__ import annotations

import dataclasses
import fnmatch
from dataclasses import dataclass
from typing import Any

from twinsync.errors import InputError
from twinsync.experiments.schemes import Budget
from twinsync.learning.presets import SAC_TUNED, TUNED_REASONS
from twinsync.learning.settings import SacSettings
from twinsync.learning.validation import override

DISCOUNTS = (0.0, 0.5, 0.9, 0.99)
CYCLE_ENDS, TARGETS = ("terminal", "truncation"), ("hard", "soft")
GRID, TUNED, PEER = "grid", "tuned", "peer"

# Settings that cannot be put back alone, with the setting they are put back with and the reason.
TOGETHER = {
    "architecture": ("critic_reward", "a critic of device parts needs set networks"),
    "parallel_slots": ("updates_per_step", "otherwise 16 slots would get 32 updates instead of 2"),
}


@dataclass(frozen=True)
class StudyRun:
    """One run: its folder's name, its group, its label, its settings, and which of them were put back."""

    name: str
    group: str
    label: str
    settings: SacSettings
    changed: tuple[str, ...] = ()


def plan(budget: Budget, *, learning: dict[str, str], peer: bool) -> list[StudyRun]:
    """All runs, in the page's order. learning: changes to the grid's other settings. peer: with Stable-Baselines3's."""
    runs = [*_grid(budget, learning), *_leave_one_out(budget)]
    if peer:
        named = {run.name: run for run in runs}
        for end in CYCLE_ENDS:
            same = named[f"gamma-0.99-{end}-soft"].settings
            runs.append(StudyRun(f"sb3-gamma-0.99-{end}", PEER, f"Stable-Baselines3, {end}", same))
    return runs


def chosen(runs: list[StudyRun], patterns: str) -> list[StudyRun]:
    """The runs that match any of the comma-separated patterns. Raises `InputError` for a pattern that matches none."""
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not fnmatch.filter([run.name for run in runs], pattern):
            known = ", ".join(run.name for run in runs)
            raise InputError(f"--runs {patterns!r}: {pattern!r} names no run; known: {known}")
    return [run for run in runs if any(fnmatch.fnmatch(run.name, pattern) for pattern in wanted)]


def _grid(budget: Budget, learning: dict[str, str]) -> list[StudyRun]:
    fixed = {"slots", "discount", "cycle_end", "target"} & learning.keys()
    if fixed:
        raise InputError(f"--learning {min(fixed)}: the study sets it itself; leave it out (--slots sets the slots)")
    base = override(SacSettings(hidden=(budget.width, budget.width)), {**learning, "slots": str(budget.slots)})
    assert isinstance(base, SacSettings)
    runs = [StudyRun("gamma-0", GRID, "γ = 0", dataclasses.replace(base, discount=0.0))]
    for discount in DISCOUNTS[1:]:
        for end in CYCLE_ENDS:
            for target in TARGETS:
                settings = dataclasses.replace(base, discount=discount, cycle_end=end, target=target)
                label = f"γ = {discount:g}, {end}, {target}"
                runs.append(StudyRun(f"gamma-{discount:g}-{end}-{target}", GRID, label, settings))
    return runs


def _leave_one_out(budget: Budget) -> list[StudyRun]:
    tuned = dataclasses.replace(SAC_TUNED, slots=budget.slots)
    paper = SacSettings(hidden=(budget.width, budget.width))
    runs = [StudyRun("tuned", TUNED, "tuned", tuned)]
    for name in TUNED_REASONS:
        if not hasattr(paper, name) or getattr(tuned, name) == getattr(paper, name):
            continue
        changed = (name, TOGETHER[name][0]) if name in TOGETHER else (name,)
        values: dict[str, Any] = {item: getattr(paper, item) for item in changed}
        label = ", ".join(f"{item} = {_plain(value)}" for item, value in values.items())
        runs.append(StudyRun(f"back-{name}", TUNED, label, dataclasses.replace(tuned, **values), changed))
    return runs


def _plain(value: Any) -> str:
    return " x ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
