"""`twinsync edge`, `twinsync device` and `twinsync twins`: the parts of a cell that `twinsync live` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinsync.cli.options import say

edge_app = typer.Typer(
    name="edge", no_args_is_help=True, rich_markup_mode=None, help="Run the edge of a live cell alone."
)
device_app = typer.Typer(
    name="device", no_args_is_help=True, rich_markup_mode=None, help="Run one device of a live cell alone."
)
twins_app = typer.Typer(
    name="twins", no_args_is_help=True, rich_markup_mode=None, help="Stored twins of a live run: export them."
)

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="The cell's folder.")]


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
