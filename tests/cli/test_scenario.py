"""`twinsync scenario list | show | check`."""

import json
from pathlib import Path

import pytest

from twinsync.cli.app import run
from twinsync.presets import preset_names
from twinsync.scenario import constants


def test_list_names_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == preset_names()


def test_without_a_command_it_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario"]) == 2
    assert capsys.readouterr().err == "twinsync: error: Missing command. (see `twinsync scenario --help`)\n"


def test_show_prints_every_constant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", "show", "feasible", "--set", "cycles_per_bit=200"]) == 0
    out = capsys.readouterr().out
    assert all(key in out for key in constants())
    assert "2 MHz" in out
    assert "200 cycle/bit" in out


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", "show", "--json", "-"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "paper"
    entries = {entry["key"]: entry for entry in shown["constants"]}
    assert list(entries) == list(constants())
    assert entries["bandwidth_hz"]["value"] == 2e5
    assert entries["bandwidth_hz"]["tag"] == "stated"


def test_show_refuses_to_overwrite(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "old.json"
    target.write_text("precious")
    assert run(["scenario", "show", "--json", str(target)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert target.read_text() == "precious"


def test_check_counts_what_is_the_users(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "paper"\nbandwidth_hz = "1 MHz"\n')
    assert run(["scenario", "check", str(file)]) == 0
    assert f"{len(constants())} constants, 1 of them yours: bandwidth_hz" in capsys.readouterr().out


def test_check_names_file_key_and_bound(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "paper"\nextraction_factor_min = 1.5\n')
    assert run(["scenario", "check", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    for fragment in (str(file), "extraction_factor_min", "1.5", "(0, 1]"):
        assert fragment in err
