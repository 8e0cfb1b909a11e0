"""`twinsync export`: a run's policy as a file, bad input in one line."""

from __future__ import annotations

import json

import onnx
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


def test_an_exported_file_is_judged_like_its_run_and_told_apart_elsewhere(trained, tmp_path, capsys) -> None:
    names = [str(trained)]
    for suffix in (".npz", ".onnx"):
        names.append(str(tmp_path / f"edge{suffix}"))
        assert run(["export", str(trained), "--out", names[-1]]) == DONE
    evaluate = ["evaluate", "--allocators", ",".join(names), "--slots", "4", "--seeds", "1", "--json", "-"]
    costs = []
    for elsewhere in ([], ["--set", "bandwidth_hz=1 MHz"]):
        capsys.readouterr()
        assert run([*evaluate, *elsewhere]) == DONE
        out, err = capsys.readouterr()
        found = json.loads(out)
        cost = [entry["cost"]["mean"] for entry in found["allocators"].values()]
        assert cost == pytest.approx([cost[0]] * 3, rel=1e-5)
        costs.append(cost[0])
        assert err.count("trained with bandwidth_hz 200000, here 1e+06") == (3 if elsewhere else 0)
        assert sum("edge.onnx: trained with" in note for note in found["notes"]) == (1 if elsewhere else 0)
    assert costs[0] != costs[1]


def test_an_onnx_model_with_a_wrong_card_is_one_line(trained, tmp_path, capsys) -> None:
    path = tmp_path / "edge.onnx"
    assert run(["export", str(trained), "--out", str(path)]) == DONE
    model = onnx.load(path)
    (card,) = model.metadata_props
    right = json.loads(card.value)
    lacks_interface = {key: value for key, value in right.items() if key != "interface"}
    for wrong, told in (
        (json.dumps(lacks_interface), "missing or wrong in its card: 'interface'; export it again"),
        (json.dumps(right | {"format_version": 99}), "format ('twinsync policy', 99), this version reads"),
        ("{", "its card is not valid JSON"),
    ):
        card.value = wrong
        onnx.save(model, path)
        capsys.readouterr()
        assert run(["evaluate", "--allocators", str(path)]) == BAD_INPUT
        err = capsys.readouterr().err
        assert f"{path}: {told}" in err
        assert err.count("\n") == 1


def test_what_is_no_exported_policy_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.npz").write_text("no policy")
    (tmp_path / "bad.onnx").write_text("no model")
    for name, told in (
        ("bad.npz", "bad.npz: not a complete policy file"),
        ("bad.onnx", "bad.onnx: not a complete ONNX model"),
        ("none.onnx", "none.onnx: no such file; write it with `twinsync export"),
    ):
        assert run(["evaluate", "--allocators", name]) == BAD_INPUT
        err = capsys.readouterr().err
        assert told in err
        assert err.count("\n") == 1
