"""`twinsync render`: one line for each thing it cannot do, before anything is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinsync.cli.app import run


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--out", "here.gif"], "already exists"),
        (["--out", "nowhere/cycle.gif"], "folder nowhere does not exist"),
        (["--out", "cycle.avi"], ".gif, .html, .mp4"),
        (["--out", "cycle.gif", "--allocator", "optimum,random,equal-share"], "at most 2"),
        (["--out", "cycle.gif", "--allocator", "optimal"], "unknown allocator 'optimal'"),
    ],
)
def test_wrong_input_is_one_line(arguments, fragment, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.gif").write_bytes(b"kept")
    assert run(["render", *arguments]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("twinsync: error: ")
    assert fragment in message
    assert Path("here.gif").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["here.gif"]
