"""The content of a report, independent of its format: blocks that are rendered as HTML and as Markdown.

Text may use three kinds of markup, `**strong**`, `` `code` `` and `[words](https://address)`; everything else is
literal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from twinsync.experiments.columns import TableCell
from twinsync.experiments.records import Claim

Item = TypeVar("Item")


@dataclass(frozen=True)
class Heading:
    """The title of a section (level 2) or of a subsection (level 3)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Literal text, such as a command."""

    text: str


@dataclass(frozen=True)
class Tile:
    """One headline number and its label."""

    value: str
    label: str


@dataclass(frozen=True)
class Tiles:
    """A row of headline numbers."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Table:
    """A table. words: indices of text columns, aligned left, others right. strong: indices of rows to emphasise."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[TableCell | str]]
    words: Sequence[int] = (0,)
    strong: Sequence[int] = ()


@dataclass(frozen=True)
class Field(Generic[Item]):
    """A column of a table of items: its title, the cell it shows for an item, and whether that is text (`words`)."""

    title: str
    show: Callable[[Item], TableCell | str]
    words: bool = False


def table(
    caption: str,
    fields: Sequence[Field[Item]],
    items: Iterable[Item],
    *,
    strong: Callable[[Item], bool] = lambda item: False,
) -> Table:
    """A table with a row per item and a column per field; items for which `strong` is true are emphasised."""
    rows = list(items)
    return Table(
        caption,
        [field.title for field in fields],
        [[field.show(item) for field in fields] for item in rows],
        words=[place for place, field in enumerate(fields) if field.words],
        strong=[place for place, item in enumerate(rows) if strong(item)],
    )


@dataclass(frozen=True)
class Made:
    """The command that produced a figure's results, and the source revisions it ran at."""

    command: str
    commits: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A figure: its name in `figures/`, its caption, its text alternative (`message`), and its provenance."""

    name: str
    caption: str
    message: str
    made: Made | None = None


@dataclass(frozen=True)
class Box:
    """A boxed remark; `kind` is `trouble`, `good` or `note`."""

    kind: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Folded:
    """Blocks folded away under a one-line summary."""

    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Verdicts:
    """The paper's claims, each with its verdicts as printed and repaired."""

    claims: Sequence[Claim]


Block = Heading | Paragraph | Bullets | Code | Tiles | Table | Picture | Box | Folded | Verdicts


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    blocks: Sequence[Block] = field(default_factory=tuple)
