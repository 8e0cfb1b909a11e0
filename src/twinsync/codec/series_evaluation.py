"""Rate and error of series: every window at exactly phi, coded against the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16

from twinsync.codec.quality import share_of
from twinsync.codec.series import SeriesDecoder, SeriesEncoder
from twinsync.errors import InputError

FACTORS = (0.05, 0.12, 0.3)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SeriesResult:
    """Recordings at one extraction factor, first windows included, which are coded alone."""

    extraction_factor: float
    windows: int
    wire_bytes: tuple[int, ...]  # the sizes that occurred; one where all windows have the same shape
    nmse: float  # squared error over squared deviation from each channel's mean over all recordings
    nmse_own_means: float  # over squared deviation from each channel's mean within its recording: never less
    encode_s: float  # mean processor time a window
    decode_s: float


def evaluate_series(
    recordings: Sequence[Int16[np.ndarray, "windows length channels"]],
    factors: Sequence[float] = FACTORS,
    progress: Progress = lambda what, done, total: None,
) -> list[SeriesResult]:
    """Code each recording window by window from a first contact on, and decode the bytes.

    Raises `InputError` for recordings of different channels.
    """
    if len({windows.shape[2] for windows in recordings}) > 1:
        raise InputError("the recordings have different numbers of channels; evaluate them apart")
    spread = _deviation(np.concatenate([windows.reshape(-1, windows.shape[2]) for windows in recordings]))
    own_spread = sum(_deviation(windows.reshape(-1, windows.shape[2])) for windows in recordings)
    # The first encoding and decoding load or compile the kernels, which is no cost of a window's.
    SeriesDecoder().decode(SeriesEncoder().encode(recordings[0][0], factors[0])[1])
    results = []
    for place, factor in enumerate(factors):
        error, encode_s, decode_s = 0.0, 0.0, 0.0
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
        count = sum(len(windows) for windows in recordings)
        share, own_share = (share_of(error, each) for each in (spread, own_spread))
        times = encode_s / count, decode_s / count
        results.append(SeriesResult(factor, count, tuple(sorted(sizes)), share, own_share, *times))
    return results


def _deviation(samples: Int16[np.ndarray, "samples channels"]) -> float:
    """Squared deviation from each channel's mean."""
    return float(np.sum((samples - samples.mean(axis=0, dtype=np.float64)) ** 2))
