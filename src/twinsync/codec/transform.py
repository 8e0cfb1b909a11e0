"""8x8 cosine transform in integers: the inverse is exact on every machine."""

from __future__ import annotations

import numpy as np

from twinsync.codec.compiled import compiled, inner

SIZE = 8

# 4096 x the orthonormal DCT-II basis, rounded; row k is frequency k. Frozen: the decoder's samples depend on it.
BASIS = np.array(
    [
        [1448, 1448, 1448, 1448, 1448, 1448, 1448, 1448],
        [2009, 1703, 1138, 400, -400, -1138, -1703, -2009],
        [1892, 784, -784, -1892, -1892, -784, 784, 1892],
        [1703, -400, -2009, -1138, 1138, 2009, 400, -1703],
        [1448, -1448, -1448, 1448, 1448, -1448, -1448, 1448],
        [1138, -2009, 400, 1703, -1703, -400, 2009, -1138],
        [784, -1892, 1892, -784, -784, 1892, -1892, 784],
        [400, -1138, 1703, -2009, 2009, -1703, 1138, -400],
    ],
    dtype=np.int32,
)


def _zigzag() -> np.ndarray:
    cells = sorted(
        ((row, column) for row in range(SIZE) for column in range(SIZE)),
        key=lambda cell: (sum(cell), cell[0] if sum(cell) % 2 else cell[1]),
    )
    return np.array([row * SIZE + column for row, column in cells], dtype=np.int32)


ZIGZAG = _zigzag()  # place in the raster of each step of the scan from low to high frequency


@compiled
def forward(block: np.ndarray, out: np.ndarray) -> None:
    """Coefficients [8, 8] in 1/16 of samples [8, 8] int32."""
    forward_through(block, out, np.empty((SIZE, SIZE), np.int32))


@inner
def forward_through(block: np.ndarray, out: np.ndarray, rows: np.ndarray) -> None:
    """The same with [8, 8] int32 of scratch."""
    for i in range(SIZE):
        for k in range(SIZE):
            total = np.int32(0)
            for n in range(SIZE):
                total = np.int32(total + block[i, n] * BASIS[k, n])
            rows[i, k] = (total + 128) >> 8
    for k in range(SIZE):
        for j in range(SIZE):
            total = np.int32(0)
            for n in range(SIZE):
                total = np.int32(total + BASIS[k, n] * rows[n, j])
            out[k, j] = (total + 2048) >> 12


@compiled
def inverse(coefficients: np.ndarray, out: np.ndarray) -> None:
    """Samples [8, 8] of coefficients [8, 8] int32 in 1/16, rounded."""
    inverse_through(coefficients, out, np.empty((SIZE, SIZE), np.int32))


@inner
def inverse_through(coefficients: np.ndarray, out: np.ndarray, columns: np.ndarray) -> None:
    """The same with [8, 8] int32 of scratch."""
    for n in range(SIZE):
        for j in range(SIZE):
            total = np.int64(0)
            for k in range(SIZE):
                total += np.int64(BASIS[k, n]) * coefficients[k, j]
            columns[n, j] = (total + 256) >> 9
    for i in range(SIZE):
        for n in range(SIZE):
            total = np.int64(0)
            for k in range(SIZE):
                total += np.int64(columns[i, k]) * BASIS[k, n]
            out[i, n] = (total + (1 << 18)) >> 19
