"""A frame: what a device sends over the radio, a binary header and the codec's stream.

| bytes | field |
|---|---|
| 2 | `TS` |
| 1 | version of the header |
| 1 | 0 |
| 4 | session of the device |
| 4 | slot |
| 4 | revision that the stream makes |
| 4 | revision that it was coded against, -1 for none (signed) |
| 8 | extraction factor phi |
| 4 | bits on the air: header and stream |
| 8 | when the sensor was read, seconds on the device's clock |
| 4 | CRC-32 of all of this before it, and of the stream |

Little-endian. A frame has floor(phi D / 8) bytes, header included, so that the radio carries what eq. (12) charges.
"""

from __future__ import annotations

import math
import struct
import zlib

import msgspec

MAGIC = b"TS"
VERSION = 1
ALONE = -1  # the reference of a stream that was coded against nothing

_BEGIN = struct.Struct("<2sB")
_FIELDS = struct.Struct("<2sBBIIIidId")
_CHECK = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CHECK.size
LEAST_STREAM = 16  # bytes of a stream below which a codec has nothing to say
LEAST_FRAME = HEADER_BYTES + LEAST_STREAM


class ProtocolError(ValueError):
    """Bytes that this version of the protocol cannot take; the message says why."""


class UnknownVersion(ProtocolError):
    """The bytes are of another version of the protocol."""


class Header(msgspec.Struct, frozen=True):
    """The header of a frame, as in the table above."""

    session: int
    slot: int
    revision: int
    reference: int
    extraction_factor: float
    observed_at: float
    bits: int = 0


def frame_bytes(extraction_factor: float, data_bits: float) -> int:
    """Bytes of a frame at phi of D raw bits: floor(phi D) bits, of these the whole bytes."""
    return math.floor(extraction_factor * data_bits) // 8


def least_factor(data_bits: float) -> float:
    """The least phi of D raw bits whose frame has a header and a stream, at most 1."""
    return min(1.0, (8 * LEAST_FRAME + 0.5) / data_bits)


def pack(header: Header, stream: bytes) -> bytes:
    """The frame of a stream; its `bits` are counted here."""
    fields = _FIELDS.pack(
        *(MAGIC, VERSION, 0, header.session, header.slot, header.revision, header.reference),
        *(header.extraction_factor, 8 * (HEADER_BYTES + len(stream)), header.observed_at),
    )
    return fields + _CHECK.pack(zlib.crc32(stream, zlib.crc32(fields))) + stream


def parse(frame: bytes) -> tuple[Header, bytes]:
    """A frame's header and stream. Raises `UnknownVersion`, and `ProtocolError` for what is damaged or no frame."""
    if len(frame) < HEADER_BYTES:
        raise ProtocolError(f"{len(frame)} bytes are too few for a frame")
    magic, version = _BEGIN.unpack_from(frame)
    if magic != MAGIC:
        raise ProtocolError(f"{magic!r} begins no frame")
    if version != VERSION:
        raise UnknownVersion(f"the frame has version {version}, this release knows version {VERSION}")
    *_, session, slot, revision, reference, factor, bits, observed_at = _FIELDS.unpack_from(frame)
    stream = frame[HEADER_BYTES:]
    if bits != 8 * len(frame):
        raise ProtocolError(f"the frame says {bits} bits and has {8 * len(frame)}")
    if _CHECK.unpack_from(frame, _FIELDS.size)[0] != zlib.crc32(stream, zlib.crc32(frame[: _FIELDS.size])):
        raise ProtocolError("the frame is damaged: its check sum differs")
    return Header(session, slot, revision, reference, factor, observed_at, bits), stream
