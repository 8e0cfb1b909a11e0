"""Series as CSV files: rows are samples, columns are channels, an optional first line has names."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16

from twinsync.errors import InputError
from twinsync.writing import whole_file

LEAST, MOST = -32768, 32767


def read_series(path: Path) -> Float[np.ndarray, "samples channels"]:
    """The samples of a CSV file; empty lines are skipped.

    Raises `InputError` for a file that cannot be read or holds no samples, and with the number of the line for one that
    has not as many finite numbers as the first.
    """
    rows = _numbered_rows(path)
    if rows and _holds_names(rows[0][1]):
        del rows[0]
    if not rows:
        raise InputError(f"{path}: no samples; expected a line of numbers for each, one column a channel")
    channels = len(rows[0][1])
    for line, row in rows:
        if len(row) != channels or not all(_is_finite(cell) for cell in row):
            raise InputError(f"{path}, line {line}: expected {channels} finite numbers, found {','.join(row)!r:.40}")
    return np.array([row for _, row in rows], np.float64)


def _numbered_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The cells of each line that is not empty, with its number in the file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except OSError as error:
        raise InputError(f"{path}: not a CSV file that can be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a CSV file that can be read: its text is not UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file that can be read: {error}") from None


def _holds_names(row: list[str]) -> bool:
    """Whether a cell is neither a number nor empty; a sample that is missing or not finite makes no line of names."""
    return any(cell.strip() and _number(cell) is None for cell in row)


def _is_finite(cell: str) -> bool:
    value = _number(cell)
    return value is not None and math.isfinite(value)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def to_counts(
    samples: Float[np.ndarray, "samples channels"], scale: float, name: str
) -> Int16[np.ndarray, "samples channels"]:
    """Samples times `scale`, rounded to the 16 bits that the codec takes. Raises `InputError` where they do not fit.

    name: of the file, for the message.
    """
    with np.errstate(over="ignore"):  # infinity does not fit either
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
    """Samples divided by `scale` as a CSV file with columns channel1, channel2, ...

    Raises `OSError` where it exists or cannot be written; nothing is left or changed then.
    """
    digits = max(0, int(np.ceil(np.log10(scale))) + 1)
    with whole_file(path, new=True) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"channel{place + 1}" for place in range(counts.shape[1])])
        writer.writerows([[f"{value / scale:.{digits}f}" for value in row] for row in counts])
