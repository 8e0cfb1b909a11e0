"""What a report is made of, apart from how it is written down: blocks that HTML and Markdown both render.

Words may carry two marks, `**strong**` and `` `code` ``; everything else is taken literally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str


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
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    strong: Sequence[int] = ()


@dataclass(frozen=True)
class Picture:
    """A figure by its name in `figures/`, its caption, and its message for who cannot see it."""

    name: str
    caption: str
    message: str


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


Block = Heading | Paragraph | Bullets | Code | Tiles | Table | Picture | Box | Folded


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    blocks: Sequence[Block] = field(default_factory=tuple)
