"""The encoder's search for motion: coarse at half size, then in whole and half samples. Decoders do without."""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled, inner
from twinsync.codec.costs import Scratch, new_scratch, still_cost
from twinsync.codec.prediction import BLOCK, MACROBLOCK, MARGIN, REACH, clamp_origin, motion_block, predict_block

RANGE_DOWN, RANGE_RIGHT = 24, 44  # how far motion is searched, in samples
SIZES = 5  # a macroblock as a whole, then its four blocks
STILL_ENERGY = 256 * 12  # squared error of a macroblock that is taken for noise, not for motion


@compiled
def halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2x2 samples, [H/2, W/2] uint8."""
    out = np.empty((picture.shape[0] // 2, picture.shape[1] // 2), np.uint8)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = np.int32(picture[2 * i, 2 * j]) + picture[2 * i, 2 * j + 1]
            total += np.int32(picture[2 * i + 1, 2 * j]) + picture[2 * i + 1, 2 * j + 1]
            out[i, j] = (total + 2) >> 2
    return out


@inner
def _coarse(
    small: np.ndarray, reference: np.ndarray, row: int, column: int, best: np.ndarray, cost: np.ndarray,
    totals: np.ndarray,
) -> None:  # fmt: skip
    """The three best motions [3, 2] of a macroblock at half size, in half-size samples, and their absolute differences
    [3]. `totals` is scratch, uint16: those of all motions to the right at one motion down."""
    size = MACROBLOCK // 2
    edge = MARGIN // 2
    height, width = small.shape
    cost[:] = 1 << 30
    reach = REACH // 2
    leftmost = max(-RANGE_RIGHT // 2, -reach - column)
    count = min(RANGE_RIGHT // 2, width + reach - size - column) + 1 - leftmost
    for down in range(max(-RANGE_DOWN // 2, -reach - row), min(RANGE_DOWN // 2, height + reach - size - row) + 1):
        totals[:] = 0
        # The innermost loop runs over motions, not samples: there are more of them, side by side.
        for i in range(size):
            for j in range(size):
                sample = small[row + i, column + j]
                first = column + leftmost + edge + j
                line = reference[row + down + edge + i, first : first + count]
                for place in range(count):
                    other = line[place]
                    totals[place] = np.uint16(totals[place] + np.uint16(max(sample, other) - min(sample, other)))
        for place in range(count):
            total = np.int32(totals[place])
            if total >= cost[2]:
                continue
            rank = 2
            while rank > 0 and cost[rank - 1] > total:
                cost[rank] = cost[rank - 1]
                best[rank, 0], best[rank, 1] = best[rank - 1, 0], best[rank - 1, 1]
                rank -= 1
            cost[rank] = total
            best[rank, 0], best[rank, 1] = down, leftmost + place


@inner
def _difference(
    picture: np.ndarray, reference: np.ndarray, row: int, column: int, down: int, right: int, size: int, limit: int
) -> int:
    """Sum of absolute differences at a motion of whole samples; stops above `limit`."""
    total = np.int32(0)
    for i in range(size):
        a = picture[row + i, column : column + size]
        b = reference[row + down + MARGIN + i, column + right + MARGIN : column + right + MARGIN + size]
        for j in range(size):
            total = np.int32(total + abs(np.int32(a[j]) - np.int32(b[j])))
        if total > limit:
            break
    return int(total)


@inner
def _reaches(height: int, width: int, row: int, column: int, size: int, down: int, right: int) -> bool:
    inside = -REACH <= row + down <= height + REACH - size
    return inside and -REACH <= column + right <= width + REACH - size


@inner
def _stands_before(starts: np.ndarray, place: int) -> bool:
    """Whether a start is one of those before it."""
    for s in range(place):  # noqa: SIM110 - numba compiles no generator
        if starts[s, 0] == starts[place, 0] and starts[s, 1] == starts[place, 1]:
            return True
    return False


@inner
def _refine(
    picture: np.ndarray, reference: np.ndarray, row: int, column: int, size: int, starts: np.ndarray, reach: int,
    scratch: Scratch, out: np.ndarray,
) -> None:  # fmt: skip
    """The best motion [2] in half samples within `reach` of starts [*, 2] in whole samples."""
    height, width = picture.shape
    lowest, best_down, best_right = 1 << 30, 0, 0
    for s in range(starts.shape[0]):
        if _stands_before(starts, s):
            continue
        for down in range(starts[s, 0] - reach, starts[s, 0] + reach + 1):
            for right in range(starts[s, 1] - reach, starts[s, 1] + reach + 1):
                if not _reaches(height, width, row, column, size, down, right):
                    continue
                total = _difference(picture, reference, row, column, down, right, size, lowest)
                if total < lowest:
                    lowest, best_down, best_right = total, down, right
    block = scratch.prediction
    out[0], out[1] = 2 * best_down, 2 * best_right
    for down in range(2 * best_down - 1, 2 * best_down + 2):
        for right in range(2 * best_right - 1, 2 * best_right + 2):
            if down == 2 * best_down and right == 2 * best_right:
                continue  # known already
            if clamp_origin(2 * row + down, height, size) != 2 * row + down:
                continue
            if clamp_origin(2 * column + right, width, size) != 2 * column + right:
                continue
            motion_block(reference, 2 * row + down, 2 * column + right, size, block, scratch.rows)
            total = 0
            for i in range(size):
                for j in range(size):
                    total += abs(picture[row + i, column + j] - block[i, j])
            if total < lowest:
                lowest = total
                out[0], out[1] = down, right


@inner
def _mark_active(
    picture: np.ndarray, references: np.ndarray, step: int, trade: float, scratch: Scratch, active: np.ndarray
) -> None:
    """Sets `active` [rows, columns] to 1 for each macroblock that moving may serve, else to 0."""
    block = scratch.prediction
    for i in range(active.shape[0]):
        for j in range(active.shape[1]):
            row, column = i * MACROBLOCK, j * MACROBLOCK
            cost, still = still_cost(picture, references, row, column, MACROBLOCK, step, trade, scratch)
            predict_block(references, row, column, MACROBLOCK, still, 0, 0, 0, block, scratch.rows)
            energy = 0
            for y in range(MACROBLOCK):
                for x in range(MACROBLOCK):
                    value = picture[row + y, column + x] - block[y, x]
                    energy += value * value
            active[i, j] = 1 if cost > trade * 12.0 and energy > STILL_ENERGY else 0


@compiled
def search_motion(
    picture: np.ndarray, references: np.ndarray, step: int, trade: float, motion: np.ndarray, active: np.ndarray
) -> None:
    """Best motion [rows, columns, references, SIZES, 2] of each macroblock that moving may serve (`active`)."""
    height, width = picture.shape
    small = halved(picture)
    count = references.shape[0] - 1
    scratch = new_scratch()
    best, coarse_cost = np.zeros((3, 2), np.int32), np.zeros(3, np.int32)
    starts = np.zeros((5, 2), np.int32)
    totals = np.zeros(RANGE_RIGHT + 1, np.uint16)
    _mark_active(picture, references, step, trade, scratch, active)
    for k in range(count):
        reference = references[1 + k]
        small_reference = halved(reference)
        for i in range(height // MACROBLOCK):
            for j in range(width // MACROBLOCK):
                if not active[i, j]:
                    continue
                row, column = i * MACROBLOCK, j * MACROBLOCK
                best[:] = 0
                _coarse(small, small_reference, row // 2, column // 2, best, coarse_cost, totals)
                starts[:] = 0
                starts[:3] = 2 * best
                if j > 0:
                    starts[3] = motion[i, j - 1, k, 0] // 2
                if i > 0:
                    starts[4] = motion[i - 1, j, k, 0] // 2
                _refine(picture, reference, row, column, MACROBLOCK, starts, 1, scratch, motion[i, j, k, 0])
                starts[0] = motion[i, j, k, 0] // 2
                for part in range(4):
                    if part > 0:
                        starts[1] = motion[i, j, k, part] // 2
                    top, left = row + BLOCK * (part // 2), column + BLOCK * (part % 2)
                    _refine(picture, reference, top, left, BLOCK, starts[:2], 2, scratch, motion[i, j, k, 1 + part])
