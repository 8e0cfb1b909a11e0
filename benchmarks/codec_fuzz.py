"""Decodes damaged and truncated streams: each must yield samples or a named error.

`python -m benchmarks.codec_fuzz [--kind camera|series] [--rounds 100000] [--seed 0]` prints the count of each outcome
and the longest decoding time. Series streams come in both formats: those that carry the last bits of their revision,
and those whose revision is given outside the stream.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import StreamError
from twinsync.codec.ends import CAMERA, SERIES
from twinsync.codec.series import SeriesDecoder, SeriesEncoder
from twinsync.codec.series_twin import WindowDecoder, WindowEncoder
from twinsync.codec.sources import sample_frames

FACTORS = (0.02, 0.05, 0.2, 0.9)
SIZE = np.s_[90:138, 120:200]  # 48 x 80 samples of the street, small enough for many rounds per second


def damage(stream: bytes, random: np.random.Generator) -> bytes:
    """The stream truncated, with flipped bits, with header or tail replaced, or entirely random."""
    kind = random.integers(6)
    if kind == 0:
        return stream[: random.integers(len(stream))]
    if kind == 1:
        return random.integers(0, 256, random.integers(200)).astype(np.uint8).tobytes()
    content = np.frombuffer(stream, np.uint8).copy()
    if kind == 2:
        content[random.integers(len(content), size=4)] ^= np.uint8(1 << random.integers(8))
    elif kind == 3:
        content[random.integers(min(16, len(content)))] = random.integers(256)
    elif kind == 4:
        start = random.integers(len(content))
        content[start:] = random.integers(0, 256, len(content) - start)
    else:
        content[8:] = random.integers(0, 256, max(0, len(content) - 8))
    return content.tobytes()


def camera_streams() -> tuple[list[bytes], Callable[[bytes], object]]:
    """Streams to damage, and a function that decodes one against its reference."""
    frames = np.ascontiguousarray(sample_frames()[:3, *SIZE])
    device, edge = CameraEncoder(), CameraDecoder()
    streams = [device.encode(frames[0], 1.0)[1]]
    device.acknowledge(0)
    streams += [device.encode(frames[1], factor)[1] for factor in FACTORS]
    streams.append(device.encode(frames[1], 0.05, moving=np.abs(frames[1].astype(int) - frames[0]) > 24)[1])

    def decode(stream: bytes) -> object:
        edge.twin.keep(device.sent.at(0))
        return edge.decode(stream)

    return streams, decode


def series_streams(random: np.random.Generator) -> tuple[list[bytes], Callable[[bytes], object]]:
    """The same for windows of 64 x 6 samples; half of the decodings are given a reference."""
    windows = np.cumsum(random.normal(0, 200, (2, 64, 6)), axis=1).astype(np.int16)
    device, named = SeriesEncoder(), WindowEncoder()
    streams = [device.encode(windows[0], 1.0)[1], named.encode(windows[0], 600, 0)]
    device.acknowledge(0)
    for factor in FACTORS:
        size = int(factor * 2 * windows[1].size)
        streams += [device.encode(windows[1], factor)[1], named.encode(windows[1], size, 9, 0)]
        streams.append(named.encode(windows[1], size, 10))
    edge, named_edge = SeriesDecoder(), WindowDecoder()

    def decode(stream: bytes) -> object:
        if stream[:1] == streams[0][:1]:
            edge.held[0] = device.sent[0]
            return edge.decode(stream)
        named_edge.twin.keep(named.twin.at(0))
        return named_edge.decode(stream, 11, 0 if random.random() < 0.5 else None)

    return streams, decode


def count_ends(kind: str, rounds: int, seed: int) -> tuple[dict[str, int], float]:
    """Counts of the outcomes of decoding `rounds` damaged streams, and the longest decoding [s of processor time]."""
    random = np.random.default_rng(seed)
    streams, decode = camera_streams() if kind == CAMERA else series_streams(np.random.default_rng(seed))
    ends: Counter[str] = Counter()
    longest_s = 0.0
    for _ in range(rounds):
        stream = damage(streams[random.integers(len(streams))], random)
        started = time.process_time()
        try:
            decode(stream)
            ends["samples"] += 1
        except StreamError as error:
            ends[type(error).__name__] += 1
        longest_s = max(longest_s, time.process_time() - started)
    return dict(ends), longest_s


def main() -> None:
    """Parse arguments, damage and decode streams, print the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec_fuzz", description=__doc__)
    parser.add_argument("--kind", choices=(CAMERA, SERIES), default=CAMERA)
    parser.add_argument("--rounds", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    ends, longest_s = count_ends(args.kind, args.rounds, args.seed)
    print(f"{args.rounds} streams: {ends}; longest decoding {1e3 * longest_s:.0f} ms of processor time")


if __name__ == "__main__":
    main()
