"""`twinsync codec encode-series`, `decode-series`, `evaluate-series`: sampled channels, window by window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.clips import SUFFIX, factor_from, filling, read_stream, streams_in
from twinsync.cli.options import (
    JsonOption,
    OutOption,
    check_json_target,
    check_new_file,
    number,
    progress,
    say,
    show,
    whole_number,
    write_json,
    writing,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    import numpy as np

LENGTH = 64  # samples of a window by default
FEW_COUNTS = 100  # below which rounding to whole counts costs accuracy
WindowOption = Annotated[
    int, typer.Option("--window", metavar="N", parser=whole_number(4, 255), help="Samples of a window.")
]


ScaleOption = Annotated[
    float,
    typer.Option(
        "--scale",
        metavar="X",
        parser=number(1e-9, 1e9, "a scale"),
        help="Counts of the 16-bit samples per unit of the file.",
    ),
]


def encode_series(
    source: Annotated[Path, typer.Option("--input", metavar="FILE.csv", help="Rows of samples, a column a channel.")],
    out: OutOption,
    phi: Annotated[
        float, typer.Option("--phi", metavar="X", parser=factor_from, help="Extraction factor: wire over raw bits.")
    ],
    window: WindowOption = LENGTH,
    scale: ScaleOption = 1.0,
) -> None:
    """Write a stream for each window of a CSV file, of floor(phi D / 8) bytes (D: 16 bits a sample)."""
    from twinsync.codec.series import SeriesEncoder

    (windows,) = _recordings([source], window, scale)
    device = SeriesEncoder()
    streams = []
    for samples in windows:
        revision, stream = device.encode(samples, phi)
        device.acknowledge(revision)
        streams.append(stream)
    with filling(out):
        for place, stream in enumerate(streams):
            (out / f"{place:05d}{SUFFIX}").write_bytes(stream)
    say(f"wrote {len(streams)} streams to {out}; samples at the end that fill no window are left out")


def decode_series(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of streams.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.csv", help="New file.")],
    scale: ScaleOption = 1.0,
) -> None:
    """Write a CSV file from the streams alone."""
    import numpy as np

    from twinsync.codec.container import StreamError
    from twinsync.codec.series import SeriesDecoder
    from twinsync.codec.series_files import write_series

    paths = streams_in(folder)
    check_new_file(out)
    edge, windows = SeriesDecoder(), []
    for path in paths:
        try:
            windows.append(edge.decode(read_stream(path)))
        except StreamError as error:
            raise InputError(f"{path}: {error}") from None
        if windows[-1].shape[1] != windows[0].shape[1]:
            raise InputError(f"{path}: {windows[-1].shape[1]} channels, the streams before it {windows[0].shape[1]}")
    with writing(out):
        write_series(out, np.concatenate(windows), scale)
    say(f"wrote {out}: {sum(map(len, windows))} samples")


def evaluate_series(
    source: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="FILE.csv|FOLDER", help="Recordings; by default `watch`, people not trained on."
        ),
    ] = None,
    factors: Annotated[
        list[float] | None,
        typer.Option("--phi", metavar="X", parser=factor_from, help="Extraction factor; repeatable."),
    ] = None,
    window: WindowOption = LENGTH,
    scale: ScaleOption = 1.0,
    json_target: JsonOption = None,
) -> None:
    """Error and processor time of series, every window at exactly phi in real bytes, against the window before it."""
    from twinsync.codec import series_evaluation
    from twinsync.codec.inertial import watch_windows
    from twinsync.codec.results import series_json, series_table

    check_json_target(json_target)
    if source is None:
        if window != LENGTH or scale != 1.0:
            raise InputError("--window and --scale go with --input: the windows of `watch` are fixed")
        recordings = watch_windows(training=False)
    else:
        recordings = _recordings(sorted(source.glob("*.csv")) if source.is_dir() else [source], window, scale)
    if not recordings:
        raise InputError(f"{source}: no files there that end in .csv")
    with progress() as report:
        results = series_evaluation.evaluate_series(recordings, factors or series_evaluation.FACTORS, report)
    if json_target is not None:
        write_json(json_target, series_json(results))
        return
    show(series_table(results, len(recordings)))


def _recordings(paths: list[Path], window: int, scale: float) -> list[np.ndarray]:
    from twinsync.codec.series_files import read_series, to_counts, windows_of

    recordings = []
    for path in paths:
        counts = to_counts(read_series(path), scale, str(path))
        windows = windows_of(counts, window)
        largest = int(abs(counts.astype(int)).max(initial=0))
        if largest < FEW_COUNTS:
            say(f"{path}: no sample is larger than {largest} counts of 32,767, the rest is rounded away; give --scale")
        if not len(windows):
            raise InputError(f"{path}: fewer samples than a window of {window}")
        recordings.append(windows)
    return recordings
