"""Video coders at the codec's mean bytes: x264 and x265 through PyAV, low delay, warm start.

`python -m benchmarks.codec_peers --input VIDEO --start 400 --every 12` prints mean PSNR of the frames after the first
at each phi. Each coder runs at constant quantisers with the first frame nearly lossless; its PSNR at the mean bytes
asked for is read off the line between the two nearest quantisers. So it spends freely from frame to frame, which ours
may not.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from twinsync.codec.quality import psnr_db
from twinsync.codec.sources import read_frames

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1)
FIRST_QUANTISER = 8
QUANTISERS = range(14, 48, 2)
CODERS = (("x264", "libx264", "medium"), ("x265", "libx265", "medium"))


def encode(frames: np.ndarray, coder: str, preset: str, quantiser: int) -> tuple[float, float, float, float]:
    """Mean bytes and PSNR of the frames after the first, the first one's PSNR, seconds of processor time a frame."""
    height, width = frames[0].shape
    context = av.CodecContext.create(coder, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 1), Fraction(1, 1)
    ratio = 2 ** (max(0, quantiser - FIRST_QUANTISER) / 6)
    settings = f"qp={quantiser}:ipratio={ratio:.3f}:keyint=1000:scenecut=0"
    name = "x264-params" if coder == "libx264" else "x265-params"
    quiet = "" if coder == "libx264" else ":log-level=none:pools=1:frame-threads=1"
    context.options = {"preset": preset, "tune": "zerolatency", name: settings + quiet}
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
    decoder = av.CodecContext.create("h264" if coder == "libx264" else "hevc", "r")
    decoded = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    quality = [psnr_db(each.to_ndarray()[:height], frame) for each, frame in zip(decoded, frames, strict=True)]
    sizes = [packet.size for packet in packets]
    return float(np.mean(sizes[1:])), float(np.mean(quality[1:])), quality[0], seconds


def main() -> None:
    """Parse, encode, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec_peers", description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--start", type=int, default=400)
    parser.add_argument("--every", type=int, default=12)
    args = parser.parse_args()
    frames = np.stack(list(read_frames(args.input, args.every, args.start)))
    print(f"| PSNR [dB] at phi | {' | '.join(f'{factor:g}' for factor in FACTORS)} | first frame | ms a frame |")
    print("|" + "---|" * (len(FACTORS) + 3))
    for label, coder, preset in CODERS:
        rows = [encode(frames, coder, preset, quantiser) for quantiser in QUANTISERS]
        sizes, quality = (np.array([row[place] for row in rows])[::-1] for place in (0, 1))
        budgets = np.log(np.array(FACTORS) * frames[0].size)
        values = np.interp(budgets, np.log(sizes), quality)
        cells = " | ".join(f"{value:.1f}" for value in values)
        first, cost = np.mean([row[2] for row in rows]), 1e3 * np.mean([row[3] for row in rows])
        print(f"| {label} {preset}, low delay | {cells} | {first:.1f} | {cost:.0f} |")


if __name__ == "__main__":
    main()
