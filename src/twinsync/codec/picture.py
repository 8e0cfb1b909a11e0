"""Kernels over whole pictures: measures that contexts need, quantisation, reconstruction."""

from __future__ import annotations

import numpy as np

from twinsync.codec.bitplanes import reconstruct
from twinsync.codec.compiled import compiled
from twinsync.codec.levels import CELLS, Levels
from twinsync.codec.modes import Modes
from twinsync.codec.prediction import BLOCK, MARGIN, MOTION
from twinsync.codec.transform import SIZE, forward_through, inverse_through

ROUND_UP = 6  # of 16: a coefficient is quantised upwards from here on
GAIN_LIMIT = 1 << 20


@compiled
def mean_change(one: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
    """Mean absolute difference of two padded pictures in each 8x8 block, in 1/16."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0
            for y in range(MARGIN + i * BLOCK, MARGIN + (i + 1) * BLOCK):
                for x in range(MARGIN + j * BLOCK, MARGIN + (j + 1) * BLOCK):
                    total += abs(int(one[y, x]) - int(other[y, x]))
            out[i, j] = total >> 2


@compiled
def mean_deviation(picture: np.ndarray, out: np.ndarray) -> None:
    """Mean absolute deviation from its mean of each 8x8 block of a padded picture, in 1/16."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0
            for y in range(MARGIN + i * BLOCK, MARGIN + (i + 1) * BLOCK):
                for x in range(MARGIN + j * BLOCK, MARGIN + (j + 1) * BLOCK):
                    total += int(picture[y, x])
            mean = (total + 32) >> 6
            total = 0
            for y in range(MARGIN + i * BLOCK, MARGIN + (i + 1) * BLOCK):
                for x in range(MARGIN + j * BLOCK, MARGIN + (j + 1) * BLOCK):
                    total += abs(int(picture[y, x]) - mean)
            out[i, j] = total >> 2


@compiled
def transform_prediction(prediction: np.ndarray, coefficient: np.ndarray, energy: np.ndarray) -> None:
    """Coefficients [blocks, 64] of the prediction in 1/16, and the mean magnitude of each block's AC ones."""
    columns = prediction.shape[1] // BLOCK
    block = np.empty((SIZE, SIZE), np.int32)
    out, scratch = np.empty((SIZE, SIZE), np.int32), np.empty((SIZE, SIZE), np.int32)
    for b in range(coefficient.shape[0]):
        row, column = (b // columns) * BLOCK, (b % columns) * BLOCK
        for i in range(SIZE):
            for j in range(SIZE):
                block[i, j] = prediction[row + i, column + j]
        forward_through(block, out, scratch)
        total = 0
        for cell in range(CELLS):
            coefficient[b, cell] = out[cell // SIZE, cell % SIZE]
            total += abs(int(coefficient[b, cell]))
        energy[b] = (total - abs(int(coefficient[b, 0]))) // 63


@compiled
def quantise(
    picture: np.ndarray, prediction: np.ndarray, step: int, trade: float, magnitude: np.ndarray,
    negative: np.ndarray, gain: np.ndarray,
) -> None:  # fmt: skip
    """Levels [blocks, 64] of the residual, and what a level 1 saves in 1/16 bit at `trade` squared steps a bit."""
    columns = picture.shape[1] // BLOCK
    block = np.empty((SIZE, SIZE), np.int32)
    out, scratch = np.empty((SIZE, SIZE), np.int32), np.empty((SIZE, SIZE), np.int32)
    for b in range(magnitude.shape[0]):
        row, column = (b // columns) * BLOCK, (b % columns) * BLOCK
        for i in range(SIZE):
            for j in range(SIZE):
                block[i, j] = picture[row + i, column + j] - prediction[row + i, column + j]
        forward_through(block, out, scratch)
        for cell in range(CELLS):
            value = out[cell // SIZE, cell % SIZE]
            size = abs(int(value))
            magnitude[b, cell] = (size * 16 + ROUND_UP * step) // (16 * step)
            negative[b, cell] = 1 if value < 0 else 0
            gain[b, cell] = min(GAIN_LIMIT, int(16.0 * (2 * size - step) / (trade * step)))


@compiled
def rebuild(prediction: np.ndarray, levels: Levels, step: int, out: np.ndarray) -> None:
    """Samples [H, W] uint8: the prediction plus the residual as far as its levels are known."""
    columns = out.shape[1] // BLOCK
    coefficients = np.empty((SIZE, SIZE), np.int32)
    block, scratch = np.empty((SIZE, SIZE), np.int32), np.empty((SIZE, SIZE), np.int32)
    for b in range(levels.reached.shape[0]):
        row, column = (b // columns) * BLOCK, (b % columns) * BLOCK
        sent = reconstruct(levels, step, b, coefficients)
        if sent:
            inverse_through(coefficients, block, scratch)
        for i in range(SIZE):
            for j in range(SIZE):
                value = prediction[row + i, column + j]
                if sent:
                    value += block[i, j]
                out[row + i, column + j] = min(255, max(0, value))


@compiled
def busy_map(modes: Modes, levels: Levels, out: np.ndarray) -> None:
    """Class 0 .. 4 of each block [rows, columns]: 0 nothing sent, 1 and 2 levels only, 3 and 4 motion."""
    columns = out.shape[1]
    for b in range(levels.reached.shape[0]):
        count = 0
        for cell in range(CELLS):
            count += 1 if levels.magnitude[b, cell] else 0
        row, column = b // columns, b % columns
        if modes.mode[row, column] == MOTION:
            out[row, column] = 3 if count <= 4 else 4
        elif count:
            out[row, column] = 1 if count <= 2 else 2
        else:
            out[row, column] = 0
