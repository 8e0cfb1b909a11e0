"""Trained start values: the coder's adaptive state after coding a training set, with its confidence bounded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.frame import Encoder, decode_part
from twinsync.codec.references import Context, context_after
from twinsync.codec.tables import Tables, untrained

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
HEADER_BYTES = 9
CONFIDENCE = 40  # most observations a start value counts as
Progress = Callable[[str, int, int], None]


def train(
    clips: Sequence[UInt8[np.ndarray, "frames h w"]],
    first: Callable[[np.ndarray], np.ndarray],
    passes: int = 1,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
    start: Tables | None = None,
) -> Tables:
    """Tables after coding every clip at every factor of `FACTORS`, frames of all in turn, in a fixed random order.

    `first` makes the twin's picture of a clip's first frame. Counts are bounded by `CONFIDENCE` at the end only.
    """
    tables = start or untrained()
    random = np.random.default_rng(seed)
    total = passes * sum(len(clip) - 1 for clip in clips) * len(FACTORS)
    done = 0
    for _ in range(passes):
        runs = [_Run(clip, factor, first(clip[0])) for clip in clips for factor in FACTORS]
        while runs:
            run = runs[random.integers(len(runs))]
            tables = run.step(tables)
            runs = [each for each in runs if not each.finished]
            done += 1
            progress("training the tables", done, total)
    return dataclasses.replace(tables, seen=np.minimum(tables.seen, CONFIDENCE).astype(np.uint8))


class _Run:
    """A clip being coded at one factor, frame by frame."""

    def __init__(self, clip: np.ndarray, factor: float, first: np.ndarray) -> None:
        self.clip, self.place, self.index = clip, 1, 160
        self.budget = int(factor * clip[0].size) - HEADER_BYTES
        rows, columns = -(-clip.shape[1] // 16) * 2, -(-clip.shape[2] // 16) * 2
        busy = np.zeros((rows, columns), np.uint8)
        self.context: Context = context_after(0, first, busy, clip[0].shape, None)

    @property
    def finished(self) -> bool:
        return self.place == len(self.clip)

    def step(self, tables: Tables) -> Tables:
        encoder = Encoder(self.clip[self.place], self.context, tables)
        part, self.index = encoder.fill(self.budget, self.index)
        _, coder = encoder.attempt(self.index, 3 * self.budget + 64)
        decoded = decode_part(part, encoder.base, tables)
        size = self.context.height, self.context.width
        self.context = context_after(self.place, decoded.picture, decoded.busy, size, self.context)
        self.place += 1
        return dataclasses.replace(tables, probability=coder.probability, seen=coder.seen, weight=coder.weight)
