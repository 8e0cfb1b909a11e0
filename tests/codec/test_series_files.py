"""Series from CSV files and back; their evaluation by the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.series_evaluation import evaluate_series
from twinsync.codec.series_files import read_series, to_counts, windows_of, write_series
from twinsync.errors import InputError


def test_a_file_is_read_with_or_without_names(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("x,y\n1,2\n3,-4.5\n")
    assert read_series(path).tolist() == [[1, 2], [3, -4.5]]
    path.write_text("1,2\n")
    assert read_series(path).tolist() == [[1, 2]]
    path.write_text("\n1,2\n\n3,4\n", encoding="utf-8-sig")  # as spreadsheets write it
    assert read_series(path).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("x,y\n", "no samples"),
        ("", "no samples"),
        ("1,2\n3\n", "line 2: expected 2 finite numbers, found '3'"),
        ("1,2\n3,nan\n", "line 2: expected 2 finite numbers, found '3,nan'"),
        ("x,y\n\n1,2\n  \n3\n", "line 5: expected 2 finite numbers, found '3'"),
        ("nan,2\n3,4\n", "line 1: expected 2 finite numbers, found 'nan,2'"),
        ("1,,3\n4,5,6\n", "line 1: expected 3 finite numbers, found '1,,3'"),
        (f"1,{'2' * 200_000}\n", "not a CSV file that can be read: field larger"),
    ],
)
def test_what_is_no_series_is_told_by_line(content: str, fragment: str, tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_series(path)
    assert fragment in str(error.value)


def test_counts_fit_sixteen_bits_or_are_refused() -> None:
    assert to_counts(np.array([[1.5], [-2.0]]), 1000, "f").tolist() == [[1500], [-2000]]
    with pytest.raises(InputError, match="f: -9 times the scale 4096 is outside of 16 bits"):
        to_counts(np.array([[1.0], [-9.0]]), 4096, "f")


def test_written_samples_read_back_to_the_same_counts(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(-32768, 32768, (50, 3)).astype(np.int16)
    for place, scale in enumerate((0.5, 1.0, 4096.0)):
        path = tmp_path / f"{place}.csv"
        write_series(path, counts, scale)
        assert np.array_equal(to_counts(read_series(path), scale, "f"), counts)


def test_windows_leave_out_what_fills_none() -> None:
    windows = windows_of(np.arange(20, dtype=np.int16).reshape(10, 2), 4)
    assert windows.shape == (2, 4, 2)
    assert windows[1, 0].tolist() == [8, 9]


def test_the_error_is_over_the_deviation_from_all_or_own_means() -> None:
    random = np.random.default_rng(1)
    swing = 3000 * np.sin(np.arange(128) / 5)[:, None] + random.normal(0, 20, (128, 2))
    low = windows_of(np.rint(swing - 5000).astype(np.int16), 64)
    high = windows_of(np.rint(swing + 5000).astype(np.int16), 64)
    (alone,) = evaluate_series([low], [0.1])
    (both,) = evaluate_series([low, high], [0.1])
    # floor(0.1 x 64 x 2 x 16) / 8 = 25 bytes.
    assert alone.wire_bytes == both.wire_bytes == (25,)
    assert (alone.windows, both.windows) == (2, 4)
    assert alone.nmse == pytest.approx(alone.nmse_own_means)
    assert 0 < alone.nmse < 0.05
    # Means 10,000 apart add 5000^2 to a variance of 3000^2 / 2: (25 + 4.5) / 4.5 = 6.6.
    assert both.nmse_own_means / both.nmse == pytest.approx(6.6, rel=0.02)


def test_recordings_of_different_channels_are_refused() -> None:
    with pytest.raises(InputError, match="different numbers of channels"):
        evaluate_series([np.zeros((1, 64, 2), np.int16), np.zeros((1, 64, 3), np.int16)], [0.1])
