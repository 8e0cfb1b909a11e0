"""The report as Markdown, with links to the figures in `figures/`."""

from __future__ import annotations

from collections.abc import Sequence

from twinsync.experiments.columns import TableCell
from twinsync.experiments.records import Claim
from twinsync.experiments.report.claims import Judged, hinge, sides, statement
from twinsync.experiments.report.document import (
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
    Tile,
    Tiles,
    Verdicts,
)


def to_markdown(document: Document) -> str:
    """The whole report as GitHub-flavoured Markdown."""
    head = [f"# {_words(document.title)}", _words(document.subtitle)]
    return "\n\n".join([*head, *(_block(block) for block in document.blocks)]) + "\n"


def _words(text: str) -> str:
    """Text without HTML; code spans are literal in Markdown."""
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "`".join(pieces)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_words(text)}"
        case Paragraph(text):
            return _words(text)
        case Bullets(items):
            return "\n".join(f"- {_words(item)}" for item in items)
        case Code(text):
            return f"```\n{text}\n```"
        case Tiles(tiles):
            return "\n".join(f"- {_tile(tile)}" for tile in tiles)
        case Table():
            return _table(block)
        case Picture():
            return _picture(block)
        case Verdicts(claims):
            return "\n".join(_verdict(claim) for claim in claims)
        case Box(_, title, blocks):
            inside = "\n\n".join([f"**{_words(title)}**", *(_block(item) for item in blocks)])
            return "\n".join(f"> {line}".rstrip() for line in inside.splitlines())
        case Folded(summary, blocks):
            inside = "\n\n".join(_block(item) for item in blocks)
            return f"<details>\n<summary>{_words(summary)}</summary>\n\n{inside}\n\n</details>"


def _tile(tile: Tile) -> str:
    """The number and its label; the label alone if it contains the number."""
    number = tile.value.lstrip("+−")
    if number in tile.label:
        return _words(tile.label.replace(number, f"**{number}**", 1))
    return f"**{_words(tile.value)}** {_words(tile.label)}"


def _verdict(claim: Claim) -> str:
    lines = [f"- **{statement(claim)}**", *(f"  - {_judged(side)}" for side in sides(claim))]
    return "\n".join(_words(line) for line in [*lines, *([f"  - {hinge(claim)}"] if claim.hinges else [])])


def _judged(item: Judged) -> str:
    basis = f"({item.basis})" if item.basis else ""
    return " ".join(part for part in (f"**{item.verdict}.**", item.detail, item.more, basis) if part)


def _picture(picture: Picture) -> str:
    made = picture.made
    shown = f"![{_words(picture.message)}](figures/{picture.name}.png)\n\n*{_words(picture.caption)}*"
    if made is None:
        return shown
    at = " at " + ", ".join(f"`{commit}`" for commit in made.commits) if made.commits else ""
    return f"{shown}\n\nMade by `{made.command}`{at}; data: [{picture.name}.csv](figures/{picture.name}.csv)."


def _table(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_words(cell).replace("|", "\\|") for cell in cells) + " |"

    width = len(table.header or table.rows[0])
    rule = "|" + "|".join(":---" if place in table.words else "---:" for place in range(width)) + "|"
    rows = [
        [
            f"**{text}**" if place in table.strong and column == 0 else text
            for column, text in enumerate(map(_one_line, row))
        ]
        for place, row in enumerate(table.rows)
    ]
    caption = f"*{_words(table.caption)}*\n\n" if table.caption else ""
    return caption + "\n".join([line(table.header or [""] * width), rule, *(line(row) for row in rows)])


def _one_line(cell: TableCell | str) -> str:
    main, small = cell if isinstance(cell, TableCell) else TableCell(cell)
    return f"{main} ({small})" if small else main
