"""The filter network: three small convolutions in integers that take coding noise out of the blocks that were sent.

It works on cells of 2x2 samples, on differences in units of the quantiser's step, so one network serves all steps. The
blocks for which nothing was sent keep the samples of their reference: filtering those again frame after frame would
wear them away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec.compiled import compiled
from twinsync.codec.prediction import BLOCK

CELL = 2  # samples a side
UNIT = 32  # activations are in 1/32 step, weights in 1/256
LARGEST = 127  # of an activation: almost four steps
WEIGHT_UNIT = 256
FEATURES = 14  # texture, residual, background at each of a cell's four samples; motion; levels sent
HIDDEN = 24
OUTPUTS = CELL * CELL
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


@compiled
def _scaled(difference: int, step: int) -> int:
    return min(LARGEST, max(-LARGEST, (difference * 16 * UNIT) // step))


@compiled
def features(
    picture: np.ndarray, prediction: np.ndarray, background: np.ndarray, busy: np.ndarray, step: int, near: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Inputs [rows, columns, FEATURES] int32 of the cells marked in `near` [rows, columns]."""
    height, width = picture.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            if not near[i, j]:
                continue
            for k in range(OUTPUTS):
                y, x = CELL * i + k // CELL, CELL * j + k % CELL
                total, count = 0, 0
                for v in range(max(0, y - BOX), min(height, y + BOX + 1)):
                    for u in range(max(0, x - BOX), min(width, x + BOX + 1)):
                        total += int(picture[v, u])
                        count += 1
                value = int(picture[y, x])
                out[i, j, k] = _scaled(value - total // count, step)
                out[i, j, 4 + k] = _scaled(value - int(prediction[y, x]), step)
                out[i, j, 8 + k] = _scaled(int(background[y, x]) - value, step)
            kind = busy[i * CELL // BLOCK, j * CELL // BLOCK]
            out[i, j, 12] = UNIT if kind >= 3 else 0
            out[i, j, 13] = UNIT if kind == 2 or kind == 4 else (UNIT // 2 if kind == 1 else 0)


@compiled
def grow(marked: np.ndarray, out: np.ndarray) -> None:
    """Cells within one of a marked cell."""
    out[:] = 0
    for i in range(marked.shape[0]):
        for j in range(marked.shape[1]):
            if marked[i, j]:
                out[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = 1


@compiled
def convolve(
    inputs: np.ndarray, weight: np.ndarray, bias: np.ndarray, marked: np.ndarray, lowest: int, out: np.ndarray
) -> None:
    """3x3 convolution at the marked cells, brought to 1/32 and to [lowest, LARGEST]."""
    rows, columns, channels = inputs.shape
    outputs = weight.shape[2]
    total = np.empty(outputs, np.int32)
    for i in range(rows):
        for j in range(columns):
            if not marked[i, j]:
                continue
            for o in range(outputs):
                total[o] = bias[o]
            for tap in range(9):
                y, x = i + tap // 3 - 1, j + tap % 3 - 1
                if y < 0 or y >= rows or x < 0 or x >= columns:
                    continue
                for c in range(channels):
                    value = inputs[y, x, c]
                    if value != 0:
                        for o in range(outputs):
                            total[o] += value * weight[tap, c, o]
            for o in range(outputs):
                out[i, j, o] = min(LARGEST, max(lowest, (total[o] + WEIGHT_UNIT // 2) >> 8))


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
    inputs = np.zeros((rows, columns, FEATURES), np.int32)
    features(picture, prediction, background, busy, step, near_3, inputs)
    hidden_1 = np.zeros((rows, columns, HIDDEN), np.int32)
    hidden_2 = np.zeros((rows, columns, HIDDEN), np.int32)
    change = np.zeros((rows, columns, OUTPUTS), np.int32)
    convolve(inputs, network.weight_1, network.bias_1, near_2, 0, hidden_1)
    convolve(hidden_1, network.weight_2, network.bias_2, near_1, 0, hidden_2)
    convolve(hidden_2, network.weight_3, network.bias_3, sent, -LARGEST, change)
    out = picture.copy()
    for i in range(rows):
        for j in range(columns):
            if sent[i, j]:
                for k in range(OUTPUTS):
                    y, x = CELL * i + k // CELL, CELL * j + k % CELL
                    value = int(picture[y, x]) + ((change[i, j, k] * step + 256) >> 9)
                    out[y, x] = min(255, max(0, value))
    return out
