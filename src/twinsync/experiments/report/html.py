"""The report as one self-contained HTML page: style, figures and a small script are inline, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from itertools import zip_longest

from twinsync.experiments.columns import TableCell
from twinsync.experiments.figures import Drawn
from twinsync.experiments.figures.chart import Spot
from twinsync.experiments.figures.style import COLOURS
from twinsync.experiments.formatting import NBSP
from twinsync.experiments.report.claims import Judged, hinge, sides, statement
from twinsync.experiments.report.document import (
    Block,
    Box,
    Bullets,
    Code,
    Document,
    Folded,
    Heading,
    Made,
    Paragraph,
    Picture,
    Table,
    Tiles,
    Verdicts,
)

FORMATS = ("csv", "png", "svg", "pdf")
_CODE = "\0"  # stands for a code span while the prose around it is marked up
_FEW_COLUMNS = 3  # fit beside each other on a phone
_REFERENCE = re.compile(r"""(?:(?<=url\()|(?<=href="))#([^\s")]+)""")
_REACH = 7  # radius of the mark that a tap or the keyboard focus reaches, in 1/72 inch


def to_html(document: Document, figures: Mapping[str, Drawn]) -> str:
    """The whole page; `figures` has the SVGs by the names that the document's pictures use."""
    style = _part("page.css")
    # Only interactive points need the script.
    asked = any(drawn.wide_spots for drawn in figures.values())
    script = f"<script>\n{_part('page.js')}</script>\n" if asked else ""
    body, classes = _shared_styles("\n".join(_block(block, figures) for block in document.blocks))
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    # A page with subsections is long enough to need a table of contents.
    contents = _contents(headings) if any(heading.level > 2 for heading in headings) else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>\n{style}{classes}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1>{_words(document.title)}</h1>\n<p class="subtitle">{_words(document.subtitle)}</p>\n'
        f"{contents}</header>\n"
        f"{body}\n</main>\n{script}</body>\n</html>\n"
    )


def _shared_styles(body: str) -> tuple[str, str]:
    """The body with its inline styles replaced by classes, and those classes as CSS.

    The figures draw thousands of elements in about a hundred styles; written inline, these are a third of the page.
    """
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return f' class="{names.setdefault(found[1], f"k{len(names)}")}"'

    body = re.sub(r' style="([^"]*)"', named, body)
    return body, "".join(f".{name}{{{style}}}\n" for style, name in names.items())


def _part(name: str) -> str:
    return (resources.files("twinsync.experiments.report") / name).read_text("utf-8")


def _slug(title: str) -> str:
    return "s-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _contents(headings: Sequence[Heading]) -> str:
    links = (
        f'<a href="#{_slug(heading.text)}">{_words(heading.text)}</a>' for heading in headings if heading.level == 2
    )
    return f'<details class="contents"><summary>Contents</summary><nav>{" ".join(links)}</nav></details>\n'


def _words(text: str) -> str:
    """Text as HTML; in prose, `φ_min` becomes a letter with a subscript, and a number keeps its per cent sign."""
    pieces = re.split(r"`([^`]+)`", escape(text))
    codes = [f"<code>{piece}</code>" for piece in pieces[1::2]]
    # A link or strong words may contain code, whose own text is literal.
    text = _CODE.join(_prose(piece) for piece in pieces[::2])
    text = re.sub(r"\[([^\]]+)\]\((https://[^)\s]+)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return "".join(map("".join, zip_longest(text.split(_CODE), codes, fillvalue="")))


def _prose(text: str) -> str:
    text = re.sub(r"(?<=\w)&#x27;", "’", text)
    text = re.sub(r"(?<=\d) (?=%)", NBSP, text)
    return re.sub(r"(?<![\w/])([^\W\d_])_(?:(\w+)|\(([^()]*)\))", _subscripted, text)


def _subscripted(found: re.Match[str]) -> str:
    """`f_u_max` as f with the subscript u,max, `n_(i−1)` as n with i−1."""
    return f"{found[1]}<sub>{(found[2] or found[3]).replace('_', ',')}</sub>"


def _block(block: Block, figures: Mapping[str, Drawn]) -> str:
    match block:
        case Heading(text, level):
            named = f' id="{_slug(text)}"' if level == 2 else ""
            return f"<h{level}{named}>{_words(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_words(text)}</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{_words(item)}</li>" for item in items) + "</ul>"
        case Code(text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case Tiles(tiles):
            cells = (f"<div><dt>{_words(tile.label)}</dt><dd>{_words(tile.value)}</dd></div>" for tile in tiles)
            return f'<dl class="tiles">{"".join(cells)}</dl>'
        case Table():
            return _table(block)
        case Picture():
            return _picture(block, figures[block.name])
        case Verdicts():
            return _verdicts(block)
        case Box(kind, title, blocks):
            inside = "\n".join(_block(item, figures) for item in blocks)
            return f'<aside class="{kind}"><h3>{_words(title)}</h3>\n{inside}</aside>'
        case Folded(summary, blocks):
            inside = "\n".join(_block(item, figures) for item in blocks)
            return f"<details><summary>{_words(summary)}</summary>\n{inside}</details>"


def _table(table: Table) -> str:
    head = "".join(_cell("th", text, "col", place in table.words) for place, text in enumerate(table.header))
    body = []
    for number, row in enumerate(table.rows):
        first, *rest = row
        cells = _cell("th", first, "row", 0 in table.words)
        cells += "".join(_cell("td", text, "", place in table.words) for place, text in enumerate(rest, start=1))
        body.append(f'<tr class="strong">{cells}</tr>' if number in table.strong else f"<tr>{cells}</tr>")
    # The caption stands outside the box that scrolls sideways on a phone.
    caption = f'<p class="caption">{_words(table.caption)}</p>' if table.caption else ""
    heading = f"<thead><tr>{head}</tr></thead>" if table.header else ""
    rows = "\n".join(body)
    kind = "table many" if len(table.header) > _FEW_COLUMNS else "table"
    return f'{caption}<div class="{kind}"><table>{heading}\n<tbody>{rows}</tbody></table></div>'


def _cell(tag: str, content: TableCell | str, scope: str, words: bool) -> str:
    kind = ' class="words"' if words else ""
    scoped = f' scope="{scope}"' if scope else ""
    main, small = content if isinstance(content, TableCell) else TableCell(content)
    inside = f"{_words(main)}<small>{_words(small)}</small>" if small else _words(main)
    return f"<{tag}{kind}{scoped}>{inside}</{tag}>"


def _verdicts(block: Verdicts) -> str:
    items = []
    for claim in block.claims:
        note = f'<p class="note">{_words(hinge(claim))}</p>' if claim.hinges else ""
        both = "".join(_judged(side) for side in sides(claim))
        items.append(f'<li><p class="claim">{_words(statement(claim))}</p><div class="sides">{both}</div>{note}</li>')
    return f'<ul class="verdicts">{"".join(items)}</ul>'


def _judged(item: Judged) -> str:
    inside = f"<p>{_words(item.detail)}</p>" if item.detail else ""
    inside += f"<details><summary>In full</summary><p>{_words(item.more)}</p></details>" if item.more else ""
    inside += f'<p class="note">{_words(item.basis)}</p>' if item.basis else ""
    return f'<div class="{item.kind}"><p class="verdict">{_words(item.verdict)}</p>{inside}</div>'


def _picture(block: Picture, drawn: Drawn) -> str:
    """The figure in two widths, for a page and for a phone, with its caption and provenance."""
    variants = (("wide", drawn.wide_svg, drawn.wide_spots), ("narrow", drawn.narrow_svg, drawn.narrow_spots))
    views = "".join(
        f'<div class="{width}">{inline_svg(svg, f"{block.name}-{width}", block.message, spots)}</div>'
        for width, svg, spots in variants
    )
    source = "" if block.made is None else _source(block.name, block.made)
    return f'<figure id="{block.name}">{views}<figcaption>{_words(block.caption)}{source}</figcaption></figure>'


def _source(name: str, made: Made) -> str:
    links = ", ".join(f'<a href="figures/{name}.{kind}">{kind.upper()}</a>' for kind in FORMATS)
    words = f"Made by <code>{escape(made.command)}</code> at {_commits(made.commits)}. Data: {links}."
    return f'<span class="source">{words}</span>'


def _commits(commits: Sequence[str]) -> str:
    if not commits:
        return "an unknown revision"
    return f"revision{'s' if len(commits) > 1 else ''} " + ", ".join(f"<code>{escape(item)}</code>" for item in commits)


def inline_svg(svg: str, prefix: str, message: str, spots: Sequence[Spot] = ()) -> str:
    """An SVG for use inside a page: with unique ids (by `prefix`), the page's colours and font, and no size of its own.

    Each of `spots` becomes an invisible mark that carries its text; the arrow keys step through the marks. Raises
    `ValueError` if the SVG has no viewBox.
    """
    svg = svg[svg.index("<svg") :]
    head, _, rest = svg.partition(">")
    box = re.search(r'viewBox="[^"]+"', head)
    if box is None:
        raise ValueError(f"{prefix}: the SVG has no viewBox")
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = rest.replace('xlink:href="#', 'href="#')
    rest = re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", rest)
    rest = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", rest, count=1, flags=re.DOTALL)
    for name, value in COLOURS.items():
        rest = re.sub(value, f"var(--{name})", rest, flags=re.IGNORECASE)
    rest = _lean(rest.strip(), prefix)
    if spots:
        rest = rest.removesuffix("</svg>") + _spots(spots) + "</svg>"
    # Screen readers skip the contents of an image, but read the members of a group.
    role = "group" if spots else "img"
    return f'<svg {box[0]} role="{role}" aria-label="{escape(message)}">{rest}'


def _lean(svg: str, prefix: str) -> str:
    """The same picture in fewer bytes: no space between tags, two decimals, and only referenced ids, shortened."""
    used = {name: f"{prefix}-{number}" for number, name in enumerate(dict.fromkeys(_REFERENCE.findall(svg)))}

    def tag(found: re.Match[str]) -> str:
        whole = re.sub(r' id="([^"]*)"', lambda each: f' id="{used[each[1]]}"' if each[1] in used else "", found[0])
        whole = _REFERENCE.sub(lambda each: f"#{used[each[1]]}", whole)
        whole = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", whole)
        whole = re.sub(r"\d+\.\d{3,}", lambda each: f"{float(each[0]):.2f}".rstrip("0").rstrip("."), whole)
        return re.sub(r"\s+", " ", whole)

    return re.sub(r">\s+<", "><", re.sub(r"<[^>]+>", tag, svg))


def _spots(spots: Sequence[Spot]) -> str:
    # One tab stop per figure: if every point were one, tabbing through the page would be hopeless.
    marks = (
        f'<circle cx="{spot.x:.2f}" cy="{spot.y:.2f}" r="{_REACH}" tabindex="{-1 if place else 0}" role="img" '
        f'aria-label="{_lines(spot.words)}"/>'
        for place, spot in enumerate(spots)
    )
    return f'<g class="spots">{"".join(marks)}</g>'


def _lines(words: Sequence[str]) -> str:
    return "&#10;".join(escape(line) for line in words)
