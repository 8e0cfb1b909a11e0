"""`twinsync data`: what there is as JSON; a wrong name in one line."""

from __future__ import annotations

import json
from pathlib import Path

from twinsync.cli.app import BAD_INPUT, DONE, run


def test_list_says_the_licence_and_what_is_fetched(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TWINSYNC_DATA", str(tmp_path))
    (tmp_path / "tree.avi").write_bytes(b"frames")
    assert run(["data", "list", "--json", "-"]) == DONE
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["tree"]["path"] == str(tmp_path / "tree.avi")
    assert entries["street"]["path"] is None
    assert all(entry["licence"] for entry in entries.values())


def test_an_unknown_recording_is_one_line(capsys) -> None:
    assert run(["data", "fetch", "streets"]) == BAD_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean 'street'" in error


def test_a_recording_not_fetched_is_told_with_its_command(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TWINSYNC_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run(["codec", "evaluate", "--input", "bikes"]) == BAD_INPUT
    assert "twinsync data fetch bikes" in capsys.readouterr().err
    assert run(["codec", "evaluate-series"]) == BAD_INPUT
    assert "twinsync data fetch watch" in capsys.readouterr().err
