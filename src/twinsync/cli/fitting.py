"""Tables that fit where they are printed: names stay whole, and columns that find no room are left out and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text


@dataclass
class Column:
    """One column. `least`: the width at which its cells may be folded; None where they are kept in one line."""

    header: str
    style: str = ""
    right: bool = False
    least: int | None = None
    cells: list[Text] = field(default_factory=list)

    @property
    def whole(self) -> int:
        """Width with nothing folded."""
        return max(cell_len(self.header), self._longest_cell)

    @property
    def narrow(self) -> int:
        """Width with the header folded between words, and cells where they may be."""
        words = max(map(cell_len, self.header.split()), default=0)
        cells = self._longest_cell if self.least is None else min(self.least, self._longest_cell)
        return max(words, cells)

    @property
    def _longest_cell(self) -> int:
        return max((cell_len(cell.plain) for cell in self.cells), default=0)


class FittedTable:
    """A table whose first column, of names, stays whole at any width.

    leave: headers of the columns that go where there is no room, in that order; then the others from the right.
    """

    def __init__(self, title: str, leave: Sequence[str] = ()) -> None:
        self.title = title
        self._leave = tuple(leave)
        self._columns: list[Column] = []

    def add_column(self, header: str, *, style: str = "", right: bool = False, least: int | None = None) -> None:
        """A column; numbers go to the right. `least`: cells may be folded down to this width."""
        self._columns.append(Column(header, style, right, least))

    def add_row(self, *cells: str | Text) -> None:
        """One row; a column without a cell gets none."""
        for place, column in enumerate(self._columns):
            cell = cells[place] if place < len(cells) else ""
            column.cells.append(cell if isinstance(cell, Text) else Text(cell))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        """Print what fits."""
        shown, widths, gap = self._fitted(options.max_width)
        table = Table(
            title=Text(self.title), title_justify="left", title_style="bold", header_style="dim", box=None,
            pad_edge=False, collapse_padding=gap == 1,
        )  # fmt: skip
        for column, width in zip(shown, widths, strict=True):
            # As `Text`, because rich would read "[s]" as markup.
            justify = "right" if column.right else "left"
            table.add_column(Text(column.header), style=column.style, justify=justify, width=width, overflow="fold")
        for row in zip(*(column.cells for column in shown), strict=True):
            table.add_row(*row)
        yield table
        gone = [column.header for column in self._columns if column not in shown]
        if gone:
            yield Text(f"with --wide also: {', '.join(gone)}", style="dim")

    def _fitted(self, room: int) -> tuple[list[Column], list[int], int]:
        """The columns that fit, how wide each is, and the gap between them."""
        shown, gap = list(self._columns), 2
        whole = [column.whole for column in shown]
        if _total(whole, gap) <= room:
            return shown, whole, gap
        while len(shown) > 2 and _total([column.narrow for column in shown], gap) > room:
            if gap == 2:
                gap = 1
            else:
                shown.remove(self._first_to_go(shown))
        widths = [column.narrow for column in shown]
        if _total(widths, 2) <= room:
            gap = 2
        for place in reversed(range(len(shown))):  # folded cells get what is left
            if shown[place].least is not None:
                spare = room - _total(widths, gap)
                widths[place] += max(0, min(spare, shown[place].whole - widths[place]))
        return shown, widths, gap

    def _first_to_go(self, shown: Sequence[Column]) -> Column:
        for header in self._leave:
            for column in shown[1:]:
                if column.header == header:
                    return column
        return shown[-1]


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)
