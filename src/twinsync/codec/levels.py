"""What is known of a picture's levels at a bit-plane, and the context slots that follow from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec import contexts as cx
from twinsync.codec.compiled import inner
from twinsync.codec.range_coder import Coder
from twinsync.codec.transform import SIZE, ZIGZAG

CELLS = SIZE * SIZE


class Levels(NamedTuple):
    """Levels of a picture's blocks, as far as they are known; [blocks, 64] rasters of coefficients."""

    magnitude: np.ndarray  # int32, whole planes known so far
    negative: np.ndarray  # uint8
    plane: np.ndarray  # uint8, the lowest plane known, in the order of the scan
    near: np.ndarray  # int32, sum of the magnitudes around in the block, the closest twice
    across: np.ndarray  # int32, sum of the magnitudes of the same coefficient in the four blocks beside
    reached: np.ndarray  # [blocks] uint8, a bit for each group of 16 coefficients with a level that is not zero


class Texture(NamedTuple):
    """What both ends know of each block's prediction."""

    coefficient: np.ndarray  # [blocks, 64] int32, transform of the prediction, in 1/16
    change: np.ndarray  # [blocks] int32, mean absolute difference of previous and background, in 1/16
    energy: np.ndarray  # [blocks] int32, mean magnitude of the prediction's AC coefficients, in 1/16
    kind: np.ndarray  # [blocks] uint8, 0 .. 3: mean or background, previous, motion, split motion
    busy: np.ndarray  # [blocks] uint8, as in `Surroundings`
    measure: np.ndarray  # [blocks, 66] uint8: change and energy of a block, then its coefficients, against the step


def empty_levels(blocks: int) -> Levels:
    """Nothing known: all levels zero."""
    return Levels(
        np.zeros((blocks, CELLS), np.int32),
        np.zeros((blocks, CELLS), np.uint8),
        np.zeros((blocks, CELLS), np.uint8),
        np.zeros((blocks, CELLS), np.int32),
        np.zeros((blocks, CELLS), np.int32),
        np.zeros(blocks, np.uint8),
    )


@inner
def _reach(levels: Levels, rows: int, columns: int, row: int, column: int) -> int:
    inside = 0 <= row < rows and 0 <= column < columns
    return 1 if inside and levels.reached[row * columns + column] else 0


@inner
def block_slots(coder: Coder, levels: Levels, texture: Texture, rows: int, columns: int, block: int, plane: int) -> int:
    """Sets the slots of a block's significance at a plane; returns the mixer."""
    row, column = block // columns, block % columns
    p = min(plane, cx.PLANES - 1)
    left, right = _reach(levels, rows, columns, row, column - 1), _reach(levels, rows, columns, row, column + 1)
    up, down = _reach(levels, rows, columns, row - 1, column), _reach(levels, rows, columns, row + 1, column)
    beside = left + right + up + down
    corners = _reach(levels, rows, columns, row - 1, column - 1) + _reach(levels, rows, columns, row - 1, column + 1)
    corners += _reach(levels, rows, columns, row + 1, column - 1) + _reach(levels, rows, columns, row + 1, column + 1)
    kind, busy = int(texture.kind[block]), int(texture.busy[block])
    change = cx.level_at(int(texture.measure[block, 0]), plane)
    energy = cx.level_at(int(texture.measure[block, 1]), plane)
    coder.slot[0] = cx.BLOCK_NEAR + ((p * 16 + min(15, 3 * beside + min(2, corners))) * cx.BUSY + busy) * 4 + kind
    coder.slot[1] = cx.BLOCK_PATTERN + (p * 64 + left + 2 * right + 4 * up + 8 * down + 16 * min(3, corners)) * 4 + kind
    coder.slot[2] = cx.BLOCK_CHANGE + ((p * cx.LEVELS + change) * 4 + kind) * 4 + min(3, beside)
    coder.slot[3] = cx.BLOCK_TEXTURE + ((p * cx.LEVELS + energy) * 4 + kind) * 4 + min(3, beside)
    coder.slot[4] = cx.BLOCK_ENERGY + (p * cx.LEVELS + change) * cx.LEVELS + energy
    coder.slot[5] = cx.BLOCK_BUSY + ((p * cx.BUSY + busy) * 5 + beside) * 4 + kind
    return cx.MIX_BLOCK + p * 5 + beside


@inner
def measure_block(texture: Texture, block: int, step: int) -> None:
    """Fill in the measures of a block's coefficients."""
    for cell in range(CELLS):
        texture.measure[block, 2 + cell] = cx.octaves((abs(int(texture.coefficient[block, cell])) << 4) // step)


@inner
def add_magnitude(levels: Levels, rows: int, columns: int, block: int, cell: int, amount: int) -> None:
    """A magnitude has grown: it, and the sums that it is part of."""
    levels.magnitude[block, cell] += amount
    r, c = cell // SIZE, cell % SIZE
    for y in range(max(0, r - 1), min(SIZE, r + 3)):
        for x in range(max(0, c - 1), min(SIZE, c + 3)):
            distance = abs(y - r) + abs(x - c)
            if distance == 1:
                levels.near[block, y * SIZE + x] += 2 * amount
            elif distance == 2:
                levels.near[block, y * SIZE + x] += amount
    row, column = block // columns, block % columns
    if column > 0:
        levels.across[block - 1, cell] += amount
    if column < columns - 1:
        levels.across[block + 1, cell] += amount
    if row > 0:
        levels.across[block - columns, cell] += amount
    if row < rows - 1:
        levels.across[block + columns, cell] += amount


@inner
def coefficient_slots(
    coder: Coder, levels: Levels, texture: Texture, block: int, step_of_scan: int, plane: int, so_far: int
) -> int:
    """Sets the slots of a coefficient's significance at a plane; returns the mixer."""
    cell = ZIGZAG[step_of_scan]
    r, c = cell // SIZE, cell % SIZE
    p = min(plane, cx.PLANES - 1)
    near = cx.count_class(levels.near[block, cell] >> plane)
    across = cx.count_class(levels.across[block, cell] >> plane)
    textured = cx.level_at(int(texture.measure[block, 2 + cell]), plane)
    change = cx.level_at(int(texture.measure[block, 0]), plane)
    kind = int(texture.kind[block])
    left = min(2, levels.magnitude[block, cell - 1] >> plane) if c > 0 else 0
    up = min(2, levels.magnitude[block, cell - SIZE] >> plane) if r > 0 else 0
    right = min(2, levels.magnitude[block, cell + 1] >> plane) if c < SIZE - 1 else 0
    down = min(2, levels.magnitude[block, cell + SIZE] >> plane) if r < SIZE - 1 else 0
    bottom = 1 if plane == 0 else 0
    coder.slot[0] = cx.COEFFICIENT_PLACE + (p * 64 + step_of_scan) * 4 + kind
    coder.slot[1] = cx.COEFFICIENT_NEAR + ((r + c) * cx.LEVELS + near) * cx.PLANES + p
    coder.slot[2] = cx.COEFFICIENT_ACROSS + (step_of_scan * cx.LEVELS + across) * 2 + bottom
    coder.slot[3] = cx.COEFFICIENT_COUNT + (step_of_scan * 8 + min(7, so_far)) * 2 + bottom
    coder.slot[4] = (
        cx.COEFFICIENT_TEXTURE + (((r + c) * cx.LEVELS + textured) * cx.PLANES + p) * 2 + (1 if kind >= 2 else 0)
    )
    coder.slot[5] = cx.COEFFICIENT_CHANGE + ((r + c) * cx.LEVELS + change) * 8 + min(7, so_far)
    shape = ((left * 3 + up) * 3 + right) * 3 + down
    coder.slot[6] = cx.COEFFICIENT_SHAPE + (shape * 8 + min(7, (r + c) // 2 + (1 if r + c > 0 else 0))) * 2 + bottom
    return cx.MIX_COEFFICIENT + p * 8 + min(7, so_far)


@inner
def groups_beside(levels: Levels, rows: int, columns: int, block: int, group: int) -> int:
    """How many of the four blocks beside have reached a group."""
    row, column = block // columns, block % columns
    total = 0
    if column > 0:
        total += (levels.reached[block - 1] >> group) & 1
    if column < columns - 1:
        total += (levels.reached[block + 1] >> group) & 1
    if row > 0:
        total += (levels.reached[block - columns] >> group) & 1
    if row < rows - 1:
        total += (levels.reached[block + columns] >> group) & 1
    return total
