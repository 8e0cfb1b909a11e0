"""Exact coding of a picture's samples, for extraction factors that leave room for it; phi = 1 always does.

Each sample is predicted from its decoded neighbours, from the reference moved by the neighbours' difference, or from
both, whichever erred least around it; the error's class is coded adaptively, starting from even odds.
"""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled, inner
from twinsync.codec.range_coder import Coder, code_bit, code_even

ACTIVITIES, LENGTHS = 12, 9  # classes of the errors around a sample; bit lengths of an error
SLOTS = ACTIVITIES * LENGTHS * 3 + LENGTHS * LENGTHS * LENGTHS + LENGTHS * 4 * ACTIVITIES
MIXERS = 2 * LENGTHS
_BY_NEAR = ACTIVITIES * LENGTHS * 3
_BY_TOP = _BY_NEAR + LENGTHS * LENGTHS * LENGTHS


@inner
def _bit_length(value: int) -> int:
    bits = 0
    while value > 0:
        value >>= 1
        bits += 1
    return bits


@inner
def _candidate(samples: np.ndarray, reference: np.ndarray, y: int, x: int, which: int) -> int:
    """Prediction of a sample: 0 from its neighbours, 1 from the reference, 2 from both."""
    w = int(samples[y, x - 1]) if x > 0 else (int(samples[y - 1, x]) if y > 0 else 128)
    n = int(samples[y - 1, x]) if y > 0 else w
    c = int(samples[y - 1, x - 1]) if x > 0 and y > 0 else n
    spatial = min(w, n) if c >= max(w, n) else (max(w, n) if c <= min(w, n) else w + n - c)
    if which == 0:
        return spatial
    here = int(reference[y, x])
    if which == 1:
        return here
    rw = int(reference[y, x - 1]) if x > 0 else here
    rn = int(reference[y - 1, x]) if y > 0 else here
    return min(255, max(0, here + ((w - rw + n - rn) >> 1)))


@compiled
def code_exact(coder: Coder, wanted: np.ndarray, reference: np.ndarray, samples: np.ndarray) -> bool:
    """Write `wanted`, or read, into `samples` [H, W] uint8; an empty reference means none. False where bytes end."""
    height, width = samples.shape
    candidates = 3 if reference.shape[0] else 1
    erred = np.zeros((candidates, height, width), np.int16)
    length_of = np.zeros((height, width), np.int8)
    for y in range(height):
        for x in range(width):
            chosen, lowest = 0, 1 << 30
            for which in range(candidates):
                total = 2 * erred[which, y, x - 1] if x > 0 else 0
                if y > 0:
                    total += 2 * erred[which, y - 1, x]
                    total += erred[which, y - 1, x - 1] if x > 0 else 0
                    total += erred[which, y - 1, x + 1] if x < width - 1 else 0
                if total < lowest:
                    chosen, lowest = which, total
            expected = _candidate(samples, reference, y, x, chosen)
            error = 0
            if wanted.shape[0]:
                difference = ((int(wanted[y, x]) - expected + 128) & 255) - 128
                error = 2 * difference if difference >= 0 else -2 * difference - 1
            left = int(length_of[y, x - 1]) if x > 0 else 0
            above = int(length_of[y - 1, x]) if y > 0 else 0
            error = _code_error(coder, error, min(ACTIVITIES - 1, _bit_length(lowest * lowest)), chosen, left, above)
            if error < 0:
                return False
            length_of[y, x] = _bit_length(error)
            difference = error >> 1 if error % 2 == 0 else -((error + 1) >> 1)
            value = (expected + difference) & 255
            samples[y, x] = value
            for which in range(candidates):
                erred[which, y, x] = abs(value - _candidate(samples, reference, y, x, which))
    return True


@inner
def _code_error(coder: Coder, error: int, activity: int, chosen: int, left: int, above: int) -> int:
    """An error 0 .. 255: its bit length in unary, then its bits; -1 at the end of the bytes."""
    wanted = _bit_length(error)
    length = 0
    while length < LENGTHS - 1:
        coder.slot[0] = (activity * LENGTHS + length) * 3 + chosen
        coder.slot[1] = _BY_NEAR + (left * LENGTHS + above) * LENGTHS + length
        more = code_bit(coder, 2, length, 1 if wanted > length else 0)
        if more < 0:
            return -1
        if not more:
            break
        length += 1
    if length == 0:
        return 0
    value = 1
    for k in range(length - 2, -1, -1):
        if k >= length - 3:
            place = 0 if k == length - 2 else 1 + (value & 1)
            coder.slot[0] = _BY_TOP + (length * 4 + place) * ACTIVITIES + activity
            bit = code_bit(coder, 1, LENGTHS + length, (error >> k) & 1)
        else:
            bit = code_even(coder, (error >> k) & 1)
        if bit < 0:
            return -1
        value = 2 * value + bit
    return value
