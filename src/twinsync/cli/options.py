"""What the commands share: option types, JSON output, progress, and what to say when the user interrupts."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from twinsync import compilation, interrupts
from twinsync.cli import completion
from twinsync.errors import InputError

MOST_SLOTS = 1_000_000


def whole_number(low: int, high: int) -> Callable[[str | int], int]:
    """An option's parser: a whole number within bounds; its error says what was given."""

    def parse(text: str | int) -> int:  # typer passes defaults through it too
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise typer.BadParameter(f"{text!r:.40} is not a whole number from {low} to {high}")
        return value

    return parse


def number(low: float, high: float, what: str = "a number", unit: str = "") -> Callable[[str | float], float]:
    """An option's parser: a number within bounds; its error says what was given, and what and of which unit to give."""

    def parse(text: str | float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise typer.BadParameter(f"{text!r:.40} is not {what} from {low:g} to {high:g}{unit}")
        return value

    return parse


ScenarioOption = Annotated[
    str,
    typer.Option(
        "--scenario", metavar="NAME|FILE", help="A preset's name or a TOML file.", autocompletion=completion.scenarios
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help='Change a constant, e.g. --set bandwidth_hz="2 MHz"; repeatable.'),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="I", parser=whole_number(0, 2**32 - 1), help="Root seed of all randomness.")
]
JsonOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write JSON to a new file, or to standard output (-); no table."),
]
WideOption = Annotated[bool, typer.Option("--wide", help="Every column of the tables, however narrow the terminal.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write; must not exist yet.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue the run in --out where it stopped.")]
ClockOption = Annotated[
    float | None,
    typer.Option(
        "--clock-ghz",
        metavar="X",
        parser=number(0.001, 1000.0, "a clock", " GHz"),
        help="The processor's clock, if the system does not report it.",
    ),
]
BudgetSeedsOption = Annotated[
    int | None,
    typer.Option("--seeds", metavar="M", parser=whole_number(1, 1000), help="Training seeds; by default the budget's."),
]
LearningOption = Annotated[
    list[str] | None,
    typer.Option("--learning", metavar="KEY=VALUE", help="Change a setting, e.g. --learning slots=50000; repeatable."),
]


def learning_pairs(items: list[str] | None) -> dict[str, str]:
    """The --learning options as pairs. Raises `InputError` for one that is not key=value."""
    pairs = {}
    for item in items or ():
        key, equals, value = item.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise InputError(f"--learning {item!r}: expected key=value, for example --learning slots=50000")
        pairs[key.strip()] = value.strip()
    return pairs


def command_line() -> str:
    """The command line as typed, without --resume."""
    return shlex.join(["twinsync", *(part for part in sys.argv[1:] if part != "--resume")])


class Interrupted(Exception):
    """The user interrupted work that can be continued; the message says how."""


@contextmanager
def interruptible(advice: str) -> Iterator[None]:
    """Turn Ctrl-C inside the block into one line that ends with `advice`, for example the command that resumes."""
    try:
        with interrupts.advising(advice):
            yield
    except KeyboardInterrupt:
        raise Interrupted(advice) from None


def check_new_file(path: Path, option: str = "--out") -> None:
    """Raise `InputError` before any work where the file that an option names exists or cannot be written."""
    try:
        exists = path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be searched
        raise InputError(f"{option} {path}: {error.strerror}; choose another name") from None
    if exists:
        raise InputError(f"{option} {path}: already exists; choose another name or remove it")
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{option} {path}: folder {path.parent} cannot be written; choose another place")


@contextmanager
def writing(path: Path, option: str = "--out") -> Iterator[None]:
    """Raise `InputError` where the block cannot write the file or folder that an option names."""
    try:
        yield
    except FileExistsError:
        raise InputError(f"{option} {path}: already exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"{option} {path}: cannot be written: {error.strerror}; choose another place") from None


def check_json_target(target: str | None) -> None:
    """Raise `InputError` before any work where the file of --json exists or cannot be written."""
    if target is not None and target != "-":
        check_new_file(Path(target), "--json")


def check_different(option: str, path: Path, json_target: str | None) -> None:
    """Raise `InputError` where --json names the same file as another option."""
    if json_target is not None and json_target != "-" and Path(json_target).absolute() == path.absolute():
        raise InputError(f"--json {json_target}: is the file of {option} too; choose another name")


@contextmanager
def standard_output() -> Iterator[None]:
    """Write to standard output in the block. A reader that has closed it has seen enough, as with `| head`.

    Raises `InputError` where it cannot be written, for example because a disk is full.
    """
    try:
        with interrupts.uninterrupted():
            yield
            sys.stdout.flush()
    except OSError as error:
        # What is still in the buffer would raise again when the process ends.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise InputError(f"standard output: cannot be written: {error.strerror}") from None


def write_json(target: str, payload: Any) -> None:
    """Write JSON to standard output (-) or to a file that does not exist yet."""
    text = json.dumps(payload, indent=2, allow_nan=False) + "\n"
    if target == "-":
        with standard_output():
            sys.stdout.write(text)
        return
    with writing(Path(target), "--json"), interrupts.uninterrupted(), open(target, "x", encoding="utf-8") as file:
        interrupts.advise(f"{target} is written")
        file.write(text)
    say(f"wrote {target}")


class _Table(Console):
    """Standard output for tables. By itself rich would end the process with exit code 1 where a reader has gone."""

    def on_broken_pipe(self) -> None:
        """Leave it to `standard_output`."""
        raise BrokenPipeError


def show(renderable: RenderableType, *, wide: bool = False) -> None:
    """Print a table to standard output, as wide as the terminal or $COLUMNS, or as it needs to be."""
    # A pipe has no width; tables then keep the width they need instead of folding to 80 columns.
    columns = os.environ.get("COLUMNS", "")
    told = Console().is_terminal or (columns.isdigit() and int(columns) > 0)
    with standard_output():
        _Table(width=1000 if wide else None if told else 160).print(renderable, soft_wrap=False)


def say(line: str) -> None:
    """One line on standard error."""
    print(f"twinsync: {line}", file=sys.stderr)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Progress while the block runs: call what it gives with (what is being done, how much is done, how much in all).

    A bar on standard error where that is a terminal, else (in a log) a line every half minute. Programs that are
    compiled meanwhile are kept for the next command.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    compilation.connect()
    console = Console(stderr=True)
    if not console.is_terminal:
        yield progress_lines()
        return
    columns = (
        *(TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn()),
        *(TextColumn("left"), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        last = "starting"

        def report(what: str, done: int, total: int) -> None:
            nonlocal last
            last = what
            bar.update(task, description=what, completed=done, total=total)

        def compiles(now: bool) -> None:
            bar.update(task, description=f"{last}: compiling" if now else last)

        with compilation.listening(compiles):
            yield report


def find_clock_hz(clock_ghz: float | None) -> float:
    """The processor's clock [Hz], as given or as the system states it. Raises `InputError` where neither does."""
    from twinsync.codec.calibration import machine_clock_hz

    clock_hz = machine_clock_hz() if clock_ghz is None else 1e9 * clock_ghz
    if clock_hz is None:
        raise InputError("this system does not say its processor's clock; give it, e.g. --clock-ghz 3.2")
    return clock_hz


def progress_lines(every_s: float = 30.0) -> Callable[[str, int, int], None]:
    """Progress for a log: one line on standard error every so many seconds, with the time left unless `what` has it.

    A stage begins with the first report of another total, or of less done than before. Its time is counted from that
    report on: what came before it may have been compilation, which no later step repeats.
    """
    began = last = time.monotonic()
    before, latest, stage = 0, 0, None  # what was done when the stage began and at the last report, and its total

    def report(what: str, done: int, total: int) -> None:
        nonlocal began, last, before, latest, stage
        now = time.monotonic()
        if total != stage or done < latest:
            began, before = now, done
        latest, stage = done, total
        if now - last >= every_s:
            last = now
            known = done > before and not what.endswith(" left")
            left = _left((now - began) * (total - done) / (done - before)) if known else ""
            say(f"{done:,} of {total:,}: {what}{left}")

    return report


def _left(seconds: float) -> str:
    """The remaining time as the end of a line."""
    if seconds >= 5400.0:
        return f"; about {seconds / 3600.0:.1f} h left"
    return f"; about {seconds / 60.0:.0f} min left" if seconds >= 90.0 else f"; about {seconds:.0f} s left"
