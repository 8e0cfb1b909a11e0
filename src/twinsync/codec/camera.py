"""A camera's two ends: the device encodes against revisions that the edge acknowledged, the edge decodes and keeps."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.container import (
    CONDITIONAL,
    FIRST,
    MOST_SAMPLES,
    MOST_SIDE,
    DamagedStream,
    Header,
    MissingReference,
    OtherTables,
    StreamError,
    pack,
    parse,
    wire_bytes,
    within_bounds,
)
from twinsync.codec.frame import Decoded, Encoder, Rate, base_of, decode_part
from twinsync.codec.prediction import BLOCK, MACROBLOCK
from twinsync.codec.references import Context, context_after
from twinsync.codec.tables import Tables, shipped
from twinsync.codec.twin import KEPT, Twin
from twinsync.errors import InputError

LEAST_PART = 3  # fewest bytes of a coded part that code anything


class CameraEncoder:
    """The device's end: pictures in, streams of the exact size out, coded against what the edge acknowledged."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or shipped()
        self.sent: Twin[Context] = Twin()
        self.acknowledged = -1
        self._revision = 0
        # A stream follows from its picture, size and references alone, whatever else was coded in between.
        self._rates: OrderedDict[int, Rate] = OrderedDict()

    def acknowledge(self, revision: int) -> None:
        """The edge holds a revision this device sent. Raises `MissingReference` for one not kept here."""
        self.sent.at(revision)
        self.acknowledged = max(self.acknowledged, revision)

    def number(self, revision: int) -> None:
        """Give the next picture this revision's number. Raises `InputError` for a number already passed."""
        if revision < self._revision:
            raise InputError(f"revision {revision} is below {self._revision}; numbers only rise")
        self._revision = revision

    def forget(self) -> None:
        """The edge no longer holds any revision: the next picture is coded alone."""
        self.acknowledged = -1

    def encode(
        self,
        picture: UInt8[np.ndarray, "h w"],
        extraction_factor: float,
        reference: int | None = None,
        moving: np.ndarray | None = None,
    ) -> tuple[int, bytes]:
        """The picture's revision, and its stream of floor(phi D / 8) bytes, D being 8 bits a sample.

        It is coded against `reference`, by default the newest revision acknowledged; alone where there is none, or none
        among the `KEPT` newest revisions. moving: a mask, bool [h, w], that goes first; the picture takes what is left.
        Raises `InputError` where the bytes are too few for a header, and for a mask of another kind or shape;
        `MissingReference` for a `reference` that is not kept.
        """
        size = wire_bytes(extraction_factor, 8 * picture.size)
        return self.encode_bytes(picture, size, reference, moving)

    def encode_bytes(
        self,
        picture: UInt8[np.ndarray, "h w"],
        size: int,
        reference: int | None = None,
        moving: np.ndarray | None = None,
    ) -> tuple[int, bytes]:
        """The same with a stream of `size` bytes. Raises `InputError` also for what is no picture of this format."""
        _check_picture(picture)
        if reference is None and self.acknowledged in self.sent.revisions:
            reference = self.acknowledged
        before = None if reference is None else self.sent.at(reference)
        if before is not None and (before.height, before.width) != picture.shape:
            before = None  # another camera mode: a twin of another size says nothing of it
        revision = self._revision
        header = self._header(revision, picture, before)
        if size < len(header) + LEAST_PART:
            raise InputError(
                f"{size} bytes for {picture.shape[1]}x{picture.shape[0]} samples: a stream has at least "
                f"{len(header) + LEAST_PART}; give a larger phi"
            )
        encoder = Encoder(picture, before, self.tables, moving)
        start = Rate() if before is None else self._rates.get(before.revision, Rate())
        filled = encoder.fill(size - len(header), start)
        self._rates[revision] = filled.rate
        while len(self._rates) > KEPT:
            self._rates.popitem(last=False)
        context = _kept(filled.decoded, revision, before, picture.shape)
        stream = header + filled.part
        if size == picture.size and not np.array_equal(
            context.picture[: picture.shape[0], : picture.shape[1]], picture
        ):
            stream, context = picture.tobytes(), raw_context(picture, revision)
        self.sent.keep(context)
        self._revision += 1
        return revision, stream

    def decoded(self, revision: int) -> UInt8[np.ndarray, "h w"]:
        """What the edge makes of a whole stream sent here."""
        context = self.sent.at(revision)
        return context.picture[: context.height, : context.width]

    def _header(self, revision: int, picture: np.ndarray, before: Context | None) -> bytes:
        identity = self.tables.identity
        if before is None:
            return pack(Header(FIRST, identity, revision, *picture.shape))
        return pack(Header(CONDITIONAL, identity, revision, reference=before.revision, check=before.check))


class CameraDecoder:
    """The edge's end: streams in, pictures out, every decoded revision kept as a reference."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or shipped()
        self.twin: Twin[Context] = Twin()

    def decode(self, stream: bytes, raw_shape: tuple[int, int] | None = None) -> UInt8[np.ndarray, "h w"]:
        """The picture of a stream, whole or cut; its revision is then held.

        `raw_shape` (height, width) of the camera, if known, admits samples as they are: what a device sends at phi = 1
        when they cannot be coded exactly in their own size. Raises `DamagedStream`, `OtherTables`, `MissingReference`.
        """
        if raw_shape is not None and len(stream) == raw_shape[0] * raw_shape[1]:
            try:
                coded = parse(stream).tables == self.tables.identity
            except StreamError:
                coded = False
            return self._decode(stream) if coded else self._raw(stream, raw_shape)
        return self._decode(stream)

    def _decode(self, stream: bytes) -> np.ndarray:
        header = parse(stream)
        if header.kind not in (FIRST, CONDITIONAL):
            raise DamagedStream("the stream holds a window of a series, no picture")
        if header.tables != self.tables.identity:
            raise OtherTables(
                f"the stream was written with tables {header.tables:04x}, this decoder has "
                f"{self.tables.identity:04x}; both ends need the same release"
            )
        before = None
        height, width = header.height, header.width
        if header.kind == CONDITIONAL:
            before = self.twin.at(header.reference)
            if before.check != header.check:
                raise MissingReference(header.reference, (), other_samples=True)
            height, width = before.height, before.width
        decoded = decode_part(stream[header.length :], base_of(before, height, width), self.tables)
        context = _kept(decoded, header.revision, before, (height, width))
        self.twin.keep(context)
        return context.picture[:height, :width]

    def _raw(self, stream: bytes, shape: tuple[int, int]) -> np.ndarray:
        picture = np.frombuffer(stream, np.uint8).reshape(shape).copy()
        revision = self.twin.revisions[-1] + 1 if self.twin.revisions else 0
        self.twin.keep(raw_context(picture, revision))
        return picture


def _check_picture(picture: np.ndarray) -> None:
    if picture.ndim != 2 or picture.dtype != np.uint8:
        raise InputError(f"a picture of shape {picture.shape} and type {picture.dtype}: expected [H, W] uint8, grey")
    if not within_bounds(*picture.shape):
        raise InputError(
            f"a picture of {picture.shape[1]}x{picture.shape[0]} samples: the format takes sides up to {MOST_SIDE} and "
            f"{MOST_SAMPLES} samples; scale it down"
        )


def raw_context(picture: UInt8[np.ndarray, "h w"], revision: int) -> Context:
    """The context after samples sent as they are."""
    height, width = picture.shape
    whole = np.pad(picture, ((0, -height % MACROBLOCK), (0, -width % MACROBLOCK)), mode="edge")
    busy = np.zeros((whole.shape[0] // BLOCK, whole.shape[1] // BLOCK), np.uint8)
    return context_after(revision, whole, busy, (height, width), None)


def _kept(decoded: Decoded, revision: int, before: Context | None, size: tuple[int, int]) -> Context:
    moving = None if decoded.moving is None else decoded.moving[: size[0], : size[1]].astype(bool)
    return context_after(revision, decoded.picture, decoded.busy, size, before, moving)
