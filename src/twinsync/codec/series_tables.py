"""Start values of the series coder, trained like the frame coder's."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np
from jaxtyping import Int16

from twinsync.codec import series_kernels
from twinsync.codec.tables import StartValues, digest_of, even, untrained

FILE = "series.npz"
START_WEIGHT = 1 << 14
CONFIDENCE = 60  # most observations a start value counts as


@dataclasses.dataclass(frozen=True)
class SeriesTables(StartValues):
    """Start values of the series coder."""

    @cached_property
    def identity(self) -> int:
        """16 bits that tell these tables from others."""
        return digest_of(getattr(self, field.name) for field in dataclasses.fields(self))


def untrained_series() -> SeriesTables:
    """Even odds and equal weights: where training starts."""
    base = untrained()
    start = even(series_kernels.SLOTS, series_kernels.MIXERS, START_WEIGHT)
    return SeriesTables(*start, base.stretch, base.squash, base.rate)


def train_series(windows: Sequence[Int16[np.ndarray, "windows length channels"]], seed: int = 0) -> SeriesTables:
    """Tables after coding runs of successive windows at random factors, each against the one before it."""
    from twinsync.codec.series import SeriesEncoder

    tables, random = untrained_series(), np.random.default_rng(seed)
    for run in random.permutation(len(windows)):
        encoder = SeriesEncoder(tables)
        factor = float(np.exp(random.uniform(np.log(0.04), np.log(0.4))))
        for window in windows[run]:
            revision, _ = encoder.encode(window, factor)
            encoder.acknowledge(revision)
            encoder.tables = encoder.adapted
        tables = encoder.tables
    return dataclasses.replace(tables, seen=np.minimum(tables.seen, CONFIDENCE).astype(np.uint8))


def to_bytes(tables: SeriesTables) -> bytes:
    """The tables as a compressed file."""
    file = io.BytesIO()
    fields = {field.name: getattr(tables, field.name) for field in dataclasses.fields(tables)}
    np.savez_compressed(file, allow_pickle=False, **fields)
    return file.getvalue()


@lru_cache(maxsize=1)
def shipped_series() -> SeriesTables:
    """The tables that ship with the package."""
    content = (resources.files("twinsync.codec") / "trained" / FILE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return SeriesTables(**arrays)
