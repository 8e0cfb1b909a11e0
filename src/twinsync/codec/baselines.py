"""Still-picture codecs at no more bytes than ours, for comparison, through Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8

FORMATS = ("JPEG", "WebP")  # `JPEG2000` is known too
QUALITIES = range(1, 101)
FINEST_RATE, RATES_PER_OCTAVE = 1.5, 12  # of JPEG 2000: raw size over the file's, by quality


def still_picture(picture: UInt8[np.ndarray, "h w"], name: str, budget: int) -> UInt8[np.ndarray, "h w"] | None:
    """The picture after the highest quality whose file has at most `budget` bytes; None where none has."""
    from PIL import Image

    image = Image.fromarray(picture)
    low, high, best = QUALITIES[0] - 1, QUALITIES[-1] + 1, None
    while high - low > 1:
        quality = QUALITIES[0] if best is None else (low + high) // 2
        file = io.BytesIO()
        image.save(file, name, **_options(name, quality))
        if file.tell() > budget:
            high = quality
        else:
            low, best = quality, file
    if best is None:
        return None
    with Image.open(best) as opened:
        return np.asarray(opened.convert("L"))


def _options(name: str, quality: int) -> dict[str, Any]:
    if name == "JPEG":
        return {"quality": quality, "optimize": True}
    if name == "WebP":
        return {"quality": quality, "method": 4}
    rate = FINEST_RATE * 2 ** ((QUALITIES[-1] - quality) / RATES_PER_OCTAVE)
    return {"irreversible": True, "quality_mode": "rates", "quality_layers": [rate]}
