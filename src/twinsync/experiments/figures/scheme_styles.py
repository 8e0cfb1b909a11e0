"""How each scheme is drawn, the same in every figure of every report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from twinsync.experiments.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PINK, SKY, VERMILLION
from twinsync.experiments.run_folder import OPTIMUM, Scheme


@dataclass(frozen=True)
class Style:
    """How one scheme is drawn: colour, dash pattern and marker, the last two together enough to tell it apart."""

    colour: str
    dash: Any
    marker: str
    filled: bool
    width: float


_LONG, _DOTTED, _DASHED = (0, (6, 2)), (0, (1.2, 1.4)), (0, (3, 1.4))
_ONE_DOT, _TWO_DOTS = (0, (6, 1.5, 1.2, 1.5)), (0, (7, 1.5, 1.2, 1.5, 1.2, 1.5))
# A colour is a way to choose phi and all else: schemes that share it differ in what they know or how they were trained.
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
    """One style a scheme. Known schemes always look the same; others get what those around them leave free.

    Hollow markers are schemes as printed.
    """
    known = {name: _KNOWN[name] for name in schemes if name in _KNOWN}
    found = {name: Style(colour, dash, marker, True, width) for name, (colour, dash, marker, width) in known.items()}
    colours = dict.fromkeys((BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY), 0)
    for style in found.values():
        if style.colour in colours:
            colours[style.colour] += 1
    taken = {(style.dash, style.marker) for style in found.values()}
    # Five dashes and seven markers, side by side, go through all their pairs before one returns.
    pairs = zip(cycle(_DASHES), cycle(_MARKERS), strict=False)
    free = (pair for pair in islice(pairs, len(_DASHES) * len(_MARKERS)) if pair not in taken)
    for name in schemes:
        if name not in found:
            dash, marker = next(free, (_DASHES[0], _MARKERS[0]))
            colour = min(colours, key=colours.__getitem__)
            colours[colour] += 1
            found[name] = Style(colour, dash, marker, True, 1.5)
    return {name: replace(style, filled=schemes[name].group != "paper") for name, style in found.items()}
