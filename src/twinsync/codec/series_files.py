"""Series as CSV files: rows are samples, columns are channels, an optional first line has names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16

from twinsync.errors import InputError

LEAST, MOST = -32768, 32767


def read_series(path: Path) -> Float[np.ndarray, "samples channels"]:
    """The samples of a CSV file. Raises `InputError` with the line for one that is no such file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise InputError(f"{path}: not a CSV file that can be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a CSV file that can be read: its text is not UTF-8") from None
    names = 1 if rows and not all(_is_number(cell) for cell in rows[0]) else 0
    if len(rows) <= names:
        raise InputError(f"{path}: no samples; expected a line of numbers for each, one column a channel")
    for line, row in enumerate(rows[names:], names + 1):
        if len(row) != len(rows[names]) or not all(_is_number(cell) for cell in row):
            raise InputError(
                f"{path}, line {line}: expected {len(rows[names])} finite numbers, found {','.join(row)!r:.40}"
            )
    return np.array(rows[names:], np.float64)


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def to_counts(
    samples: Float[np.ndarray, "samples channels"], scale: float, name: str
) -> Int16[np.ndarray, "samples channels"]:
    """Samples times `scale`, rounded to the 16 bits that the codec takes. Raises `InputError` where they do not fit."""
    counts = np.rint(samples * scale)
    if counts.min() < LEAST or counts.max() > MOST:
        worst = float(samples.flat[np.abs(counts).argmax()])
        raise InputError(f"{name}: {worst:g} times the scale {scale:g} is outside of 16 bits; give a smaller --scale")
    return counts.astype(np.int16)


def windows_of(
    counts: Int16[np.ndarray, "samples channels"], length: int
) -> Int16[np.ndarray, "windows length channels"]:
    """Successive windows; samples at the end that fill none are left out."""
    count = len(counts) // length
    return counts[: count * length].reshape(count, length, counts.shape[1])


def write_series(path: Path, counts: Int16[np.ndarray, "samples channels"], scale: float) -> None:
    """Samples divided by `scale` as a CSV file with columns channel1, channel2, ..."""
    digits = max(0, int(np.ceil(np.log10(scale))) + 1)
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"channel{place + 1}" for place in range(counts.shape[1])])
        writer.writerows([[f"{value / scale:.{digits}f}" for value in row] for row in counts])
