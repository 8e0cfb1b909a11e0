"""`twinsync live`: the system of Fig. 1, running; and its protocol, checked in virtual time."""

from __future__ import annotations

from typing import Annotated

import typer

from twinsync.cli.options import (
    JsonOption,
    SeedOption,
    check_json_target,
    progress,
    say,
    whole_number,
    write_json,
)

live_app = typer.Typer(
    name="live", no_args_is_help=False, rich_markup_mode=None, help="The system of Fig. 1, running on this machine."
)


@live_app.command("check")
def check(
    schedules: Annotated[
        int, typer.Option("--schedules", metavar="N", parser=whole_number(1, 10**8), help="Schedules to run.")
    ] = 1000,
    seed: SeedOption = 0,
    json_target: JsonOption = None,
) -> int:
    """Run the protocol through random schedules of crashes, losses and slow disks in virtual time.

    Schedule number I of a run is the only one of --schedules 1 --seed I, event by event. The first that breaks an
    invariant is shrunk and printed, and the exit code is 1.
    """
    check_json_target(json_target)
    import msgspec

    from twinsync.live.simulation import check as simulated

    with progress() as report:
        result = simulated.check(schedules, seed, progress=report)
    if json_target is not None:
        write_json(json_target, msgspec.to_builtins(result))
    totals = result.totals
    if result.failure is None:
        say(
            f"{result.schedules:,} schedules with {result.faults:,} faults: {totals.events:,} events, "
            f"{totals.commits:,} commits, {totals.missed:,} device-slots missed; every invariant held"
        )
        return 0
    failure = result.failure
    again = f"twinsync live check --schedules 1 --seed {failure.seed}"
    say(f"schedule {failure.seed}: {failure.violation}; run it again: {again}")
    say(f"shrunk to {failure.shrunk.devices} devices, {failure.shrunk.slots} slots: {failure.shrunk_violation}")
    for fault in failure.shrunk.faults:
        say(f"  {fault.kind} at {fault.at:.4g}, device or link {fault.device}, {fault.amount:.3g} slots")
    return 1
