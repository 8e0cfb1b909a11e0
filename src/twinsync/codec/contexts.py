"""Layout of the context slots and mixers of the frame codec, and the classes that contexts are made of."""

from __future__ import annotations

from twinsync.codec.compiled import inner

PLANES = 6  # bit-planes told apart; higher ones share the last class
LEVELS = 12  # classes of a logarithmic measure
BUSY = 10  # what the last picture needed in a block (5 classes), or how much of it moves (5 more)
GROUPS = 4  # of 16 coefficients along the scan

_next_slot = 0
_next_mixer = 0


def _slots(size: int) -> int:
    global _next_slot
    start = _next_slot
    _next_slot += size
    return start


def _mixers(size: int) -> int:
    global _next_mixer
    start = _next_mixer
    _next_mixer += size
    return start


# Modes and motion; each kind of decision of a macroblock [0] and of a block [1].
STATIC_NEAR = _slots(2 * 8 * 16 * 6)
STATIC_BUSY = _slots(2 * 4 * BUSY * BUSY)
STATIC_TEXTURE = _slots(2 * LEVELS * LEVELS)
WHICH_STATIC = _slots(2 * 3 * 27 * 8)
WHICH_STATIC_FLAT = _slots(2 * 3 * LEVELS)
SPLIT = _slots(9 * 8)
SPLIT_BUSY = _slots(BUSY)
MERGE = _slots(2 * 2 * 9)
REFERENCE = _slots(2 * 8 * 3)
MOTION_CLASS = _slots(2 * 10 * 4)
MOTION_SIGN = _slots(2 * 3)
MOTION_BITS = _slots(2 * 10 * 2)
# Significance of a block at a plane.
BLOCK_NEAR = _slots(PLANES * 16 * BUSY * 4)
BLOCK_PATTERN = _slots(PLANES * 64 * 4)
BLOCK_CHANGE = _slots(PLANES * LEVELS * 4 * 4)
BLOCK_TEXTURE = _slots(PLANES * LEVELS * 4 * 4)
BLOCK_ENERGY = _slots(PLANES * LEVELS * LEVELS)
BLOCK_BUSY = _slots(PLANES * BUSY * 5 * 4)
# Significance of a group of coefficients at a plane.
GROUP_PLACE = _slots(PLANES * GROUPS * 4 * 5)
GROUP_COUNT = _slots(PLANES * GROUPS * 8)
GROUP_TEXTURE = _slots(PLANES * GROUPS * LEVELS * 2)
GROUP_CHANGE = _slots(PLANES * GROUPS * LEVELS)
# Significance of a coefficient at a plane.
COEFFICIENT_PLACE = _slots(PLANES * 64 * 4)
COEFFICIENT_NEAR = _slots(15 * LEVELS * PLANES)
COEFFICIENT_ACROSS = _slots(64 * LEVELS * 2)
COEFFICIENT_COUNT = _slots(64 * 8 * 2)
COEFFICIENT_TEXTURE = _slots(15 * LEVELS * PLANES * 2)
COEFFICIENT_CHANGE = _slots(15 * LEVELS * 8)
COEFFICIENT_SHAPE = _slots(81 * 8 * 2)
# Signs and refinement.
SIGN_ACROSS = _slots(16 * 9)
SIGN_TEXTURE = _slots(64 * 3 * 4)
REFINE_NEAR = _slots(LEVELS * PLANES * 3)
REFINE_PLACE = _slots(15 * 3 * PLANES)
# The moving mask.
MASK_WIDE = _slots(1024)
MASK_FAR = _slots(16 * 128)
MASK_BEFORE = _slots(16 * 8)
MASK_PLACE = _slots(16 * 16)
MASK_RUN = _slots(4 * 32)
MASK_RUN_PLACE = _slots(32 * 8)
SLOTS = _next_slot

MIX_STATIC = _mixers(2)
MIX_WHICH_STATIC = _mixers(2 * 3)
MIX_MOTION = _mixers(6)
MIX_BLOCK = _mixers(PLANES * 5)
MIX_COEFFICIENT = _mixers(PLANES * 8)
MIX_GROUP = _mixers(PLANES * GROUPS)
MIX_SIGN = _mixers(2)
MIX_REFINE = _mixers(2)
MIX_MASK = _mixers(17)
MIXERS = _next_mixer


@inner
def octaves(value: int) -> int:
    """Logarithmic measure of a ratio in 1/16, two an octave: 7 at 1, 0 below 1/8."""
    square = (min(value, 1 << 20) * min(value, 1 << 20)) >> 2
    bits = 0
    while square > 0:
        square >>= 1
        bits += 1
    return bits


@inner
def level(value: int) -> int:
    """Logarithmic class 0 .. 11 of a ratio in 1/16."""
    return min(LEVELS - 1, octaves(value))


@inner
def level_at(measure: int, plane: int) -> int:
    """Class of a ratio to a plane's unit, from its measure (`octaves`) against the lowest plane's."""
    return min(LEVELS - 1, max(0, measure - 2 * plane))


@inner
def count_class(value: int) -> int:
    """Class 0 .. 11 of a sum of magnitudes: exact to 4, then coarser."""
    if value <= 4:
        return value
    if value <= 6:
        return 5
    if value <= 8:
        return 6
    if value <= 11:
        return 7
    if value <= 15:
        return 8
    if value <= 22:
        return 9
    if value <= 40:
        return 10
    return 11
