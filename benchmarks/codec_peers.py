"""Other coders at the codec's mean bytes: JPEG 2000 per frame; x264, x265 and SVT-AV1 with low delay, warm start.

`python -m benchmarks.codec_peers --input street --start 400 --every 12` prints mean PSNR of the frames after the first
at each phi. Each video coder runs at several constant quantisers, with a finer first frame, whose PSNR is shown; PSNR
at the mean bytes required is interpolated between the two nearest quantisers. So a video coder may distribute its bytes
freely over the frames, which this codec and JPEG 2000 may not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from twinsync.codec.baselines import still_picture
from twinsync.codec.container import wire_bytes
from twinsync.codec.evaluation import Setting, evaluate_clip
from twinsync.codec.quality import psnr_db
from twinsync.codec.sources import read_frames

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1)
EXACT_DB = 99.0  # PSNR assigned to an exact frame


@dataclass(frozen=True)
class Coder:
    """A video coder of PyAV; `parameters` maps a quantiser to its private options."""

    label: str
    name: str
    decoder: str
    preset: str
    quantisers: Sequence[int]
    parameters: Callable[[int], dict[str, str]]


def _x26x(name: str, more: str) -> Callable[[int], dict[str, str]]:
    def parameters(quantiser: int) -> dict[str, str]:
        ratio = 2 ** (max(0, quantiser - 8) / 6)  # the first frame at quantiser 8; x264 takes a ratio of 10 at most
        settings = f"qp={quantiser}:ipratio={ratio:.3f}:keyint=1000:scenecut=0{more}"
        return {"tune": "zerolatency", name: settings}

    return parameters


def _svt_av1(quantiser: int) -> dict[str, str]:
    # An offset is at most 64 of the index 0 .. 255, four to a quantiser: the first frame comes at one 32 finer.
    base = max(1, quantiser - 16)
    later = ",".join([str(min(63, 4 * (quantiser - base)))] * 6)
    offsets = f"key-frame-qindex-offset={-min(64, 4 * base)}:qindex-offsets=[{later}]"
    fixed = f"rc=0:qp={base}:aq-mode=0:use-fixed-qindex-offsets=1:{offsets}"
    return {"svtav1-params": f"{fixed}:pred-struct=1:keyint=-1:scd=0:lp=1:tune=1"}


def _h264(preset: str) -> Coder:
    return Coder(f"x264 {preset}", "libx264", "h264", preset, range(14, 48, 4), _x26x("x264-params", ""))


def _h265(preset: str) -> Coder:
    quiet = ":log-level=none:pools=1:frame-threads=1"
    return Coder(f"x265 {preset}", "libx265", "hevc", preset, range(14, 48, 4), _x26x("x265-params", quiet))


CODERS = (
    _h264("medium"),
    _h264("veryslow"),
    _h265("medium"),
    _h265("veryslow"),
    Coder("SVT-AV1 preset 8", "libsvtav1", "libdav1d", "8", range(6, 64, 4), _svt_av1),
)


@dataclass(frozen=True)
class Run:
    """A clip at one quantiser: means over the frames after the first, and the PSNR of the first."""

    bytes: float
    psnr_db: float
    first_psnr_db: float
    encode_s: float  # processor time per frame


def encode(frames: np.ndarray, coder: Coder, quantiser: int) -> Run:
    """Encode a clip with low delay, decode it, and measure size, quality and time."""
    height, width = frames[0].shape
    context = av.CodecContext.create(coder.name, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 10), Fraction(10, 1)
    context.options = {"preset": coder.preset, **coder.parameters(quantiser)}
    context.thread_count = 1
    packets = []
    started = time.process_time()
    for place, frame in enumerate(frames):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = frame
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = place
        packets += context.encode(picture)
    packets += context.encode(None)
    seconds = (time.process_time() - started) / len(frames)
    decoder = av.CodecContext.create(coder.decoder, "r")
    decoded = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    luma = [each.to_ndarray(format="yuv420p")[:height] for each in decoded]
    quality = [psnr_db(each, frame) for each, frame in zip(luma, frames, strict=True)]
    sizes = [packet.size for packet in packets]
    return Run(sum(sizes[1:]) / (len(frames) - 1), float(np.mean(quality[1:])), quality[0], seconds)


@dataclass(frozen=True)
class Row:
    """One coder.

    psnr_db: PSNR at each of `FACTORS` [dB], None if the coder cannot reach that size. first_psnr_db: lowest and highest
    PSNR of the first frame, None if each frame is coded alone. encode_s: processor time per frame [s].
    """

    label: str
    psnr_db: list[float | None]
    first_psnr_db: tuple[float, float] | None
    encode_s: float


def video_row(frames: np.ndarray, coder: Coder) -> Row:
    """A video coder at the mean bytes of every factor; None outside the range of its quantisers."""
    runs = sorted((encode(frames, coder, quantiser) for quantiser in coder.quantisers), key=lambda run: run.bytes)
    sizes, quality = np.log([run.bytes for run in runs]), [run.psnr_db for run in runs]
    budgets = [float(np.log(factor * frames[0].size)) for factor in FACTORS]
    values = [float(np.interp(each, sizes, quality)) if sizes[0] <= each <= sizes[-1] else None for each in budgets]
    first = [float(np.interp(each, sizes, [min(EXACT_DB, run.first_psnr_db) for run in runs])) for each in budgets]
    cost = float(np.mean([run.encode_s for run in runs]))
    return Row(f"{coder.label}, low delay", values, (min(first), max(first)), cost)


def still_row(frames: np.ndarray) -> Row:
    """JPEG 2000, each frame alone within the byte budget."""
    values: list[float | None] = []
    started = time.process_time()
    for factor in FACTORS:
        budget = wire_bytes(factor, 8 * frames[0].size)
        pictures = [still_picture(frame, "JPEG2000", budget) for frame in frames[1:]]
        quality = [psnr_db(each, frame) for each, frame in zip(pictures, frames[1:], strict=True) if each is not None]
        values.append(float(np.mean(quality)) if len(quality) == len(pictures) else None)
    # Each frame is tried at about eight rates until it fits.
    cost = (time.process_time() - started) / (len(FACTORS) * (len(frames) - 1))
    return Row("JPEG 2000, each frame alone", values, None, cost)


def our_row(frames: np.ndarray, first_factor: float) -> Row:
    """This package's codec."""
    results = evaluate_clip(frames, FACTORS, Setting(first_factor), stills=False)
    cost = float(np.mean([result.mean("encode_s") for result in results]))
    first = results[0].first_psnr_db
    return Row("this codec", [result.mean("psnr_db") for result in results], (first, first), cost)


def compare(frames: np.ndarray, first_factor: float) -> Iterator[Row]:
    """This codec, then JPEG 2000 and every video coder that the installed PyAV has."""
    yield our_row(frames, first_factor)
    yield still_row(frames)
    for coder in CODERS:
        if coder.name in av.codecs_available:
            yield video_row(frames, coder)


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as lines of a Markdown table."""
    yield f"| PSNR [dB] at phi | {' | '.join(f'{factor:g}' for factor in FACTORS)} | first frame | encode, ms a frame |"
    yield "|---" + "|---:" * (len(FACTORS) + 2) + "|"
    for row in rows:
        shown = " | ".join("-" if value is None else f"{value:.1f}" for value in row.psnr_db)
        ends = dict.fromkeys("exact" if end >= EXACT_DB else f"{end:.1f}" for end in row.first_psnr_db or ())
        yield f"| {row.label} | {shown} | {' to '.join(ends) or '-'} | {1e3 * row.encode_s:.0f} |"


def main() -> None:
    """Parse arguments, encode, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec_peers", description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--start", type=int, default=400)
    parser.add_argument("--every", type=int, default=12)
    parser.add_argument("--first-phi", type=float, default=0.53, help="of this codec's first frame")
    args = parser.parse_args()
    frames = np.stack(list(read_frames(args.input, args.every, args.start)))
    for line in table(compare(frames, args.first_phi)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
