"""Rate and error of series: every window at exactly phi, coded against the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16

from twinsync.codec.series import SeriesDecoder, SeriesEncoder

FACTORS = (0.05, 0.12, 0.3)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SeriesResult:
    """Recordings at one extraction factor, first windows included, which are coded alone."""

    extraction_factor: float
    windows: int
    wire_bytes: tuple[int, ...]  # the sizes that occurred; one where all windows have the same shape
    nmse: float  # squared error over squared deviation from each recording's channel means
    encode_s: float  # mean processor time a window
    decode_s: float


def evaluate_series(
    recordings: Sequence[Int16[np.ndarray, "windows length channels"]],
    factors: Sequence[float] = FACTORS,
    progress: Progress = lambda what, done, total: None,
) -> list[SeriesResult]:
    """Code each recording window by window from a first contact on, and decode the bytes."""
    results = []
    for place, factor in enumerate(factors):
        error, spread, encode_s, decode_s = 0.0, 0.0, 0.0, 0.0
        sizes: set[int] = set()
        for row, windows in enumerate(recordings):
            progress(f"phi = {factor:g}", place * len(recordings) + row, len(factors) * len(recordings))
            device, edge = SeriesEncoder(), SeriesDecoder()
            for window in windows:
                started = time.process_time()
                revision, stream = device.encode(window, factor)
                encoded = time.process_time()
                decoded = edge.decode(stream)
                ended = time.process_time()
                device.acknowledge(revision)
                error += float(np.sum((decoded.astype(np.float64) - window) ** 2))
                encode_s, decode_s = encode_s + encoded - started, decode_s + ended - encoded
                sizes.add(len(stream))
            spread += float(np.sum((windows - windows.mean(axis=(0, 1), dtype=np.float64)) ** 2))
        count = sum(len(windows) for windows in recordings)
        share = error / spread if spread else float("inf")
        results.append(SeriesResult(factor, count, tuple(sorted(sizes)), share, encode_s / count, decode_s / count))
    return results
