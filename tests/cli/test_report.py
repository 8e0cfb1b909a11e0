"""`twinsync report`: the report again from raw files, and what is said where they are missing or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.experiments import made_up

from twinsync.cli.app import BAD_INPUT, DONE, run
from twinsync.experiments.results import write_results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The raw files of one small sweep, which is drawn quickly."""
    (tmp_path / "run").mkdir()
    first = made_up.sweeps()[0]
    write_results(tmp_path / "run", made_up.swept([first]))
    return tmp_path / "run"


def test_the_report_is_written_from_raw_files_alone(folder: Path, capsys):
    assert run(["report", str(folder)]) == DONE
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert "Synchronisation latency against the number of UDs" in (folder / "report.md").read_text("utf-8")
    assert (folder / "claims.csv").exists()


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("manifest.json", None, "not the folder of a run (manifest.json is missing)"),
        ("manifest.json", "", "manifest.json: not valid JSON"),
        ("sweeps.json", '{"sweeps": [{"name": "fig4"}]}', "sweeps.json: sweeps[0]: Object missing required field"),
    ],
)
def test_what_is_missing_or_damaged_is_one_line(folder: Path, capsys, name: str, text: str | None, complaint: str):
    if text is None:
        (folder / name).unlink(missing_ok=True)
    else:
        (folder / name).write_text(text, "utf-8")
    assert run(["report", str(folder)]) == BAD_INPUT
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys):
    assert run(["report", str(tmp_path / "nowhere")]) == BAD_INPUT
    assert "nowhere: no such folder" in capsys.readouterr().err
