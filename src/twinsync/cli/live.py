"""`twinsync live`: the system of Fig. 1, running; and its protocol, checked in virtual time."""

from __future__ import annotations

import inspect
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from twinsync.cli.cell_parts import check_address
from twinsync.cli.codec_series import LENGTH, ScaleOption, WindowOption
from twinsync.cli.live_runs import change, check, replay_run, report_run, tell_summary
from twinsync.cli.options import (
    ClockOption,
    JsonOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    check_json_target,
    find_clock_hz,
    interruptible,
    say,
    whole_number,
    write_json,
)
from twinsync.errors import InputError, install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twinsync.live.running.cell import Cell
    from twinsync.live.running.records import SlotRecord
    from twinsync.scenario import Scenario


class _StartUnlessNamed(TyperGroup):
    """`twinsync live --slots 5` is `twinsync live start --slots 5`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert `start` where no command is named."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["start", *args])


def _check_alone(given: Mapping[str, Any]) -> None:
    """Raise `InputError` for an option of `start` that --replay would ignore; given: its arguments by name."""
    hints = get_type_hints(start, include_extras=True)
    for name, parameter in inspect.signature(start).parameters.items():
        if name not in ("replay", "json_target") and given[name] != parameter.default:
            (option,) = hints[name].__metadata__
            # Where an annotation names an option, typer keeps the first name as the default.
            named = next(text for text in (option.default, *option.param_decls) if str(text).startswith("--"))
            raise InputError(f"{named} does not go with --replay, which takes the recorded run's settings")


live_app = typer.Typer(
    name="live",
    cls=_StartUnlessNamed,
    no_args_is_help=False,
    rich_markup_mode=None,
    help="Run the paper's system here: devices, radio, edge, twins.",
)


@live_app.command("start")
def start(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="The cell's folder; a start continues where the last one ended."),
    ] = Path("runs/live"),
    devices: Annotated[
        int | None,
        typer.Option(
            "--devices",
            metavar="K",
            parser=whole_number(1, 1000),
            help="Number of devices; by default the scenario's K.",
        ),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(
            "--slots", metavar="N", parser=whole_number(1, 10**7), help="Slots to run; until stopped unless given."
        ),
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
            metavar="shannon|none|trace:FILE|FILE.py:FUNCTION",
            help="The link's rate: eq. (11), no limit, a Mahimahi trace, or (slot, device, power, elapsed) -> bit/s.",
        ),
    ] = "shannon",
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="FOLDER|VIDEO|FILE.csv|FILE.py:FUNCTION",
            help="What devices sense; repeatable, device i takes number i modulo their count; by default the sample.",
        ),
    ] = None,
    window: WindowOption = LENGTH,
    scale: ScaleOption = 1.0,
    durability: Annotated[
        str,
        typer.Option("--durability", metavar="process|power", help="What an acknowledged state survives."),
    ] = "process",
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Run the edge alone; devices join this address with `twinsync device run`.",
        ),
    ] = "",
    tls: Annotated[
        Path | None,
        typer.Option("--tls", metavar="DIR", help="Folder with ca.pem, edge.pem and edge-key.pem: the bus uses TLS."),
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="URL",
            help="postgresql://user@host/database, password in PGPASSWORD; a file in --data unless given.",
        ),
    ] = "",
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            parser=whole_number(1, 10**9),
            help="Newest revisions to keep of each twin; all unless given.",
        ),
    ] = None,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up/--no-catch-up",
            help="Grant a camera more phi while its twin is worse than the scenario's accuracy law says.",
        ),
    ] = True,
    clock_ghz: ClockOption = None,
    http_port: Annotated[
        int,
        typer.Option(
            "--http",
            metavar="PORT",
            parser=whole_number(0, 65535),
            help="Serve a page of the twins, /twins, /metrics and /healthz on this local port; 0: do not.",
        ),
    ] = 0,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay", metavar="DIR", help="Start nothing: decide and code a recorded run again and compare."
        ),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No line per slot.")] = False,
    seed: SeedOption = 0,
    json_target: JsonOption = None,
) -> int:
    """Run a cell on this machine: an edge and K devices that sense, extract, send, recover and keep living twins.

    Each slot's line has what the model predicted beside what was measured.

    Other commands: `twinsync live report` prints a run's summary again, `live change` changes a running cell's
    allocator, `live check` runs the protocol through crashes and losses in virtual time.
    """
    arguments = dict(locals())
    check_json_target(json_target)
    if replay is not None:
        _check_alone(arguments)
        return replay_run(replay, json_target)
    if durability not in ("process", "power"):
        raise InputError(f"--durability {durability!r}: give process or power")
    if not all(map(find_spec, ("numba", "PIL", "zenoh"))):
        raise InputError(f"twinsync live needs numba, Pillow and Zenoh: {install('live')}")
    from twinsync.allocators.registry import known_names
    from twinsync.live.bus.zenoh import Access
    from twinsync.live.radio.rates import NAMES
    from twinsync.live.running.cell import Cell
    from twinsync.live.running.sources import Cut, absolute
    from twinsync.presets import load_scenario, preset_names

    clock_hz = find_clock_hz(clock_ghz)
    _check_listen(listen, sources)
    settings = Cell(
        scenario=absolute(scenario, preset_names()),
        overrides=tuple(overrides or ()),
        devices=devices or load_scenario(scenario, list(overrides or ())).device_count,
        seed=seed,
        first_slot=0,
        slots=slots,
        allocator=absolute(allocator, known_names()),
        radio=radio if listen else absolute(radio, NAMES),  # of an edge alone it is for machines that join
        source=tuple(map(absolute, sources)) if sources else None,
        durability=durability,  # type: ignore[arg-type]
        access=Access(""),
        clock_hz=clock_hz,
        http_port=http_port,
        store=store,
        tls="" if tls is None else str(tls.absolute()),
        keep=keep,
        cut=Cut(window, scale),
        listen=listen,
        catch_up=catch_up,
    ).with_sensors()
    setting = _checked(settings)
    wall_s = _run(data, settings, _silent if headless or json_target == "-" else _tell_slot)
    _tell_result(data, float(setting.deadline_s), wall_s, json_target)
    return 0


def _check_listen(listen: str, sources: list[str] | None) -> None:
    from twinsync.live.running.supervisor import check_free

    if not listen:
        return
    check_address("--listen", listen)
    if sources:
        raise InputError("--listen: devices bring their own --source, with twinsync device run")
    check_free(listen)


def _checked(settings: Cell) -> Scenario:
    """The scenario of a cell. Raises `InputError` for what would otherwise fail once its processes run."""
    from twinsync.allocators.registry import find_allocators
    from twinsync.live.radio.rates import check_rate
    from twinsync.live.running.cell import check_tls
    from twinsync.live.store.opening import check_url

    settings.check_sources()
    setting = settings.load_scenario()
    find_allocators(settings.allocator, setting)
    check_url(settings.store)
    check_tls(settings.tls)
    check_rate(settings.radio)
    return setting


def _run(data: Path, settings: Cell, on_slot: Callable[[SlotRecord], None]) -> float:
    """Run a cell in its folder until its last slot ended or it is stopped; for how long [s]."""
    from twinsync.live.running.sources import USUAL, warm_codecs
    from twinsync.live.running.supervisor import Supervisor, prepared

    with prepared(data, settings) as cell:
        say("loading the codec; its first use on a machine compiles it, about a minute")
        warm_codecs(cell.sensors or USUAL)  # once, instead of in every process at the same time
        for line in settings.raised():
            say(line)
        if cell.listen:
            say(
                f"the edge starts; {cell.devices} devices join {cell.listen}, their passwords are in {data / 'secrets'}"
            )
        else:
            say(f"the edge and {cell.devices} devices start")
        say(f"folder {data}, first slot {cell.first_slot}; Ctrl-C stops the cell")
        began = time.monotonic()
        with interruptible(f"every acknowledged state is stored; the same command goes on in {data}"):
            Supervisor(data, cell, on_slot, say).run()
        return time.monotonic() - began


def _tell_result(data: Path, deadline_s: float, wall_s: float, json_target: str | None) -> None:
    from twinsync.live.running.cell import read_cell
    from twinsync.live.running.summary import summarise

    cell = read_cell(data)  # whose allocator may have been changed on the way
    result = {**summarise(data, cell, deadline_s), "wall_s": wall_s}
    if json_target is not None:
        write_json(json_target, result)
    else:
        tell_summary(result)


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
    for kind in sorted({each.kind for each in done}):
        least = min(each.fidelity_db or 0.0 for each in done if each.kind == kind)
        line += f"  {kind} {least:.1f} dB at least"
    missed = {each.outcome for each in record.devices.values()} - {"committed"}
    print(line + (f"  missed: {', '.join(sorted(missed))}" if missed else ""), flush=True)


live_app.command("check")(check)
live_app.command("report")(report_run)
live_app.command("change")(change)
