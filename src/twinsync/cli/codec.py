"""`twinsync codec`: frames to streams of an exact size, coded against the twin, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.clips import (
    SUFFIX,
    EveryOption,
    FirstOption,
    FramesOption,
    InputOption,
    PriorityOption,
    StartOption,
    TablesOption,
    factor_from,
    filling,
    read_clip,
    read_stream,
    read_tables,
    streams_in,
)
from twinsync.cli.codec_measure import calibrate, evaluate
from twinsync.cli.codec_series import decode_series, encode_series, evaluate_series
from twinsync.cli.options import (
    OutOption,
    SeedOption,
    check_new_file,
    progress,
    say,
    whole_number,
    writing,
)
from twinsync.compilation import one_thread
from twinsync.errors import InputError
from twinsync.writing import whole_file

if TYPE_CHECKING:
    import numpy as np


codec_app = typer.Typer(
    name="codec", no_args_is_help=False, rich_markup_mode=None, help="The semantic codec: code frames against the twin."
)


@codec_app.command("encode")
def encode(
    out: OutOption,
    phi: Annotated[
        float,
        typer.Option("--phi", metavar="X", parser=factor_from, help="Extraction factor: wire bits over raw bits."),
    ],
    source: InputOption = None,
    priority: PriorityOption = "picture",
    first_phi: FirstOption = 1.0,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
    tables: TablesOption = None,
) -> None:
    """Write a stream for each frame, 00000.twin, 00001.twin, ..., of floor(phi D / 8) bytes, coded against the twin."""
    from twinsync.codec.camera import CameraEncoder
    from twinsync.codec.quality import moving_against

    frames = read_clip(source, every, start, most)
    first = next(frames)
    device = CameraEncoder(read_tables(tables))
    count = 0
    with filling(out), progress() as report:
        for frame in _with_first(first, frames):
            moving = moving_against(device.sent.newest, frame) if count and priority == "task" else None
            revision, stream = device.encode(frame, phi if count else first_phi, moving=moving)
            device.acknowledge(revision)
            (out / f"{count:05d}{SUFFIX}").write_bytes(stream)
            count += 1
            report("encoding", count, count)
    say(f"wrote {count} streams to {out}")


def _with_first(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise InputError(f"--raw-size {text!r:.40}: not a size such as 320x240")
    return int(height), int(width)


@codec_app.command("decode")
def decode(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of streams.")],
    out: OutOption,
    raw_size: Annotated[
        str | None,
        typer.Option("--raw-size", metavar="WxH", help="The camera's size, for frames that were sent as they are."),
    ] = None,
    tables: TablesOption = None,
) -> None:
    """Make 00000.png, 00001.png, ... from the streams alone, and moving/00001.png where a stream says what moves."""
    import numpy as np

    from twinsync.codec.camera import CameraDecoder
    from twinsync.codec.container import StreamError
    from twinsync.codec.sources import write_picture

    shape = None if raw_size is None else _size(raw_size)
    paths = streams_in(folder)
    edge = CameraDecoder(read_tables(tables))
    with filling(out), progress() as report:
        for count, path in enumerate(paths, 1):
            try:
                picture = edge.decode(read_stream(path), shape)
            except StreamError as error:
                raise InputError(f"{path}: {error}") from None
            write_picture(out / f"{path.stem}.png", picture)
            moving = edge.twin.newest.moving
            if moving is not None:
                (out / "moving").mkdir(exist_ok=True)
                write_picture(out / "moving" / f"{path.stem}.png", 255 * moving.astype(np.uint8))
            report("decoding", count, len(paths))
    say(f"wrote {len(paths)} pictures to {out}")


@codec_app.command("train")
def train(
    source: Annotated[
        Path, typer.Option("--input", metavar="FOLDER|VIDEO", help="What to train on; nothing you evaluate on later.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="New file: tables and filter network.")],
    every: EveryOption = 12,
    start: StartOption = 0,
    most: FramesOption = 400,
    clips: Annotated[
        int,
        typer.Option(
            "--clips",
            metavar="N",
            parser=whole_number(1, 100),
            help="Clips to take, each one frame in --every, from different first frames.",
        ),
    ] = 4,
    epochs: Annotated[
        int, typer.Option("--epochs", metavar="N", parser=whole_number(1, 1000), help="Epochs for the filter network.")
    ] = 8,
    seed: SeedOption = 0,
) -> None:
    """Train the coder's start values and the filter network, in minutes; the one codec command that needs JAX."""
    # XLA splits sums among its threads: with one thread the file is the same on any number of cores.
    os.environ.update(one_thread())
    import numpy as np

    from twinsync.codec.tables import to_bytes
    from twinsync.codec.training import train_all

    check_new_file(out)
    frames = np.stack(list(read_clip(source, 1, start, most)))
    chosen = [frames[offset::every] for offset in np.unique(np.linspace(0, every, clips, endpoint=False).astype(int))]
    if min(len(clip) for clip in chosen) < 3:
        raise InputError(f"{source}: {len(frames)} frames are too few: a clip of every {every}th frame needs 3")
    with progress() as report:
        tables = train_all(chosen, epochs, seed, report)
    with writing(out), whole_file(out, new=True) as partial:
        partial.write_bytes(to_bytes(tables))
    say(f"wrote {out}, tables {tables.identity:04x}; encode, decode and evaluate take them with --tables {out}")


codec_app.command("evaluate")(evaluate)
codec_app.command("calibrate")(calibrate)
codec_app.command("encode-series")(encode_series)
codec_app.command("decode-series")(decode_series)
codec_app.command("evaluate-series")(evaluate_series)
