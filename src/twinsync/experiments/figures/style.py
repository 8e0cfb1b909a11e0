"""The style of all charts and of each scheme in them: fonts, colours that remain distinct to colour-blind readers and
in grey print, and how a figure is saved."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from twinsync.experiments.records import Scheme
from twinsync.experiments.results import OPTIMUM
from twinsync.writing import whole_file

INK = "#1b1f24"
MUTED = "#5c6670"
GRID = "#dfe3e8"
PAPER = "#fefefe"
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
# Every colour of the charts, by its name in the page's style sheet.
COLOURS = {
    "ink": INK,
    "muted": MUTED,
    "grid": GRID,
    "paper": PAPER,
    "blue": BLUE,
    "vermillion": VERMILLION,
    "green": GREEN,
    "pink": PINK,
    "orange": ORANGE,
    "sky": SKY,
}

_LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "path.simplify": False,
    # Text stays text, so it can be searched, read aloud and shown in the page's font; the salt keeps ids constant.
    "svg.fonttype": "none",
    "svg.hashsalt": "twinsync",
    "pdf.fonttype": 42,
}

_WIDE_IN, _NARROW_IN = 7.6, 3.9


@contextmanager
def look() -> Iterator[None]:
    """Context with the charts' Matplotlib settings, for drawing and saving a figure."""
    with matplotlib.rc_context(_LOOK):
        yield


def new_figure(height_in: float, *, narrow: bool) -> Figure:
    """An empty figure as wide as a page (or as a phone), with an Agg canvas and not registered with pyplot."""
    figure = Figure(figsize=(_NARROW_IN if narrow else _WIDE_IN, height_in))
    FigureCanvasAgg(figure)
    return figure


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places as close as possible to the wanted ones, in the same order, at least `apart` apart, within [low, high]."""
    groups: list[tuple[float, list[int]]] = []
    for index in sorted(range(len(wanted)), key=lambda index: wanted[index]):
        centre, members = wanted[index], [index]
        # Overlapping neighbours become one block, centred on the mean of its members' wanted places.
        while groups and centre - groups[-1][0] < apart * (len(members) + len(groups[-1][1])) / 2:
            members = groups.pop()[1] + members
            half = (len(members) - 1) / 2 * apart
            centre = sum(wanted[member] for member in members) / len(members)
            centre = max(min(centre, high - half), low + half)
        groups.append((centre, members))
    places = [0.0] * len(wanted)
    for centre, members in groups:
        for rank, member in enumerate(members):
            places[member] = centre + (rank - (len(members) - 1) / 2) * apart
    return places


def name_rows(axes: Axes, names: Sequence[str], *, narrow: bool) -> None:
    """Label each row with its name, wrapped if long, and remove everything of the frame but the grid."""
    lines = [textwrap.fill(name, 19 if narrow else 32) for name in names]
    axes.set_yticks(range(len(lines)), lines, linespacing=0.95)
    axes.grid(visible=False, axis="y")
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write `name`.png and `name`.svg, byte for byte identical for identical data."""
    with whole_file(folder / f"{name}.png") as partial:
        figure.savefig(partial, dpi=200, facecolor="white", metadata={"Software": None})
    with whole_file(folder / f"{name}.svg") as partial:
        save_svg(figure, partial)


def save_svg(figure: Figure, target: Any) -> None:
    """Write an SVG to a path or an open text file, without date or software name."""
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(target, format="svg", metadata=nothing)


def save_pdf(figure: Figure, path: Path) -> None:
    """Write a PDF without date or software name."""
    nothing = dict.fromkeys(("CreationDate", "Creator", "Producer"))
    with whole_file(path) as partial:
        figure.savefig(partial, format="pdf", metadata=nothing)


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table as CSV, numbers at full precision, with `nan` and `inf` as such."""
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


@dataclass(frozen=True)
class Style:
    """How one scheme is drawn: colour, dash pattern and marker; the last two alone tell schemes apart."""

    colour: str
    dash: Any
    marker: str
    filled: bool
    width: float


_LONG, _DOTTED, _DASHED = (0, (6, 2)), (0, (1.2, 1.4)), (0, (3, 1.4))
_ONE_DOT, _TWO_DOTS = (0, (6, 1.5, 1.2, 1.5)), (0, (7, 1.5, 1.2, 1.5, 1.2, 1.5))
# A colour stands for a decision method: schemes that share one differ in what they know or how they were trained.
_KNOWN: dict[str, tuple[str, Any, str, float]] = {
    "sac-tuned": (BLUE, "solid", "o", 2.2),
    "sac-paper": (BLUE, _DOTTED, "o", 1.5),
    "ppo-tuned": (VERMILLION, _LONG, "s", 1.5),
    "ppo-paper": (VERMILLION, _DOTTED, "s", 1.5),
    "random-strategy": (ORANGE, _ONE_DOT, "^", 1.5),
    "random-strategy-paper": (ORANGE, _LONG, "^", 1.5),
    "random-extraction": (ORANGE, _DOTTED, "^", 1.5),
    "without-sc": (PINK, _DASHED, "v", 1.5),
    "without-sc-paper": (PINK, _TWO_DOTS, "v", 1.5),
    "no-semantics": (PINK, _DOTTED, "v", 1.5),
    "gradient": (GREEN, _TWO_DOTS, "P", 1.5),
    "gradient-csi": (GREEN, _DOTTED, "P", 1.5),
    "raw": (SKY, _DOTTED, "X", 1.5),
    "equal-share": (SKY, _LONG, "p", 1.5),
    "random": (MUTED, _DASHED, "<", 1.5),
    "expected": (MUTED, _ONE_DOT, "d", 1.5),
    OPTIMUM: (INK, (0, (4, 2)), "D", 1.2),
}
_DASHES = (_LONG, _ONE_DOT, _DASHED, _TWO_DOTS, _DOTTED)
_MARKERS = (">", "h", "*", "s", "^", "D", "8")


def styles(schemes: Mapping[str, Scheme]) -> dict[str, Style]:
    """A style for each scheme. Known schemes always look the same; others get colours, dashes and markers still free.

    Hollow markers are for schemes as printed.
    """
    known = {name: _KNOWN[name] for name in schemes if name in _KNOWN}
    chosen = {name: Style(colour, dash, marker, True, width) for name, (colour, dash, marker, width) in known.items()}
    colours = dict.fromkeys((BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY), 0)
    for style in chosen.values():
        if style.colour in colours:
            colours[style.colour] += 1
    taken = {(style.dash, style.marker) for style in chosen.values()}
    # Cycled together, five dashes and seven markers go through all their pairs before one repeats.
    pairs = zip(cycle(_DASHES), cycle(_MARKERS), strict=False)
    free = (pair for pair in islice(pairs, len(_DASHES) * len(_MARKERS)) if pair not in taken)
    for name in schemes:
        if name not in chosen:
            dash, marker = next(free, (_DASHES[0], _MARKERS[0]))
            colour = min(colours, key=colours.__getitem__)
            colours[colour] += 1
            chosen[name] = Style(colour, dash, marker, True, 1.5)
    return {name: replace(style, filled=schemes[name].group != "paper") for name, style in chosen.items()}
