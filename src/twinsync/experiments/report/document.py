"""What a report is made of, apart from how it is written down: blocks that HTML and Markdown both render.

Words may carry three marks, `**strong**`, `` `code` `` and `[words](https://address)`; everything else is taken
literally.
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
    """A section's title, or with `level` 3 that of a part of it."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Words."""

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
    """One number that matters, with what it is."""

    value: str
    label: str


@dataclass(frozen=True)
class Tiles:
    """A row of such numbers."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Table:
    """A table; columns in `words` are set left, numbers right. `strong` names the rows to stress, by place."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[TableCell | str]]
    words: Sequence[int] = (0,)
    strong: Sequence[int] = ()


@dataclass(frozen=True)
class Field(Generic[Item]):
    """A column of a table about items of one kind: its title, what it shows of one, and whether that is words."""

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
    """A table with a row per item and a column per field; `strong` says which items to stress."""
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
    """The command that made a figure's results, and the revisions of the source it ran at."""

    command: str
    commits: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A figure by its name in `figures/`, its caption, its message for who cannot see it, and where it comes from."""

    name: str
    caption: str
    message: str
    made: Made | None = None


@dataclass(frozen=True)
class Box:
    """A set-off remark: `trouble`, `good` or `note`."""

    kind: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Folded:
    """Blocks shown on demand, under a one-line summary."""

    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Verdicts:
    """The paper's claims with what became of each as printed, and repaired."""

    claims: Sequence[Claim]


Block = Heading | Paragraph | Bullets | Code | Tiles | Table | Picture | Box | Folded | Verdicts


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    blocks: Sequence[Block] = field(default_factory=tuple)
