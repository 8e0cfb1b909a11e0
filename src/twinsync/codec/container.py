"""The stream's header, its exact size, and the errors that a decoder answers with.

| bytes | field |
|---|---|
| 1 | kind (upper four bits), format version (lower four) |
| 2 | identity of the trained tables |
| 1 to 5 | revision of the twin that the stream makes, seven bits a byte |
| 4 | kind `first`: height and width |
| 3 to 7 | kind `conditional`: how many revisions back the reference lies, then 16 check bits of its content |

What follows belongs to the kind's codec. A series has a shorter header of its own after the first byte: see `series`
for the kind `series`, `series_twin` for `series first` and `series conditional`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinsync.errors import InputError

VERSION = 1
FIRST, CONDITIONAL, SERIES, SERIES_FIRST, SERIES_CONDITIONAL = 1, 2, 4, 5, 6
LEAST_FACTOR = 0.001
MOST_SIDE = 8192
MOST_SAMPLES = 1 << 24


class StreamError(InputError):
    """A stream that cannot be decoded; the message says why."""


class DamagedStream(StreamError):
    """The bytes are no stream of this format, or too short for one."""


class OtherTables(StreamError):
    """The stream was written with other trained tables than this decoder has."""


class MissingReference(StreamError):
    """The decoder does not hold the revision that the stream was coded against; `revision` is its number."""

    def __init__(self, revision: int, held: tuple[int, ...], other_samples: bool = False) -> None:
        self.revision = revision
        self.held = held
        if other_samples:
            super().__init__(
                f"the stream was coded against revision {revision} with other samples than this decoder holds: was "
                "that stream cut? Code against an older one, or alone"
            )
            return
        have = f"this decoder holds {', '.join(map(str, held))}" if held else "this decoder holds none"
        super().__init__(f"the stream was coded against revision {revision}, {have}; send it against one of those")


@dataclass(frozen=True)
class Header:
    """What a stream says of itself before its coded part, which begins at byte `length`."""

    kind: int
    tables: int
    revision: int
    height: int = 0
    width: int = 0
    reference: int = -1
    check: int = 0
    length: int = 0


def wire_bytes(extraction_factor: float, data_bits: int) -> int:
    """Bytes of a stream at extraction factor phi of D raw bits: floor(phi D) bits, of these the whole bytes.

    Raises `InputError` for a phi outside [0.001, 1].
    """
    if not LEAST_FACTOR <= extraction_factor <= 1.0:
        raise InputError(f"phi = {extraction_factor:g} is outside its bound [{LEAST_FACTOR:g}, 1]")
    return math.floor(extraction_factor * data_bits) // 8


def within_bounds(height: int, width: int) -> bool:
    """Whether the format takes pictures of so many samples."""
    return 0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE and height * width <= MOST_SAMPLES


def pack(header: Header) -> bytes:
    """The header's bytes."""
    out = bytes([header.kind << 4 | VERSION]) + header.tables.to_bytes(2, "little") + _number(header.revision)
    if header.kind == FIRST:
        return out + header.height.to_bytes(2, "little") + header.width.to_bytes(2, "little")
    if header.kind == CONDITIONAL:
        return out + _number(header.revision - header.reference) + header.check.to_bytes(2, "little")
    return out


def parse(stream: bytes) -> Header:
    """The header of a stream. Raises `DamagedStream`."""
    if len(stream) < 4:
        raise DamagedStream(f"{len(stream)} bytes are too few for a stream")
    kind, version = stream[0] >> 4, stream[0] & 15
    if version != VERSION or kind not in (FIRST, CONDITIONAL, SERIES):
        raise DamagedStream(f"the first byte, {stream[0]:#04x}, begins no stream of this version ({VERSION})")
    tables = int.from_bytes(stream[1:3], "little")
    revision, at = _read_number(stream, 3)
    if kind == FIRST:
        height, width = (int.from_bytes(_take(stream, at + 2 * i, 2), "little") for i in range(2))
        if not within_bounds(height, width):
            raise DamagedStream(f"a picture of {width}x{height} samples is not within this format's bounds")
        return Header(kind, tables, revision, height, width, length=at + 4)
    if kind == CONDITIONAL:
        back, at = _read_number(stream, at)
        check = int.from_bytes(_take(stream, at, 2), "little")
        if not 0 < back <= revision:
            raise DamagedStream(f"revision {revision} cannot be coded against the one {back} before it")
        return Header(kind, tables, revision, reference=revision - back, check=check, length=at + 2)
    return Header(kind, tables, revision, length=at)


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_number(stream: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(5):
        byte = _take(stream, at + place, 1)[0]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise DamagedStream("a number of the header has more than five bytes")


def _take(stream: bytes, at: int, count: int) -> bytes:
    if at + count > len(stream):
        raise DamagedStream(f"{len(stream)} bytes end within the header")
    return stream[at : at + count]
