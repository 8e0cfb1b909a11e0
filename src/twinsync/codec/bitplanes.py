"""Bit-planes of the residual's coefficients, from the highest: one kernel writes and reads them.

A level is a coefficient in units of the step. Plane p sends, of every block, whether its largest level reaches 2^p for
the first time; of every block that has reached it, bit p of each level: significance and sign of those that were zero
so far, one bit more of the others. Wherever the stream ends, each level is known to some plane.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec import contexts as cx
from twinsync.codec.compiled import compiled, inner
from twinsync.codec.levels import (
    CELLS,
    Levels,
    Texture,
    add_magnitude,
    block_slots,
    coefficient_slots,
    groups_beside,
    measure_block,
)
from twinsync.codec.range_coder import Coder, code_bit, predict, update
from twinsync.codec.transform import SIZE, ZIGZAG

GROUP = CELLS // cx.GROUPS
PRICE_BITS = 4  # prices are in 1/16 bit
# What the encoder takes the lowest plane to cost: a level, what a group or a block costs besides.
LEVEL_PRICE, GROUP_PRICE, BLOCK_PRICE = 5 << PRICE_BITS, 1 << PRICE_BITS, 3 << PRICE_BITS


class Wanted(NamedTuple):
    """What the encoder would send; a decoder passes empty arrays of the same types."""

    magnitude: np.ndarray  # [blocks, 64] int32
    negative: np.ndarray  # [blocks, 64] uint8
    gain: np.ndarray  # [blocks, 64] int32, squared error a level 1 saves, in prices at the chosen trade-off


@inner
def _code_sign(
    coder: Coder, levels: Levels, texture: Texture, columns: int, block: int, step_of_scan: int, bit: int
) -> int:
    cell = ZIGZAG[step_of_scan]
    side, above = 0, 0
    if block % columns > 0 and levels.magnitude[block - 1, cell]:
        side = 1 + int(levels.negative[block - 1, cell])
    if block >= columns and levels.magnitude[block - columns, cell]:
        above = 1 + int(levels.negative[block - columns, cell])
    value = int(texture.coefficient[block, cell])
    strength = min(3, cx.level_at(int(texture.measure[block, 2 + cell]), 0) // 3)
    coder.slot[0] = cx.SIGN_ACROSS + min(step_of_scan, 15) * 9 + side * 3 + above
    coder.slot[1] = cx.SIGN_TEXTURE + (step_of_scan * 3 + (0 if value == 0 else (1 if value > 0 else 2))) * 4 + strength
    return code_bit(coder, 2, cx.MIX_SIGN, bit)


@inner
def _code_refinement(coder: Coder, levels: Levels, block: int, cell: int, plane: int, bit: int) -> int:
    r, c = cell // SIZE, cell % SIZE
    p = min(plane, cx.PLANES - 1)
    size = min(3, levels.magnitude[block, cell] >> (plane + 1)) - 1
    near = cx.count_class(levels.near[block, cell] >> plane)
    coder.slot[0] = cx.REFINE_NEAR + (near * cx.PLANES + p) * 3 + size
    coder.slot[1] = cx.REFINE_PLACE + ((r + c) * 3 + size) * cx.PLANES + p
    return code_bit(coder, 2, cx.MIX_REFINE, bit)


@inner
def _code_group(
    coder: Coder, levels: Levels, texture: Texture, rows: int, columns: int, block: int, group: int, plane: int,
    step: int, so_far: int, bit: int,
) -> int:  # fmt: skip
    """Whether a level of the group reaches the plane for the first time."""
    p = min(plane, cx.PLANES - 1)
    unit = step << plane
    kind = int(texture.kind[block])
    total = 0
    for k in range(GROUP * group, GROUP * (group + 1)):
        if k > 0:
            total += abs(int(texture.coefficient[block, ZIGZAG[k]]))
    textured = cx.level(total // unit)
    change = cx.level_at(int(texture.measure[block, 0]), plane)
    beside = groups_beside(levels, rows, columns, block, group)
    coder.slot[0] = cx.GROUP_PLACE + ((p * cx.GROUPS + group) * 4 + kind) * 5 + beside
    coder.slot[1] = cx.GROUP_COUNT + (p * cx.GROUPS + group) * 8 + min(7, so_far)
    coder.slot[2] = cx.GROUP_TEXTURE + ((p * cx.GROUPS + group) * cx.LEVELS + textured) * 2 + (1 if kind >= 2 else 0)
    coder.slot[3] = cx.GROUP_CHANGE + (p * cx.GROUPS + group) * cx.LEVELS + change
    return code_bit(coder, 4, cx.MIX_GROUP + p * cx.GROUPS + group, bit)


@inner
def _group_wanted(wanted: Wanted, block: int, group: int, plane: int) -> int:
    """Whether a level of a group not reached so far reaches the plane, and is worth its bits where that is the last."""
    reaches, worth = False, 0
    for k in range(GROUP * group, GROUP * (group + 1)):
        cell = ZIGZAG[k]
        if wanted.magnitude[block, cell] >> plane:
            reaches = True
            worth += max(0, wanted.gain[block, cell] - LEVEL_PRICE)
    return 1 if reaches and (plane > 0 or worth > GROUP_PRICE) else 0


@inner
def _code_level(
    coder: Coder, levels: Levels, wanted: Wanted, texture: Texture, rows: int, columns: int, block: int, k: int,
    plane: int, price: np.ndarray, so_far: int,
) -> bool:  # fmt: skip
    """Bit `plane` of one level; False at the end of the bytes."""
    cell = ZIGZAG[k]
    encoding = wanted.magnitude.shape[0] > 0
    bit = (wanted.magnitude[block, cell] >> plane) & 1 if encoding else 0
    if levels.magnitude[block, cell] > 0:
        bit = _code_refinement(coder, levels, block, cell, plane, bit)
        if bit < 0:
            return False
        if bit:
            add_magnitude(levels, rows, columns, block, cell, 1 << plane)
        return True
    mixer = coefficient_slots(coder, levels, texture, block, k, plane, so_far)
    chance = predict(coder, 7, mixer)
    if bit and plane == 0:
        # A level 1 that saves less error than its bits are worth elsewhere is not sent.
        cost = int(price[chance >> 6]) - int(price[(65535 - chance) >> 6]) + (1 << PRICE_BITS)
        if wanted.gain[block, cell] < cost:
            bit = 0
    bit = update(coder, 7, mixer, chance, bit)
    if bit < 0:
        return False
    if bit:
        negative = int(wanted.negative[block, cell]) if encoding else 0
        negative = _code_sign(coder, levels, texture, columns, block, k, negative)
        if negative < 0:
            return False
        levels.negative[block, cell] = negative
        add_magnitude(levels, rows, columns, block, cell, 1 << plane)
    return True


@inner
def _code_block(
    coder: Coder, levels: Levels, wanted: Wanted, texture: Texture, rows: int, columns: int, block: int, plane: int,
    step: int, price: np.ndarray, reached: int,
) -> bool:  # fmt: skip
    """Bit `plane` of the levels of a block that has reached it; `reached` are its groups; False at the end."""
    so_far = 0
    encoding = wanted.magnitude.shape[0] > 0
    for group in range(cx.GROUPS):
        if not (reached >> group) & 1:
            bit = _group_wanted(wanted, block, group, plane) if encoding else 0
            bit = _code_group(coder, levels, texture, rows, columns, block, group, plane, step, so_far, bit)
            if bit < 0:
                return False
            if not bit:
                levels.plane[block, group * GROUP : (group + 1) * GROUP] = plane
                continue
            levels.reached[block] |= 1 << group
        for k in range(GROUP * group, GROUP * (group + 1)):
            if not _code_level(coder, levels, wanted, texture, rows, columns, block, k, plane, price, so_far):
                return False
            levels.plane[block, k] = plane
            if levels.magnitude[block, ZIGZAG[k]] > 0:
                so_far += 1
    return True


@inner
def _worth(wanted: Wanted, block: int) -> bool:
    """Whether the block's levels, none above 1, save more error than sending them is likely to cost."""
    total = 0
    for cell in range(CELLS):
        if wanted.magnitude[block, cell]:
            total += max(0, wanted.gain[block, cell] - LEVEL_PRICE)
    return total > BLOCK_PRICE


@inner
def _code_planes(
    coder: Coder, levels: Levels, wanted: Wanted, texture: Texture, columns: int, planes: int, step: int,
    price: np.ndarray, largest: np.ndarray, measured: np.ndarray,
) -> bool:  # fmt: skip
    """Plane by plane, block by block; `largest` is each block's greatest level that is worth sending."""
    blocks = levels.reached.shape[0]
    rows = blocks // columns
    encoding = wanted.magnitude.shape[0] > 0
    for block in range(blocks):
        texture.measure[block, 0] = cx.octaves((int(texture.change[block]) << 8) // step)
        texture.measure[block, 1] = cx.octaves((int(texture.energy[block]) << 6) // step)
    for plane in range(planes - 1, -1, -1):
        for block in range(blocks):
            if not levels.reached[block]:
                bit = 1 if encoding and largest[block] >> plane else 0
                mixer = block_slots(coder, levels, texture, rows, columns, block, plane)
                bit = code_bit(coder, 6, mixer, bit)
                if bit < 0:
                    return False
                if not bit:
                    continue
                if not measured[block]:
                    measure_block(texture, block, step)
                    measured[block] = 1
            reached = int(levels.reached[block])
            if not _code_block(coder, levels, wanted, texture, rows, columns, block, plane, step, price, reached):
                return False
    return True


@compiled
def code_planes(
    coder: Coder, levels: Levels, wanted: Wanted, texture: Texture, columns: int, planes: int, step: int,
    price: np.ndarray,
) -> bool:  # fmt: skip
    """Write `wanted`, or read, into `levels` (empty before), `planes` planes; False where the bytes end."""
    blocks = levels.reached.shape[0]
    encoding = wanted.magnitude.shape[0] > 0
    largest = np.zeros(blocks, np.int32)
    if encoding:
        for block in range(blocks):
            for cell in range(CELLS):
                largest[block] = max(largest[block], wanted.magnitude[block, cell])
            if largest[block] == 1 and not _worth(wanted, block):
                largest[block] = 0
    levels.plane[:] = planes
    measured = np.zeros(blocks, np.uint8)
    return _code_planes(coder, levels, wanted, texture, columns, planes, step, price, largest, measured)


@inner
def reconstruct(levels: Levels, step: int, block: int, out: np.ndarray) -> bool:
    """Coefficients [8, 8] of a block in 1/16: the middle of what its levels allow; False if all are zero."""
    if not levels.reached[block]:
        return False
    for k in range(CELLS):
        cell = ZIGZAG[k]
        magnitude = int(levels.magnitude[block, cell])
        value = 0
        if magnitude > 0:
            width = 1 << int(levels.plane[block, k])
            # A level known to plane p lies in [m, m + 2^p): in the lower half more often than not.
            value = magnitude * step if width == 1 else ((2 * magnitude + width - 1) * step) >> 1
            if levels.negative[block, cell]:
                value = -value
        out[cell // SIZE, cell % SIZE] = value
    return True
