"""`twinsync live`: the system of Fig. 1, running; and its protocol, checked in virtual time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from twinsync.cli.options import (
    JsonOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    check_json_target,
    interruptible,
    progress,
    say,
    whole_number,
    write_json,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    from twinsync.live.running.records import SlotRecord


class _StartUnlessNamed(TyperGroup):
    """`twinsync live --slots 5` is `twinsync live start --slots 5`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command that is meant where none is named."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["start", *args])


live_app = typer.Typer(
    name="live",
    cls=_StartUnlessNamed,
    no_args_is_help=False,
    rich_markup_mode=None,
    help="Run the system of Fig. 1 on this machine.",
)
edge_app = typer.Typer(name="edge", no_args_is_help=True, rich_markup_mode=None, help="The edge of a cell.")
device_app = typer.Typer(name="device", no_args_is_help=True, rich_markup_mode=None, help="A device of a cell.")
twins_app = typer.Typer(name="twins", no_args_is_help=True, rich_markup_mode=None, help="The twins of a cell.")

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="The cell's folder.")]


@live_app.command("start")
def start(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="The cell's folder; a start goes on where the last ended.")
    ] = Path("runs/live"),
    devices: Annotated[
        int | None, typer.Option("--devices", metavar="K", parser=whole_number(1, 1000), help="Devices; else K.")
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option("--slots", metavar="N", parser=whole_number(1, 10**7), help="Slots; else until stopped."),
    ] = None,
    scenario: ScenarioOption = "live",
    overrides: SetOption = None,
    allocator: Annotated[
        str, typer.Option("--allocator", metavar="NAME|DIR|FILE.py:FUNCTION", help="Who decides.")
    ] = "equal-share",
    radio: Annotated[
        str,
        typer.Option(
            "--radio",
            metavar="shannon|none|FILE.py:FUNCTION",
            help="The link's rate: eq. (11), no limit, or (slot, device, transmit_power_w, elapsed_s) -> bit/s.",
        ),
    ] = "shannon",
    source: Annotated[
        Path | None, typer.Option("--source", metavar="FOLDER|VIDEO", help="What cameras see; the sample unless given.")
    ] = None,
    durability: Annotated[
        str,
        typer.Option("--durability", metavar="process|power", help="What an acknowledged state survives."),
    ] = "process",
    clock_ghz: Annotated[
        float | None, typer.Option("--clock-ghz", metavar="X", help="The processor's clock, if the system can't say.")
    ] = None,
    http_port: Annotated[
        int,
        typer.Option(
            "--http", metavar="PORT", parser=whole_number(0, 65535), help="/metrics and /healthz here; 0: nowhere."
        ),
    ] = 0,
    headless: Annotated[bool, typer.Option("--headless", help="No line per slot.")] = False,
    seed: SeedOption = 0,
    json_target: JsonOption = None,
) -> None:
    """Run a cell on this machine: an edge and K devices that sense, extract, send, recover and keep living twins.

    Each slot's line has what the model predicted beside what was measured. `twinsync live check` runs the protocol
    through crashes and losses in virtual time instead.
    """
    check_json_target(json_target)
    if durability not in ("process", "power"):
        raise InputError(f"--durability {durability!r}: give process or power")
    from twinsync.allocators.registry import find_allocators
    from twinsync.codec.calibration import machine_clock_hz
    from twinsync.live.bus.zenoh import Access
    from twinsync.live.radio.rates import own_rate
    from twinsync.live.running.cell import Cell
    from twinsync.live.running.frames import Clip
    from twinsync.live.running.summary import summarise
    from twinsync.live.running.supervisor import Supervisor, prepare
    from twinsync.presets import load_scenario

    clock_hz = machine_clock_hz() if clock_ghz is None else 1e9 * clock_ghz
    if clock_hz is None:
        raise InputError("this system does not say its processor's clock; give --clock-ghz")
    count = devices or load_scenario(scenario, list(overrides or ())).device_count
    settings = Cell(
        scenario=scenario,
        overrides=tuple(overrides or ()),
        devices=count,
        seed=seed,
        first_slot=0,
        slots=slots,
        allocator=allocator,
        radio=radio,
        source=None if source is None else str(source.absolute()),
        durability=durability,  # type: ignore[arg-type]
        access=Access(""),
        clock_hz=clock_hz,
        http_port=http_port,
    )
    setting = settings.load_scenario(Clip(source).data_bits)
    find_allocators(allocator, setting)  # what is wrong is said before anything starts
    if radio not in ("shannon", "none"):
        own_rate(radio)
    cell = prepare(data, settings)
    say(f"{count} devices and an edge start, folder {data}, slot {cell.first_slot} is the first; Ctrl-C ends it")
    began = time.monotonic()
    with interruptible(f"every acknowledged state is stored; the same command goes on in {data}"):
        Supervisor(data, cell, _silent if headless or json_target == "-" else _tell_slot).run()
    result = {**summarise(data, cell, float(setting.deadline_s)), "wall_s": time.monotonic() - began}
    if json_target is not None:
        write_json(json_target, result)
    else:
        _tell_summary(result)


def _silent(record: SlotRecord) -> None:
    """No line per slot."""


def _tell_slot(record: SlotRecord) -> None:
    """A slot's line: the mean over its devices of each part, predicted and measured, in milliseconds."""
    done = [each for each in record.devices.values() if each.measured is not None and each.predicted is not None]
    committed = sum(each.outcome == "committed" for each in record.devices.values())
    line = f"slot {record.slot:5}  {committed} of {len(record.devices)}"
    for part in ("extraction_s", "uplink_s", "recovery_s"):
        if done:
            pairs = [
                1e3 * sum(getattr(side, part) for side in sides) / len(done)
                for sides in ([each.predicted for each in done], [each.measured for each in done])
            ]
            line += f"  {part[:-2]} {pairs[0]:.0f} -> {pairs[1]:.0f} ms"
    if done:
        line += f"  {min(each.fidelity_db or 0.0 for each in done):.1f} dB at least"
    missed = {each.outcome for each in record.devices.values()} - {"committed"}
    print(line + (f"  missed: {', '.join(sorted(missed))}" if missed else ""), flush=True)


def _tell_summary(result: dict[str, Any]) -> None:
    print(f"{result['slots']} slots, {result['commits']} commits, {result['missed']} missed, {result['lost']} lost")
    for key in ("extraction", "uplink", "recovery"):
        ratio = result[f"{key}_measured_over_predicted"]
        if ratio["median"] is not None:
            print(f"{key}: measured over predicted {ratio['median']:.3f} (median), {ratio['p95']:.3f} (p95)")
    if result["overhead_s"]["p50"] is not None:
        overhead = result["overhead_s"]
        print(f"outside the model: {1e3 * overhead['p50']:.1f} ms (p50), {1e3 * overhead['p99']:.1f} ms (p99)")


@edge_app.command("serve")
def serve(data: DataOption) -> int:
    """Run the edge of a cell that `twinsync live` set up."""
    import asyncio

    from twinsync import compilation
    from twinsync.live.running.edge import run_edge

    compilation.connect()
    return asyncio.run(run_edge(data))


@device_app.command("run")
def run_one(data: DataOption, thing: Annotated[str, typer.Option("--thing", metavar="ID", help="Which twin.")]) -> int:
    """Run one device of a cell that `twinsync live` set up."""
    import asyncio

    from twinsync.live.running.device import run_device

    return asyncio.run(run_device(data, thing))


@twins_app.command("export")
def export_twins(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.jsonl", help="New file, a line per revision.")],
) -> None:
    """List every stored revision, oldest first per twin: thing, revision, slot, times, and the stored document."""
    import msgspec

    from twinsync.live.running.cell import STORE_FILE
    from twinsync.live.store.sqlite import read_only

    if out.suffix != ".jsonl":
        raise InputError(f"--out {out}: give a file that ends in .jsonl")
    store = read_only(data / STORE_FILE)
    count = 0
    try:
        with out.open("xb") as file:
            for kept in store.history():
                row = msgspec.structs.asdict(kept) | {"document": msgspec.Raw(kept.document)}
                file.write(msgspec.json.encode(row) + b"\n")
                count += 1
    except FileExistsError:
        raise InputError(f"--out {out}: already exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror}; choose another place") from None
    finally:
        store.close()
    say(f"wrote {out}: {count} revisions")


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


@live_app.command("report")
def report_run(data: DataOption, json_target: JsonOption = None) -> None:
    """Say again what the last start of a cell came to, from its raw files."""
    check_json_target(json_target)
    from twinsync.live.running.cell import read_cell
    from twinsync.live.running.frames import Clip
    from twinsync.live.running.summary import summarise

    cell = read_cell(data)
    setting = cell.load_scenario(Clip(None if cell.source is None else Path(cell.source)).data_bits)
    result = summarise(data, cell, float(setting.deadline_s))
    if json_target is not None:
        write_json(json_target, result)
    else:
        _tell_summary(result)
