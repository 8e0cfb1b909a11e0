"""The codec's results as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from rich.table import Table

from twinsync.codec.calibration import Accuracy, Cost, Law
from twinsync.codec.evaluation import FactorResult
from twinsync.codec.series_evaluation import SeriesResult


def plain(value: float) -> float | None:
    """The number, or None where it is not finite, as the PSNR of equal pictures: JSON has no infinity."""
    return value if isfinite(value) else None


def evaluation_json(results: Sequence[FactorResult]) -> dict[str, Any]:
    """Every frame's numbers and the means."""
    entries = []
    for result in results:
        bounded = ("psnr_db", "nmse")
        frames = [asdict(frame) | {name: plain(getattr(frame, name)) for name in bounded} for frame in result.frames]
        entries.append(
            {
                "extraction_factor": result.extraction_factor,
                "first_psnr_db": plain(result.first_psnr_db),
                "psnr_db": plain(result.mean("psnr_db")),
                "ms_ssim": result.mean("ms_ssim"),
                "nmse": plain(result.mean("nmse")),
                "f1": result.mean("f1"),
                "still_psnr_db": {name: still and plain(still.psnr_db) for name, still in result.stills.items()},
                "still_f1": {name: still and still.f1 for name, still in result.stills.items()},
                "frames": frames,
            }
        )
    return {"factors": entries}


def evaluation_table(results: Sequence[FactorResult]) -> Table:
    """One row for each factor."""
    first = results[0].first_psnr_db
    known = f"at {first:.1f} dB" if isfinite(first) else "exactly"
    table = Table(title=f"Against the twin; first frame known {known}")
    columns = ("phi", "bytes", "PSNR dB", "MS-SSIM", "F1 moving", "JPEG dB", "WebP dB", "encode ms", "decode ms")
    for column in columns:
        table.add_column(column, justify="right")
    for result in results:
        stills = ["-" if still is None else f"{still.psnr_db:.2f}" for still in result.stills.values()]
        table.add_row(
            f"{result.extraction_factor:g}",
            str(result.frames[0].wire_bytes),
            f"{result.mean('psnr_db'):.2f}",
            f"{result.mean('ms_ssim'):.4f}",
            f"{result.mean('f1'):.3f}",
            *stills,
            f"{1e3 * result.median('encode_s'):.0f}",
            f"{1e3 * result.median('decode_s'):.0f}",
        )
    return table


def series_json(results: Sequence[SeriesResult]) -> dict[str, Any]:
    """Every factor's numbers."""
    shares = ("nmse", "nmse_own_means")
    return {"factors": [asdict(each) | {name: plain(getattr(each, name)) for name in shares} for each in results]}


def series_table(results: Sequence[SeriesResult], recordings: int) -> Table:
    """One row for each factor."""
    table = Table(title=f"{results[0].windows} windows of {recordings} recordings, each against the one before it")
    for column in ("phi", "bytes", "NMSE", "NMSE, own means", "encode ms", "decode ms"):
        table.add_column(column, justify="right")
    for result in results:
        sizes = " to ".join(str(size) for size in dict.fromkeys((result.wire_bytes[0], result.wire_bytes[-1])))
        times = (f"{1e3 * seconds:.1f}" for seconds in (result.encode_s, result.decode_s))
        table.add_row(
            f"{result.extraction_factor:g}", sizes, f"{result.nmse:.3g}", f"{result.nmse_own_means:.3g}", *times
        )
    return table


def calibration_json(cost: Cost, laws: Sequence[Law], accuracy: Sequence[Accuracy], phi_min: float) -> dict[str, Any]:
    """Everything measured and fitted."""
    return {
        "clock_hz": cost.clock_hz,
        "extraction_factor": list(cost.factors),
        "encode_cycles_per_bit": cost.encode.tolist(),
        "decode_cycles_per_bit": cost.decode.tolist(),
        "laws": [asdict(law) for law in laws],
        "accuracy": [asdict(each) | {"nmse": plain(each.nmse)} for each in accuracy],
        "extraction_factor_min": phi_min,
    }


def calibration_tables(cost: Cost, laws: Sequence[Law], accuracy: Sequence[Accuracy]) -> list[Table]:
    """What was measured, then the laws."""
    work = Table(title=f"Cycles per raw bit at {cost.clock_hz / 1e9:.2f} GHz, and accuracy by the reference's age")
    ages = sorted({each.age for each in accuracy})
    for column in ("phi", "encode", "decode", *(f"PSNR dB, F1, MS-SSIM, NMSE, age {age}" for age in ages)):
        work.add_column(column, justify="right")
    by_place = {
        (each.extraction_factor, each.age): f"{each.psnr_db:.1f}, {each.f1:.3f}, {each.ms_ssim:.4f}, {each.nmse:.2g}"
        for each in accuracy
    }
    for factor, encode, decode in zip(cost.factors, cost.encode.mean(1), cost.decode.mean(1), strict=True):
        cells = [by_place[factor, age] for age in ages]
        work.add_row(f"{factor:g}", f"{encode:.0f}", f"{decode:.0f}", *cells)
    fitted = Table(title="Laws: parameters with 95 % intervals, rms error in ln(cycles)")
    for column in ("law", "parameters", "error"):
        fitted.add_column(column)
    for law in laws:
        parts = [f"{name} {value:.3g} ({low:.3g} to {high:.3g})" for name, (value, low, high) in law.parameters.items()]
        fitted.add_row(law.name, "\n".join(parts) or "the measured points", f"{law.error:.3f}")
    return [work, fitted]
