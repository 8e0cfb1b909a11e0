"""Options and files that the codec's commands share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.options import interruptible, number, whole_number, writing
from twinsync.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from twinsync.codec.tables import Tables

SUFFIX = ".twin"  # of streams

InputOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FOLDER|IMAGE|VIDEO|NAME",
        help="Images, one image, a video or a recording; the sample unless given.",
    ),
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
        "--tables",
        metavar="FILE.npz",
        help="Tables that `codec train` made, the same at both ends; the package's unless given.",
    ),
]
FramesOption = Annotated[
    int | None, typer.Option("--frames", metavar="N", parser=whole_number(1, 10**6), help="Take at most N frames.")
]


factor_from = number(0.001, 1.0, "a factor")  # parses an extraction factor within the codec's bounds
FirstOption = Annotated[
    float,
    typer.Option(
        "--first-phi", metavar="X", parser=factor_from, help="Extraction factor of the first frame, sent alone."
    ),
]


def priority_from(text: str) -> str:
    """An option's parser: `picture` or `task`."""
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
    """Grey frames [H, W] uint8 of a source, or of the sample. Raises `InputError` where there are none."""
    from twinsync.codec.sources import read_frames, sample_frames

    if source is not None:
        return read_frames(source, every, start, most)
    frames = sample_frames()[start::every][:most]
    if not len(frames):
        raise InputError(f"--start {start}: the sample has fewer frames")
    return iter(frames)


@contextmanager
def filling(out: Path) -> Iterator[None]:
    """Create the folder of --out for the block to fill, and remove it if the block fails, so that a next try can.

    Raises `InputError` where it exists or cannot be written. After Ctrl-C the line names the folder, which stays.
    """
    with writing(out):
        out.mkdir(parents=True)
    with interruptible(f"{out} is not complete: remove it, then run the same command again"):
        try:
            with writing(out):
                yield
        except InputError:
            shutil.rmtree(out, ignore_errors=True)
            raise


def streams_in(folder: Path) -> list[Path]:
    """The streams of a folder in the order of their numbers. Raises `InputError` where there are none."""
    paths = folder.glob(f"*{SUFFIX}") if folder.is_dir() else ()
    # From the 100,000th stream on a name has a digit more.
    streams = sorted(paths, key=lambda path: (len(path.name), path.name))
    if not streams:
        raise InputError(f"{folder}: no streams there; expected files that end in {SUFFIX}")
    return streams


def read_stream(path: Path) -> bytes:
    """A stream's bytes. Raises `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def read_tables(path: Path | None) -> Tables | None:
    """The tables in the file of --tables, None where it is not given. Raises `InputError` for a file without tables."""
    if path is None:
        return None
    from twinsync.codec.tables import from_bytes

    try:
        return from_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"--tables {path}: cannot be read: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"--tables {path}: {error}") from None
