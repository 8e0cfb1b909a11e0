"""How good a decoded picture is: for the eye, and for the task of finding what moves."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, UInt8

from twinsync.codec.references import Context
from twinsync.errors import InputError

MOVING = 24  # grey levels away from the background from which a sample counts as moving
VOTES = 2  # of 3x3 samples, which drop specks and fill holes of a moving map
PEAK = 255.0
# Of MS-SSIM: exponents of its five scales, fine to coarse, and its two constants; the window has 11 x 11 samples.
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LUMINANCE, CONTRAST = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
REACH = 5
DEVIATION = 1.5  # of the window, in samples


def squared_error(decoded: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Mean squared error in grey levels squared."""
    return float(np.mean((decoded.astype(np.float64) - true) ** 2))


def psnr_db(decoded: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Peak signal-to-noise ratio [dB]; infinite for equal pictures."""
    error = squared_error(decoded, true)
    return math.inf if error == 0 else 10.0 * math.log10(PEAK**2 / error)


def error_share(decoded: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Squared error over the squared deviation of the true samples from their mean.

    Of an even picture infinite, unless it is exact.
    """
    return share_of(squared_error(decoded, true), float(np.var(true.astype(np.float64))))


def share_of(error: float, spread: float) -> float:
    """A squared error over a squared deviation: 0 where nothing is wrong, infinite where nothing else varies."""
    if error == 0:
        return 0.0
    return error / spread if spread else math.inf


def ms_ssim(decoded: UInt8[np.ndarray, "h w"], true: UInt8[np.ndarray, "h w"]) -> float:
    """Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003), at most 1.

    A picture too small for all five scales is judged at those it has, their exponents scaled to the same sum.
    Raises `InputError` for a side below 11 samples.
    """
    if min(true.shape) <= 2 * REACH:
        raise InputError(f"MS-SSIM needs {2 * REACH + 1} samples a side, the picture has {min(true.shape)}")
    pair = decoded.astype(np.float64), true.astype(np.float64)
    fitting = [scale for scale in range(len(SCALES)) if min(true.shape) >> scale > 2 * REACH]
    exponents = np.array(SCALES[: len(fitting)]) * (sum(SCALES) / sum(SCALES[: len(fitting)]))
    product = 1.0
    for scale, exponent in zip(fitting, exponents, strict=True):
        structure, whole = _similarity(*pair)
        product *= max(0.0, whole if scale == fitting[-1] else structure) ** float(exponent)
        pair = _halved(pair[0]), _halved(pair[1])
    return product


def _similarity(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Means over the picture: of contrast and structure, and of these times luminance."""
    mean_one, mean_other = _windowed(one), _windowed(other)
    variances = _windowed(one * one) - mean_one**2 + _windowed(other * other) - mean_other**2
    covariance = _windowed(one * other) - mean_one * mean_other
    structure = (2 * covariance + CONTRAST) / (variances + CONTRAST)
    luminance = (2 * mean_one * mean_other + LUMINANCE) / (mean_one**2 + mean_other**2 + LUMINANCE)
    return float(structure.mean()), float((luminance * structure).mean())


def _windowed(values: np.ndarray) -> np.ndarray:
    """Gaussian means over windows of 11 x 11 that lie within the picture."""
    weights = np.exp(-(np.arange(-REACH, REACH + 1) ** 2) / (2 * DEVIATION**2))
    weights /= weights.sum()
    rows, columns = values.shape[0] - 2 * REACH, values.shape[1] - 2 * REACH
    down = np.zeros((rows, values.shape[1]))
    out = np.zeros((rows, columns))
    for place, weight in enumerate(weights):
        down += weight * values[place : place + rows]
    for place, weight in enumerate(weights):
        out += weight * down[:, place : place + columns]
    return out


def _halved(values: np.ndarray) -> np.ndarray:
    even = values[: len(values) // 2 * 2, : values.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


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
    return moving_map(picture, context.still()[: picture.shape[0], : picture.shape[1]])
