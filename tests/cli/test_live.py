"""The commands around a cell: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinsync.cli.app import run
from twinsync.live.protocol.edge import Edge
from twinsync.live.protocol.effects import Effect, SlotEnded, Write
from twinsync.live.simulation import check as simulated
from twinsync.live.simulation.parts import Maker
from twinsync.live.store.sqlite import SqliteStore


class EndsTwice(Edge):
    """Says twice how a slot ended."""

    def _close(self, number: int) -> list[Effect]:
        effects = super()._close(number)
        return effects + [effect for effect in effects if isinstance(effect, SlotEnded)]


def test_a_broken_invariant_is_shown_shrunk_and_with_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = simulated.check
    faulty = Maker(edge=EndsTwice)
    monkeypatch.setattr(simulated, "check", lambda count, seed, progress: whole(count, seed, faulty, progress))
    assert run(["live", "check", "--schedules", "3", "--seed", "7"]) == 1
    error = capsys.readouterr().err
    assert "schedule 7: a slot did not end" in error
    assert "twinsync live check --schedules 1 --seed 7" in error
    assert "shrunk to 1 devices" in error


def test_a_report_of_no_cell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", "report", "--data", str(tmp_path)]) == 2
    assert "cell.json: missing" in capsys.readouterr().err


def test_every_revision_is_exported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = SqliteStore(tmp_path / "twins.sqlite")
    for revision in range(3):
        store.commit([Write("a:1", revision, revision - 1, revision + 5, 1.5, b'{"features": {}}')], 2.5)
    store.close()
    out = tmp_path / "twins.jsonl"
    assert run(["twins", "export", "--data", str(tmp_path), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["thing"], row["revision"], row["slot"]) for row in rows] == [
        ("a:1", each, each + 5) for each in range(3)
    ]
    assert rows[0]["document"] == {"features": {}}
    assert (rows[0]["observed_at"], rows[0]["stored_at"]) == (1.5, 2.5)
    assert run(["twins", "export", "--data", str(tmp_path), "--out", str(out)]) == 2
    assert "already exists" in capsys.readouterr().err


def test_a_parquet_export_holds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    monkeypatch.setattr("twinsync.live.store.export.GROUP", 2)
    store = SqliteStore(tmp_path / "twins.sqlite")
    for revision in range(5):
        store.commit([Write("a:1", revision, revision - 1, revision + 5, 1.5, b'{"features": {}}')], 2.5)
    store.close()
    out = tmp_path / "twins.parquet"
    assert run(["twins", "export", "--data", str(tmp_path), "--out", str(out)]) == 0
    rows = parquet.read_table(out).to_pylist()
    assert [row["revision"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[3] == {
        **{"thing": "a:1", "revision": 3, "slot": 8},
        **{"observed_at": 1.5, "stored_at": 2.5, "document": '{"features": {}}'},
    }


def test_without_pyarrow_the_line_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("twinsync.live.store.export.find_spec", lambda name: None)
    assert run(["twins", "export", "--data", str(tmp_path), "--out", str(tmp_path / "t.parquet")]) == 2
    assert "pip install pyarrow" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "told"), [("twins.csv", "ends in .jsonl"), ("no/twins.jsonl", "cannot be written")])
def test_where_an_export_cannot_go_is_said(
    out: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SqliteStore(tmp_path / "twins.sqlite").close()
    assert run(["twins", "export", "--data", str(tmp_path), "--out", str(tmp_path / out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
