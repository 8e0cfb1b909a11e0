"""`twinsync codec`: frames to streams of an exact size, coded against the twin, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.options import (
    JsonOption,
    OutOption,
    SeedOption,
    check_json_target,
    progress,
    say,
    show,
    whole_number,
    write_json,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    import numpy as np


SUFFIX = ".twin"

codec_app = typer.Typer(
    name="codec", no_args_is_help=False, rich_markup_mode=None, help="The semantic codec: code frames against the twin."
)

InputOption = Annotated[
    Path | None,
    typer.Option("--input", metavar="FOLDER|VIDEO", help="Images in a folder, or a video; the sample unless given."),
]
EveryOption = Annotated[
    int, typer.Option("--every", metavar="N", parser=whole_number(1, 10**6), help="Take every N-th frame.")
]
StartOption = Annotated[
    int, typer.Option("--start", metavar="I", parser=whole_number(0, 10**9), help="The first frame taken.")
]
FramesOption = Annotated[
    int | None, typer.Option("--frames", metavar="N", parser=whole_number(1, 10**6), help="Most frames taken.")
]


def _factor(text: str | float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.001 <= value <= 1.0:
        raise typer.BadParameter(f"{text!r:.40} is not a factor from 0.001 to 1")
    return value


FirstOption = Annotated[
    float,
    typer.Option("--first-phi", metavar="X", parser=_factor, help="Extraction factor of the first frame, sent alone."),
]


def _priority(text: str) -> str:
    if text not in ("picture", "task"):
        raise typer.BadParameter(f"{text!r:.40} is neither picture nor task")
    return text


PriorityOption = Annotated[
    str,
    typer.Option(
        "--priority",
        metavar="picture|task",
        parser=_priority,
        help="What goes first: the picture alone, or the mask of what moves and then the picture.",
    ),
]


def _frames(source: Path | None, every: int, start: int, most: int | None) -> Iterator[np.ndarray]:
    from twinsync.codec.sources import read_frames, sample_frames

    if source is not None:
        return read_frames(source, every, start, most)
    frames = sample_frames()[start::every][:most]
    if not len(frames):
        raise InputError(f"--start {start}: the sample has fewer frames")
    return iter(frames)


def _new_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise InputError(f"--out {out}: already exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror}; choose another place") from None


@codec_app.command("encode")
def encode(
    out: OutOption,
    phi: Annotated[
        float, typer.Option("--phi", metavar="X", parser=_factor, help="Extraction factor: wire bits over raw bits.")
    ],
    source: InputOption = None,
    priority: PriorityOption = "picture",
    first_phi: FirstOption = 1.0,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
) -> None:
    """Write a stream for each frame, 00000.twin, 00001.twin, ..., of floor(phi D / 8) bytes, against the one before."""
    from twinsync.codec.camera import CameraEncoder
    from twinsync.codec.quality import moving_against

    frames = _frames(source, every, start, most)
    first = next(frames)
    _new_folder(out)
    device = CameraEncoder()
    count = 0
    with progress() as report:
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
    if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise typer.BadParameter(f"{text!r:.40} is not a size such as 320x240")
    return int(height), int(width)


@codec_app.command("decode")
def decode(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of streams.")],
    out: OutOption,
    raw_size: Annotated[
        str | None,
        typer.Option("--raw-size", metavar="WxH", help="The camera's size, for frames that were sent as they are."),
    ] = None,
) -> None:
    """Make 00000.png, 00001.png, ... from the streams alone, and moving/00001.png where a stream says what moves."""
    import numpy as np

    from twinsync.codec.camera import CameraDecoder
    from twinsync.codec.container import StreamError
    from twinsync.codec.sources import write_picture

    shape = None if raw_size is None else _size(raw_size)
    paths = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder}: no streams there; expected files that end in {SUFFIX}")
    _new_folder(out)
    edge = CameraDecoder()
    with progress() as report:
        for count, path in enumerate(paths, 1):
            try:
                picture = edge.decode(path.read_bytes(), shape)
            except StreamError as error:
                raise InputError(f"{path}: {error}") from None
            write_picture(out / f"{path.stem}.png", picture)
            moving = edge.twin.newest.moving
            if moving is not None:
                (out / "moving").mkdir(exist_ok=True)
                write_picture(out / "moving" / f"{path.stem}.png", 255 * moving.astype(np.uint8))
            report("decoding", count, len(paths))
    say(f"wrote {len(paths)} pictures to {out}")


@codec_app.command("evaluate")
def evaluate(
    source: InputOption = None,
    factors: Annotated[
        list[float] | None,
        typer.Option("--phi", metavar="X", parser=_factor, help="Extraction factor; repeatable."),
    ] = None,
    priority: PriorityOption = "picture",
    first_phi: FirstOption = 1.0,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
    lose: Annotated[
        float, typer.Option("--lose", metavar="X", min=0.0, max=0.95, help="Share of slots whose stream is lost.")
    ] = 0.0,
    seed: SeedOption = 0,
    json_target: JsonOption = None,
) -> None:
    """Rate, PSNR, F1 of the moving map and processor time, every frame at exactly phi, beside JPEG and WebP."""
    import numpy as np

    from twinsync.codec.evaluation import FACTORS, evaluate_clip
    from twinsync.codec.results import evaluation_json, evaluation_table

    check_json_target(json_target)
    clip = np.stack(list(_frames(source, every, start, most)))
    if len(clip) < 2:
        raise InputError("one frame is no clip: the first one is only what the twin starts from; give more")
    lost = np.random.default_rng(seed).random(len(clip)) < lose
    if lost[1:].all():
        raise InputError(f"--lose {lose:g}: every frame after the first is lost; give more frames or lose fewer")
    with progress() as report:
        results = evaluate_clip(
            clip, factors or FACTORS, first_phi, lambda place: bool(lost[place]), priority, True, report
        )
    if json_target is not None:
        write_json(json_target, evaluation_json(results))
        return
    show(evaluation_table(results))


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
        typer.Option("--clips", metavar="N", parser=whole_number(1, 100), help="Clips of every N-th frame taken."),
    ] = 4,
    epochs: Annotated[
        int, typer.Option("--epochs", metavar="N", parser=whole_number(1, 1000), help="Of the filter network.")
    ] = 8,
    seed: SeedOption = 0,
) -> None:
    """Train the coder's start values and the filter network, in minutes; this alone needs JAX and optax."""
    import numpy as np

    from twinsync.codec.tables import to_bytes
    from twinsync.codec.training import train_all

    if out.exists():
        raise InputError(f"--out {out}: already exists; choose another name or remove it")
    frames = np.stack(list(_frames(source, 1, start, most)))
    chosen = [frames[offset::every] for offset in np.unique(np.linspace(0, every, clips, endpoint=False).astype(int))]
    if min(len(clip) for clip in chosen) < 3:
        raise InputError(f"{source}: {len(frames)} frames are too few: each clip of every {every}th needs 3")
    with progress() as report:
        tables = train_all(chosen, epochs, seed, report)
    out.write_bytes(to_bytes(tables))
    say(f"wrote {out}, tables {tables.identity:04x}")


@codec_app.command("calibrate")
def calibrate(
    out: Annotated[Path, typer.Option("--out", metavar="FILE.toml", help="New scenario file.")],
    source: InputOption = None,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
    clock_ghz: Annotated[
        float | None,
        typer.Option("--clock-ghz", metavar="X", help="The processor's clock; from the system if it says."),
    ] = None,
    least_psnr_db: Annotated[
        float, typer.Option("--least-psnr", metavar="DB", help="Accuracy that sets the least extraction factor.")
    ] = 40.0,
    json_target: JsonOption = None,
) -> None:
    """Measure cycles per bit and accuracy over phi on this machine; write what the data support as a scenario."""
    import platform

    import numpy as np

    from twinsync.codec import calibration
    from twinsync.codec.results import calibration_json, calibration_tables

    check_json_target(json_target)
    if out.exists():
        raise InputError(f"--out {out}: already exists; choose another name or remove it")
    clock_hz = 1e9 * clock_ghz if clock_ghz else calibration.machine_clock_hz()
    if clock_hz is None:
        raise InputError("this system does not tell the processor's clock; give it: --clock-ghz 3.2")
    frames = np.stack(list(_frames(source, every, start, most)))
    if len(frames) < 3:
        raise InputError(f"{len(frames)} frames are too few to calibrate on; give at least 3")
    with progress() as report:
        cost = calibration.measure_cost(frames, clock_hz, progress=report)
        accuracy = calibration.measure_accuracy(frames, progress=report)
    laws = calibration.fit_laws(cost)
    phi_min = calibration.least_factor(accuracy, least_psnr_db)
    clip = f"{len(frames)} frames of {'the sample' if source is None else source.name}"
    machine = f"{platform.machine()}, Python {platform.python_version()}, {clip}"
    out.write_text(calibration.scenario_text(cost, laws, phi_min, least_psnr_db, machine, accuracy), "utf-8")
    say(f"wrote {out}: law {calibration.supported(laws).name}, phi_min {phi_min:.4g}")
    if json_target is not None:
        write_json(json_target, calibration_json(cost, laws, accuracy, phi_min))
        return
    for table in calibration_tables(cost, laws, accuracy):
        show(table)
