"""The gain of each part of the frame codec in decibels: the same clip at the same bytes with one part left out.

`python -m benchmarks.codec_ablation --input street --start 400 --every 12` prints mean PSNR of the frames after the
first at each phi for the whole codec, then how much PSNR changes without each part. Encoder and decoder both leave the
part out.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
from numba import njit

from twinsync.codec import camera, frame, references, search, tables
from twinsync.codec.evaluation import Setting, evaluate_clip
from twinsync.codec.prediction import BLOCK, MACROBLOCK
from twinsync.codec.smoothing import no_network
from twinsync.codec.sources import read_frames, sample_frames

FACTORS = (0.005, 0.01, 0.02, 0.05)
WHOLE = "whole codec [dB]"
Patch = Callable[[ExitStack], None]


def _flat_tables(stack: ExitStack) -> None:
    """Untrained start values; the trained filter stays."""
    flat = dataclasses.replace(tables.untrained(), network=tables.shipped().network)
    stack.enter_context(mock.patch.object(camera, "shipped", return_value=flat))


def _no_filter(stack: ExitStack) -> None:
    plain = dataclasses.replace(tables.shipped(), network=no_network())
    stack.enter_context(mock.patch.object(camera, "shipped", return_value=plain))


def _no_older(stack: ExitStack) -> None:
    stack.enter_context(mock.patch.object(references, "OLDER", 0))


def _no_background(stack: ExitStack) -> None:
    """The background is the previous picture."""
    usual = references.context_after

    def after(revision, picture, busy, size, before, moving=None):  # type: ignore[no-untyped-def]
        made = usual(revision, picture, busy, size, before, moving)
        still = picture.astype(np.int16) << references.BACKGROUND_BITS
        return dataclasses.replace(made, background=still)

    stack.enter_context(mock.patch.object(camera, "context_after", after))


def _no_background_no_older(stack: ExitStack) -> None:
    _no_background(stack)
    _no_older(stack)


@njit
def to_whole_samples(picture: np.ndarray, references: np.ndarray, motion: np.ndarray) -> None:
    """Replace each motion [rows, columns, references, 5, 2], in place, by the best whole-sample motion next to it."""
    height, width = picture.shape
    for i, j, k, part in np.ndindex(motion.shape[:4]):
        size = MACROBLOCK if part == 0 else BLOCK
        row = i * MACROBLOCK + (0 if part == 0 else BLOCK * ((part - 1) // 2))
        column = j * MACROBLOCK + (0 if part == 0 else BLOCK * ((part - 1) % 2))
        down, right = motion[i, j, k, part, 0], motion[i, j, k, part, 1]
        lowest = 1 << 30
        for y in range(down // 2, (down + 1) // 2 + 1):
            for x in range(right // 2, (right + 1) // 2 + 1):
                if not search._reaches(height, width, row, column, size, y, x):
                    continue
                total = search._difference(picture, references[1 + k], row, column, y, x, size, lowest)
                if total < lowest:
                    lowest = total
                    motion[i, j, k, part, 0], motion[i, j, k, part, 1] = 2 * y, 2 * x


def _whole_samples(stack: ExitStack) -> None:
    """Motion by whole samples only."""
    usual = search.search_motion

    def whole(picture, references, step, trade, motion, active):  # type: ignore[no-untyped-def]
        usual(picture, references, step, trade, motion, active)
        to_whole_samples(picture, references, motion)

    stack.enter_context(mock.patch.object(frame, "search_motion", whole))


def _no_motion(stack: ExitStack) -> None:
    usual = search.search_motion

    def still(picture, references, step, trade, motion, active):  # type: ignore[no-untyped-def]
        usual(picture, references, step, trade, motion, active)
        active[:] = 0

    stack.enter_context(mock.patch.object(frame, "search_motion", still))


PARTS: dict[str, Patch] = {
    "trained start tables": _flat_tables,
    "filter network": _no_filter,
    "running background": _no_background,
    "older references": _no_older,
    "background and older references": _no_background_no_older,
    "half-sample motion": _whole_samples,
    "motion": _no_motion,
}


@contextmanager
def without(part: str) -> Iterator[None]:
    """Within the block, the codec works without `part`."""
    with ExitStack() as stack:
        PARTS[part](stack)
        yield


def measure(frames: np.ndarray, first_factor: float) -> np.ndarray:
    """Mean PSNR at each factor [dB]."""
    results = evaluate_clip(frames, FACTORS, Setting(first_factor), stills=False)
    return np.array([result.mean("psnr_db") for result in results])


def compare(frames: np.ndarray, first_factor: float) -> Iterator[tuple[str, list[float]]]:
    """The whole codec's PSNR at each factor [dB], as `WHOLE`; then the change in PSNR without each part [dB]."""
    whole = measure(frames, first_factor)
    yield WHOLE, whole.tolist()
    for part in PARTS:
        with without(part):
            change = measure(frames, first_factor) - whole
        yield part, change.tolist()


def table(rows: Iterable[tuple[str, Sequence[float]]]) -> Iterator[str]:
    """The rows as lines of a Markdown table."""
    yield f"| | {' | '.join(f'phi = {factor:g}' for factor in FACTORS)} |"
    yield "|---" + "|---:" * len(FACTORS) + "|"
    for part, values in rows:
        cells = [f"{value:.2f}" if part == WHOLE else f"{value:+.2f}" for value in values]
        yield f"| {part if part == WHOLE else f'without {part}'} | {' | '.join(cells)} |"


def main() -> None:
    """Parse arguments, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec_ablation", description=__doc__)
    parser.add_argument("--input", type=Path, help="by default the packaged sample")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--frames", type=int, help="largest number of frames")
    parser.add_argument("--first-phi", type=float, default=0.53)
    args = parser.parse_args()
    if args.input is None:
        frames = sample_frames()[args.start :: args.every][: args.frames]
    else:
        frames = np.stack(list(read_frames(args.input, args.every, args.start, args.frames)))
    for line in table(compare(frames, args.first_phi)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
