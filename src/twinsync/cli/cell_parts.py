"""`twinsync edge`, `twinsync device` and `twinsync twins`: the parts of a cell that `twinsync live` runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from twinsync.cli.codec_series import LENGTH, ScaleOption, WindowOption
from twinsync.cli.options import ClockOption, find_clock_hz, say
from twinsync.errors import InputError

edge_app = typer.Typer(
    name="edge", no_args_is_help=False, rich_markup_mode=None, help="Run the edge of a live cell alone."
)
device_app = typer.Typer(
    name="device", no_args_is_help=False, rich_markup_mode=None, help="Run one device of a live cell alone."
)
twins_app = typer.Typer(
    name="twins", no_args_is_help=False, rich_markup_mode=None, help="Stored twins of a live run: export them."
)

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="The cell's folder.")]


@edge_app.command("serve")
def serve(data: DataOption) -> int:
    """Run the edge of a cell that `twinsync live` set up."""
    import asyncio

    from twinsync import compilation
    from twinsync.live.running.edge_start import run_edge

    compilation.connect()
    return asyncio.run(run_edge(data))


@device_app.command("run")
def run_one(
    data: DataOption,
    thing: Annotated[
        str, typer.Option("--thing", metavar="ID", help="The device's twin; the first is twinsync:device-0.")
    ],
    connect: Annotated[
        str | None,
        typer.Option(
            "--connect", metavar="HOST:PORT", help="Join the edge of another machine; --data is then the device's own."
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help="The device's password, unless in TWINSYNC_PASSWORD."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca", metavar="FILE.pem", help="Connect by TLS: the authority that signed the edge's certificate."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="FOLDER|VIDEO|FILE.csv|FILE.py:FUNCTION", help="What the device senses."),
    ] = None,
    window: WindowOption = LENGTH,
    scale: ScaleOption = 1.0,
    radio: Annotated[
        str,
        typer.Option("--radio", metavar="NAME", help="The link's rate as for twinsync live; by default the cell's."),
    ] = "",
    clock_ghz: ClockOption = None,
) -> int:
    """Run one device of a cell that `twinsync live` set up in --data, or with --connect of a cell elsewhere.

    With --connect it needs the edge's address and its own password; the edge tells it the cell's settings.
    """
    import asyncio

    from twinsync.live.radio.rates import NAMES, check_rate
    from twinsync.live.running.device import run_device
    from twinsync.live.running.elsewhere import Elsewhere, run_elsewhere
    from twinsync.live.running.sources import Cut, absolute

    if connect is None:
        own = {"password-file": password_file, "ca": ca, "source": source, "radio": radio, "clock-ghz": clock_ghz}
        for option in (name for name, value in own.items() if value):
            raise InputError(f"--{option} goes with --connect: a device of a cell in --data has the cell's settings")
        return asyncio.run(run_device(data, thing))
    check_address("--connect", connect)
    if ca is not None and not ca.is_file():
        raise InputError(f"--ca {ca}: no such file")
    if radio:
        check_rate(radio)
    own = Elsewhere(
        address=connect,
        password=_password(password_file),
        ca="" if ca is None else str(ca.absolute()),
        source=None if source is None else absolute(source),
        cut=Cut(window, scale),
        radio=absolute(radio, NAMES),
        clock_hz=find_clock_hz(clock_ghz),
    )
    return asyncio.run(run_elsewhere(data, thing, own))


def check_address(option: str, address: str) -> None:
    """Raise `InputError` naming the option where its value is not HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"{option} {address!r:.60}: give HOST:PORT")


def _password(file: Path | None) -> str:
    if file is None:
        password = os.environ.get("TWINSYNC_PASSWORD", "")
        if not password:
            raise InputError("no password: set TWINSYNC_PASSWORD, or give --password-file")
        return password
    try:
        password = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--password-file {file}: cannot be read: {error}") from None
    if not password:
        raise InputError(f"--password-file {file}: empty; it has to hold the password alone")
    return password


@twins_app.command("export")
def export_twins(
    data: DataOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.jsonl|FILE.parquet", help="New file, a line or row per revision.")
    ],
) -> None:
    """List every stored revision, oldest first per twin: thing, revision, slot, times, and the stored document."""
    from twinsync.live.running.cell import open_twins
    from twinsync.live.store.export import check_target, write_history

    check_target(out)
    store = open_twins(data)
    try:
        count = write_history(store, out)
    finally:
        store.close()
    say(f"wrote {out}: {count} revisions")
