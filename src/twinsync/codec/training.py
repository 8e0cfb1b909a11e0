"""Training: start values are the coder's adaptive state after coding a training set; then the filter network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.filter_training import Patches, join, patches_of, train_filter
from twinsync.codec.frame import Encoder, Filled, Rate, read_part
from twinsync.codec.quality import moving_map, still_background
from twinsync.codec.references import Context, context_after
from twinsync.codec.tables import Tables, untrained
from twinsync.errors import InputError

# Factors trained at, and whether the mask goes first.
SETTINGS = (
    *((factor, False) for factor in (0.005, 0.007, 0.01, 0.014, 0.02, 0.05, 0.1, 0.2)),
    *((factor, True) for factor in (0.005, 0.01, 0.02)),
)
FILTER_FACTORS = (0.005, 0.007, 0.01, 0.014, 0.02, 0.035, 0.05)
FIRST_FACTOR = 0.5  # of a clip's first frame, coded alone
HEADER_BYTES = 9
LEAST_BUDGET = 8  # fewest bytes of a coded part that code anything
CONFIDENCE = 40  # most observations a start value counts as
Progress = Callable[[str, int, int], None]


def train(
    clips: Sequence[UInt8[np.ndarray, "frames h w"]],
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> Tables:
    """Tables after coding every clip at every one of `SETTINGS`, frames of all in turn, in a random order of `seed`.

    Counts are bounded by `CONFIDENCE` at the end only.
    """
    tables = untrained()
    random = np.random.default_rng(seed)
    runs = [_Run(clip, *setting) for clip in clips for setting in SETTINGS]
    total, done = sum(len(run.clip) - 1 for run in runs), 0
    while runs:
        run = runs[random.integers(len(runs))]
        tables = run.step(tables)
        runs = [each for each in runs if not each.finished]
        done += 1
        progress("training the tables", done, total)
    return dataclasses.replace(tables, seen=np.minimum(tables.seen, CONFIDENCE).astype(np.uint8))


def collect(
    clips: Sequence[UInt8[np.ndarray, "frames h w"]],
    tables: Tables,
    progress: Progress = lambda what, done, total: None,
) -> Patches:
    """What the filter network learns from: every clip coded at every factor of `FILTER_FACTORS` with fixed tables."""
    parts = []
    total, done = sum(len(clip) - 1 for clip in clips) * len(FILTER_FACTORS), 0
    for clip in clips:
        for factor in FILTER_FACTORS:
            run = _Run(clip, factor, False)
            while not run.finished:
                encoder = run.encoder(tables)
                filled = run.advance(encoder)
                coded = read_part(filled.part, encoder.base, tables)
                parts.append(patches_of(coded, encoder.base.still[1], encoder.picture))
                done += 1
                progress("coding for the filter", done, total)
    return join(parts)


def train_all(
    clips: Sequence[UInt8[np.ndarray, "frames h w"]],
    epochs: int,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> Tables:
    """Tables, then the filter network on what they code.

    The network's last bits depend on the number of threads that JAX has (`twinsync.compilation.one_thread`).
    """
    tables = train(clips, seed, progress)
    network = train_filter(collect(clips, tables, progress), epochs, seed, progress)
    return dataclasses.replace(tables, network=network)


class _Run:
    """A clip being coded at one factor, frame by frame."""

    def __init__(self, clip: np.ndarray, factor: float, masked: bool) -> None:
        self.clip, self.masked, self.background = clip, masked, still_background(clip)
        self.place, self.rate = 1, Rate()
        self.budget = int(factor * clip[0].size) - HEADER_BYTES
        if self.budget < LEAST_BUDGET:
            height, width = clip[0].shape
            raise InputError(f"pictures of {width}x{height} are too small to train on: phi = {factor:g} is no stream")
        alone = Encoder(clip[0], None, untrained())
        first = alone.fill(int(FIRST_FACTOR * clip[0].size), Rate()).decoded
        self.context: Context = context_after(0, first.picture, first.busy, clip[0].shape, None)

    @property
    def finished(self) -> bool:
        return self.place == len(self.clip)

    def encoder(self, tables: Tables) -> Encoder:
        """Of the next frame."""
        frame = self.clip[self.place]
        moving = moving_map(frame, self.background) if self.masked else None
        return Encoder(frame, self.context, tables, moving)

    def advance(self, encoder: Encoder) -> Filled:
        """Code the next frame; it becomes the reference."""
        filled = encoder.fill(self.budget, self.rate)
        self.rate, size = filled.rate, (self.context.height, self.context.width)
        self.context = context_after(self.place, filled.decoded.picture, filled.decoded.busy, size, self.context)
        self.place += 1
        return filled

    def step(self, tables: Tables) -> Tables:
        """The tables after the next frame, as adapted by coding it."""
        encoder = self.encoder(tables)
        filled = self.advance(encoder)
        _, coder = encoder.attempt(filled.rate.index, 3 * self.budget + 64)
        return dataclasses.replace(tables, probability=coder.probability, seen=coder.seen, weight=coder.weight)
