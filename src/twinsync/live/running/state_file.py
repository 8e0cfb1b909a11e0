"""A twin's state as a file that a person can open."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from twinsync.codec.container import MissingReference
from twinsync.codec.ends import EdgeEnd, Held
from twinsync.codec.series import Window


def state_file(decoder: EdgeEnd, revision: int) -> tuple[str, bytes] | None:
    """The media type and the content of a state, None where the edge does not hold that revision.

    A camera's picture is a PNG, a window a CSV file with a column for each channel.
    """
    try:
        held: Held = decoder.at(revision)
    except MissingReference:
        return None
    if isinstance(held, Window):
        rows = "".join(",".join(map(str, row)) + "\n" for row in held.samples.tolist())
        return "text/csv", rows.encode()
    content, picture = io.BytesIO(), held.picture[: held.height, : held.width]
    Image.fromarray(np.ascontiguousarray(picture)).save(content, "PNG", compress_level=1)
    return "image/png", content.getvalue()
