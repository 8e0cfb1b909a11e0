"""The frame codec: a grey picture to exactly the bytes asked for, against what the twin holds, and back."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from twinsync.codec import exact
from twinsync.codec.bitplanes import Wanted, code_planes
from twinsync.codec.choice import choose_modes
from twinsync.codec.container import DamagedStream
from twinsync.codec.levels import CELLS, Levels, Texture, empty_levels
from twinsync.codec.modes import KNOWN_TO_MOVE, Modes, Surroundings, code_modes, empty_modes
from twinsync.codec.moving import code_moving, cover
from twinsync.codec.picture import busy_map, mean_change, mean_deviation, quantise, rebuild, transform_prediction
from twinsync.codec.prediction import BLOCK, MACROBLOCK, MARGIN, MOTION, NEUTRAL, PREVIOUS, predict_picture
from twinsync.codec.range_coder import STOPPED, Coder, finish_encoding, start_decoding, start_encoding
from twinsync.codec.references import Context
from twinsync.codec.search import SIZES, search_motion
from twinsync.codec.smoothing import smooth
from twinsync.codec.tables import Tables
from twinsync.errors import InputError

STEPS = 254
SIDE_BYTES = 2  # step, then planes and two flags: a mask comes first; the filter ends it
MASK_FLAG, FILTER_FLAG = 128, 64
EXACT_STEP = 255  # in place of a step: the samples follow exactly, after 32 check bits
EXACT_SIDE_BYTES = 5
EXACT_SHARE = 5  # exact coding is tried from 1/5 of the raw size on
MOST_PLANES = 15
TRADE = 0.09  # lambda of D + lambda R, in squared steps a bit
TRIES = 7
ENOUGH = 1.03  # a stream so little too long is cut rather than tried again
FLATTEST, STEEPEST = 8.0, 100.0  # of the indices for half the bytes


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

    @property
    def still(self) -> tuple[np.ndarray, np.ndarray]:
        """Previous picture and background [H, W] uint8, or empty arrays."""
        if self.references is None:
            return np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8)
        previous, background = (self.references[place, MARGIN:-MARGIN, MARGIN:-MARGIN] for place in (1, 0))
        return np.ascontiguousarray(previous), np.ascontiguousarray(background)


@dataclass(frozen=True)
class Choices:
    """What an encoder would send."""

    moving: np.ndarray  # [H, W] uint8
    modes: Modes
    levels: Wanted

    @staticmethod
    def none(base: Base) -> Choices:
        """A decoder's: nothing."""
        empty = np.zeros((0, CELLS), np.int32)
        levels = Wanted(empty, empty.astype(np.uint8), empty)
        return Choices(np.zeros((0, 0), np.uint8), empty_modes(*base.blocks), levels)


@dataclass(frozen=True)
class Coded:
    """What a coded part holds, as far as its bytes reach."""

    modes: Modes
    prediction: np.ndarray  # [H, W] int32
    levels: Levels
    step: int
    moving: UInt8[np.ndarray, "H W"] | None  # the mask, where one was sent

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

    def filtered(self, base: Base, tables: Tables) -> UInt8[np.ndarray, "H W"]:
        """The decoded samples with coding noise taken out of the blocks that were sent."""
        return smooth(self.picture(), self.prediction, base.still[1], self.busy(), self.step, tables.network)


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


def code(coder: Coder, base: Base, wanted: Choices, step: int, planes: int, masked: bool, tables: Tables) -> Coded:
    """Write the choices of an encoder, or read them: the mask if there is one, modes and motion, then bit-planes."""
    modes, around = empty_modes(*base.blocks), base.around
    prediction = np.full((base.height, base.width), NEUTRAL, np.int32)
    whole, moving = True, None
    if masked:
        moving = np.zeros((base.height, base.width), np.uint8)
        whole = code_moving(coder, wanted.moving, *base.still, moving)
        cover_class = np.empty(base.blocks, np.uint8)
        cover(moving, cover_class)
        around = around._replace(busy=KNOWN_TO_MOVE + cover_class)
    if base.references is not None:
        whole = whole and code_modes(coder, modes, wanted.modes, around, base.references.shape[0] - 1)
        predict_picture(base.references, modes.mode, modes.reference, modes.motion, prediction)
    levels = empty_levels(modes.mode.size)
    if whole:
        texture = texture_of(prediction, modes, around)
        code_planes(coder, levels, wanted.levels, texture, base.blocks[1], planes, step, tables.price)
    return Coded(modes, prediction, levels, step, moving)


def texture_of(prediction: np.ndarray, modes: Modes, around: Surroundings) -> Texture:
    """Contexts of the residual that both ends derive from the prediction."""
    blocks = modes.mode.size
    coefficient, energy = np.zeros((blocks, CELLS), np.int32), np.zeros(blocks, np.int32)
    transform_prediction(prediction, coefficient, energy)
    split = modes.split.repeat(2, 0).repeat(2, 1)
    kind = np.where(modes.mode == MOTION, 2 + split, modes.mode == PREVIOUS).astype(np.uint8)
    measure = np.zeros((blocks, 2 + CELLS), np.uint8)
    return Texture(coefficient, around.change.ravel(), energy, kind.ravel(), around.busy.ravel(), measure)


@dataclass(frozen=True)
class Decoded:
    """A decoded picture of whole macroblocks, and how much of each of its blocks had to be sent."""

    picture: UInt8[np.ndarray, "H W"]
    busy: UInt8[np.ndarray, "rows columns"]
    moving: UInt8[np.ndarray, "H W"] | None = None  # the mask, where one was sent


@dataclass(frozen=True)
class Rate:
    """Where the search for the quantiser's step starts: its index, and how many indices further the bytes are half."""

    index: int = 160
    slope: float = 26.0


@dataclass(frozen=True)
class Filled:
    """A coded part, where its step was found, and what it decodes to."""

    part: bytes
    rate: Rate
    decoded: Decoded


class Encoder:
    """One picture against one context, at as many steps as it takes to use the bytes given."""

    def __init__(
        self,
        picture: UInt8[np.ndarray, "h w"],
        context: Context | None,
        tables: Tables,
        moving: np.ndarray | None = None,
    ) -> None:
        if moving is not None and (moving.shape != picture.shape or moving.dtype != bool):
            given = f"{moving.dtype} of shape {moving.shape}"
            raise InputError(f"moving: {given} for a picture of shape {picture.shape}; give booleans of its shape")
        height, width = picture.shape
        edges = ((0, -height % MACROBLOCK), (0, -width % MACROBLOCK))
        self.picture = np.pad(picture, edges, mode="edge").astype(np.int32)
        self.masked = moving is not None
        self.moving = np.pad(moving, edges).astype(np.uint8) if moving is not None else np.zeros((0, 0), np.uint8)
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
        code(coder, self.base, Choices(self.moving, modes, wanted), step, planes, self.masked, self.tables)
        used = limit if coder.state[STOPPED] else finish_encoding(coder)
        return bytes([index, planes | MASK_FLAG * self.masked]) + coder.buffer[:used].tobytes(), coder

    def _modes(self, step: int) -> Modes:
        modes = empty_modes(*self.base.blocks)
        references = self.base.references
        if references is None:
            return modes
        trade = TRADE * step * step
        if self._searched is None:
            rows, columns = self.base.height // MACROBLOCK, self.base.width // MACROBLOCK
            motion = np.zeros((rows, columns, references.shape[0] - 1, SIZES, 2), np.int32)
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
        exact.code_exact(coder, samples, self.base.still[0], np.empty_like(samples))
        used = 0 if coder.state[STOPPED] else finish_encoding(coder)
        if coder.state[STOPPED]:
            return None
        check = zlib.crc32(samples.tobytes()).to_bytes(4, "little")
        return bytes([EXACT_STEP]) + check + coder.buffer[:used].tobytes()

    def fill(self, budget: int, start: Rate) -> Filled:
        """The coded part of exactly `budget` bytes; `start` is where the one before was found."""
        if EXACT_SHARE * budget >= self.picture.size and budget > EXACT_SIDE_BYTES:
            part = self.attempt_exact(budget - EXACT_SIDE_BYTES)
            if part is not None:
                blocks = np.zeros(self.base.blocks, np.uint8)
                return Filled(part.ljust(budget, b"\0"), start, Decoded(self.picture.astype(np.uint8), blocks))
        part, rate = self._closest(budget, start)
        return self._finished(part[:budget].ljust(budget, b"\0"), rate)

    def _closest(self, budget: int, start: Rate) -> tuple[bytes, Rate]:
        """The coded part at the step that comes closest to the budget, rather above it, and where that was found."""
        low, high = -1, STEPS  # the finest step known to be too long, the coarsest known to fit
        tried: dict[int, bytes] = {}
        index, slope, last = min(max(start.index, 0), STEPS - 1), start.slope, None
        for _ in range(TRIES):
            tried[index], _coder = self.attempt(index, 2 * budget + 64)
            excess = math.log2(len(tried[index]) / (0.5 * (1 + ENOUGH) * budget))
            if len(tried[index]) > budget:
                low = index
            else:
                high = index
            if high - low <= 1 or budget < len(tried[index]) <= ENOUGH * budget:
                break
            if last is not None and last[1] != excess:
                slope = min(max((index - last[0]) / (last[1] - excess), FLATTEST), STEEPEST)
            last = index, excess
            move = round(slope * excess) or (1 if excess > 0 else -1)
            index = min(max(index + move, low + 1), high - 1)
        best = low if low in tried else high  # cutting the end of the last plane costs less than leaving bytes unused
        return tried[best], Rate(best, slope)

    def _finished(self, part: bytes, rate: Rate) -> Filled:
        """The part with the filter's flag set where that brings the picture closer, and what it decodes to."""
        coded = read_part(part, self.base, self.tables)
        picture = coded.picture()
        if self.base.references is not None:
            filtered = coded.filtered(self.base, self.tables)
            if np.sum((filtered - self.picture) ** 2) < np.sum((picture - self.picture) ** 2):
                part = part[:1] + bytes([part[1] | FILTER_FLAG]) + part[2:]
                picture = filtered
        return Filled(part, rate, Decoded(picture, coded.busy(), coded.moving))


def decode_part(part: bytes, base: Base, tables: Tables) -> Decoded:
    """Read a coded part, cut or whole. Raises `DamagedStream` where exact samples fail their check."""
    part = part.ljust(SIDE_BYTES, b"\0")
    if part[0] == EXACT_STEP:
        return _decode_exact(part, base, tables)
    coded = read_part(part, base, tables)
    filtered = part[1] & FILTER_FLAG and base.references is not None
    picture = coded.filtered(base, tables) if filtered else coded.picture()
    return Decoded(picture, coded.busy(), coded.moving)


def read_part(part: bytes, base: Base, tables: Tables) -> Coded:
    """The modes and levels of a coded part that is not exact."""
    step = step_of(min(part[0], STEPS - 1))
    planes = min(part[1] & ~(MASK_FLAG | FILTER_FLAG), MOST_PLANES)
    coder = tables.coder(np.frombuffer(part, np.uint8).copy())
    start_decoding(coder, SIDE_BYTES, len(part))
    return code(coder, base, Choices.none(base), step, planes, part[1] >= MASK_FLAG, tables)


def _decode_exact(part: bytes, base: Base, tables: Tables) -> Decoded:
    coder = tables.exact_coder(np.frombuffer(part, np.uint8).copy())
    start_decoding(coder, EXACT_SIDE_BYTES, len(part))
    reference = base.still[0]
    # What a cut stream does not reach stays as the reference has it.
    samples = reference.copy() if reference.size else np.full((base.height, base.width), NEUTRAL, np.uint8)
    whole = exact.code_exact(coder, np.zeros((0, 0), np.uint8), reference, samples)
    if whole and zlib.crc32(samples.tobytes()) != int.from_bytes(part[1:5], "little"):
        raise DamagedStream("the samples are not those that were sent")
    return Decoded(samples, np.zeros(base.blocks, np.uint8))
