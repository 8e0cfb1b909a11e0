"""Syntax of modes and motion: one kernel writes and reads it.

A macroblock of 16x16 is static (predicted from background, previous picture, or their mean, without motion), moves as
a whole, or is split into four 8x8 blocks, each static or moving. Motion is taken over from the left or the upper
neighbour, or sent as reference and difference from a neighbour's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec import contexts as cx
from twinsync.codec.compiled import compiled, inner
from twinsync.codec.prediction import BACKGROUND, MEAN, MOTION, PREVIOUS
from twinsync.codec.range_coder import Coder, code_bit, code_even

KNOWN_TO_MOVE = 5  # classes of `Surroundings.busy` from here on come from a mask
MOTION_LIMIT = 255  # largest difference of a component of motion, in half samples


class Modes(NamedTuple):
    """How each 8x8 block of a picture is predicted."""

    split: np.ndarray  # [rows/2, columns/2] uint8, the macroblock's blocks have modes of their own
    mode: np.ndarray  # [rows, columns] uint8
    reference: np.ndarray  # [rows, columns] uint8, 0 the previous picture
    motion: np.ndarray  # [rows, columns, 2] int16, half samples down and right


class Surroundings(NamedTuple):
    """What both ends know of each block before it is coded."""

    change: np.ndarray  # [rows, columns] int32, mean absolute difference of previous and background, in 1/16
    texture: np.ndarray  # [rows, columns] int32, mean absolute deviation of the static prediction, in 1/16
    busy: np.ndarray  # [rows, columns] uint8, 0 .. 4 what the last picture needed, or 5 .. 9 how much is known to move


def empty_modes(rows: int, columns: int) -> Modes:
    """All blocks predicted from the background: also what a block keeps that a cut stream does not reach."""
    return Modes(
        np.zeros((rows // 2, columns // 2), np.uint8),
        np.full((rows, columns), BACKGROUND, np.uint8),
        np.zeros((rows, columns), np.uint8),
        np.zeros((rows, columns, 2), np.int16),
    )


@inner
def _moving(modes: Modes, row: int, column: int) -> int:
    inside = row >= 0 and 0 <= column < modes.mode.shape[1]
    return 1 if inside and modes.mode[row, column] == MOTION else 0


@inner
def _static_class(modes: Modes, row: int, column: int) -> int:
    if row < 0 or column < 0 or modes.mode[row, column] == MOTION:
        return 0
    return 1 if modes.mode[row, column] == BACKGROUND else 2


@inner
def _largest(values: np.ndarray, row: int, column: int, size: int) -> int:
    largest = 0
    for i in range(size):
        for j in range(size):
            largest = max(largest, int(values[row + i, column + j]))
    return largest


@inner
def _busy(values: np.ndarray, row: int, column: int, size: int) -> int:
    if row < 0 or column < 0 or row + size > values.shape[0] or column + size > values.shape[1]:
        return 0
    return _largest(values, row, column, size)


@inner
def _code_static(coder: Coder, modes: Modes, around: Surroundings, row: int, column: int, size: int, bit: int) -> int:
    """Whether the block is predicted without motion (1)."""
    kind = 0 if size == 2 else 1
    change = cx.level(_largest(around.change, row, column, size) >> 1)
    texture = cx.level(_largest(around.texture, row, column, size) >> 2)
    left, up = _moving(modes, row, column - 1), _moving(modes, row - 1, column)
    near = left + 2 * up + 4 * _moving(modes, row - 1, column + size) + 8 * _moving(modes, row - 1, column - 1)
    busy = _busy(around.busy, row, column, size)
    beyond = max(_busy(around.busy, row, column + size, size), _busy(around.busy, row + size, column, size))
    told = min(busy, 2) if busy < 5 else 3 + min(busy - 5, 2)
    coder.slot[0] = cx.STATIC_NEAR + ((kind * 8 + min(change, 7)) * 16 + near) * 6 + told
    coder.slot[1] = cx.STATIC_BUSY + ((kind * 4 + left + 2 * up) * cx.BUSY + busy) * cx.BUSY + beyond
    coder.slot[2] = cx.STATIC_TEXTURE + (kind * cx.LEVELS + change) * cx.LEVELS + texture
    return code_bit(coder, 3, cx.MIX_STATIC + kind, bit)


@inner
def _code_which(coder: Coder, modes: Modes, around: Surroundings, row: int, column: int, size: int, mode: int) -> int:
    """Which static prediction: mean, else background, else previous; the mode, or -1."""
    kind = 0 if size == 2 else 1
    change = cx.level(_largest(around.change, row, column, size) >> 1)
    left, up = _static_class(modes, row, column - 1), _static_class(modes, row - 1, column)
    corner = _static_class(modes, row - 1, min(column + size, modes.mode.shape[1] - 1))
    near = left + 3 * up + 9 * corner
    for step in range(2):
        wanted = MEAN if step == 0 else BACKGROUND
        coder.slot[0] = cx.WHICH_STATIC + ((kind * 3 + step) * 27 + near) * 8 + min(change, 7)
        coder.slot[1] = cx.WHICH_STATIC_FLAT + (kind * 3 + step) * cx.LEVELS + change
        bit = code_bit(coder, 2, cx.MIX_WHICH_STATIC + kind * 3 + step, 1 if mode == wanted else 0)
        if bit < 0:
            return -1
        if bit:
            return wanted
    return PREVIOUS


@inner
def _code_component(coder: Coder, axis: int, difference: int, near: int) -> int:
    """A component of a motion difference, -255 .. 255; 9999 at the end of the bytes."""
    magnitude = abs(difference)
    bits = 0
    while (magnitude >> bits) > 0:
        bits += 1
    length = 0
    while length < 8:
        coder.slot[0] = cx.MOTION_CLASS + (axis * 10 + length) * 4 + near
        more = code_bit(coder, 1, cx.MIX_MOTION + 2, 1 if bits > length else 0)
        if more < 0:
            return 9999
        if more == 0:
            break
        length += 1
    if length == 0:
        return 0
    value = 1
    for k in range(length - 2, -1, -1):
        if k == length - 2:
            coder.slot[0] = cx.MOTION_BITS + (axis * 10 + length) * 2
            bit = code_bit(coder, 1, cx.MIX_MOTION + 3, (magnitude >> k) & 1)
        else:
            bit = code_even(coder, (magnitude >> k) & 1)
        if bit < 0:
            return 9999
        value = 2 * value + bit
    coder.slot[0] = cx.MOTION_SIGN + axis * 3
    negative = code_bit(coder, 1, cx.MIX_MOTION + 4, 1 if difference < 0 else 0)
    if negative < 0:
        return 9999
    return -value if negative else value


@inner
def _same(one: Modes, row: int, column: int, other: Modes, other_row: int, other_column: int) -> bool:
    return (
        one.reference[row, column] == other.reference[other_row, other_column]
        and one.motion[row, column, 0] == other.motion[other_row, other_column, 0]
        and one.motion[row, column, 1] == other.motion[other_row, other_column, 1]
    )


@inner
def _code_merge(coder: Coder, modes: Modes, wanted: Modes, row: int, column: int, kind: int) -> int:
    """Whether reference and motion are those of the left or the upper neighbour, which are then set (1); else 0."""
    left, up = _moving(modes, row, column - 1), _moving(modes, row - 1, column)
    for side in range(2):
        if not (left if side == 0 else up):
            continue
        other_row, other_column = (row, column - 1) if side == 0 else (row - 1, column)
        if side == 1 and left and _same(modes, row - 1, column, modes, row, column - 1):
            continue
        coder.slot[0] = cx.MERGE + (kind * 2 + side) * 9 + left + 2 * up
        same = 1 if _same(wanted, row, column, modes, other_row, other_column) else 0
        bit = code_bit(coder, 1, cx.MIX_MOTION, same)
        if bit < 0:
            return -1
        if bit:
            modes.reference[row, column] = modes.reference[other_row, other_column]
            modes.motion[row, column, 0] = modes.motion[other_row, other_column, 0]
            modes.motion[row, column, 1] = modes.motion[other_row, other_column, 1]
            return 1
    return 0


@inner
def _code_motion(coder: Coder, modes: Modes, wanted: Modes, row: int, column: int, size: int, references: int) -> int:
    """Reference and motion of the block's first cell, -1 at the end of the bytes."""
    left, up = _moving(modes, row, column - 1), _moving(modes, row - 1, column)
    kind = 0 if size == 2 else 1
    merged = _code_merge(coder, modes, wanted, row, column, kind)
    if merged:
        return min(merged, 0)
    chosen = int(wanted.reference[row, column])
    index = 0
    while index < references - 1:
        coder.slot[0] = cx.REFERENCE + (kind * 8 + index) * 3 + left + up
        more = code_bit(coder, 1, cx.MIX_MOTION + 1, 1 if chosen > index else 0)
        if more < 0:
            return -1
        if more == 0:
            break
        index += 1
    expected_row, expected_column = 0, 0
    if left:
        expected_row, expected_column = int(modes.motion[row, column - 1, 0]), int(modes.motion[row, column - 1, 1])
    elif up:
        expected_row, expected_column = int(modes.motion[row - 1, column, 0]), int(modes.motion[row - 1, column, 1])
    near = 2 * kind + (1 if left or up else 0)
    down = _code_component(coder, 0, int(wanted.motion[row, column, 0]) - expected_row, near)
    if down == 9999:
        return -1
    right = _code_component(coder, 1, int(wanted.motion[row, column, 1]) - expected_column, near)
    if right == 9999:
        return -1
    modes.reference[row, column] = index
    modes.motion[row, column, 0] = min(max(down + expected_row, -MOTION_LIMIT), MOTION_LIMIT)
    modes.motion[row, column, 1] = min(max(right + expected_column, -MOTION_LIMIT), MOTION_LIMIT)
    return 0


@inner
def _spread(modes: Modes, row: int, column: int, size: int, mode: int) -> None:
    for i in range(size):
        for j in range(size):
            modes.mode[row + i, column + j] = mode
            modes.reference[row + i, column + j] = modes.reference[row, column]
            modes.motion[row + i, column + j, 0] = modes.motion[row, column, 0]
            modes.motion[row + i, column + j, 1] = modes.motion[row, column, 1]


@inner
def _code_one(
    coder: Coder, modes: Modes, wanted: Modes, around: Surroundings, row: int, column: int, size: int,
    references: int, static: int,
) -> bool:  # fmt: skip
    """One block's mode and motion once it is known whether it is static; False at the end of the bytes."""
    if static:
        mode = _code_which(coder, modes, around, row, column, size, int(wanted.mode[row, column]))
        if mode < 0:
            return False
        _spread(modes, row, column, size, mode)
        return True
    if _code_motion(coder, modes, wanted, row, column, size, references) < 0:
        return False
    _spread(modes, row, column, size, MOTION)
    return True


@inner
def _code_split(coder: Coder, modes: Modes, around: Surroundings, row: int, column: int, bit: int) -> int:
    """Whether a macroblock that is not static is split into blocks with modes of their own (1)."""
    shape, above = 0, 0
    if _moving(modes, row, column - 1):
        shape = 1 + int(modes.split[row // 2, column // 2 - 1])
    if _moving(modes, row - 1, column):
        above = 1 + int(modes.split[row // 2 - 1, column // 2])
    change = cx.level(_largest(around.change, row, column, 2) >> 1)
    coder.slot[0] = cx.SPLIT + (shape * 3 + above) * 8 + min(change, 7)
    coder.slot[1] = cx.SPLIT_BUSY + _busy(around.busy, row, column, 2)
    return code_bit(coder, 2, cx.MIX_MOTION + 5, bit)


@compiled
def code_modes(coder: Coder, modes: Modes, wanted: Modes, around: Surroundings, references: int) -> bool:
    """Write `wanted`, or read, into `modes` (empty before); False where the bytes end: the rest stays as it was."""
    rows, columns = modes.mode.shape
    for row in range(0, rows, 2):
        for column in range(0, columns, 2):
            split = int(wanted.split[row // 2, column // 2])
            static = 1 if not split and wanted.mode[row, column] != MOTION else 0
            static = _code_static(coder, modes, around, row, column, 2, static)
            if static < 0:
                return False
            if not static:
                split = _code_split(coder, modes, around, row, column, split)
                if split < 0:
                    return False
            if static or not split:
                if not _code_one(coder, modes, wanted, around, row, column, 2, references, static):
                    return False
                continue
            modes.split[row // 2, column // 2] = 1
            for y in range(row, row + 2):
                for x in range(column, column + 2):
                    static = 1 if wanted.mode[y, x] != MOTION else 0
                    static = _code_static(coder, modes, around, y, x, 1, static)
                    if static < 0 or not _code_one(coder, modes, wanted, around, y, x, 1, references, static):
                        return False
    return True
