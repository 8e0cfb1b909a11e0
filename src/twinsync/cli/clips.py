"""What the codec's commands share: options that say which frames, at which factor, and the frames themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.options import whole_number
from twinsync.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from twinsync.codec.tables import Tables

SUFFIX = ".twin"  # of streams

InputOption = Annotated[
    Path | None,
    typer.Option("--input", metavar="FOLDER|VIDEO|NAME", help="Images, a video or a recording; else the sample."),
]
EveryOption = Annotated[
    int, typer.Option("--every", metavar="N", parser=whole_number(1, 10**6), help="Take every N-th frame.")
]
StartOption = Annotated[
    int, typer.Option("--start", metavar="I", parser=whole_number(0, 10**9), help="The first frame taken.")
]
TablesOption = Annotated[
    Path | None,
    typer.Option(
        "--tables", metavar="FILE.npz", help="Tables of `codec train`, the same at both ends; else those that ship."
    ),
]
FramesOption = Annotated[
    int | None, typer.Option("--frames", metavar="N", parser=whole_number(1, 10**6), help="Take at most N frames.")
]


def factor_from(text: str | float) -> float:
    """An option's parser: an extraction factor within the codec's bounds."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.001 <= value <= 1.0:
        raise typer.BadParameter(f"{text!r:.40} is not a factor from 0.001 to 1")
    return value


FirstOption = Annotated[
    float,
    typer.Option(
        "--first-phi", metavar="X", parser=factor_from, help="Extraction factor of the first frame, sent alone."
    ),
]


def priority_from(text: str) -> str:
    """An option's parser: what goes first."""
    if text not in ("picture", "task"):
        raise typer.BadParameter(f"{text!r:.40} is neither picture nor task")
    return text


PriorityOption = Annotated[
    str,
    typer.Option(
        "--priority",
        metavar="picture|task",
        parser=priority_from,
        help="What goes first: the picture alone, or the mask of what moves and then the picture.",
    ),
]


def read_clip(source: Path | None, every: int, start: int, most: int | None) -> Iterator[np.ndarray]:
    """Frames of a folder or video, or of the sample where none is named. Raises `InputError` where there are none."""
    from twinsync.codec.sources import read_frames, sample_frames

    if source is not None:
        return read_frames(source, every, start, most)
    frames = sample_frames()[start::every][:most]
    if not len(frames):
        raise InputError(f"--start {start}: the sample has fewer frames")
    return iter(frames)


@contextmanager
def filling(out: Path) -> Iterator[None]:
    """The new folder of --out, which goes again where what should fill it cannot be made: the next try needs the name.

    Raises `InputError` where it exists or cannot be written.
    """
    new_folder(out)
    try:
        yield
    except InputError:
        shutil.rmtree(out, ignore_errors=True)
        raise


def check_new_file(out: Path) -> None:
    """Raise `InputError` before any work where the file of --out exists or cannot be written."""
    if out.exists():
        raise InputError(f"--out {out}: already exists; choose another name or remove it")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: folder {out.parent} does not exist; create it first")
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"--out {out}: folder {out.parent} cannot be written; choose another place")


def read_tables(path: Path | None) -> Tables | None:
    """The tables of --tables. Raises `InputError` where the file is none."""
    if path is None:
        return None
    from twinsync.codec.tables import from_bytes

    try:
        return from_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"--tables {path}: cannot be read: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"--tables {path}: {error}") from None


def new_folder(out: Path) -> None:
    """Create the folder of --out. Raises `InputError` where it exists or cannot be written."""
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise InputError(f"--out {out}: already exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror}; choose another place") from None
