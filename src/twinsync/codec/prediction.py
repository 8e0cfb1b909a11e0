"""Prediction of a block from what both ends hold: background, previous picture, older pictures with half-pel motion."""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled, inner

BLOCK, MACROBLOCK = 8, 16
MARGIN = 32  # samples of edge around a reference
REACH = 24  # a block may start this far outside the picture
BACKGROUND, PREVIOUS, MOTION, MEAN = range(4)  # modes of a block; MEAN is of background and previous
NEUTRAL = 128  # prediction where nothing is held


def padded(picture: np.ndarray) -> np.ndarray:
    """The picture [H, W] with its edge samples repeated around it, [H + 2 MARGIN, W + 2 MARGIN]."""
    return np.pad(picture, MARGIN, mode="edge")


@compiled
def filter_rows() -> np.ndarray:
    """Scratch of `motion_block`: the rows that half samples down are made of."""
    return np.empty((MACROBLOCK + 5, MACROBLOCK), np.int32)


@inner
def clamp_origin(half: int, extent: int, size: int) -> int:
    """A block's origin in half samples, brought to where the reference with its margin covers it."""
    return min(max(half, -2 * REACH), 2 * (extent + REACH - size))


@inner
def _tap(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    return a - 5 * (b + e) + 20 * (c + d) + f


@inner
def motion_block(
    reference: np.ndarray, row_half: int, column_half: int, size: int, out: np.ndarray, rows: np.ndarray
) -> None:
    """The block [size, size] of a padded reference whose origin is given in half samples of the picture.

    `rows` is scratch as of `filter_rows`.
    """
    height, width = reference.shape[0] - 2 * MARGIN, reference.shape[1] - 2 * MARGIN
    row_half = clamp_origin(row_half, height, size)
    column_half = clamp_origin(column_half, width, size)
    top, left = (row_half >> 1) + MARGIN, (column_half >> 1) + MARGIN
    half_row, half_column = row_half & 1, column_half & 1
    if not half_row and not half_column:
        for i in range(size):
            for j in range(size):
                out[i, j] = reference[top + i, left + j]
        return
    if not half_row:
        for i in range(size):
            line = reference[top + i]
            for j in range(size):
                k = left + j
                value = _tap(
                    np.int32(line[k - 2]), np.int32(line[k - 1]), np.int32(line[k]),
                    np.int32(line[k + 1]), np.int32(line[k + 2]), np.int32(line[k + 3]),
                )  # fmt: skip
                out[i, j] = min(255, max(0, (value + 16) >> 5))
        return
    for i in range(size + 5):
        line = reference[top + i - 2]
        for j in range(size):
            k = left + j
            if half_column:
                rows[i, j] = _tap(
                    np.int32(line[k - 2]), np.int32(line[k - 1]), np.int32(line[k]),
                    np.int32(line[k + 1]), np.int32(line[k + 2]), np.int32(line[k + 3]),
                )  # fmt: skip
            else:
                rows[i, j] = 32 * np.int32(line[k])
    for i in range(size):
        for j in range(size):
            value = _tap(rows[i, j], rows[i + 1, j], rows[i + 2, j], rows[i + 3, j], rows[i + 4, j], rows[i + 5, j])
            out[i, j] = min(255, max(0, (value + 512) >> 10))


@inner
def predict_block(
    references: np.ndarray, row: int, column: int, size: int, mode: int, reference: int, motion_row: int,
    motion_column: int, out: np.ndarray, rows: np.ndarray,
) -> None:  # fmt: skip
    """Prediction [size, size] of the block at (row, column), from padded references: background, previous, older.

    `rows` is scratch, see `filter_rows`.
    """
    if mode == MOTION:
        motion_block(references[1 + reference], 2 * row + motion_row, 2 * column + motion_column, size, out, rows)
        return
    for i in range(size):
        for j in range(size):
            y, x = row + i + MARGIN, column + j + MARGIN
            if mode == BACKGROUND:
                out[i, j] = references[0, y, x]
            elif mode == PREVIOUS:
                out[i, j] = references[1, y, x]
            else:
                out[i, j] = (np.int32(references[0, y, x]) + np.int32(references[1, y, x]) + 1) >> 1


@compiled
def predict_picture(
    references: np.ndarray, mode: np.ndarray, reference: np.ndarray, motion: np.ndarray, out: np.ndarray
) -> None:
    """Prediction [H, W] of a picture from the modes of its 8x8 blocks [rows, columns] and motion [rows, columns, 2]."""
    block, rows = np.empty((BLOCK, BLOCK), np.int32), filter_rows()
    for i in range(mode.shape[0]):
        for j in range(mode.shape[1]):
            predict_block(
                references, i * BLOCK, j * BLOCK, BLOCK, mode[i, j], reference[i, j], motion[i, j, 0],
                motion[i, j, 1], block, rows,
            )  # fmt: skip
            for y in range(BLOCK):
                for x in range(BLOCK):
                    out[i * BLOCK + y, j * BLOCK + x] = block[y, x]
