"""The semantic layer: a mask of the samples that move, coded ahead of modes and texture."""

from __future__ import annotations

import numpy as np

from twinsync.codec import contexts as cx
from twinsync.codec.compiled import compiled, inner
from twinsync.codec.prediction import BLOCK
from twinsync.codec.range_coder import Coder, code_bit

FAR = 12  # grey levels between previous picture and background that count as a sign of motion


@inner
def _at(mask: np.ndarray, y: int, x: int) -> int:
    return int(mask[y, x]) if y >= 0 and 0 <= x < mask.shape[1] else 0


@inner
def _changed(previous: np.ndarray, background: np.ndarray, y: int, x: int) -> int:
    return 1 if abs(int(previous[y, x]) - int(background[y, x])) > FAR else 0


@inner
def _set_slots(coder: Coder, mask: np.ndarray, previous: np.ndarray, background: np.ndarray, y: int, x: int) -> int:
    """Sets the slots of a sample: its decoded neighbours near and far, and what moved there before; the mixer."""
    near = _at(mask, y, x - 1) | _at(mask, y - 1, x) << 1 | _at(mask, y - 1, x - 1) << 2 | _at(mask, y - 1, x + 1) << 3
    wide = near | _at(mask, y, x - 2) << 4 | _at(mask, y - 2, x) << 5 | _at(mask, y - 1, x + 2) << 6
    wide = wide | _at(mask, y - 1, x - 2) << 7 | _at(mask, y - 2, x - 1) << 8 | _at(mask, y - 2, x + 1) << 9
    far = _at(mask, y - 3, x) | _at(mask, y - 4, x) << 1 | _at(mask, y, x - 3) << 2 | _at(mask, y, x - 4) << 3
    far = far | _at(mask, y - 2, x - 2) << 4 | _at(mask, y - 2, x + 2) << 5 | _at(mask, y - 1, x + 3) << 6
    height, width = mask.shape
    here = 0
    if previous.shape[0]:
        right, below = min(x + 1, width - 1), min(y + 1, height - 1)
        here = _changed(previous, background, y, x) + 2 * _changed(previous, background, y, right)
        here += 4 * _changed(previous, background, below, x)
    coder.slot[0] = cx.MASK_WIDE + wide
    coder.slot[1] = cx.MASK_FAR + near * 128 + far
    coder.slot[2] = cx.MASK_BEFORE + near * 8 + here
    coder.slot[3] = cx.MASK_PLACE + near * 16 + min(15, (16 * y) // height)
    return cx.MIX_MASK + near


@compiled
def code_moving(
    coder: Coder, wanted: np.ndarray, previous: np.ndarray, background: np.ndarray, mask: np.ndarray
) -> bool:
    """Write the mask `wanted` [H, W] uint8, or read, into `mask` (zeros before); False where the bytes end.

    A row of blocks that has nothing moving takes one decision, as does each of its blocks of 8 samples.
    """
    height, width = mask.shape
    encoding = wanted.shape[0] > 0
    for y in range(height):
        for left in range(0, width, BLOCK):
            above = 0
            for x in range(left - 2, left + BLOCK + 2):
                above += _at(mask, y - 1, x)
            beside = _at(mask, y, left - 1)
            open_run = above > 0 or beside > 0
            if not open_run:
                bit = 0
                if encoding:
                    for x in range(left, left + BLOCK):
                        bit = bit | int(wanted[y, x])
                changed = 0
                if previous.shape[0]:
                    for x in range(left, left + BLOCK):
                        changed += _changed(previous, background, y, x)
                before = min(3, changed // 2)
                coder.slot[0] = cx.MASK_RUN + before * 32 + (32 * y) // height
                coder.slot[1] = cx.MASK_RUN_PLACE + (min(31, 32 * left // width) * 8 + (8 * y) // height)
                bit = code_bit(coder, 2, cx.MIX_MASK + 16, bit)
                if bit < 0:
                    return False
                if not bit:
                    continue
            for x in range(left, left + BLOCK):
                mixer = _set_slots(coder, mask, previous, background, y, x)
                bit = code_bit(coder, 4, mixer, int(wanted[y, x]) if encoding else 0)
                if bit < 0:
                    return False
                mask[y, x] = bit
    return True


@compiled
def cover(mask: np.ndarray, out: np.ndarray) -> None:
    """Class 0 .. 4 of how much of each 8x8 block [rows, columns] moves."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0
            for y in range(BLOCK):
                for x in range(BLOCK):
                    total += int(mask[i * BLOCK + y, j * BLOCK + x])
            out[i, j] = 0 if total == 0 else min(4, 1 + total // 16)
