"""Tables at any width: names whole, nothing beyond the edge, what is left out named."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from twinsync.cli.fitting import FittedTable

LONG = "folder/channel.py:StrongOnesSendMore"


def table() -> FittedTable:
    made = FittedTable("A title", leave=("median",))
    made.add_column("allocator", style="bold")
    for header in ("latency T [s]", "median", "cost, 95 %"):
        made.add_column(header, right=True)
    made.add_column("where from", least=10)
    made.add_row("optimum", "13.78", "13.67", "83.50 [83.42, 83.59]", "some words that may well be folded")
    made.add_row(LONG, "14.37", "14.17", "89.83 [89.58, 90.09]", "others")
    return made


def lines(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [50, 66, 75, 80, 90, 100, 120, 200])
def test_names_stay_whole_and_no_line_is_longer_than_the_terminal(width: int) -> None:
    printed = lines(width)
    assert max(map(len, printed)) <= width
    assert sum(LONG in line for line in printed) == 1
    assert not any("…" in line for line in printed)


def test_where_there_is_room_nothing_is_folded_or_left_out() -> None:
    title, header, *rows = lines(200)
    assert title == "A title"
    assert header.split("  ")[0] == "allocator"
    assert [len(row.split("  ")) > 4 for row in rows] == [True, True]
    assert rows[0].endswith("some words that may well be folded")


def test_headers_and_cells_fold_first_then_columns_leave_in_their_order() -> None:
    folded = lines(95)
    assert not any("--wide" in line for line in folded)
    assert any(line.endswith("folded") for line in folded)
    # 36 + 7 + 6 + 20 + 10 and four gaps of 1 are 83; without the median 76; without the last column too 65.
    assert "--wide" not in lines(83)[-1]
    assert lines(82)[-1] == "with --wide also: median"
    assert lines(76)[-1] == "with --wide also: median"
    assert lines(75)[-1] == "with --wide also: median, where from"
