"""The command line's frame: the commands, exit codes, and errors as one line each."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from twinsync import compilation, interrupts
from twinsync.cli.cell_parts import device_app, edge_app, twins_app
from twinsync.cli.codec import codec_app
from twinsync.cli.data import data_app
from twinsync.cli.evaluate import evaluate
from twinsync.cli.export import export
from twinsync.cli.live import live_app
from twinsync.cli.options import Interrupted, say
from twinsync.cli.render import render
from twinsync.cli.scenario import scenario_app
from twinsync.cli.solve import solve
from twinsync.cli.study import study_app
from twinsync.cli.sweep import report, reproduce, sweep
from twinsync.cli.train import train
from twinsync.compilation import CacheWarning
from twinsync.errors import InputError
from twinsync.plugins import PluginWarning

_STDERR = 2  # the last of the standard streams' descriptors
DONE, OUR_FAULT, BAD_INPUT, INTERRUPTED = 0, 1, 2, interrupts.EXIT_CODE

app = typer.Typer(name="twinsync", pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(scenario_app)
app.add_typer(study_app)
app.add_typer(codec_app)
app.add_typer(data_app)
app.add_typer(live_app)
app.add_typer(twins_app)
app.add_typer(edge_app)
app.add_typer(device_app)
app.command("solve")(solve)
app.command("evaluate")(evaluate)
app.command("train")(train)
app.command("reproduce")(reproduce)
app.command("sweep")(sweep)
app.command("report")(report)
app.command("export")(export)
app.command("render")(render)


def _summaries_in_full(commands: typer.Typer) -> None:
    """Set each command's summary: a list of commands wraps it, but cuts one that it takes from the docstring."""
    for command in commands.registered_commands:
        if command.callback is not None:
            command.short_help = (command.callback.__doc__ or "").partition("\n\n")[0]
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            _summaries_in_full(group.typer_instance)


_summaries_in_full(app)


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        print(f"twinsync {version('twinsync')}")
        raise typer.Exit(DONE)
    return wanted


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    no_compilation_cache: Annotated[
        bool,
        typer.Option(
            "--no-compilation-cache",
            help="Compile everything anew; TWINSYNC_CACHE=off does the same, TWINSYNC_CACHE=FOLDER moves the cache.",
        ),
    ] = False,
) -> None:
    """Delay-aware digital twin synchronisation over semantic communication: simulate, solve exactly, learn, compare."""
    if no_compilation_cache:
        compilation.switch_off()


def main() -> None:
    """Run the command line that this process was started with, and exit with its code."""
    _open_standard_streams()
    interrupts.watch()
    code = run(sys.argv[1:])
    interrupts.finish()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Let a stream that the caller has closed (`>&-`) lead nowhere; else the next file opened would take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open until the process ends
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are one line on standard error."""
    with warnings.catch_warnings():
        _tell_warnings_in_one_line()
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app(list(arguments) or ["--help"], prog_name="twinsync", standalone_mode=False)
    except InputError as error:
        return _bad_input(str(error))
    except Interrupted as advice:
        say(f"interrupted; {advice}")
        return INTERRUPTED
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        # Wrong usage: an exception of the parser's own, whose class is not public in every release of typer.
        if hasattr(error, "format_message"):
            return _bad_input(f"{error.format_message()} {_where_to_look(error)}")  # type: ignore[attr-defined]
        traceback.print_exc()
        say(f"internal error, please report it with the lines above: {type(error).__name__}: {_one_line(str(error))}")
        return OUR_FAULT
    if code == INTERRUPTED:
        say(f"interrupted; {interrupts.NOTHING_WRITTEN}")
    return code if isinstance(code, int) else DONE


def _tell_warnings_in_one_line() -> None:
    """Show our own warnings as one line, without their place in the source."""
    usual = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, (PluginWarning, CacheWarning)):
            say(f"warning: {_one_line(str(message))}")
        else:
            usual(message, category, *rest)

    warnings.showwarning = tell


def _where_to_look(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return "" if context is None else f"(see `{context.command_path} --help`)"


def _bad_input(message: str) -> int:
    say(f"error: {_one_line(message)}")
    return BAD_INPUT


def _one_line(message: str) -> str:
    return " ".join(message.split())
