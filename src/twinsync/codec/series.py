"""The series codec: a window of sampled channels (inertial, environmental) to exactly the bytes asked for, and back.

Each channel is transformed by an integer cosine transform, quantised with one step, and coded from low to high
frequency, all channels together, so that a cut stream loses the highest frequencies. A window is coded against the one
before if the edge holds it: its end predicts the mean, its spectrum the sizes of coefficients.

Of a window's few bytes the header may take little: a byte of kind and version, one of revision (five bits) and how far
back the reference lies (three bits, 0 for none), one that checks the reference's samples and the tables. A window coded
alone adds its length and its channels, a byte each.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Int16, Int32

from twinsync.codec.container import SERIES, VERSION, DamagedStream, MissingReference, wire_bytes
from twinsync.codec.quality import share_of
from twinsync.codec.range_coder import STOPPED, Coder, finish_encoding, start_decoding, start_encoding
from twinsync.codec.series_kernels import code_levels
from twinsync.codec.series_tables import SeriesTables, shipped_series
from twinsync.errors import InputError

BASIS_BITS = 14
STEPS = 200  # eight an octave, from one unit of the samples on
MOST_LENGTH, MOST_CHANNELS = 255, 64
KEPT = 8
TAIL = 4  # samples at a window's end whose mean predicts the next
LEAST_BYTES = 6


@lru_cache(maxsize=8)
def basis(length: int) -> Int32[np.ndarray, "length length"]:
    """Orthonormal cosine basis in 1/16384, row k frequency k."""
    k, n = np.mgrid[:length, :length]
    rows = np.sqrt(np.where(k == 0, 1.0, 2.0) / length) * np.cos((2 * n + 1) * k * np.pi / (2 * length))
    return np.rint(rows * (1 << BASIS_BITS)).astype(np.int32)


def step_of(index: int) -> int:
    """Quantiser step in 1/16 unit of the samples, eight an octave."""
    return (8 + index % 8) << (index // 8 + 1)


@dataclass(frozen=True)
class Window:
    """A decoded window, and what the next one is coded against."""

    samples: Int16[np.ndarray, "length channels"]
    size: Int32[np.ndarray, "length channels"]  # magnitude of each coefficient, in 1/16 unit
    revision: int = -1  # where it is named, not by its last bits alone

    def check(self, tables: SeriesTables) -> int:
        """Eight bits over the samples and the tables' identity."""
        return zlib.crc32(self.samples.astype("<i2").tobytes(), tables.identity) & 255

    def level_means(self) -> np.ndarray:
        """What the next window's means are predicted to be, [channels], in units of the samples."""
        return self.samples[-TAIL:].astype(np.int64).sum(0) // min(TAIL, len(self.samples))


def _means(before: Window | None, channels: int) -> np.ndarray:
    return np.zeros(channels, np.int64) if before is None else before.level_means()


def _sizes(before: Window | None, shape: tuple[int, int]) -> np.ndarray:
    return np.full(shape, -1, np.int32) if before is None else before.size


def _forward(samples: np.ndarray, means: np.ndarray) -> np.ndarray:
    residual = samples.astype(np.int64) - means
    return (basis(len(samples)).astype(np.int64) @ residual + (1 << 9)) >> (BASIS_BITS - 4)


def _inverse(coefficients: np.ndarray, means: np.ndarray) -> np.ndarray:
    total = basis(len(coefficients)).T.astype(np.int64) @ coefficients.astype(np.int64)
    residual = (total + (1 << (BASIS_BITS + 3))) >> (BASIS_BITS + 4)
    return np.clip(residual + means, -32768, 32767).astype(np.int16)


def _code(coder: Coder, wanted: np.ndarray, before: Window | None, shape: tuple[int, int], step: int) -> np.ndarray:
    levels = np.zeros(shape, np.int32)
    code_levels(coder, wanted, _sizes(before, shape), step, levels)
    return levels


def _window(levels: np.ndarray, step: int, before: Window | None) -> Window:
    # Levels beyond what a 16-bit series can have come from damaged bytes.
    coefficients = np.clip(levels.astype(np.int64) * step, -(1 << 30), 1 << 30)
    size = abs(coefficients).astype(np.int32)
    return Window(_inverse(coefficients, _means(before, levels.shape[1])), size)


def check_window(shape: tuple[int, ...]) -> None:
    """Raise `InputError` for a window [length, channels] beyond what the codec takes."""
    length, channels = shape
    if not (0 < length <= MOST_LENGTH and 0 < channels <= MOST_CHANNELS):
        raise InputError(f"a window of {length} x {channels} samples: at most {MOST_LENGTH} x {MOST_CHANNELS}")


def fill(
    samples: Int16[np.ndarray, "length channels"], before: Window | None, budget: int, tables: SeriesTables
) -> tuple[bytes, Window]:
    """The finest step's part that fits into `budget` bytes, or the coarsest one's cut; and what it decodes to."""
    coefficients = _forward(samples, _means(before, samples.shape[1]))
    low, high = -1, STEPS - 1
    best = b""
    while high - low > 1 or not best:
        index = high if high - low <= 1 else (low + high) // 2
        part = _attempt(coefficients, before, index, budget, tables)
        if part is None and index == high:
            best = _whole(coefficients, before, index, tables)[:budget]
        elif part is None:
            low = index
        else:
            high, best = index, part
    best = best.ljust(budget, b"\0")
    return best, read_part(best, before, samples.shape, tables)


def _whole(coefficients: np.ndarray, before: Window | None, index: int, tables: SeriesTables) -> bytes:
    coder = _write(coefficients, before, index, 4 * coefficients.size + 64, tables)
    return bytes([index]) + coder.buffer[: finish_encoding(coder)].tobytes()


def _attempt(
    coefficients: np.ndarray, before: Window | None, index: int, budget: int, tables: SeriesTables
) -> bytes | None:
    coder = _write(coefficients, before, index, budget - 1, tables)
    used = finish_encoding(coder) if not coder.state[STOPPED] else 0
    return None if coder.state[STOPPED] else bytes([index]) + coder.buffer[:used].tobytes()


def _write(coefficients: np.ndarray, before: Window | None, index: int, limit: int, tables: SeriesTables) -> Coder:
    step = step_of(index)
    # Rounding towards zero below 0.7 of a step costs less error than the bits it saves are worth.
    levels = (np.sign(coefficients) * ((10 * abs(coefficients) + 3 * step) // (10 * step))).astype(np.int32)
    coder = tables.coder(np.zeros(limit, np.uint8))
    start_encoding(coder, limit)
    _code(coder, levels, before, levels.shape, step)
    return coder


class SeriesEncoder:
    """The device's end for one group of channels."""

    def __init__(self, tables: SeriesTables | None = None) -> None:
        self.tables = tables or shipped_series()
        self.sent: dict[int, Window] = {}
        self.acknowledged = -1
        self._revision = 0
        self._last: tuple[np.ndarray, Window | None, int] | None = None

    @property
    def adapted(self) -> SeriesTables:
        """The tables as the last window has changed them: what training is made of."""
        if self._last is None:
            return self.tables
        samples, before, index = self._last
        coder = _write(
            _forward(samples, _means(before, samples.shape[1])), before, index, 4 * samples.size, self.tables
        )
        return replace(self.tables, probability=coder.probability, seen=coder.seen, weight=coder.weight)

    def acknowledge(self, revision: int) -> None:
        """The edge holds a revision this device sent. Raises `MissingReference` for one not kept here."""
        if revision not in self.sent:
            raise MissingReference(revision, tuple(self.sent))
        self.acknowledged = max(self.acknowledged, revision)

    def encode(self, samples: Int16[np.ndarray, "length channels"], extraction_factor: float) -> tuple[int, bytes]:
        """The window's revision and its stream of floor(phi D / 8) bytes, D being 16 bits a sample.

        Raises `InputError` for a window of more than 255 samples or 64 channels, or too few bytes for a header.
        """
        check_window(samples.shape)
        size = wire_bytes(extraction_factor, 16 * samples.size)
        if size < LEAST_BYTES:
            raise InputError(f"phi = {extraction_factor:g} gives a window {size} bytes; it needs {LEAST_BYTES}")
        revision = self._revision
        before = self.sent.get(self.acknowledged) if 0 < revision - self.acknowledged < 8 else None
        if before is not None and before.samples.shape != samples.shape:
            before = None
        header = self._header(revision, before, samples.shape)
        part, window = fill(samples, before, size - len(header), self.tables)
        self._last = samples, before, part[0]
        self.sent[revision] = window
        for old in [each for each in self.sent if each <= revision - KEPT]:
            del self.sent[old]
        self._revision += 1
        return revision, header + part

    def _header(self, revision: int, before: Window | None, shape: tuple[int, int]) -> bytes:
        first = bytes([SERIES << 4 | VERSION])
        if before is None:
            return first + bytes([revision % 32 << 3, self.tables.identity & 255, *shape])
        return first + bytes([revision % 32 << 3 | revision - self.acknowledged, before.check(self.tables)])


def read_part(part: bytes, before: Window | None, shape: tuple[int, int], tables: SeriesTables) -> Window:
    """The window of a coded part, cut or whole."""
    index = min(part[0], STEPS - 1) if part else STEPS - 1
    coder = tables.coder(np.frombuffer(part or b"\0", np.uint8).copy())
    start_decoding(coder, 1, len(part))
    levels = _code(coder, np.zeros((0, 0), np.int32), before, shape, step_of(index))
    return _window(levels, step_of(index), before)


class SeriesDecoder:
    """The edge's end for one group of channels."""

    def __init__(self, tables: SeriesTables | None = None) -> None:
        self.tables = tables or shipped_series()
        self.held: dict[int, Window] = {}
        self._newest = 0

    def decode(self, stream: bytes) -> Int16[np.ndarray, "length channels"]:
        """The samples of a stream, whole or cut. Raises `DamagedStream`, `MissingReference`."""
        if len(stream) < 4 or stream[0] != SERIES << 4 | VERSION:
            raise DamagedStream("the bytes begin no window of a series")
        # The header has the revision's last five bits: it is the one nearest to the newest held, if any is.
        last_bits = stream[1] // 8
        revision = self._newest + (last_bits - self._newest + 16) % 32 - 16 if self.held else last_bits
        back = stream[1] % 8
        if back:
            before = self.held.get(revision - back)
            if before is None or before.check(self.tables) != stream[2]:
                raise MissingReference(revision - back, tuple(self.held))
            shape, at = before.samples.shape, 3
        else:
            if len(stream) < 6 or stream[2] != self.tables.identity & 255 or not 0 < stream[4] <= MOST_CHANNELS:
                raise DamagedStream("the window is cut within its header, or written with other tables")
            before, shape, at = None, (max(1, stream[3]), stream[4]), 5
        window = read_part(stream[at:], before, shape, self.tables)
        self.held[revision] = window
        self._newest = max(self._newest, revision)
        for old in [each for each in self.held if each <= self._newest - KEPT]:
            del self.held[old]
        return window.samples


def nmse(decoded: np.ndarray, true: np.ndarray) -> float:
    """Squared error over the squared deviation from each channel's mean, of windows [windows, length, channels]."""
    true = true.astype(np.float64)
    error, spread = np.sum((decoded - true) ** 2), np.sum((true - true.mean(axis=(0, 1))) ** 2)
    return share_of(float(error), float(spread))
