"""Frames: every field comes back, whatever is wrong is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.live.protocol.frame import HEADER_BYTES, Header, ProtocolError, UnknownVersion, frame_bytes, pack, parse

HEADER = Header(session=7, slot=3, revision=12, reference=11, extraction_factor=0.02, observed_at=1.5e9 + 0.25)


@given(st.binary(max_size=100), st.integers(-1, 2**31 - 1), st.floats(0.001, 1.0))
def test_a_frame_comes_back(stream: bytes, reference: int, factor: float) -> None:
    header = Header(2**32 - 1, 2**32 - 1, 2**32 - 1, reference, factor, -1.25)
    parsed, again = parse(pack(header, stream))
    assert again == stream
    assert parsed == Header(2**32 - 1, 2**32 - 1, 2**32 - 1, reference, factor, -1.25, 8 * (HEADER_BYTES + len(stream)))


@pytest.mark.parametrize("place", range(HEADER_BYTES + 5))
def test_any_flipped_bit_is_seen(place: int) -> None:
    frame = bytearray(pack(HEADER, b"12345"))
    frame[place] ^= 0x10
    with pytest.raises(ProtocolError):
        parse(bytes(frame))


def test_another_version_is_named() -> None:
    frame = bytearray(pack(HEADER, b""))
    frame[2] = 9
    with pytest.raises(UnknownVersion, match="version 9, this release knows version 1"):
        parse(bytes(frame))


@pytest.mark.parametrize("frame", [b"", b"TS\x01", b"XX" + bytes(60), pack(HEADER, b"1234")[:-1]])
def test_no_frame(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(frame)


def test_the_header_is_part_of_the_budget() -> None:
    # floor(0.02 * 614400) = 12288 bits, 1536 bytes, of which the header takes 44.
    assert frame_bytes(0.02, 614400.0) == 1536
    assert HEADER_BYTES == 44
