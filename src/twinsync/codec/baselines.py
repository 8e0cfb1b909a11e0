"""Still-picture codecs at no more bytes than ours, for comparison: JPEG and WebP through Pillow."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import UInt8

FORMATS = ("JPEG", "WebP")
QUALITIES = range(1, 101)


def still_picture(picture: UInt8[np.ndarray, "h w"], name: str, budget: int) -> UInt8[np.ndarray, "h w"] | None:
    """The picture after the highest quality whose file has at most `budget` bytes; None where none has."""
    from PIL import Image

    image = Image.fromarray(picture)
    low, high, best = QUALITIES[0] - 1, QUALITIES[-1] + 1, None
    while high - low > 1:
        quality = QUALITIES[0] if best is None else (low + high) // 2
        file = io.BytesIO()
        options = {"optimize": True} if name == "JPEG" else {"method": 4}
        image.save(file, name, quality=quality, **options)
        if file.tell() > budget:
            high = quality
        else:
            low, best = quality, file
    if best is None:
        return None
    with Image.open(best) as opened:
        return np.asarray(opened.convert("L"))
