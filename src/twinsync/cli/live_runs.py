"""`twinsync live check`, `report`, `change`: a cell's protocol, its past, and its running edge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twinsync.cli.cell_parts import DataOption
from twinsync.cli.options import (
    JsonOption,
    SeedOption,
    check_different,
    check_json_target,
    check_new_file,
    progress,
    say,
    whole_number,
    write_json,
    writing,
)
from twinsync.writing import whole_file


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


def report_run(
    data: DataOption,
    refit: Annotated[
        Path | None,
        typer.Option("--refit", metavar="FILE.toml", help="New scenario file: the workload law fitted to this run."),
    ] = None,
    json_target: JsonOption = None,
) -> None:
    """Print the summary of a cell's last start again, from its raw files."""
    check_json_target(json_target)
    from twinsync.live.running.cell import read_cell
    from twinsync.live.running.summary import summarise

    if refit is not None:
        check_new_file(refit, "--refit")
        check_different("--refit", refit, json_target)
    cell = read_cell(data).with_sensors()
    setting = cell.load_scenario()
    result = summarise(data, cell, float(setting.deadline_s))
    if json_target is not None:
        write_json(json_target, result)
    else:
        tell_summary(result)
    if refit is not None:
        from twinsync.codec.calibration import supported
        from twinsync.live.running import refit as fitting

        fitted = fitting.refit(data, cell)
        text = fitting.scenario_text(fitted, cell, data, float(setting.extraction_factor_min))
        with writing(refit, "--refit"), whole_file(refit, new=True) as partial:
            partial.write_text(text, "utf-8")
        law = supported(fitted.laws)
        say(f"wrote {refit}: law {law.name}, error {law.error:.3f} in ln(cycles)")


def change(
    data: DataOption,
    allocator: Annotated[
        str, typer.Option("--allocator", metavar="NAME|DIR|FILE.py:FUNCTION", help="The allocator from now on.")
    ],
) -> None:
    """Change the allocator of a running cell; it is tried first, and later starts keep it."""
    import asyncio

    from twinsync.live.running.operating import change_allocator

    print(asyncio.run(change_allocator(data, allocator)))


def replay_run(data: Path, json_target: str | None) -> int:
    """Decide and code a recorded run again and print where it differs; the exit code is 1 where it does, else 0."""
    import msgspec

    from twinsync.live.running.cell import read_cell
    from twinsync.live.running.replay import lines, replay

    cell = read_cell(data)
    with progress() as report:
        result = replay(data, cell, report)
    if json_target is not None:
        write_json(json_target, msgspec.to_builtins(result))
    else:
        print("\n".join(lines(result)))
    return 1 if result.differences else 0


def tell_summary(result: dict[str, Any]) -> None:
    """Print a run's summary."""
    print(f"{result['slots']} slots, {result['commits']} commits, {result['missed']} missed, {result['lost']} lost")
    for key in ("extraction", "uplink", "recovery"):
        ratio = result[f"{key}_measured_over_predicted"]
        if ratio["median"] is not None:
            print(f"{key}: measured over predicted {ratio['median']:.3f} (median), {ratio['p95']:.3f} (p95)")
    if result["overhead_s"]["p50"] is not None:
        overhead = result["overhead_s"]
        print(f"outside the model: {1e3 * overhead['p50']:.1f} ms (p50), {1e3 * overhead['p99']:.1f} ms (p99)")
    for kind, fidelity in result["fidelity_db"].items():
        if fidelity["samples"]:
            line = f"{kind}: {fidelity['measure']} {fidelity['p50']:.1f} dB (median), {fidelity['p5']:.1f} dB (p5)"
            stale = result["stale_db"][kind]
            print(line + (f"; before the update {stale['p50']:.1f} dB (median)" if stale["samples"] else ""))
