"""Run many schedules; shrink the first that fails to the least that still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from twinsync.live.simulation.invariants import Violation
from twinsync.live.simulation.parts import Maker, Summary
from twinsync.live.simulation.schedule import CALM_SLOTS, Schedule, draw
from twinsync.live.simulation.world import World

Progress = Callable[[str, int, int], None]
MOST_SHRINKING_RUNS = 500


class Failure(msgspec.Struct, frozen=True):
    """A schedule that breaks an invariant, and the least one found that breaks the same."""

    seed: int
    violation: str
    shrunk: Schedule
    shrunk_violation: str


class Report(msgspec.Struct, frozen=True):
    """Totals over all schedules run; `failure` is None where all invariants held."""

    schedules: int
    faults: int
    totals: Summary
    failure: Failure | None


def run(schedule: Schedule, maker: Maker | None = None) -> Summary:
    """Run one schedule. Raises `Violation`."""
    return World(schedule, maker or Maker()).run()


def check(schedules: int, seed: int, maker: Maker | None = None, progress: Progress | None = None) -> Report:
    """Run schedules `seed`, `seed` + 1, ... and stop at the first that fails."""
    totals, faults = Summary(0, 0, 0, 0), 0
    for number in range(schedules):
        schedule = draw(seed + number)
        faults += len(schedule.faults)
        if progress is not None:
            progress("schedules", number, schedules)
        try:
            summary = run(schedule, maker)
        except Violation as violation:
            return Report(number + 1, faults, totals, shrink(schedule, violation, maker))
        totals = totals.plus(summary)
    return Report(schedules, faults, totals, None)


def shrink(schedule: Schedule, violation: Violation, maker: Maker | None = None) -> Failure:
    """Leave out whatever the failure does not need: faults, slots, devices, length of faults."""
    least, seen, runs = schedule, violation, 0
    smaller = True
    while smaller and runs < MOST_SHRINKING_RUNS:
        smaller = False
        for candidate in _smaller(least):
            runs += 1
            try:
                run(candidate, maker)
            except Violation as again:
                if again.invariant == violation.invariant:
                    least, seen, smaller = candidate, again, True
                    break
    return Failure(schedule.seed, str(violation), least, str(seen))


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    faults = schedule.faults
    replace = msgspec.structs.replace
    if len(faults) > 3:
        half = len(faults) // 2
        yield replace(schedule, faults=faults[:half])
        yield replace(schedule, faults=faults[half:])
    for place in range(len(faults)):
        yield replace(schedule, faults=faults[:place] + faults[place + 1 :])
    if schedule.slots > CALM_SLOTS + 1:
        yield replace(schedule, slots=schedule.slots - 1)
    if schedule.devices > 1:
        count = schedule.devices - 1
        if all(fault.device < count for fault in faults):
            yield replace(schedule, devices=count)
    for place, fault in enumerate(faults):
        if fault.amount > 0.3:
            shorter = replace(fault, amount=round(fault.amount / 2, 2))
            yield replace(schedule, faults=(*faults[:place], shorter, *faults[place + 1 :]))
