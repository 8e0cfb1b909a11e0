"""What a page needs of a chart that answers to the pointer: the figure, and the words behind each of its points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinsync.experiments.figures.scheme_styles import Style
from twinsync.experiments.figures.style import PAPER
from twinsync.experiments.formatting import symbol
from twinsync.experiments.run_folder import Scheme


@dataclass(frozen=True)
class Mark:
    """A point of a chart in its axes' data coordinates, with what to say of it, line by line."""

    axes: Axes
    x: float
    y: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A figure and its points."""

    figure: Figure
    marks: tuple[Mark, ...] = ()

    def spots(self) -> tuple[Spot, ...]:
        """Where the points lie on the figure as it was last drawn; those outside their axes are left out."""
        found = []
        size = self.figure.get_size_inches() * 72.0
        for mark in self.marks:
            if not (math.isfinite(mark.x) and math.isfinite(mark.y)):
                continue
            place = mark.axes.transData.transform((mark.x, mark.y))
            if not mark.axes.get_window_extent().padded(2.0).contains(*place):
                continue
            across, up = self.figure.transFigure.inverted().transform(place)
            found.append(Spot(across * size[0], (1.0 - up) * size[1], mark.words))
        return tuple(found)


@dataclass(frozen=True)
class Spot:
    """A point of a drawn figure, from its upper left corner, in units of the SVG's view box (1/72 inch)."""

    x: float
    y: float
    words: tuple[str, ...]


def draw_line(axes: Axes, x: Sequence[float], y: Sequence[float], scheme: Scheme, style: Style) -> None:
    """One scheme's line with a marker at each point; what is NaN is a gap."""
    # A thin line with small marks on top leaves what lies under it to be seen.
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
    """The names of the lines in `axes`, above the figure."""
    handles, labels = axes.get_legend_handles_labels()
    widest = max(len(label) for label in labels)
    columns = (2 if widest <= 24 else 1) if narrow else (4 if widest <= 20 else 3)
    loc = "outside upper center" if narrow else "outside upper left"
    figure.legend(handles=handles, loc=loc, ncols=columns, handlelength=4.2, columnspacing=1.6, labelspacing=0.35)
