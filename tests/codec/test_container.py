"""Headers and exact sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.codec.container import (
    CONDITIONAL,
    FIRST,
    DamagedStream,
    Header,
    MissingReference,
    pack,
    parse,
    wire_bytes,
)
from twinsync.errors import InputError


@pytest.mark.parametrize(
    ("factor", "bits", "expected"),
    [
        (0.005, 614_400, 384),  # 3072 bits
        (0.3, 614_400, 23_040),  # 184,320 bits
        (0.01, 600_001, 750),  # 6000.01 bits: 6000 whole bits, 750 bytes
        (1.0, 614_400, 76_800),
    ],
)
def test_wire_size_by_hand(factor: float, bits: int, expected: int) -> None:
    assert wire_bytes(factor, bits) == expected


def test_wire_size_is_exact_at_10_000_random_factors_and_sizes() -> None:
    random = np.random.default_rng(0)
    for factor, bits in zip(random.uniform(0.005, 1, 10_000), random.integers(6e5, 8e5, 10_000), strict=True):
        assert wire_bytes(float(factor), int(bits)) == math.floor(factor * bits) // 8


@pytest.mark.parametrize("factor", [0.0, 0.0009, 1.01, math.nan, -1.0])
def test_a_factor_out_of_bounds_is_refused(factor: float) -> None:
    with pytest.raises(InputError, match="outside its bound"):
        wire_bytes(factor, 614_400)


@given(st.integers(1, 2**35 - 1), st.data())
def test_header_comes_back(revision: int, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([FIRST, CONDITIONAL]))
    tables, check = data.draw(st.integers(0, 65535)), data.draw(st.integers(0, 65535))
    if kind == FIRST:
        sides = st.integers(1, 4096)
        header = Header(FIRST, tables, revision, data.draw(sides), data.draw(sides))
    else:
        back = data.draw(st.integers(1, min(revision, 2**35 - 1)))
        header = Header(CONDITIONAL, tables, revision, reference=revision - back, check=check)
    content = pack(header)
    read = parse(content + b"rest")
    assert read.length == len(content)
    assert pack(read) == content
    for cut in range(len(content)):
        with pytest.raises(DamagedStream):
            parse(content[:cut])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x11",
        b"\x10\0\0\0\0\0\0\0\0",  # another version
        b"\x91\0\0\0\0\0\0\0\0",  # no such kind
        b"\x31\0\0\0\x10\0\x10\0\0",  # nor one of the number between those of pictures and of series
        b"\x11\0\0\0\0\0\0\0",  # a picture without samples
        b"\x11\0\0\0\xff\xff\xff\xff",  # a picture of 4 Gi samples
        b"\x21\0\0\x05\x06\0\0",  # against a revision that is none
        b"\x21\0\0\x05\0\0\0",  # against itself
        b"\x21\0\0\xff\xff\xff\xff\xff\xff\xff\xff",  # a number without end
    ],
)
def test_no_header(content: bytes) -> None:
    with pytest.raises(DamagedStream):
        parse(content)


def test_a_missing_reference_names_what_is_held() -> None:
    assert "other samples" in str(MissingReference(7, (), other_samples=True))
    error = MissingReference(7, (3, 5))
    assert error.revision == 7
    assert "revision 7" in str(error)
    assert "3, 5" in str(error)
