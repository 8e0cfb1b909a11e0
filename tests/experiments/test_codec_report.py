"""The report of a codec's evaluation: one page that holds its figures, the same as Markdown, and the data behind it."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.evaluation import FactorResult, FrameResult, StillResult
from twinsync.experiments.codec_report import write_codec_report
from twinsync.experiments.figures.coding import Evaluation, quality_lines


@pytest.fixture
def evaluation() -> Evaluation:
    """Two factors of a clip made up: WebP reaches the larger one's bytes only, JPEG neither's."""
    true = np.tile(np.arange(40, dtype=np.uint8), (30, 1))

    def result(factor: float, psnr_db: float, webp: float | None) -> FactorResult:
        frames = tuple(FrameResult(place, 100, psnr_db + place, 0.99, 1e-3, 0.9, 0.05, 0.01) for place in (1, 2, 3))
        stills = {"JPEG": None, "WebP": None if webp is None else StillResult(webp, 0.5, true)}
        return FactorResult(factor, 54.5, frames, stills, true)

    picture = [result(0.01, 36.0, None), result(0.05, math.inf, 31.5)]
    return Evaluation("four frames", "Known.", "twinsync codec evaluate", picture, [result(0.01, 35.0, None)], true)


def test_lines_have_gaps_where_a_format_has_no_file(evaluation: Evaluation) -> None:
    lines = {line.name: line for line in quality_lines(evaluation)}
    # Frames of 37, 38, 39 dB.
    assert lines["against the twin"].psnr_db[0] == 38.0
    assert math.isnan(lines["against the twin"].psnr_db[1])  # exact: nothing to draw
    assert math.isnan(lines["WebP"].psnr_db[0])
    assert lines["WebP"].psnr_db[1] == 31.5
    assert all(math.isnan(value) for value in lines["JPEG"].psnr_db)


def test_the_report_is_one_page_with_its_data_beside(evaluation: Evaluation, tmp_path: Path) -> None:
    page = write_codec_report(tmp_path, evaluation).read_text("utf-8")
    assert page.count("<svg") == 6  # three figures, each for a page and for a phone
    assert 'src="' not in page
    assert "no file so small" in page
    assert "exact" in page
    assert "38.00" in (tmp_path / "report.md").read_text("utf-8")
    with (tmp_path / "figures" / "coding_quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["psnr_db"] for row in rows if row["coding"] == "WebP"] == ["nan", "31.5"]
