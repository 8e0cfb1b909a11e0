"""What a digital twin holds of a camera after a revision: the picture, a running background, older pictures.

Both ends make it from the same decoded samples, so a revision's number names the same context at both.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int16, UInt8

from twinsync.codec.prediction import padded

OLDER = 4  # pictures before the last one that motion may point into
BACKGROUND_BITS = 6  # fraction bits of the background
SETTLE_SHIFT, DRIFT = 3, 24  # how the background follows: 1/8 of a small change, 3/8 of a grey level of a large one
SMALL_CHANGE = 6  # grey levels


@dataclass(frozen=True)
class Context:
    """The twin at a revision. Blocks are 8x8; a picture's sides are multiples of 16 here, padded if need be."""

    revision: int
    picture: UInt8[np.ndarray, "H W"]
    background: Int16[np.ndarray, "H W"]  # in 1/64 grey level
    older: tuple[UInt8[np.ndarray, "H W"], ...]  # newest first, at most OLDER
    busy: UInt8[np.ndarray, "rows columns"]  # 0 .. 4, how much of each block the picture had to be sent
    height: int  # of the picture as the camera gives it
    width: int
    moving: Bool[np.ndarray, "h w"] | None = None  # which samples move, where the stream said so
    check: int = field(default=0)  # 16 bit over everything a decoder predicts from

    def still(self) -> UInt8[np.ndarray, "H W"]:
        """The background in whole grey levels."""
        return ((self.background + (1 << (BACKGROUND_BITS - 1))) >> BACKGROUND_BITS).astype(np.uint8)

    def references(self) -> UInt8[np.ndarray, "references padded_H padded_W"]:
        """Padded pictures to predict from: background, picture, older ones."""
        return np.stack([padded(each) for each in (self.still(), self.picture, *self.older)])


def context_after(
    revision: int,
    picture: UInt8[np.ndarray, "H W"],
    busy: UInt8[np.ndarray, "rows columns"],
    size: tuple[int, int],
    before: Context | None,
    moving: Bool[np.ndarray, "h w"] | None = None,
) -> Context:
    """The context once `picture` (padded to whole macroblocks, of true `size` (height, width)) was decoded."""
    if before is None:
        background = picture.astype(np.int16) << BACKGROUND_BITS
        older: tuple[np.ndarray, ...] = ()
    else:
        change = (picture.astype(np.int16) << BACKGROUND_BITS) - before.background
        slow = np.sign(change) * np.int16(DRIFT)
        follow = np.where(abs(change) <= SMALL_CHANGE << BACKGROUND_BITS, change >> SETTLE_SHIFT, slow)
        background = (before.background + follow).astype(np.int16)
        older = (before.picture, *before.older)[:OLDER]
    check = zlib.crc32(busy.tobytes(), zlib.crc32(background.tobytes(), zlib.crc32(picture.tobytes())))
    for each in older:
        check = zlib.crc32(each.tobytes(), check)
    return Context(revision, picture, background, older, busy, *size, moving, check & 0xFFFF)
