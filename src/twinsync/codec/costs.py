"""What a prediction costs the encoder: the error that it leaves plus the bits that it takes, D + lambda R."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec.compiled import compiled, inner
from twinsync.codec.prediction import BACKGROUND, MACROBLOCK, MEAN, PREVIOUS, filter_rows, predict_block
from twinsync.codec.transform import SIZE, forward_through

# Bits that a decision is taken to cost here; the coder's own costs adapt, these are their usual size.
BITS_STATIC = 0.3
BITS_BLOCK, BITS_LEVEL = 2.0, 5.0


class Scratch(NamedTuple):
    """Arrays that the search works in, int32."""

    prediction: np.ndarray  # [16, 16]
    rows: np.ndarray  # of `motion_block`
    residual: np.ndarray  # [8, 8]
    coefficients: np.ndarray  # [8, 8]
    transform: np.ndarray  # [8, 8]


@compiled
def new_scratch() -> Scratch:
    """Scratch of one search."""
    return Scratch(
        np.empty((MACROBLOCK, MACROBLOCK), np.int32),
        filter_rows(),
        np.empty((SIZE, SIZE), np.int32),
        np.empty((SIZE, SIZE), np.int32),
        np.empty((SIZE, SIZE), np.int32),
    )


@inner
def residual_cost(
    picture: np.ndarray, row: int, column: int, size: int, step: int, trade: float, scratch: Scratch
) -> float:
    """Error left plus `trade` times bits, in 1/256 squared samples, of sending the residual of `scratch.prediction`
    at a step or not."""
    prediction, block, coefficients = scratch.prediction, scratch.residual, scratch.coefficients
    total = 0.0
    for top in range(0, size, SIZE):
        for left in range(0, size, SIZE):
            energy = 0
            for i in range(SIZE):
                for j in range(SIZE):
                    value = picture[row + top + i, column + left + j] - prediction[top + i, left + j]
                    block[i, j] = value
                    energy += value * value
            unsent = 256.0 * energy
            if unsent <= trade * 2.0:
                total += unsent
                continue
            forward_through(block, coefficients, scratch.transform)
            sent = trade * BITS_BLOCK
            for i in range(SIZE):
                for j in range(SIZE):
                    value = abs(coefficients[i, j])
                    squared = float(value) * value
                    if 10 * value > 6 * step:
                        bits = BITS_LEVEL + 2.0 * np.log2(max(1.0, value / step))
                        squared = min(squared, step * step / 12.0 + trade * bits)
                    sent += squared
            total += min(unsent, sent)
    return total


@inner
def still_cost(
    picture: np.ndarray, references: np.ndarray, row: int, column: int, size: int, step: int, trade: float,
    scratch: Scratch,
) -> tuple[float, int]:  # fmt: skip
    """Lowest cost of the predictions without motion, and its mode."""
    lowest, chosen = 1e300, BACKGROUND
    for mode in (BACKGROUND, PREVIOUS, MEAN):
        predict_block(references, row, column, size, mode, 0, 0, 0, scratch.prediction, scratch.rows)
        cost = residual_cost(picture, row, column, size, step, trade, scratch)
        if cost < lowest:
            lowest, chosen = cost, mode
    return lowest + trade * BITS_STATIC, chosen
