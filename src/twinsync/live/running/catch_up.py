"""More bits for a twin that is worse than the scenario's law of accuracy says, until it is as good.

The law, `accuracy_knots`, was measured against a good twin, and so was the work of coding against one. An allocator
that relies on it and grants the least phi from the first contact on gets neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinsync.arrays import Float
from twinsync.model.accuracy import extraction_factor_of, psnr_db

CLOSE_DB = 1.0  # a twin that lacks no more than this is as good as the law says
MOST = 0.1  # phi up to which more is granted
GAIN = 2.0  # of the fidelity lacking; with 1 a twin came to 37 dB of 40 as soon, but took twelve slots for the rest


def caught_up(
    extraction_factor: Float[np.ndarray, " K"],
    twin_db: Float[np.ndarray, " K"],
    knots: Sequence[Sequence[float]],
) -> Float[np.ndarray, " K"]:
    """phi to grant: `GAIN` times as far above the law as the twin lies below it, up to `MOST`; else phi as it is.

    twin_db: PSNR of the picture that the next frame builds on [dB], NaN where nothing is to be changed.
    knots: the law, `twinsync.model.accuracy`.
    """
    expected = psnr_db(extraction_factor, knots)
    needed = extraction_factor_of(expected + GAIN * (expected - twin_db), knots)
    behind = twin_db < expected - CLOSE_DB
    return np.where(behind, np.maximum(extraction_factor, np.minimum(needed, MOST)), extraction_factor)
