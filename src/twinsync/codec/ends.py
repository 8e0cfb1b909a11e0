"""Both ends of one device's twin where the caller chooses revisions and references, for every kind of sensor.

This is all that a live system knows of the codecs: a sample becomes a revision against another one in so many bytes; a
stream whose revision and reference are known becomes the sample again; what either end holds can be kept in a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import (
    CONDITIONAL,
    FIRST,
    SERIES_CONDITIONAL,
    SERIES_FIRST,
    DamagedStream,
    MissingReference,
    parse,
)
from twinsync.codec.quality import psnr_db
from twinsync.codec.references import Context
from twinsync.codec.series import Window, nmse
from twinsync.codec.series_tables import shipped_series
from twinsync.codec.series_twin import WindowDecoder, WindowEncoder
from twinsync.codec.tables import shipped
from twinsync.codec.twin import Twin

CAMERA, SERIES = "camera", "series"
MOST_DB = 99.0  # stands for no error at all
_KINDS = {FIRST: CAMERA, CONDITIONAL: CAMERA, SERIES_FIRST: SERIES, SERIES_CONDITIONAL: SERIES}

Held = Context | Window  # what an end holds of a revision


@runtime_checkable
class DeviceEnd(Protocol):
    """The device's end of a twin."""

    @property
    def twin(self) -> Twin[Any]:
        """The revisions sent."""
        ...

    def encode(self, sample: np.ndarray, /, size: int, revision: int, reference: int | None = None) -> bytes:
        """The stream of `size` bytes that makes `revision` against `reference`, alone without one.

        Raises `InputError` where the bytes are too few for a header, `MissingReference`.
        """
        ...

    def decoded(self, revision: int) -> np.ndarray:
        """What the edge makes of a whole stream sent here. Raises `MissingReference`."""
        ...


class CameraEnd:
    """A camera's device end."""

    def __init__(self) -> None:
        self._encoder = CameraEncoder()

    @property
    def twin(self) -> Twin[Context]:
        """The revisions sent."""
        return self._encoder.sent

    def encode(self, sample: np.ndarray, size: int, revision: int, reference: int | None = None) -> bytes:
        """As `DeviceEnd` has it, of a picture [h, w] uint8."""
        self._encoder.number(revision)
        return self._encoder.encode_bytes(sample, size, reference)[1]

    def decoded(self, revision: int) -> np.ndarray:
        """As `DeviceEnd` has it."""
        return self._encoder.decoded(revision)


class EdgeEnd:
    """The edge's end of a twin, whichever kind of stream its device sends.

    most_samples: of a picture; a few bytes may claim a larger one, which would take seconds and gigabytes to decode.
    """

    def __init__(self, most_samples: float = math.inf) -> None:
        self.most_samples = most_samples
        self._camera, self._series = CameraDecoder(), WindowDecoder()

    def decode(self, stream: bytes, revision: int, reference: int | None = None) -> np.ndarray:
        """The sample of a stream, whole or cut; its revision is then held.

        Raises `DamagedStream`, `OtherTables`, `MissingReference`.
        """
        if kind_of(stream) == SERIES:
            return self._series.decode(stream, revision, reference)
        header = parse(stream)
        if (header.revision, header.reference) != (revision, -1 if reference is None else reference):
            raise DamagedStream(f"the stream makes revision {header.revision}, its frame says {revision}")
        if header.height * header.width > self.most_samples:
            size = f"{header.width}x{header.height}"
            raise DamagedStream(f"a picture of {size} samples; this device's have at most {self.most_samples:g}")
        return self._camera.decode(stream)

    def keep(self, held: Held) -> None:
        """Hold a revision that was made elsewhere."""
        if isinstance(held, Window):
            self._series.twin.keep(held)
        else:
            self._camera.twin.keep(held)

    def at(self, revision: int) -> Held:
        """What is held of a revision. Raises `MissingReference`."""
        for twin in (self._camera.twin, self._series.twin):
            if revision in twin.revisions:
                return twin.at(revision)
        raise MissingReference(revision, self.revisions)

    @property
    def revisions(self) -> tuple[int, ...]:
        """Revisions held, oldest first."""
        return tuple(sorted({*self._camera.twin.revisions, *self._series.twin.revisions}))


@dataclass(frozen=True)
class Kind:
    """A kind of sensor: raw bits of each sample value, how recovered samples are judged in dB, and the device's end."""

    name: str
    sample_bits: int
    measure: str
    fidelity_db: Callable[[np.ndarray, np.ndarray], float]
    device_end: Callable[[], DeviceEnd]


def _picture_db(decoded: np.ndarray, true: np.ndarray) -> float:
    """PSNR [dB], at most 99."""
    return min(MOST_DB, psnr_db(decoded, true))


def window_db(decoded: np.ndarray, true: np.ndarray) -> float:
    """10 log10(1 / NMSE) of a window [length, channels], from -99 to 99.

    The error is over the squared deviation from each channel's mean within the window.
    """
    if np.array_equal(decoded, true):
        return MOST_DB
    error = nmse(decoded[None], true[None])
    return max(-MOST_DB, min(MOST_DB, -10.0 * math.log10(error))) if math.isfinite(error) else -MOST_DB


KINDS = {
    CAMERA: Kind(CAMERA, 8, "PSNR", _picture_db, CameraEnd),
    SERIES: Kind(SERIES, 16, "1/NMSE", window_db, WindowEncoder),
}


def kind_of(stream: bytes) -> str:
    """Which kind of sensor a stream is of. Raises `DamagedStream`."""
    kind = _KINDS.get(stream[0] >> 4) if stream else None
    if kind is None:
        raise DamagedStream("the bytes begin no stream of a camera, nor of a series with a named reference")
    return kind


def identity() -> str:
    """What both ends must agree on: the trained tables of each kind."""
    return f"{CAMERA}-{shipped().identity:04x} {SERIES}-{shipped_series().identity:04x}"


def arrays_of(held: Held) -> dict[str, np.ndarray]:
    """What is held of a revision, as arrays for a file; `numbers` begins with the tables and the revision."""
    if isinstance(held, Window):
        numbers = np.array([shipped_series().identity, held.revision])
        return {"numbers": numbers, "samples": held.samples, "size": held.size}
    numbers = [shipped().identity, held.revision, held.height, held.width, held.check]
    older = np.array(held.older, np.uint8).reshape(-1, *held.picture.shape)
    arrays = {"picture": held.picture, "background": held.background, "busy": held.busy, "older": older}
    if held.moving is not None:
        arrays["moving"] = held.moving
    return {"numbers": np.array(numbers), **arrays}


def held_from(arrays: dict[str, np.ndarray]) -> Held | None:
    """What `arrays_of` gave, None where it was made with other tables. Raises `KeyError`, `ValueError` for others."""
    tables, revision, *numbers = map(int, arrays["numbers"])
    if "samples" in arrays:
        window = Window(arrays["samples"], arrays["size"], revision)
        return window if tables == shipped_series().identity else None
    if tables != shipped().identity:
        return None
    height, width, check = numbers
    pictures = arrays["picture"], arrays["background"], tuple(arrays["older"]), arrays["busy"]
    return Context(revision, *pictures, height, width, arrays.get("moving"), check)
