"""Rate, distortion and task over a clip: every frame at exactly phi, coded against the twin, beside still pictures."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.baselines import FORMATS, still_picture
from twinsync.codec.camera import KEPT, CameraDecoder, CameraEncoder
from twinsync.codec.container import wire_bytes
from twinsync.codec.quality import error_share, f1_score, moving_map, ms_ssim, psnr_db, still_background
from twinsync.codec.tables import Tables
from twinsync.errors import InputError

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
PRIORITIES = ("picture", "task")
OLDEST = KEPT - 2  # slots that a reference may be old: both ends keep the newest revisions only
Progress = Callable[[str, int, int], None]


def _none_lost(frame: int) -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a clip is sent.

    The first frame goes at `first_factor` and is known to the edge. A frame that is `lost` never reaches the edge and
    is never a reference. What is acknowledged reaches the device `age` slots later: a reference is that old.
    At priority `picture` the edge finds what moves in the decoded picture, at `task` the stream says it first.
    """

    first_factor: float = 1.0
    priority: str = "picture"
    age: int = 1
    lost: Callable[[int], bool] = _none_lost
    tables: Tables | None = None  # those that ship unless given

    def __post_init__(self) -> None:
        if self.priority not in PRIORITIES:
            raise InputError(f"priority {self.priority!r} is neither picture nor task")
        if not 1 <= self.age <= OLDEST:
            raise InputError(f"a reference {self.age} slots old: both ends keep those 1 to {OLDEST} slots old")


@dataclasses.dataclass(frozen=True)
class FrameResult:
    """One frame: its stream's size, the quality of what the edge decoded, and the processor time of both ends."""

    frame: int
    wire_bytes: int
    psnr_db: float
    ms_ssim: float
    nmse: float  # squared error over the squared deviation of the frame's samples from their mean
    f1: float
    encode_s: float
    decode_s: float


@dataclasses.dataclass(frozen=True)
class StillResult:
    """A still-picture format at no more bytes: means over the same frames."""

    psnr_db: float
    f1: float
    shown: UInt8[np.ndarray, "h w"] | None = None


@dataclasses.dataclass(frozen=True)
class FactorResult:
    """A clip at one extraction factor; frames sent before a reference was `age` slots old are left out."""

    extraction_factor: float
    first_psnr_db: float
    frames: tuple[FrameResult, ...]
    stills: dict[str, StillResult | None]  # None where a format does not reach the bytes
    shown: UInt8[np.ndarray, "h w"] | None = None  # the decoded picture of the frame asked for

    def mean(self, name: str) -> float:
        """Mean of a field over the frames."""
        return float(np.mean([getattr(frame, name) for frame in self.frames]))

    def median(self, name: str) -> float:
        """Median of a field over the frames."""
        return float(np.median([getattr(frame, name) for frame in self.frames]))


def with_noise(frames: UInt8[np.ndarray, "frames h w"], deviation: float, seed: int) -> UInt8[np.ndarray, "frames h w"]:
    """The frames with sensor noise: Gaussian of a standard deviation in grey levels, independent from sample to sample
    and from frame to frame, rounded and clipped to 0 .. 255."""
    noise = np.random.default_rng(seed).normal(0.0, deviation, frames.shape)
    return np.clip(np.rint(frames + noise), 0, 255).astype(np.uint8)


def busiest_frame(frames: UInt8[np.ndarray, "frames h w"], setting: Setting) -> int:
    """Of the frames that are measured, the one with the most samples that move."""
    background = still_background(frames)
    measured = [place for place in range(setting.age, len(frames)) if not setting.lost(place)]
    return max(measured, key=lambda place: int(moving_map(frames[place], background).sum()))


def evaluate_clip(
    frames: UInt8[np.ndarray, "frames h w"],
    factors: Sequence[float] = FACTORS,
    setting: Setting = Setting(),
    stills: bool = True,
    shown: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> list[FactorResult]:
    """Code the clip at each factor; `shown` is a frame whose decoded pictures are kept.

    Quality is that against the frames as given. What moves differs from the clip's median, which both ends are taken to
    know. Raises `InputError` where the clip has no frame left to measure.
    """
    if len(frames) <= setting.age:
        raise InputError(f"{len(frames)} frames are too few for references {setting.age} slots old")
    background = still_background(frames)
    results = []
    for place, factor in enumerate(factors):
        progress(f"phi = {factor:g}", place, len(factors))
        result = _run(frames, factor, setting, background, shown)
        if stills:
            measured = [frame.frame for frame in result.frames]
            budget = wire_bytes(factor, 8 * frames[0].size)
            peers = {name: _still(frames, measured, name, budget, background, shown) for name in FORMATS}
            result = dataclasses.replace(result, stills=peers)
        results.append(result)
    return results


def _run(
    frames: np.ndarray, factor: float, setting: Setting, background: np.ndarray, shown: int | None
) -> FactorResult:
    device, edge = CameraEncoder(setting.tables), CameraDecoder(setting.tables)
    results, first, kept = [], math.inf, None
    delivered: dict[int, int] = {}
    for place, frame in enumerate(frames):
        if place - setting.age in delivered:
            device.acknowledge(delivered[place - setting.age])
        moving = moving_map(frame, background)
        mask = moving if place and setting.priority == "task" else None
        started = time.process_time()
        revision, stream = device.encode(frame, factor if place else setting.first_factor, moving=mask)
        encoded = time.process_time()
        if place and setting.lost(place):
            continue
        picture = edge.decode(stream, frame.shape)
        decoded = time.process_time()
        delivered[place] = revision
        quality = psnr_db(picture, frame)
        if place == 0:
            device.acknowledge(revision)
            first = quality
        if place == shown:
            kept = picture
        if place < setting.age:
            continue
        sent = edge.twin.newest.moving
        f1 = f1_score(moving_map(picture, background) if sent is None else sent, moving)
        likeness, share = ms_ssim(picture, frame), error_share(picture, frame)
        times = encoded - started, decoded - encoded
        results.append(FrameResult(place, len(stream), quality, likeness, share, f1, *times))
    return FactorResult(factor, first, tuple(results), {}, kept)


def _still(
    frames: np.ndarray, measured: Sequence[int], name: str, budget: int, background: np.ndarray, shown: int | None
) -> StillResult | None:
    quality, f1, kept = [], [], None
    for place in measured:
        picture = still_picture(frames[place], name, budget)
        if picture is None:
            return None
        quality.append(psnr_db(picture, frames[place]))
        f1.append(f1_score(moving_map(picture, background), moving_map(frames[place], background)))
        if place == shown:
            kept = picture
    return StillResult(float(np.mean(quality)), float(np.mean(f1)), kept)
