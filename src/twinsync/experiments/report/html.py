"""The report as one self-contained HTML page: style, figures and a small script inline, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from twinsync.experiments.figures import Drawn
from twinsync.experiments.report.document import (
    Block,
    Box,
    Bullets,
    Code,
    Document,
    Folded,
    Heading,
    Judged,
    Paragraph,
    Picture,
    Table,
    Tiles,
    Verdicts,
)
from twinsync.experiments.report.pictures import picture


def to_html(document: Document, figures: Mapping[str, Drawn]) -> str:
    """The whole page; `figures` holds the SVGs that the document's pictures name."""
    style = _part("page.css")
    # Only points that can be asked need a script.
    asked = any(drawn.wide_spots for drawn in figures.values())
    script = f"<script>\n{_part('page.js')}</script>\n" if asked else ""
    body = "\n".join(_block(block, figures) for block in document.blocks)
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    # Sections with parts make a page long enough to need a way around.
    contents = _contents(headings) if any(heading.level > 2 for heading in headings) else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1>{_words(document.title)}</h1>\n<p class="subtitle">{_words(document.subtitle)}</p>\n'
        f"{contents}</header>\n"
        f"{body}\n</main>\n{script}</body>\n</html>\n"
    )


def _part(name: str) -> str:
    return (resources.files("twinsync.experiments.report") / name).read_text("utf-8")


def _slug(title: str) -> str:
    return "s-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _contents(headings: Sequence[Heading]) -> str:
    links = (
        f'<a href="#{_slug(heading.text)}">{_words(heading.text)}</a>' for heading in headings if heading.level == 2
    )
    return f'<nav aria-label="Sections">{" ".join(links)}</nav>\n'


def _words(text: str) -> str:
    text = re.sub(r"(?<=\w)&#x27;", "’", escape(text))
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)


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
            return picture(block, figures[block.name], _words)
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
    return f'{caption}<div class="table"><table>{heading}\n<tbody>{rows}</tbody></table></div>'


def _cell(tag: str, text: str, scope: str, words: bool) -> str:
    kind = ' class="words"' if words else ""
    scoped = f' scope="{scope}"' if scope else ""
    main, line, small = text.partition("\n")
    inside = f"{_words(main)}<small>{_words(small)}</small>" if line else _words(main)
    return f"<{tag}{kind}{scoped}>{inside}</{tag}>"


def _verdicts(block: Verdicts) -> str:
    items = []
    for item in block.items:
        note = f'<p class="note">{_words(item.note)}</p>' if item.note else ""
        sides = _judged(item.printed) + _judged(item.repaired)
        items.append(f'<li><p class="claim">{_words(item.claim)}</p><div class="sides">{sides}</div>{note}</li>')
    return f'<ul class="verdicts">{"".join(items)}</ul>'


def _judged(item: Judged) -> str:
    inside = f"<p>{_words(item.detail)}</p>" if item.detail else ""
    inside += f"<details><summary>In full</summary><p>{_words(item.more)}</p></details>" if item.more else ""
    inside += f'<p class="note">{_words(item.basis)}</p>' if item.basis else ""
    return f'<div class="{item.kind}"><p class="verdict">{_words(item.verdict)}</p>{inside}</div>'
