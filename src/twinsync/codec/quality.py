"""How good a decoded picture is: for the eye, and for the task of finding what moves."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, UInt8

from twinsync.codec.references import Context

MOVING = 24  # grey levels away from the background from which a sample counts as moving
VOTES = 2  # of 3x3 samples, which drop specks and fill holes of a moving map
PEAK = 255.0


def squared_error(decoded: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Mean squared error in grey levels squared."""
    return float(np.mean((decoded.astype(np.float64) - true) ** 2))


def psnr_db(decoded: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Peak signal-to-noise ratio [dB]; infinite for equal pictures."""
    error = squared_error(decoded, true)
    return math.inf if error == 0 else 10.0 * math.log10(PEAK**2 / error)


def still_background(frames: UInt8[np.ndarray, "frames h w"]) -> UInt8[np.ndarray, "h w"]:
    """The median of a clip's frames: what the camera sees where nothing moves."""
    return np.median(frames, axis=0).astype(np.uint8)


def moving_map(
    picture: UInt8[np.ndarray, "h w"], background: UInt8[np.ndarray, "h w"], threshold: int = MOVING
) -> Bool[np.ndarray, "h w"]:
    """Which samples differ from the background by more than a threshold, after two majority votes of 3x3 samples."""
    moving = abs(picture.astype(np.int16) - background) > threshold
    for _ in range(VOTES):
        around = np.pad(moving, 1).astype(np.int8)
        rows = around[:-2] + around[1:-1] + around[2:]
        moving = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= 5
    return moving


def f1_score(found: Bool[np.ndarray, "h w"], true: Bool[np.ndarray, "h w"]) -> float:
    """Harmonic mean of precision and recall; 1 where there was nothing to find and nothing was found."""
    both = int(np.sum(found & true))
    total = int(np.sum(found)) + int(np.sum(true))
    return 1.0 if total == 0 else 2.0 * both / total


def moving_against(context: Context, picture: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Which samples differ from the twin's running background."""
    background = np.clip((context.background + 32) >> 6, 0, 255).astype(np.uint8)
    return moving_map(picture, background[: picture.shape[0], : picture.shape[1]])
