"""Rate, distortion and task over a clip: every frame at exactly phi, coded against the twin, beside still pictures."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.baselines import FORMATS, still_picture
from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.container import wire_bytes
from twinsync.codec.quality import f1_score, moving_map, psnr_db, still_background
from twinsync.errors import InputError

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
PRIORITIES = ("picture", "task")
Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class FrameResult:
    """One frame: its stream's size, the quality of what the edge decoded, and the processor time of both ends."""

    frame: int
    wire_bytes: int
    psnr_db: float
    f1: float
    encode_s: float
    decode_s: float


@dataclasses.dataclass(frozen=True)
class FactorResult:
    """A clip at one extraction factor; the first frame, sent at the first factor, is left out of the means."""

    extraction_factor: float
    first_psnr_db: float
    frames: tuple[FrameResult, ...]
    still_psnr_db: dict[str, float | None]  # means over the same frames, None where a format does not reach the bytes

    def mean(self, name: str) -> float:
        """Mean of a field over the frames."""
        return float(np.mean([getattr(frame, name) for frame in self.frames]))

    def median(self, name: str) -> float:
        """Median of a field over the frames."""
        return float(np.median([getattr(frame, name) for frame in self.frames]))


def evaluate_clip(
    frames: UInt8[np.ndarray, "frames h w"],
    factors: Sequence[float] = FACTORS,
    first_factor: float = 1.0,
    lost: Callable[[int], bool] = lambda frame: False,
    priority: str = "picture",
    stills: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> list[FactorResult]:
    """Code the clip at each factor. A frame that is `lost` never reaches the edge and is never a reference.

    What moves differs from the clip's median, which both ends are taken to know. At priority `picture` the edge finds
    it in the decoded picture, at `task` the stream says it first.
    """
    if priority not in PRIORITIES:
        raise InputError(f"priority {priority!r} is neither picture nor task")
    background = still_background(frames)
    results = []
    for place, factor in enumerate(factors):
        progress(f"phi = {factor:g}", place, len(factors))
        first, coded = _run(frames, factor, first_factor, background, lost, priority)
        peers = _stills(frames[1:], wire_bytes(factor, 8 * frames[0].size)) if stills else {}
        results.append(FactorResult(factor, first, tuple(coded), peers))
    return results


def _run(
    frames: np.ndarray, factor: float, first_factor: float, background: np.ndarray, lost: Callable[[int], bool],
    priority: str,
) -> tuple[float, list[FrameResult]]:  # fmt: skip
    device, edge = CameraEncoder(), CameraDecoder()
    results, first = [], math.inf
    for place, frame in enumerate(frames):
        moving = moving_map(frame, background)
        started = time.process_time()
        revision, stream = device.encode(
            frame, factor if place else first_factor, moving=moving if place and priority == "task" else None
        )
        encoded = time.process_time()
        if place and lost(place):
            continue
        picture = edge.decode(stream, frame.shape)
        decoded = time.process_time()
        device.acknowledge(revision)
        if place == 0:
            first = psnr_db(picture, frame)
            continue
        told = edge.twin.newest.moving
        f1 = f1_score(moving_map(picture, background) if told is None else told, moving)
        quality = psnr_db(picture, frame)
        results.append(FrameResult(place, len(stream), quality, f1, encoded - started, decoded - encoded))
    return first, results


def _stills(frames: np.ndarray, budget: int) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for name in FORMATS:
        quality: list[float] = []
        for frame in frames:
            picture = still_picture(frame, name, budget)
            if picture is None:
                break
            quality.append(psnr_db(picture, frame))
        means[name] = float(np.mean(quality)) if len(quality) == len(frames) else None
    return means
