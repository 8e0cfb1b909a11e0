"""The picture quality that an extraction factor gives, by a scenario's `accuracy_knots`; the paper has no such law.

Knots are rows (phi, PSNR [dB]); phi rises from row to row and PSNR never falls. Between them PSNR is linear in ln(phi),
outside of them it is constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinsync.arrays import Array, Float, Scalar


def psnr_db(extraction_factor: Float[Array, "*b"] | Scalar, knots: Sequence[Sequence[float]]) -> Float[Array, "*b"]:
    """PSNR of a picture recovered at phi [dB]."""
    phi, quality_db = np.asarray(knots, np.float64).T
    return np.asarray(np.interp(np.log(extraction_factor), np.log(phi), quality_db))


def extraction_factor_of(
    quality_db: Float[Array, "*b"] | Scalar, knots: Sequence[Sequence[float]]
) -> Float[Array, "*b"]:
    """phi whose recovered picture has a PSNR [dB]: the inverse of `psnr_db`.

    The first knot's phi for a lower PSNR, the last one's for a higher; the largest phi where several give it.
    """
    phi, knot_db = np.asarray(knots, np.float64).T
    return np.asarray(np.exp(np.interp(quality_db, knot_db, np.log(phi))))
