"""The frame codec: a grey picture to exactly the bytes asked for, against what the twin holds, and back."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from twinsync.codec import exact
from twinsync.codec.bitplanes import CELLS, Levels, Texture, Wanted, code_planes, empty_levels
from twinsync.codec.container import DamagedStream
from twinsync.codec.modes import Modes, Surroundings, code_modes, empty_modes
from twinsync.codec.picture import busy_map, mean_change, mean_deviation, quantise, rebuild, transform_prediction
from twinsync.codec.prediction import BLOCK, MACROBLOCK, MARGIN, MOTION, NEUTRAL, PREVIOUS, predict_picture
from twinsync.codec.range_coder import STOPPED, Coder, finish_encoding, start_decoding, start_encoding
from twinsync.codec.references import Context
from twinsync.codec.search import choose_modes, search_motion
from twinsync.codec.tables import Tables

STEPS = 254
SIDE_BYTES = 2  # step and planes
EXACT_STEP = 255  # in place of a step: the samples follow exactly, after 32 check bits
EXACT_SIDE_BYTES = 5
EXACT_SHARE = 5  # exact coding is tried from 1/5 of the raw size on
MOST_PLANES = 15
TRADE = 0.09  # lambda of D + lambda R, in squared steps a bit
TRIES = 7


def step_of(index: int) -> int:
    """Quantiser step in 1/16 grey level, 32 an octave, from 1/2 grey level on."""
    return ((32 + index % 32) << (index // 32)) >> 2


@dataclass(frozen=True)
class Base:
    """What both ends have before the first coded decision, of a picture of whole macroblocks."""

    height: int
    width: int
    references: np.ndarray | None  # [references, padded H, padded W] uint8; None at first contact
    around: Surroundings

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of 8x8 blocks."""
        return self.height // BLOCK, self.width // BLOCK


@dataclass(frozen=True)
class Coded:
    """What a coded part holds, as far as its bytes reach."""

    modes: Modes
    prediction: np.ndarray  # [H, W] int32
    levels: Levels
    step: int

    def picture(self) -> UInt8[np.ndarray, "H W"]:
        """The decoded samples."""
        out = np.empty(self.prediction.shape, np.uint8)
        rebuild(self.prediction, self.levels, self.step, out)
        return out

    def busy(self) -> UInt8[np.ndarray, "rows columns"]:
        """How much of each block had to be sent."""
        out = np.empty(self.modes.mode.shape, np.uint8)
        busy_map(self.modes, self.levels, out)
        return out


def base_of(context: Context | None, height: int, width: int) -> Base:
    """What `context` offers a picture of the given size in samples, rounded up to whole macroblocks."""
    height, width = height + -height % MACROBLOCK, width + -width % MACROBLOCK
    shape = (height // BLOCK, width // BLOCK)
    change, deviation = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    if context is None:
        return Base(height, width, None, Surroundings(change, deviation, np.zeros(shape, np.uint8)))
    references = context.references()
    mean_change(references[0], references[1], change)
    mean_deviation(references[1], deviation)
    return Base(height, width, references, Surroundings(change, deviation, context.busy))


def code(
    coder: Coder, base: Base, modes_wanted: Modes, wanted: Wanted, step: int, planes: int, tables: Tables
) -> Coded:
    """Write the choices of an encoder, or read them: modes, motion, then bit-planes."""
    modes = empty_modes(*base.blocks)
    prediction = np.full((base.height, base.width), NEUTRAL, np.int32)
    whole = True
    if base.references is not None:
        whole = code_modes(coder, modes, modes_wanted, base.around, base.references.shape[0] - 1)
        predict_picture(base.references, modes.mode, modes.reference, modes.motion, prediction)
    levels = empty_levels(base.blocks[0] * base.blocks[1])
    if whole:
        texture = texture_of(prediction, modes, base)
        code_planes(coder, levels, wanted, texture, base.blocks[1], planes, step, tables.price)
    return Coded(modes, prediction, levels, step)


def texture_of(prediction: np.ndarray, modes: Modes, base: Base) -> Texture:
    """Contexts of the residual that both ends derive from the prediction."""
    blocks = modes.mode.size
    coefficient, energy = np.zeros((blocks, CELLS), np.int32), np.zeros(blocks, np.int32)
    transform_prediction(prediction, coefficient, energy)
    split = modes.split.repeat(2, 0).repeat(2, 1)
    kind = np.where(modes.mode == MOTION, 2 + split, modes.mode == PREVIOUS).astype(np.uint8)
    return Texture(coefficient, base.around.change.ravel(), energy, kind.ravel(), base.around.busy.ravel())


class Encoder:
    """One picture against one context, at as many steps as it takes to use the bytes given."""

    def __init__(self, picture: UInt8[np.ndarray, "h w"], context: Context | None, tables: Tables) -> None:
        height, width = picture.shape
        edges = ((0, -height % MACROBLOCK), (0, -width % MACROBLOCK))
        self.picture = np.pad(picture, edges, mode="edge").astype(np.int32)
        self.base = base_of(context, height, width)
        self.tables = tables
        self._searched: tuple[np.ndarray, np.ndarray] | None = None

    def attempt(self, index: int, limit: int) -> tuple[bytes, Coder]:
        """The coded part at a step: step, planes, coder's bytes, at most `limit` of these."""
        step = step_of(index)
        modes = self._modes(step)
        prediction = np.full(self.picture.shape, NEUTRAL, np.int32)
        if self.base.references is not None:
            predict_picture(self.base.references, modes.mode, modes.reference, modes.motion, prediction)
        shape = (modes.mode.size, CELLS)
        wanted = Wanted(np.zeros(shape, np.int32), np.zeros(shape, np.uint8), np.zeros(shape, np.int32))
        quantise(self.picture, prediction, step, TRADE, wanted.magnitude, wanted.negative, wanted.gain)
        planes = int(wanted.magnitude.max()).bit_length()
        coder = self.tables.coder(np.zeros(limit, np.uint8))
        start_encoding(coder, limit)
        code(coder, self.base, modes, wanted, step, planes, self.tables)
        used = limit if coder.state[STOPPED] else finish_encoding(coder)
        return bytes([index, planes]) + coder.buffer[:used].tobytes(), coder

    def _modes(self, step: int) -> Modes:
        modes = empty_modes(*self.base.blocks)
        references = self.base.references
        if references is None:
            return modes
        trade = TRADE * step * step
        if self._searched is None:
            rows, columns = self.base.height // MACROBLOCK, self.base.width // MACROBLOCK
            motion = np.zeros((rows, columns, references.shape[0] - 1, 5, 2), np.int32)
            active = np.zeros((rows, columns), np.uint8)
            search_motion(self.picture, references, step, trade, motion, active)
            self._searched = motion, active
        choose_modes(self.picture, references, step, trade, *self._searched, modes)
        return modes

    def attempt_exact(self, limit: int) -> bytes | None:
        """The samples exactly in at most `limit` bytes, or None where they need more."""
        coder = self.tables.exact_coder(np.zeros(limit, np.uint8))
        start_encoding(coder, limit)
        samples = self.picture.astype(np.uint8)
        exact.code_exact(coder, samples, exact_reference(self.base), np.empty_like(samples))
        used = 0 if coder.state[STOPPED] else finish_encoding(coder)
        if coder.state[STOPPED]:
            return None
        check = zlib.crc32(samples.tobytes()).to_bytes(4, "little")
        return bytes([EXACT_STEP]) + check + coder.buffer[:used].tobytes()

    def fill(self, budget: int, start: int) -> tuple[bytes, int]:
        """The coded part of exactly `budget` bytes, and its step's index; `start` is the index tried first."""
        if EXACT_SHARE * budget >= self.picture.size and budget > EXACT_SIDE_BYTES:
            part = self.attempt_exact(budget - EXACT_SIDE_BYTES)
            if part is not None:
                return part + bytes(budget - len(part)), start
        low, high = -1, STEPS  # the finest step known to be too long, the coarsest known to fit
        tried: dict[int, bytes] = {}
        index = min(max(start, 0), STEPS - 1)
        for _ in range(TRIES):
            tried[index], _coder = self.attempt(index, 3 * budget + 64)
            size = len(tried[index])
            if size > budget:
                low = index
            else:
                high = index
            if high - low <= 1:
                break
            move = round(24 * math.log2(size / budget)) or (1 if size > budget else -1)
            index = min(max(index + move, low + 1), high - 1)
        best = low if low in tried else high  # the last plane's end is cut, which costs less than bytes unused
        content = tried[best][:budget]
        return content + bytes(budget - len(content)), best


@dataclass(frozen=True)
class Decoded:
    """A decoded picture of whole macroblocks, and how much of each of its blocks had to be sent."""

    picture: UInt8[np.ndarray, "H W"]
    busy: UInt8[np.ndarray, "rows columns"]


def decode_part(part: bytes, base: Base, tables: Tables) -> Decoded:
    """Read a coded part, cut or whole. Raises `DamagedStream` where exact samples fail their check."""
    part = part.ljust(SIDE_BYTES, b"\0")
    if part[0] == EXACT_STEP:
        return _decode_exact(part, base, tables)
    step, planes = step_of(min(part[0], STEPS - 1)), min(part[1], MOST_PLANES)
    coder = tables.coder(np.frombuffer(part, np.uint8).copy())
    start_decoding(coder, SIDE_BYTES, len(part))
    nothing = Wanted(np.zeros((0, CELLS), np.int32), np.zeros((0, CELLS), np.uint8), np.zeros((0, CELLS), np.int32))
    coded = code(coder, base, empty_modes(*base.blocks), nothing, step, planes, tables)
    return Decoded(coded.picture(), coded.busy())


def exact_reference(base: Base) -> UInt8[np.ndarray, "H W"]:
    """The previous picture, or nothing."""
    if base.references is None:
        return np.zeros((0, 0), np.uint8)
    return np.ascontiguousarray(base.references[1, MARGIN:-MARGIN, MARGIN:-MARGIN])


def _decode_exact(part: bytes, base: Base, tables: Tables) -> Decoded:
    coder = tables.exact_coder(np.frombuffer(part, np.uint8).copy())
    start_decoding(coder, EXACT_SIDE_BYTES, len(part))
    reference = exact_reference(base)
    # What a cut stream does not reach stays as the reference has it.
    samples = reference.copy() if reference.size else np.full((base.height, base.width), NEUTRAL, np.uint8)
    whole = exact.code_exact(coder, np.zeros((0, 0), np.uint8), reference, samples)
    if whole and zlib.crc32(samples.tobytes()) != int.from_bytes(part[1:5], "little"):
        raise DamagedStream("the samples are not those that were sent")
    return Decoded(samples, np.zeros(base.blocks, np.uint8))
