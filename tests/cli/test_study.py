"""`twinsync study sac`: bad input told before any work."""

from __future__ import annotations

import pytest

from twinsync.cli.app import BAD_INPUT, run
from twinsync.experiments.study import run as module


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--budget", "huge"], "unknown budget 'huge'; give one of quick, laptop, printed, full"),
        (["--peer", "brax"], "--peer brax: unknown; the only one is sb3"),
        (["--runs", "gamma-1"], "'gamma-1' names no run; known: gamma-0,"),
        (["--runs", "sb3-*"], "'sb3-*' names no run"),  # without --peer
        (["--seeds", "0"], "'0' is not a whole number"),
        (["--slots", "many"], "'many' is not a whole number"),
        (["--learning", "target=soft"], "--learning target: the study sets it itself"),
        (["--learning", "batch_size=0"], "batch_size = 0 must be at least 1"),
        (["--set", "device_count=0"], "device_count"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(options, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["study", "sac", "--out", "x", *options]) == BAD_INPUT
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert told in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert run(["study", "sac", "--out", str(tmp_path)]) == BAD_INPUT
    assert "already exists; add --resume" in capsys.readouterr().err
    assert run(["study", "sac", "--out", str(tmp_path), "--resume"]) == BAD_INPUT
    assert "holds other files but no study" in capsys.readouterr().err


def test_options_reach_the_study(tmp_path, monkeypatch, capsys):
    asked = {}

    def study(budget, out, **options):
        asked.update(options, budget=budget, out=out)
        return out / "study.md"

    monkeypatch.setattr(module, "study", study)
    options = ["--seeds", "2", "--slots", "600", "--runs", "tuned", "--learning", "learning_rate=0.001", "--seed", "4"]
    assert run(["study", "sac", "--out", str(tmp_path / "x"), "--set", "device_count=2", *options]) == 0
    assert (asked["budget"].seeds, asked["budget"].slots, asked["budget"].width) == (2, 600, 64)
    assert (asked["runs"], asked["seed"], asked["peer"], asked["resume"]) == ("tuned", 4, False, False)
    assert asked["learning"] == {"learning_rate": "0.001"}
    assert asked["overrides"] == ("device_count=2",)
    assert capsys.readouterr().out.strip() == str(tmp_path / "x" / "study.md")
