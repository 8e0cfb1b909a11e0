"""Files are whole or not there, lines whole or by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinsync.writing import end_line, whole_file


def test_a_file_is_replaced_at_the_end_of_the_block(tmp_path: Path) -> None:
    target = tmp_path / "curve.csv"
    target.write_text("old")
    with whole_file(target) as partial:
        assert partial.suffix == ".csv"
        partial.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "curve.csv"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_file(target) as partial:
        partial.write_text("half\ud800", "utf-8")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_overwrites_none_that_appeared_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "new.csv"
    with pytest.raises(FileExistsError), whole_file(target, new=True):
        target.write_text("another's")
    assert target.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [target]
    with whole_file(tmp_path / "other.csv", new=True) as partial:
        partial.write_text("new")
    assert (tmp_path / "other.csv").read_text() == "new"


def test_a_neighbour_s_name_is_not_taken(tmp_path: Path) -> None:
    mine = tmp_path / "clip.partial.gif"
    mine.write_text("mine")
    with whole_file(tmp_path / "clip.gif") as partial:
        partial.write_text("new")
    assert mine.read_text() == "mine"


def test_a_line_cut_short_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    for before, after in ((b"", b"new\n"), (b"whole\n", b"whole\nnew\n"), (b"whole\nha", b"whole\nha\nnew\n")):
        path.write_bytes(before)
        with path.open("ab+") as file:
            end_line(file)
            file.write(b"new\n")
        assert path.read_bytes() == after
