"""`twinsync export`: a run's policy as a file, bad input in one line."""

from __future__ import annotations

import pytest

from twinsync.allocators.policy import blank_policy, save_policies
from twinsync.cli.app import BAD_INPUT, DONE, run
from twinsync.environment import Interface
from twinsync.runtime import load_policy
from twinsync.scenario import constants


@pytest.fixture
def trained(scenario, tmp_path):
    import jax

    card = {
        "algorithm": "ppo", "architecture": "set", "hidden": [4], "squash": "clip", "outputs": 4, "seeds": 1,
        "interface": vars(Interface(edge_cpu="shares", encoding="physical")), "device_count": 6, "curve_cost": [2.0],
        "scenario": {key: getattr(scenario, key) for key in constants()},
    }  # fmt: skip
    (tmp_path / "mine").mkdir()
    policies = jax.tree.map(lambda leaf: leaf[None], blank_policy(card))
    save_policies(tmp_path / "mine" / "policy.npz", policies, card)
    (tmp_path / "mine" / "manifest.json").write_text('{"seed": 0}')
    return tmp_path / "mine"


def test_a_run_becomes_a_file(trained, tmp_path, capsys) -> None:
    out = tmp_path / "edge.npz"
    assert run(["export", str(trained), "--out", str(out)]) == DONE
    assert "seed 0, the only one" in capsys.readouterr().err
    assert load_policy(out).decide([50.0] * 6, [7e5] * 6).outside == ()
    assert run(["export", str(trained), "--out", str(out)]) == BAD_INPUT
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "edge.txt"], "must end in .npz or .onnx"),
        (["--out", "edge.npz", "--seed-index", "1"], "numbered from 0"),
        (["--out", "edge.npz", "--seed-index", "best"], "seed-index"),
        (["--out", "edge.npz", "--evaluation", "none.json"], "none.json: cannot be read"),
        ([], "--out"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(arguments, told, trained, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", "mine", *arguments]) == BAD_INPUT
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert told in line
    assert [item.name for item in tmp_path.iterdir()] == ["mine"]
