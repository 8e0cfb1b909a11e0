"""The coder gives back what it was given, from whole streams; from cut ones, a true prefix."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.codec.range_coder import (
    POSITION,
    Coder,
    code_bit,
    finish_encoding,
    start_decoding,
    start_encoding,
)
from twinsync.codec.tables import untrained


def _coder(buffer: np.ndarray) -> Coder:
    return untrained().coder(buffer)


def _bits(count: int, share: float) -> np.ndarray:
    return (np.random.default_rng(1).random(count) < share).astype(int)


def _encode(bits: np.ndarray) -> bytes:
    coder = _coder(np.zeros(len(bits) + 8, np.uint8))
    start_encoding(coder, len(bits) + 8)
    for place, bit in enumerate(bits):
        coder.slot[:2] = place % 3, 10 + place % 2
        code_bit(coder, 2, 0, int(bit))
    return coder.buffer[: finish_encoding(coder)].tobytes()


def _decode(content: bytes, count: int) -> list[int]:
    coder = _coder(np.frombuffer(content, np.uint8).copy())
    start_decoding(coder, 0, len(content))
    bits: list[int] = []
    for place in range(count):
        coder.slot[:2] = place % 3, 10 + place % 2
        bit = code_bit(coder, 2, 0, 0)
        if bit < 0:
            break
        bits.append(bit)
    return bits


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_decoded_bits_are_those_encoded(share: float) -> None:
    bits = _bits(3000, share)
    content = _encode(bits)
    assert _decode(content, len(bits)) == bits.tolist()
    # Within 8 % and four bytes of the entropy: adaptation and the end cost something, precision nothing to speak of.
    p = bits.mean()
    entropy = -len(bits) * (p * np.log2(p) + (1 - p) * np.log2(1 - p)) / 8
    assert len(content) < 1.08 * entropy + 12


def test_a_cut_stream_decodes_to_a_true_prefix_that_grows_with_the_bytes() -> None:
    bits = _bits(2000, 0.2).tolist()
    content = _encode(np.array(bits))
    lengths = []
    for cut in range(0, len(content) + 1, 7):
        prefix = _decode(content[:cut], len(bits))
        assert prefix == bits[: len(prefix)]
        lengths.append(len(prefix))
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[-1] > 0.9 * len(bits)


def test_the_encoder_stops_at_its_limit() -> None:
    coder = _coder(np.zeros(100, np.uint8))
    start_encoding(coder, 10)
    coder.slot[:2] = 0, 10
    random = np.random.default_rng(0)
    coded = [code_bit(coder, 2, 0, int(random.integers(2))) for _ in range(500)]
    assert coded[0] in (0, 1)
    assert coded[-1] == -1
    assert coder.state[POSITION] == 10
    assert not coder.buffer[10:].any()
