"""The filter network: three small convolutions in integers that take coding noise out of the blocks that were sent.

It works on cells of 2x2 samples, on differences in units of the quantiser's step, so one network serves all steps. The
blocks for which nothing was sent keep the samples of their reference: filtering those again frame after frame would
wear them away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec.compiled import compiled, inner
from twinsync.codec.prediction import BLOCK

CELL = 2  # samples a side
UNIT = 32  # activations are in 1/32 step, weights in 1/256
LARGEST = 127  # of an activation: almost four steps
WEIGHT_UNIT = 256
FEATURES = 14  # texture, residual, background at each of a cell's four samples; motion; levels sent
HIDDEN = 24
OUTPUTS = CELL * CELL
LANES = 16  # a row of weights is filled up to a multiple of these
BOX = 2  # reach of the mean that texture is taken against


class Network(NamedTuple):
    """Integer weights [9, inputs, outputs] int32 and biases [outputs] int32 of the three layers."""

    weight_1: np.ndarray
    bias_1: np.ndarray
    weight_2: np.ndarray
    bias_2: np.ndarray
    weight_3: np.ndarray
    bias_3: np.ndarray


def no_network() -> Network:
    """A network that changes nothing."""
    sizes = ((FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, OUTPUTS))
    arrays = []
    for inputs, outputs in sizes:
        arrays += [np.zeros((9, inputs, outputs), np.int32), np.zeros(outputs, np.int32)]
    return Network(*arrays)


@inner
def _scaled(difference: int, step: int) -> int:
    return min(LARGEST, max(-LARGEST, (difference * 16 * UNIT) // step))


@compiled
def _sums(picture: np.ndarray) -> np.ndarray:
    """Sums [H + 1, W + 1] int32 of the samples above and to the left of each corner."""
    height, width = picture.shape
    out = np.zeros((height + 1, width + 1), np.int32)
    for y in range(height):
        line = np.int32(0)
        for x in range(width):
            line += np.int32(picture[y, x])
            out[y + 1, x + 1] = out[y, x + 1] + line
    return out


@compiled
def features(
    picture: np.ndarray, prediction: np.ndarray, background: np.ndarray, busy: np.ndarray, step: int, near: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Inputs, int16 within an edge of one cell, [rows + 2, columns + 2, FEATURES], of the cells in `near`."""
    height, width = picture.shape
    sums = _sums(picture)
    for i in range(near.shape[0]):
        for j in range(near.shape[1]):
            if not near[i, j]:
                continue
            for k in range(OUTPUTS):
                y, x = CELL * i + k // CELL, CELL * j + k % CELL
                top, bottom = max(0, y - BOX), min(height, y + BOX + 1)
                left, right = max(0, x - BOX), min(width, x + BOX + 1)
                total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
                count = (bottom - top) * (right - left)
                value = int(picture[y, x])
                out[i + 1, j + 1, k] = _scaled(value - total // count, step)
                out[i + 1, j + 1, 4 + k] = _scaled(value - int(prediction[y, x]), step)
                out[i + 1, j + 1, 8 + k] = _scaled(int(background[y, x]) - value, step)
            kind = busy[i * CELL // BLOCK, j * CELL // BLOCK]
            out[i + 1, j + 1, 12] = UNIT if kind >= 3 else 0
            out[i + 1, j + 1, 13] = UNIT if kind == 2 or kind == 4 else (UNIT // 2 if kind == 1 else 0)


@compiled
def grow(marked: np.ndarray, out: np.ndarray) -> None:
    """Cells within one of a marked cell."""
    out[:] = 0
    for i in range(marked.shape[0]):
        for j in range(marked.shape[1]):
            if marked[i, j]:
                out[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = 1


@inner
def _brought(total: int, bias: int, lowest: int) -> int:
    return min(LARGEST, max(lowest, (total + bias + WEIGHT_UNIT // 2) >> 8))


@compiled
def convolve(
    inputs: np.ndarray, weight: np.ndarray, bias: np.ndarray, marked: np.ndarray, lowest: int, out: np.ndarray
) -> None:
    """3x3 convolution at the marked cells, brought to 1/32 and to [lowest, LARGEST].

    inputs, out: int16 within an edge of one cell, zero in `inputs`, [rows + 2, columns + 2, channels]; weight
    [9, inputs, outputs], whose outputs are a multiple of 4. Sums stay in 32 bits: numba would widen them to 64.
    """
    channels, outputs = weight.shape[1], weight.shape[2]
    span = 3 * channels
    padded = (3 * span + LANES - 1) // LANES * LANES
    by_output = np.zeros((outputs, padded), np.int16)
    for o in range(outputs):
        for tap in range(9):
            for c in range(channels):
                by_output[o, tap * channels + c] = weight[tap, c, o]
    around = np.zeros(padded, np.int16)
    for i in range(marked.shape[0]):
        rows = (inputs[i].reshape(-1), inputs[i + 1].reshape(-1), inputs[i + 2].reshape(-1))
        for j in range(marked.shape[1]):
            if not marked[i, j]:
                continue
            for r in range(3):
                row, part = rows[r][j * channels :], around[r * span :]
                for k in range(span):
                    part[k] = row[k]
            for o in range(0, outputs, 4):
                w0, w1, w2, w3 = by_output[o], by_output[o + 1], by_output[o + 2], by_output[o + 3]
                t0, t1, t2, t3 = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
                for k in range(padded):
                    value = np.int32(around[k])
                    t0 = np.int32(t0 + value * np.int32(w0[k]))
                    t1 = np.int32(t1 + value * np.int32(w1[k]))
                    t2 = np.int32(t2 + value * np.int32(w2[k]))
                    t3 = np.int32(t3 + value * np.int32(w3[k]))
                out[i + 1, j + 1, o] = _brought(t0, bias[o], lowest)
                out[i + 1, j + 1, o + 1] = _brought(t1, bias[o + 1], lowest)
                out[i + 1, j + 1, o + 2] = _brought(t2, bias[o + 2], lowest)
                out[i + 1, j + 1, o + 3] = _brought(t3, bias[o + 3], lowest)


@compiled
def smooth(
    picture: np.ndarray, prediction: np.ndarray, background: np.ndarray, busy: np.ndarray, step: int, network: Network
) -> np.ndarray:
    """The picture [H, W] uint8 with the blocks that were sent filtered."""
    rows, columns = picture.shape[0] // CELL, picture.shape[1] // CELL
    sent = np.zeros((rows, columns), np.uint8)
    for i in range(rows):
        for j in range(columns):
            sent[i, j] = 1 if busy[i * CELL // BLOCK, j * CELL // BLOCK] else 0
    near_1, near_2, near_3 = np.empty_like(sent), np.empty_like(sent), np.empty_like(sent)
    grow(sent, near_1)
    grow(near_1, near_2)
    grow(near_2, near_3)
    inputs = np.zeros((rows + 2, columns + 2, FEATURES), np.int16)
    features(picture, prediction, background, busy, step, near_3, inputs)
    hidden_1 = np.zeros((rows + 2, columns + 2, HIDDEN), np.int16)
    hidden_2 = np.zeros((rows + 2, columns + 2, HIDDEN), np.int16)
    change = np.zeros((rows + 2, columns + 2, OUTPUTS), np.int16)
    convolve(inputs, network.weight_1, network.bias_1, near_2, 0, hidden_1)
    convolve(hidden_1, network.weight_2, network.bias_2, near_1, 0, hidden_2)
    convolve(hidden_2, network.weight_3, network.bias_3, sent, -LARGEST, change)
    out = picture.copy()
    for i in range(rows):
        for j in range(columns):
            if sent[i, j]:
                for k in range(OUTPUTS):
                    y, x = CELL * i + k // CELL, CELL * j + k % CELL
                    value = int(picture[y, x]) + ((int(change[i + 1, j + 1, k]) * step + 256) >> 9)
                    out[y, x] = min(255, max(0, value))
    return out
