"""The figures of a codec's evaluation: distortion and task quality over rate, recovered frames, and time per frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from twinsync.codec.evaluation import FactorResult, StillResult
from twinsync.experiments.figures.chart import Chart, Drawn, FigurePlan, Mark, legend, write
from twinsync.experiments.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PINK, VERMILLION, new_figure
from twinsync.experiments.formatting import NBSP, number

QUALITY, FRAMES, TIME = "coding_quality", "coding_frames", "coding_time"
MOST_SHOWN = 3  # number of extraction factors for which recovered frames are shown
LOOKS = {
    "against the twin": (BLUE, "solid", "o"),
    "against the twin, task first": (GREEN, (0, (6, 2)), "s"),
    "WebP": (ORANGE, (0, (3, 1.4)), "^"),
    "JPEG": (PINK, (0, (1.2, 1.4)), "v"),
}


@dataclass(frozen=True)
class Evaluation:
    """A clip's results at both priorities, by rising factor, and the original of the frame shown recovered."""

    clip: str
    conditions: str
    command: str
    picture_first: Sequence[FactorResult]
    task_first: Sequence[FactorResult]
    true: UInt8[np.ndarray, "h w"]

    @property
    def shown(self) -> list[int]:
        """Indices into `picture_first` of the factors for which recovered frames are shown, spread over all."""
        count = len(self.picture_first)
        return sorted({round(place) for place in np.linspace(0, count - 1, min(MOST_SHOWN, count))})


@dataclass(frozen=True)
class Line:
    """PSNR and F1 of one coding method over the factors; NaN where its smallest file exceeds the byte budget."""

    name: str
    factors: list[float]
    psnr_db: list[float]
    f1: list[float]


def quality_lines(evaluation: Evaluation) -> list[Line]:
    """The lines of our codec at both priorities, then of the still-image formats."""
    first, second = list(LOOKS)[:2]
    parts = {first: evaluation.picture_first, second: evaluation.task_first}
    lines = [
        Line(
            name,
            [each.extraction_factor for each in results],
            [_finite(each.mean("psnr_db")) for each in results],
            [each.mean("f1") for each in results],
        )
        for name, results in parts.items()
    ]
    factors = lines[0].factors
    for name in list(LOOKS)[2:]:
        stills = [each.stills.get(name) for each in evaluation.picture_first]
        psnr_db = [math.nan if still is None else _finite(still.psnr_db) for still in stills]
        lines.append(Line(name, factors, psnr_db, [math.nan if still is None else still.f1 for still in stills]))
    return lines


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def draw_quality(evaluation: Evaluation, *, narrow: bool) -> Chart:
    """Two panels over phi: PSNR, and F1 of the moving regions."""
    figure = new_figure(6.4 if narrow else 3.5, narrow=narrow)
    panels = figure.subplots(*((2, 1) if narrow else (1, 2)))
    names = ("PSNR [dB]", "F1 of moving regions")
    marks = []
    for line in quality_lines(evaluation):
        for axes, name, values in zip(panels, names, (line.psnr_db, line.f1), strict=True):
            _draw_line(axes, line.name, line.factors, values)
            marks += [
                Mark(axes, x, y, (line.name, f"φ = {x:g}", f"{name.partition(' [')[0]} {number(y, 3)}"))
                for x, y in zip(line.factors, values, strict=True)
            ]
    for axes, name in zip(panels, names, strict=True):
        _name_factors(axes, [each.extraction_factor for each in evaluation.picture_first])
        axes.set_ylabel(name)
    legend(figure, panels[0], narrow=narrow)
    return Chart(figure, tuple(marks))


def _draw_line(axes: Axes, name: str, x: Sequence[float], y: Sequence[float]) -> None:
    colour, dash, marker = LOOKS[name]
    axes.plot(x, y, color=colour, linestyle=dash, marker=marker, markersize=4.5, linewidth=1.6, label=name)


def _name_factors(axes: Axes, factors: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(factors)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("extraction factor φ")
    if len(factors) > 5:
        axes.tick_params(axis="x", labelsize=7.5)


def draw_frames(evaluation: Evaluation, *, narrow: bool) -> Chart:
    """The camera's frame, and for each factor shown the frame recovered at the edge, its error, and the best still."""
    chosen = [evaluation.picture_first[place] for place in evaluation.shown]
    height, width = evaluation.true.shape
    columns = 1 + len(chosen)
    column_in = (3.9 if narrow else 7.6) / columns
    figure = new_figure(3 * (column_in * height / width + 0.3), narrow=narrow)
    panels = figure.subplots(3, columns, squeeze=False)
    _show(panels[0, 0], evaluation.true, "the camera's frame", narrow=narrow)
    for axes in panels[1:, 0]:
        axes.set_visible(False)
    for column, result in enumerate(chosen, 1):
        name, still = _best_still(result)
        decibel = f"{number(result.mean('psnr_db'))}{NBSP}dB"
        _show(panels[0, column], result.shown, f"φ = {result.extraction_factor:g}: {decibel}", narrow=narrow)
        _show(panels[1, column], _enlarged_error(result, evaluation.true), "its error, × 8", narrow=narrow)
        if still is None:
            _show(panels[2, column], np.full_like(evaluation.true, 255), "JPEG, WebP: no file so small", narrow=narrow)
        else:
            _show(panels[2, column], still.shown, f"{name}: {number(still.psnr_db)}{NBSP}dB", narrow=narrow)
    return Chart(figure)


def _best_still(result: FactorResult) -> tuple[str, StillResult | None]:
    """The still format with the highest PSNR within these bytes; None if no format has a file that small."""
    reached = {name: still for name, still in result.stills.items() if still is not None}
    name = max(reached, key=lambda each: reached[each].psnr_db, default="")
    return name, reached.get(name)


def _show(axes: Axes, picture: np.ndarray | None, title: str, *, narrow: bool) -> None:
    axes.set_title(title, fontsize=5.5 if narrow else 8.5, loc="left", fontweight="normal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if picture is not None:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none")


def _enlarged_error(result: FactorResult, true: np.ndarray) -> np.ndarray | None:
    """128 plus eight times the error."""
    if result.shown is None:
        return None
    return np.clip(128 + 8 * (result.shown.astype(int) - true), 0, 255).astype(np.uint8)


def draw_time(evaluation: Evaluation, *, narrow: bool) -> Chart:
    """Processor time per frame over phi: the median, and the 10th to 90th percentile."""
    figure = new_figure(2.8, narrow=narrow)
    axes = figure.subplots()
    factors = [each.extraction_factor for each in evaluation.picture_first]
    marks = []
    for name, colour, marker in (("encode", VERMILLION, "o"), ("decode", INK, "s")):
        low, middle, high = _times_ms(evaluation.picture_first, f"{name}_s")
        axes.plot(factors, middle, color=colour, marker=marker, markersize=4.5, linewidth=1.6, label=name)
        axes.fill_between(factors, low, high, color=colour, alpha=0.15, linewidth=0)
        marks += [Mark(axes, x, y, (name, f"φ = {x:g}", f"{y:.0f} ms")) for x, y in zip(factors, middle, strict=True)]
    _name_factors(axes, factors)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("processor time [ms]")
    axes.tick_params(axis="y", labelcolor=MUTED)
    legend(figure, axes, narrow=narrow)
    return Chart(figure, tuple(marks))


def _times_ms(results: Sequence[FactorResult], name: str) -> np.ndarray:
    values = [[1e3 * getattr(frame, name) for frame in each.frames] for each in results]
    return np.array([np.percentile(each, [10, 50, 90]) for each in values]).T


def coding_plans(evaluation: Evaluation) -> list[FigurePlan]:
    """The three figures, each with its data."""
    quality = [
        [line.name, *values]
        for line in quality_lines(evaluation)
        for values in zip(line.factors, line.psnr_db, line.f1, strict=True)
    ]
    shown = [
        [each.extraction_factor, each.mean("psnr_db"), name, still.psnr_db if still else math.nan]
        for each in (evaluation.picture_first[place] for place in evaluation.shown)
        for name, still in [_best_still(each)]
    ]
    times = [
        [each.extraction_factor, frame.frame, frame.encode_s, frame.decode_s]
        for each in evaluation.picture_first
        for frame in each.frames
    ]

    def plan(name: str, draw: Callable[..., Chart], header: Sequence[str], rows: Sequence[Sequence[object]]):
        return FigurePlan(name, lambda narrow: draw(evaluation, narrow=narrow), header, rows)

    return [
        plan(QUALITY, draw_quality, ("coding", "extraction_factor", "psnr_db", "f1"), quality),
        plan(FRAMES, draw_frames, ("extraction_factor", "psnr_db", "still_format", "still_psnr_db"), shown),
        plan(TIME, draw_time, ("extraction_factor", "frame", "encode_s", "decode_s"), times),
    ]


def write_coding_figures(folder: Path, evaluation: Evaluation) -> Mapping[str, Drawn]:
    """Draw every figure into `figures/` of a folder as PNG, SVG, PDF and CSV; return the SVGs by name."""
    target = folder / "figures"
    target.mkdir(exist_ok=True)
    return {plan.name: write(plan, target) for plan in coding_plans(evaluation)}
