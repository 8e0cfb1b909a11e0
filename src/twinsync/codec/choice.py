"""The encoder's choice of modes and motion: what saves most error for its bits, D + lambda R. Decoders do without."""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled, inner
from twinsync.codec.costs import Scratch, new_scratch, residual_cost, still_cost
from twinsync.codec.modes import Modes
from twinsync.codec.prediction import BLOCK, MACROBLOCK, MOTION, predict_block

# Bits that a decision is taken to cost here; the coder's own costs adapt, these are their usual size.
BITS_MOVING, BITS_BLOCK_MOVING, BITS_SPLIT, BITS_MERGE, BITS_NEW = 3.0, 1.5, 5.0, 1.5, 3.0


@inner
def _component_bits(difference: int) -> float:
    return 1.0 if difference == 0 else 2.5 + 2.0 * np.log2(float(abs(difference)))


@inner
def _moved_cost(
    picture: np.ndarray, references: np.ndarray, modes: Modes, row: int, column: int, size: int, step: int,
    trade: float, motion: np.ndarray, part: int, scratch: Scratch, choice: np.ndarray,
) -> float:  # fmt: skip
    """Lowest cost with motion, from the neighbours or searched; `choice` takes reference, down, right."""
    y, x = row // BLOCK, column // BLOCK
    lowest = 1e300
    expected_down, expected_right = 0, 0
    known = False
    for side in range(2):
        other_y, other_x = (y, x - 1) if side == 0 else (y - 1, x)
        if other_y < 0 or other_x < 0 or modes.mode[other_y, other_x] != MOTION:
            continue
        reference = int(modes.reference[other_y, other_x])
        down, right = int(modes.motion[other_y, other_x, 0]), int(modes.motion[other_y, other_x, 1])
        if not known:
            expected_down, expected_right, known = down, right, True
        predict_block(references, row, column, size, MOTION, reference, down, right, scratch.prediction, scratch.rows)
        cost = residual_cost(picture, row, column, size, step, trade, scratch) + trade * BITS_MERGE
        if cost < lowest:
            lowest = cost
            choice[0], choice[1], choice[2] = reference, down, right
    for reference in range(references.shape[0] - 1):
        down, right = int(motion[reference, part, 0]), int(motion[reference, part, 1])
        bits = BITS_NEW + reference + _component_bits(down - expected_down) + _component_bits(right - expected_right)
        predict_block(references, row, column, size, MOTION, reference, down, right, scratch.prediction, scratch.rows)
        cost = residual_cost(picture, row, column, size, step, trade, scratch) + trade * bits
        if cost < lowest:
            lowest = cost
            choice[0], choice[1], choice[2] = reference, down, right
    return lowest


@inner
def _set(modes: Modes, y: int, x: int, size: int, mode: int, choice: np.ndarray) -> None:
    for i in range(y, y + size):
        for j in range(x, x + size):
            modes.mode[i, j] = mode
            if mode == MOTION:
                modes.reference[i, j] = choice[0]
                modes.motion[i, j, 0], modes.motion[i, j, 1] = choice[1], choice[2]
            else:
                modes.reference[i, j] = 0
                modes.motion[i, j, 0], modes.motion[i, j, 1] = 0, 0


@compiled
def choose_modes(
    picture: np.ndarray, references: np.ndarray, step: int, trade: float, motion: np.ndarray, active: np.ndarray,
    modes: Modes,
) -> None:  # fmt: skip
    """Fill `modes` with the cheapest choice of each macroblock in turn."""
    scratch = new_scratch()
    whole, part_choice = np.zeros(3, np.int32), np.zeros(3, np.int32)
    for i in range(picture.shape[0] // MACROBLOCK):
        for j in range(picture.shape[1] // MACROBLOCK):
            row, column, y, x = i * MACROBLOCK, j * MACROBLOCK, 2 * i, 2 * j
            modes.split[i, j] = 0
            lowest, still = still_cost(picture, references, row, column, MACROBLOCK, step, trade, scratch)
            if not active[i, j]:
                _set(modes, y, x, 2, still, whole)
                continue
            moved = trade * BITS_MOVING + _moved_cost(
                picture, references, modes, row, column, MACROBLOCK, step, trade, motion[i, j], 0, scratch, whole
            )
            parts = trade * BITS_SPLIT
            for part in range(4):
                top, left = row + BLOCK * (part // 2), column + BLOCK * (part % 2)
                cost, mode = still_cost(picture, references, top, left, BLOCK, step, trade, scratch)
                other = trade * BITS_BLOCK_MOVING + _moved_cost(
                    picture, references, modes, top, left, BLOCK, step, trade, motion[i, j], 1 + part, scratch,
                    part_choice,
                )  # fmt: skip
                if other < cost:
                    cost, mode = other, MOTION
                parts += cost
                _set(modes, top // BLOCK, left // BLOCK, 1, mode, part_choice)
                if parts > lowest and parts > moved:
                    break
            if parts < lowest and parts < moved:
                modes.split[i, j] = 1
            elif moved < lowest:
                _set(modes, y, x, 2, MOTION, whole)
            else:
                _set(modes, y, x, 2, still, whole)
