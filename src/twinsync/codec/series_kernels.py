"""Coding of a window's levels; one kernel writes and reads."""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled
from twinsync.codec.range_coder import Coder, code_bit, code_even

BANDS, SIZES, CHANNELS, RUNS = 12, 12, 6, 14  # classes of frequency, magnitude, channel; unary part of a magnitude
BY_CHANNEL = 0
BY_NEAR = BY_CHANNEL + CHANNELS * BANDS * RUNS
BY_BEFORE = BY_NEAR + SIZES * BANDS * RUNS
BY_OTHERS = BY_BEFORE + SIZES * BANDS * RUNS
BY_STEP = BY_OTHERS + SIZES * SIZES * RUNS
SLOTS = BY_STEP + 26 * BANDS * RUNS
MIXERS = RUNS


@compiled
def _bits(value: int) -> int:
    bits = 0
    while value > 0:
        value >>= 1
        bits += 1
    return bits


@compiled
def _band(k: int) -> int:
    """Class of a frequency: each of the first four alone, then two classes an octave."""
    if k < 4:
        return k
    octave = _bits(k) - 3
    return min(BANDS - 1, 4 + 2 * octave + ((k >> (octave + 1)) & 1))


@compiled
def _set_slots(coder: Coder, levels: np.ndarray, before: np.ndarray, step: int, k: int, c: int) -> None:
    """Sets the slots of a coefficient's first decision; later ones of the same coefficient lie behind."""
    band = _band(k)
    near = 0
    if k > 0:
        near += 2 * abs(levels[k - 1, c])
    if k > 1:
        near += abs(levels[k - 2, c])
    others = 0
    for other in range(levels.shape[1]):
        if other < c:
            others += abs(levels[k, other])
        elif k > 0 and other > c:
            others += abs(levels[k - 1, other])
    held = 0 if before[k, c] < 0 else 1 + min(SIZES - 2, _bits(4 * int(before[k, c]) // step))
    near_class, others_class = min(SIZES - 1, _bits(2 * near)), min(SIZES - 1, _bits(2 * others))
    coder.slot[0] = BY_CHANNEL + (min(c, CHANNELS - 1) * BANDS + band) * RUNS
    coder.slot[1] = BY_NEAR + (near_class * BANDS + band) * RUNS
    coder.slot[2] = BY_BEFORE + (held * BANDS + band) * RUNS
    coder.slot[3] = BY_OTHERS + (near_class * SIZES + others_class) * RUNS
    coder.slot[4] = BY_STEP + (min(25, _bits(step)) * BANDS + band) * RUNS


@compiled
def _code_magnitude(coder: Coder, magnitude: int) -> int:
    """Unary to `RUNS` by the slots set, then an exponential code at even odds; -1 at the end of the bytes."""
    value = 0
    while value < RUNS - 1:
        more = code_bit(coder, 5, value, 1 if magnitude > value else 0)
        if more < 0:
            return -1
        if not more:
            return value
        value += 1
        for i in range(5):
            coder.slot[i] += 1
    rest = magnitude - value + 1
    wanted = _bits(rest)
    bits = 1
    while bits < 24:
        more = code_even(coder, 1 if wanted > bits else 0)
        if more < 0:
            return -1
        if not more:
            break
        bits += 1
    result = 1
    for k in range(bits - 2, -1, -1):
        bit = code_even(coder, (rest >> k) & 1)
        if bit < 0:
            return -1
        result = 2 * result + bit
    return value + result - 1


@compiled
def code_levels(coder: Coder, wanted: np.ndarray, before: np.ndarray, step: int, levels: np.ndarray) -> bool:
    """Write `wanted` [length, channels] int32, or read, into `levels` (zeros before); False where the bytes end.

    `before` has the magnitudes of the window before in the unit of `step`, or -1.
    """
    encoding = wanted.shape[0] > 0
    for k in range(levels.shape[0]):
        for c in range(levels.shape[1]):
            _set_slots(coder, levels, before, step, k, c)
            value = int(wanted[k, c]) if encoding else 0
            magnitude = _code_magnitude(coder, abs(value))
            if magnitude < 0:
                return False
            if magnitude:
                negative = code_even(coder, 1 if value < 0 else 0)
                if negative < 0:
                    return False
                levels[k, c] = -magnitude if negative else magnitude
    return True
