"""`twinsync train` and `twinsync reproduce`: bad input told before any work, runs that resume."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinsync.cli.app import BAD_INPUT, DONE, run

TINY = ["--set", "device_count=2", "--seeds", "1"]
TINY += [part for item in ("slots=48", "batch_size=8", "hidden=8", "parallel_slots=8", "warmup_slots=16",
                           "updates_per_step=1") for part in ("--learning", item)]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--out", "x", "--algorithm", "dqn"], "unknown algorithm 'dqn'; give one of sac, ppo, gradient"),
        (["train", "--out", "x", "--preset", "best"], "unknown preset 'best' of sac; give one of paper, tuned"),
        (["train", "--out", "x", "--algorithm", "gradiant"], "did you mean 'gradient'?"),
        (["train", "--out", "x", "--algorithm", "gradient", "--preset", "genral"], "did you mean 'general'?"),
        (["train", "--out", "x", "--learning", "slots"], "--learning 'slots': expected key=value"),
        (["train", "--out", "x", "--learning", "slot=3"], "unknown learning setting 'slot'; did you mean 'slots'?"),
        (["train", "--out", "x", "--learning", "slots=many"], "slots = 'many': expected int"),
        (["train", "--out", "x", "--learning", "discount=1"], "discount = 1.0 must lie in [0, 1)"),
        (["train", "--out", "x", "--set", "bandwidth_hz=-1"], "bandwidth_hz = -1 Hz is outside its bound"),
        (
            ["reproduce", "--out", "x", "--budget", "huge"],
            "unknown budget 'huge'; give one of quick, laptop, printed, full",
        ),
        (["reproduce", "--out", "x", "--budget", "Laptob"], "unknown budget 'Laptob'; did you mean 'laptop'?"),
        (["reproduce", "--out", "x", "--figures", "path_loss"], "unknown 'path_loss'; did you mean 'path-loss'?"),
        (["reproduce", "--out", "x", "--scenario", "nowhere"], "neither a preset"),
        (["reproduce", "--out", "x", "--scenario", "feasable"], "did you mean 'feasible'?"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == BAD_INPUT
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert told in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "reproduce"])
def test_a_folder_that_exists_is_left_alone(command, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert run([command, "--out", str(tmp_path)]) == BAD_INPUT
    assert "already exists; add --resume" in capsys.readouterr().err
    assert run([command, "--out", str(tmp_path), "--resume"]) == BAD_INPUT
    assert "holds other files" in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_trains_resumes_and_is_an_allocator(tmp_path: Path, capsys):
    out = tmp_path / "mine"
    assert run(["train", "--out", str(out), *TINY, "--tensorboard"]) == DONE
    assert [path.name for path in (out / "tensorboard").iterdir()] == ["seed-0"]
    policy = (out / "policy.npz").read_bytes()
    assert "48 slots" in capsys.readouterr().err
    assert run(["train", "--out", str(out), *TINY, "--resume"]) == DONE
    assert (out / "policy.npz").read_bytes() == policy
    capsys.readouterr()
    assert run(["train", "--out", str(out), *TINY, "--seed", "9", "--resume"]) == BAD_INPUT
    assert "holds a training run with seed = 0; resume that one" in capsys.readouterr().err
    evaluate = ["evaluate", "--set", "device_count=2", "--slots", "20", "--seeds", "2", "--json", "-"]
    assert run([*evaluate, "--allocators", f"{out},equal-share"]) == DONE
    assert set(json.loads(capsys.readouterr().out)["allocators"]) == {"mine", "equal-share"}
