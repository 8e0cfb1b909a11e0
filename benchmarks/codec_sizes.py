"""Streams of random phi and D: each must have exactly floor(phi D / 8) bytes and decode, or be refused as too small.

`python -m benchmarks.codec_sizes [--rounds 10000] [--seed 0]` encodes and decodes small frames and windows.
"""

from __future__ import annotations

import argparse
from collections import Counter
from fractions import Fraction

import numpy as np

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import LEAST_FACTOR
from twinsync.codec.series import SeriesDecoder, SeriesEncoder
from twinsync.codec.sources import sample_frames
from twinsync.errors import InputError

LARGEST = 48  # rows and columns of a frame
FRAME_LEAST, WINDOW_LEAST = 11, 6  # bytes below which a first contact is refused


def exact_bytes(factor: float, data_bits: int) -> int:
    """floor(phi D / 8) in exact arithmetic on the float `factor`."""
    return int(Fraction(factor) * data_bits) // 8


def frame_round(random: np.random.Generator, frames: np.ndarray) -> tuple[str, int]:
    """Code a first contact and a frame against it, of one random size, at random factors; outcome and stream count."""
    height, width = (int(side) for side in random.integers(8, LARGEST + 1, 2))
    top, left = (int(random.integers(limit)) for limit in (240 - height, 320 - width))
    device, edge = CameraEncoder(), CameraDecoder()
    for frame in frames[:2, top : top + height, left : left + width]:
        factor = float(np.exp(random.uniform(np.log(LEAST_FACTOR), 0.0)))
        size = exact_bytes(factor, 8 * frame.size)
        try:
            revision, stream = device.encode(np.ascontiguousarray(frame), factor)
        except InputError:
            assert size < FRAME_LEAST, f"{width}x{height} at {factor!r}: {size} bytes refused"
            return "frames refused as too small", 1
        assert len(stream) == size, f"{width}x{height} at {factor!r}: {len(stream)} bytes, not {size}"
        assert np.array_equal(edge.decode(stream, frame.shape), device.decoded(revision))
        device.acknowledge(revision)
    return "frames", 2


def window_round(random: np.random.Generator) -> tuple[str, int]:
    """The same for windows of a series."""
    length, channels = int(random.integers(1, 129)), int(random.integers(1, 9))
    device, edge = SeriesEncoder(), SeriesDecoder()
    walk = np.cumsum(random.normal(0, 200, (2, length, channels)), axis=1).astype(np.int16)
    for window in walk:
        factor = float(np.exp(random.uniform(np.log(LEAST_FACTOR), 0.0)))
        size = exact_bytes(factor, 16 * window.size)
        try:
            revision, stream = device.encode(window, factor)
        except InputError:
            assert size < WINDOW_LEAST, f"{length}x{channels} at {factor!r}: {size} bytes refused"
            return "windows refused as too small", 1
        assert len(stream) == size, f"{length}x{channels} at {factor!r}: {len(stream)} bytes, not {size}"
        assert np.array_equal(edge.decode(stream), device.sent[revision].samples)
        device.acknowledge(revision)
    return "windows", 2


def check(rounds: int, seed: int) -> Counter[str]:
    """Code `rounds` streams and count them by outcome: frames and windows that were exact, and those refused.

    Raises `AssertionError` at the first stream of a wrong size or that does not decode to the encoder's samples.
    """
    random, frames = np.random.default_rng(seed), sample_frames()
    ends: Counter[str] = Counter()
    while ends["frames"] + ends["windows"] < rounds:
        name, count = window_round(random) if random.random() < 0.7 else frame_round(random, frames)
        ends[name] += count
    return ends


def main() -> None:
    """Parse arguments, check, print the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec_sizes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    ends = check(args.rounds, args.seed)
    print(", ".join(f"{count} {name}" for name, count in sorted(ends.items())) + "; every size exact, all decoded")


if __name__ == "__main__":
    main()
