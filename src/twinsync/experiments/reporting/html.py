"""The report as one self-contained HTML page: style and figures inline, no script, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib import resources

from twinsync.experiments.figures import Drawn
from twinsync.experiments.figures.style import COLOURS
from twinsync.experiments.reporting.document import (
    Block,
    Box,
    Bullets,
    Code,
    Document,
    Folded,
    Heading,
    Paragraph,
    Picture,
    Table,
    Tiles,
)


def to_html(document: Document, figures: Mapping[str, Drawn]) -> str:
    """The whole page; `figures` holds the SVGs that the document's pictures name."""
    style = (resources.files("twinsync.experiments.reporting") / "page.css").read_text("utf-8")
    body = "\n".join(_block(block, figures) for block in document.blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1>{_words(document.title)}</h1>\n<p class="subtitle">{_words(document.subtitle)}</p>\n</header>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _words(text: str) -> str:
    text = re.sub(r"(?<=\w)&#x27;", "’", escape(text))
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)


def _block(block: Block, figures: Mapping[str, Drawn]) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_words(text)}</h2>"
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
    return f'{caption}<div class="table"><table>{heading}\n<tbody>{rows}</tbody></table></div>'


def _cell(tag: str, text: str, scope: str, words: bool) -> str:
    kind = ' class="words"' if words else ""
    scoped = f' scope="{scope}"' if scope else ""
    main, line, small = text.partition("\n")
    inside = f"{_words(main)}<small>{_words(small)}</small>" if line else _words(main)
    return f"<{tag}{kind}{scoped}>{inside}</{tag}>"


def _picture(picture: Picture, drawn: Drawn) -> str:
    wide = inline_svg(drawn.wide_svg, f"{picture.name}-wide", picture.message)
    narrow = inline_svg(drawn.narrow_svg, f"{picture.name}-narrow", picture.message)
    return (
        f'<figure id="{picture.name}"><div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
        f"<figcaption>{_words(picture.caption)}</figcaption></figure>"
    )


def inline_svg(svg: str, prefix: str, message: str) -> str:
    """An SVG made part of a page: ids its own, colours the page's, type the page's, size from its box."""
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
    return f'<svg {box[0]} role="img" aria-label="{escape(message)}">{rest.strip()}'
