"""Figures inside an HTML page: SVGs made part of it, their points made to answer, their sources named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from twinsync.experiments.figures import Drawn
from twinsync.experiments.figures.chart import Spot
from twinsync.experiments.figures.style import COLOURS
from twinsync.experiments.report.document import Made, Picture

FORMATS = ("csv", "png", "svg", "pdf")
_REACH = 7  # radius of a point's answer to a tap or the keyboard's focus, in 1/72 inch


def picture(block: Picture, drawn: Drawn, words: Callable[[str], str]) -> str:
    """The figure for a page and for a phone, with its caption and where it comes from."""
    variants = (("wide", drawn.wide_svg, drawn.wide_spots), ("narrow", drawn.narrow_svg, drawn.narrow_spots))
    views = "".join(
        f'<div class="{width}">{inline_svg(svg, f"{block.name}-{width}", block.message, spots)}</div>'
        for width, svg, spots in variants
    )
    source = "" if block.made is None else _source(block.name, block.made)
    return f'<figure id="{block.name}">{views}<figcaption>{words(block.caption)}{source}</figcaption></figure>'


def _source(name: str, made: Made) -> str:
    links = ", ".join(f'<a href="figures/{name}.{kind}">{kind.upper()}</a>' for kind in FORMATS)
    words = f"Made by <code>{escape(made.command)}</code> at {_commits(made.commits)}. Data: {links}."
    return f'<span class="source">{words}</span>'


def _commits(commits: Sequence[str]) -> str:
    if not commits:
        return "an unknown revision"
    return f"revision{'s' if len(commits) > 1 else ''} " + ", ".join(f"<code>{escape(item)}</code>" for item in commits)


def inline_svg(svg: str, prefix: str, message: str, spots: Sequence[Spot] = ()) -> str:
    """An SVG made part of a page: ids its own, colours the page's, type the page's, size from its box.

    Each of `spots` becomes an invisible mark that holds its words; the arrow keys go from one to the next.
    """
    svg = svg[svg.index("<svg") :]
    head, _, rest = svg.partition(">")
    box = re.search(r'viewBox="[^"]+"', head)
    if box is None:
        raise ValueError(f"{prefix}: the SVG has no viewBox")
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\bid="', f'id="{prefix}-', rest)
    rest = re.sub(r"url\(#", f"url(#{prefix}-", rest)
    rest = re.sub(r'(?:xlink:)?href="#', f'href="#{prefix}-', rest)
    rest = re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", rest)
    rest = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", rest, count=1, flags=re.DOTALL)
    for name, value in COLOURS.items():
        rest = re.sub(value, f"var(--{name})", rest, flags=re.IGNORECASE)
    rest = rest.strip()
    if spots:
        rest = rest.removesuffix("</svg>") + _spots(spots) + "</svg>"
    # What is inside an image is hidden from who reads by ear; a group's members are not.
    role = "group" if spots else "img"
    return f'<svg {box[0]} role="{role}" aria-label="{escape(message)}">{rest}'


def _spots(spots: Sequence[Spot]) -> str:
    # One stop for the tabulator key: with all points in its path nobody would reach the end of the page.
    marks = (
        f'<circle cx="{spot.x:.2f}" cy="{spot.y:.2f}" r="{_REACH}" tabindex="{-1 if place else 0}" role="img" '
        f'aria-label="{_lines(spot.words)}"/>'
        for place, spot in enumerate(spots)
    )
    return f'<g class="spots">{"".join(marks)}</g>'


def _lines(words: Sequence[str]) -> str:
    return "&#10;".join(escape(line) for line in words)
