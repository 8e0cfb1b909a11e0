"""A figure from its plan to its files: the chart, its data, and the points that show their values when pointed at."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinsync.experiments.figures.style import PAPER, Style, look, save, save_pdf, save_svg, write_csv
from twinsync.experiments.formatting import symbol
from twinsync.experiments.records import Scheme


@dataclass(frozen=True)
class Mark:
    """A point of a chart in data coordinates of its axes, with the lines of text to show for it."""

    axes: Axes
    x: float
    y: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Spot:
    """A point of a drawn figure, measured from the upper left corner in units of the SVG's view box (1/72 inch)."""

    x: float
    y: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A figure and its points."""

    figure: Figure
    marks: tuple[Mark, ...] = ()

    def spots(self) -> tuple[Spot, ...]:
        """Positions of the points on the figure as last drawn; points outside their axes are left out."""
        spots = []
        width, height = self.figure.get_size_inches() * 72.0
        for mark in self.marks:
            if not (math.isfinite(mark.x) and math.isfinite(mark.y)):
                continue
            position = mark.axes.transData.transform((mark.x, mark.y))
            if mark.axes.get_window_extent().padded(2.0).contains(*position):
                across, up = self.figure.transFigure.inverted().transform(position)
                spots.append(Spot(across * width, (1.0 - up) * height, mark.words))
        return tuple(spots)


@dataclass(frozen=True)
class FigurePlan:
    """A figure to draw: its name in `figures/`, the function that draws it (`narrow`: for a phone), and its data."""

    name: str
    draw: Callable[[bool], Chart]
    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Drawn:
    """A figure as SVG text in two widths, for a page and for a phone, and the interactive points on each."""

    name: str
    wide_svg: str
    narrow_svg: str
    wide_spots: Sequence[Spot] = ()
    narrow_spots: Sequence[Spot] = ()


def write(plan: FigurePlan, folder: Path) -> Drawn:
    """Write a figure as CSV, PDF, PNG and SVG into an existing folder."""
    write_csv(folder / f"{plan.name}.csv", plan.header, plan.rows)
    with look():
        wide, narrow = (_settled(plan.draw(is_narrow)) for is_narrow in (False, True))
        save_pdf(wide.figure, folder / f"{plan.name}.pdf")
        save(wide.figure, folder, plan.name)
        phone = io.StringIO()
        save_svg(narrow.figure, phone)
        page = (folder / f"{plan.name}.svg").read_text("utf-8")
        return Drawn(plan.name, page, phone.getvalue(), wide.spots(), narrow.spots())


def _settled(chart: Chart) -> Chart:
    """The chart with its layout computed and frozen, so that every format has the same."""
    chart.figure.draw_without_rendering()
    chart.figure.set_layout_engine("none")
    return chart


def draw_line(axes: Axes, x: Sequence[float], y: Sequence[float], scheme: Scheme, style: Style) -> None:
    """One scheme's line with a marker at each point; NaNs are gaps."""
    # Thin lines with small markers go on top, since they leave visible what lies below.
    thin = style.width < 1.5
    axes.plot(
        x,
        y,
        color=style.colour,
        linestyle=style.dash,
        linewidth=style.width,
        marker=style.marker,
        markersize=4.0 if thin else 5.0,
        markeredgewidth=0.9,
        markerfacecolor=style.colour if style.filled else PAPER,
        label=symbol(scheme.label),
        zorder=4 if thin else 3 if style.width > 2 else 2,
    )


def legend(figure: Figure, axes: Axes, *, narrow: bool) -> None:
    """A legend of the lines in `axes`, above the figure."""
    handles, labels = axes.get_legend_handles_labels()
    widest = max(len(label) for label in labels)
    columns = (2 if widest <= 24 else 1) if narrow else (4 if widest <= 20 else 3)
    loc = "outside upper center" if narrow else "outside upper left"
    figure.legend(handles=handles, loc=loc, ncols=columns, handlelength=4.2, columnspacing=1.6, labelspacing=0.35)
