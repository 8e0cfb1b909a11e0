"""The report of a codec's evaluation: report.html, report.md and figures/."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from twinsync.codec.evaluation import FactorResult
from twinsync.errors import InputError
from twinsync.experiments.figures.coding import FRAMES, QUALITY, TIME, Evaluation, write_coding_figures
from twinsync.experiments.formatting import NBSP, number
from twinsync.experiments.report.document import (
    Block,
    Code,
    Document,
    Field,
    Heading,
    Paragraph,
    Picture,
    Tile,
    Tiles,
    table,
)
from twinsync.experiments.report.html import to_html
from twinsync.experiments.report.markdown import to_markdown


def write_codec_report(folder: Path, evaluation: Evaluation) -> Path:
    """Write the report into an existing folder; return the path of report.html.

    Raises `InputError` if the folder cannot be written.
    """
    document = build(evaluation)
    page = folder / "report.html"
    try:
        drawn = write_coding_figures(folder, evaluation)
        (folder / "report.md").write_text(to_markdown(document), "utf-8")
        page.write_text(to_html(document, drawn), "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error}") from None
    return page


def build(evaluation: Evaluation) -> Document:
    """The report as blocks."""
    results = evaluation.picture_first
    blocks: list[Block] = [
        _tiles(evaluation),
        Paragraph(
            "Device and edge both hold the last acknowledged twin, so only what the twin lacks is sent: every frame "
            f"in exactly ⌊φD/8⌋ bytes, header included. {evaluation.conditions} Quality is measured against the "
            "camera's original frame. Moving regions are those that differ from the clip's median; F1 compares the "
            "regions found in the decoded picture, or with the task first those sent in the stream, with the regions "
            "found in the original frame."
        ),
        Heading("Quality at the same bytes"),
        Picture(
            QUALITY,
            "Means over the frames. JPEG and WebP code each frame on its own, at the highest quality that fits the "
            "bytes; a missing point means that the format has no file that small.",
            _quality_message(results),
        ),
        _table("The picture first", results, stills=True),
        _table("The mask of moving regions first, then the picture", evaluation.task_first, stills=False),
        Heading("Recovered frames"),
        Picture(
            FRAMES,
            "One frame as recovered at the edge, its error magnified eight times around grey, and the better of JPEG "
            "and WebP at the same bytes. Decibels are means over all frames.",
            "Recovered frames beside JPEG's or WebP's at several extraction factors.",
        ),
        Heading("Time per frame"),
        Picture(
            TIME,
            "Processor time on one core of the machine that made this report: the median, and the 10th to 90th "
            "percentile of the frames. Other programs running on the machine lengthen it.",
            "Encoding and decoding time over the extraction factor.",
        ),
        Heading("Made by"),
        Code(evaluation.command),
    ]
    return Document("The semantic codec, evaluated", evaluation.clip, blocks)


def _tiles(evaluation: Evaluation) -> Tiles:
    results, task = evaluation.picture_first, evaluation.task_first
    tiles = [
        Tile(f"{_decibel(each.mean('psnr_db'), 1)}{NBSP}dB", f"PSNR at φ = {each.extraction_factor:g}")
        for each in (results[place] for place in sorted({0, len(results) // 2}))
    ]
    tiles.append(
        Tile(f"{task[0].mean('f1'):.3f}", f"F1 of moving regions at φ = {task[0].extraction_factor:g}, task first")
    )
    return Tiles(tiles)


def _quality_message(results: Sequence[FactorResult]) -> str:
    first, last = results[0], results[-1]
    return (
        f"Against the twin: {number(first.mean('psnr_db'))} dB at φ = {first.extraction_factor:g}, "
        f"{number(last.mean('psnr_db'))} dB at φ = {last.extraction_factor:g}."
    )


def _table(caption: str, results: Sequence[FactorResult], *, stills: bool) -> Block:
    fields: list[Field[FactorResult]] = [
        Field("φ", lambda each: f"{each.extraction_factor:g}"),
        Field("bytes", lambda each: f"{each.frames[0].wire_bytes:,}"),
        Field("PSNR [dB]", lambda each: _decibel(each.mean("psnr_db"))),
        Field("least", lambda each: _decibel(min(frame.psnr_db for frame in each.frames))),
        Field("MS-SSIM", lambda each: f"{each.mean('ms_ssim'):.4f}"),
        Field("F1", lambda each: f"{each.mean('f1'):.3f}"),
    ]
    still_fields: list[Field[FactorResult]] = [
        Field("JPEG [dB]", lambda each: _still(each, "JPEG")),
        Field("WebP [dB]", lambda each: _still(each, "WebP")),
    ]
    time_fields: list[Field[FactorResult]] = [
        Field("encode [ms]", lambda each: f"{1e3 * each.median('encode_s'):.0f}"),
        Field("decode [ms]", lambda each: f"{1e3 * each.median('decode_s'):.0f}"),
    ]
    fields = [*fields, *(still_fields if stills else []), *time_fields]
    return table(caption, fields, results)


def _decibel(value: float, digits: int = 2) -> str:
    return "exact" if math.isinf(value) else number(value, digits)


def _still(result: FactorResult, name: str) -> str:
    still = result.stills.get(name)
    return "–" if still is None else number(still.psnr_db, 2)
