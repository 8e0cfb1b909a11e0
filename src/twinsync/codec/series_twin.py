"""Windows of a series whose revision and reference are named outside of the stream, as by a live system's frames.

The coded part is that of `series`. Its header has three bytes, five where the window is coded alone, as there; the bits
that told revision and reference within eight of each other check the reference's content instead.

| bytes | field |
|---|---|
| 1 | kind (upper four bits), format version (lower four) |
| 2 | kind `series first`: identity of the trained tables; `series conditional`: check of the reference and the tables |
| 2 | kind `series first`: samples of the window, channels |
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from jaxtyping import Int16

from twinsync.codec.container import (
    SERIES_CONDITIONAL,
    SERIES_FIRST,
    VERSION,
    DamagedStream,
    MissingReference,
    OtherTables,
)
from twinsync.codec.series import MOST_CHANNELS, Window, check_window, fill, read_part
from twinsync.codec.series_tables import SeriesTables, shipped_series
from twinsync.codec.twin import Twin
from twinsync.errors import InputError

FIRST_BYTES, CONDITIONAL_BYTES = 5, 3
LEAST_PART = 1


def check_of(window: Window, tables: SeriesTables) -> int:
    """Sixteen bits over all that a window coded against this one is predicted from."""
    content = window.samples.astype("<i2").tobytes() + window.size.astype("<i4").tobytes()
    return zlib.crc32(content, tables.identity) & 0xFFFF


class WindowEncoder:
    """The device's end: windows in, streams of the exact size out, against the revision that is asked for."""

    def __init__(self, tables: SeriesTables | None = None) -> None:
        self.tables = tables or shipped_series()
        self.twin: Twin[Window] = Twin()

    def encode(
        self, samples: Int16[np.ndarray, "length channels"], size: int, revision: int, reference: int | None = None
    ) -> bytes:
        """The stream of `size` bytes that makes a revision against another, alone without one.

        A reference of another shape says nothing of the window: that raises `InputError`, as do a window of more than
        255 samples or 64 channels and too few bytes for a header. Raises `MissingReference`.
        """
        check_window(samples.shape)
        before = None if reference is None else self.twin.at(reference)
        if before is not None and before.samples.shape != samples.shape:
            raise InputError(f"revision {reference} is a window of another shape; code this one alone")
        header = self._header(before, samples.shape)
        if size < len(header) + LEAST_PART:
            raise InputError(f"{size} bytes for a window, which needs {len(header) + LEAST_PART}; give a larger phi")
        part, window = fill(samples, before, size - len(header), self.tables)
        self.twin.keep(replace(window, revision=revision))
        return header + part

    def decoded(self, revision: int) -> Int16[np.ndarray, "length channels"]:
        """What the edge makes of a whole stream sent here. Raises `MissingReference`."""
        return self.twin.at(revision).samples

    def _header(self, before: Window | None, shape: tuple[int, int]) -> bytes:
        if before is None:
            return bytes([SERIES_FIRST << 4 | VERSION]) + self.tables.identity.to_bytes(2, "little") + bytes(shape)
        return bytes([SERIES_CONDITIONAL << 4 | VERSION]) + check_of(before, self.tables).to_bytes(2, "little")


class WindowDecoder:
    """The edge's end: streams in, windows out, every decoded revision kept as a reference."""

    def __init__(self, tables: SeriesTables | None = None) -> None:
        self.tables = tables or shipped_series()
        self.twin: Twin[Window] = Twin()

    def decode(
        self, stream: bytes, revision: int, reference: int | None = None
    ) -> Int16[np.ndarray, "length channels"]:
        """The samples of a stream, whole or cut; its revision is then held.

        Raises `DamagedStream`, `OtherTables`, `MissingReference`.
        """
        kind = SERIES_FIRST if reference is None else SERIES_CONDITIONAL
        if not stream or stream[0] != kind << 4 | VERSION:
            raise DamagedStream(
                f"the bytes begin no window coded {'alone' if reference is None else 'against another'}"
            )
        length = FIRST_BYTES if reference is None else CONDITIONAL_BYTES
        if len(stream) < length:
            raise DamagedStream(f"{len(stream)} bytes end within the header")
        before, shape = self._base(stream, reference)
        window = read_part(stream[length:], before, shape, self.tables)
        self.twin.keep(replace(window, revision=revision))
        return window.samples

    def _base(self, stream: bytes, reference: int | None) -> tuple[Window | None, tuple[int, int]]:
        """What the window is predicted from, and its shape."""
        check = int.from_bytes(stream[1:3], "little")
        if reference is not None:
            before = self.twin.at(reference)
            if check_of(before, self.tables) != check:
                raise MissingReference(reference, (), other_samples=True)
            return before, before.samples.shape
        if check != self.tables.identity:
            raise OtherTables(
                f"the stream was written with tables {check:04x}, this decoder has {self.tables.identity:04x}; "
                "both ends need the same release"
            )
        samples, channels = stream[3], stream[4]
        if not (samples and 0 < channels <= MOST_CHANNELS):
            raise DamagedStream(f"a window of {samples} x {channels} samples is not within this format's bounds")
        return None, (samples, channels)
