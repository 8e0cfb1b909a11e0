"""Run folders: resumed to the same bits after an interruption, never overwritten, with clear errors."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from twinsync.allocators.policy import load_policies, read_card
from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.evaluate import decide, draw_slot_set, evaluate
from twinsync.learning import PpoSettings, train
from twinsync.presets import load_scenario


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def _same(one: Path, other: Path) -> None:
    """Assert that policies, checkpoint and curve agree bit for bit."""
    for name in ("policy.npz", "checkpoint.npz"):
        first, second = _arrays(one / name), _arrays(other / name)
        assert first.keys() == second.keys()
        for leaf in first:
            np.testing.assert_array_equal(first[leaf], second[leaf])
    assert (one / "curve.csv").read_text() == (other / "curve.csv").read_text()


def _interrupted(config, out: Path, saves: int) -> None:
    """Train until Ctrl-C arrives just after `saves` saves (0: while it compiles)."""
    calls = 0

    def ctrl_c(what: str, done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls > saves:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, out, progress=ctrl_c)


def test_folder(whole, config) -> None:
    out, training = whole
    assert {path.name for path in out.iterdir()} == {
        "config.json", "manifest.json", "curve.csv", "checkpoint.npz", "policy.npz",
    }  # fmt: skip
    assert json.loads((out / "config.json").read_text()) == config.as_json()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["command"] == "twinsync train"
    assert manifest["seed"] == 7
    assert manifest["training_s"] > 0
    assert manifest["training_cpu_s"] > 0
    with (out / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["slots"]) for row in rows] == [0, 0, 32, 32, 64, 64, 96, 96]
    assert float(rows[-1]["cost"]) == training.curve[-1].cost


def test_progress_counts_slots_to_their_total(config, tmp_path) -> None:
    told = []
    train(config, tmp_path / "run", progress=lambda *step: told.append(step))
    assert told[0] == ("run: compiling", 0, 96)
    assert [(done, total) for _, done, total in told[1:]] == [(32, 96), (64, 96), (96, 96)]


@pytest.mark.parametrize("saves", [0, 1, 2])
def test_resumed_run_ends_in_the_same_bits(whole, config, tmp_path, saves: int) -> None:
    out = tmp_path / "run"
    _interrupted(config, out, saves)
    assert (out / "checkpoint.npz").exists() == (saves > 0)
    assert not (out / "policy.npz").exists()
    train(config, out, resume=True)
    _same(whole[0], out)


def test_interrupted_between_the_last_save_and_the_policy(whole, config, tmp_path) -> None:
    out = tmp_path / "run"
    _interrupted(config, out, 3)
    train(config, out, resume=True)
    _same(whole[0], out)


def test_resuming_without_a_manifest_writes_a_new_one(whole, config, tmp_path) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "policy.npz").unlink()
    (out / "manifest.json").unlink()
    train(config, out, command="resumed", resume=True)
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["command"], manifest["diverged"]) == ("resumed", [])
    assert (out / "policy.npz").exists()


def test_resuming_a_finished_run_changes_nothing(whole, config, tmp_path) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    training = train(config, out, resume=True)
    assert training.finished
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_finished_run_without_its_checkpoint_is_left_alone(whole, config, tmp_path, complains) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "checkpoint.npz").unlink()
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with complains("is finished", "checkpoint.npz"):
        train(config, out, resume=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_existing_folder_is_left_alone(config, tmp_path, complains) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with complains(str(tmp_path), "already exists", "--resume"):
        train(config, tmp_path)
    with complains(str(tmp_path), "other files"):  # --resume on a folder that holds no run
        train(config, tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seeds": 3}, "seeds"),
        ({"seed": 8}, "seed"),
        ({"stretches": 4}, "stretches"),
        ({"overrides": ("device_count=3",)}, "scenario.values.device_count"),
        ({"settings": PpoSettings()}, 'holds a training run with algorithm = "sac", '),
    ],
)
def test_resuming_another_run(whole, config, complains, change: dict, named: str) -> None:
    before = (whole[0] / "config.json").read_bytes()
    with complains(str(whole[0]), named, "--out"):
        train(dataclasses.replace(config, **change), whole[0], resume=True)
    assert (whole[0] / "config.json").read_bytes() == before


def test_resuming_names_the_learning_setting(whole, config, complains) -> None:
    other = dataclasses.replace(config, settings=dataclasses.replace(config.settings, slots=200))
    with complains("settings.slots"):
        train(other, whole[0], resume=True)


def test_a_scenario_file_that_changed_is_noticed(config, tmp_path, complains) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "paper"\ndevice_count = 2\n')
    mine = dataclasses.replace(config, scenario=str(file), overrides=())
    _interrupted(mine, tmp_path / "run", 0)
    file.write_text('base = "paper"\ndevice_count = 2\nbandwidth_hz = "0.3 MHz"\n')
    with complains("scenario.values.bandwidth_hz"):
        train(mine, tmp_path / "run", resume=True)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_truncated_checkpoint(whole, config, tmp_path, complains, keep: float) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    file = out / "checkpoint.npz"
    content = file.read_bytes()
    file.write_bytes(content[: keep if keep > 1 else int(keep * len(content))])
    with complains(str(file), "not a complete checkpoint", "remove it"):
        train(config, out, resume=True)


@pytest.mark.parametrize("meta", ['{"step": 3}', '{"step": 3, "curve": [[1, 2]]}', "[]"])
def test_a_checkpoint_with_other_contents(whole, config, tmp_path, complains, meta: str) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "policy.npz").unlink()
    np.savez(out / "checkpoint.npz", **(_arrays(out / "checkpoint.npz") | {"meta": np.asarray(meta)}))
    with complains("not a complete checkpoint"):
        train(config, out, resume=True)


def test_checkpoint_of_another_size(whole, config, tmp_path, complains) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    arrays = _arrays(out / "checkpoint.npz")
    np.savez(out / "checkpoint.npz", **{name: a[:1] if a.ndim else a for name, a in arrays.items()})
    with complains("checkpoint.npz", "another size"):
        train(config, out, resume=True)


@pytest.mark.parametrize("content", [b'{"command": \xff', b'{"command": "twins', b"[]"])
def test_damaged_manifest(whole, config, tmp_path, complains, content: bytes) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "policy.npz").unlink()
    (out / "manifest.json").write_bytes(content)
    with complains("manifest.json: not a JSON object; remove it"):
        train(config, out, resume=True)
    assert not (out / "policy.npz").exists()


def test_config_that_is_no_json(whole, config, tmp_path, complains) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "config.json").write_bytes(b'{"scenario": \xff')
    with complains("config.json", "not valid JSON"):
        train(config, out, resume=True)


def test_config_that_is_no_object(config, tmp_path, complains) -> None:
    (tmp_path / "config.json").write_text("[]")
    with complains("config.json", "expected a JSON object, got list"):
        train(config, tmp_path, resume=True)


def test_a_folder_that_cannot_be_made(config, tmp_path, complains) -> None:
    (tmp_path / "file").write_text("")
    with complains("cannot be written", "--out"):
        train(config, tmp_path / "file" / "run")
    with complains("already exists"):
        train(config, tmp_path / "file")


def test_a_folder_that_cannot_be_written(config, tmp_path, complains, monkeypatch) -> None:
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)  # a read-only folder does not stop root
    with complains("run", "Permission denied"):
        train(config, tmp_path / "run")


def test_bad_settings_leave_no_folder_behind(config, tmp_path) -> None:
    bad = dataclasses.replace(config, settings=dataclasses.replace(config.settings, discount=2.0))
    with pytest.raises(InputError, match="discount"):
        train(bad, tmp_path / "run")
    with pytest.raises(InputError, match="device_count"):
        train(dataclasses.replace(config, overrides=("device_count=0",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_file_holds_the_trained_policies(whole, numbers) -> None:
    out, training = whole
    loaded = load_policies(out / "policy.npz")
    assert len(loaded) == 2
    for s, policy in enumerate(loaded):
        for one, stacked in zip(numbers(policy), numbers(training.policies()), strict=True):
            np.testing.assert_array_equal(one, stacked[s])


def test_a_run_is_an_allocator(whole) -> None:
    scenario = load_scenario("paper", ["device_count=2"])
    found = evaluate(scenario, {"run": find_allocators(str(whole[0]), scenario)}, slots=50, seeds=2, seed=0)
    scheme = found.schemes["run"]
    assert scheme.cost.shape == (2, 2, 50)  # a policy for each training seed
    assert scheme.cost.dtype == np.float64
    assert np.abs(scheme.cost[0] - scheme.cost[1]).max() > 0
    assert found.optimum is not None
    assert (scheme.cost >= found.optimum.cost * (1 - 1e-4)).all()


def test_a_run_of_another_k(whole, complains) -> None:
    scenario = load_scenario("paper", ["device_count=3"])
    with complains(str(whole[0]), "device_count = 2", "3"):
        find_allocators(str(whole[0]), scenario)
    slots, key = draw_slot_set(scenario, 0, 0, 5)
    with complains("'run'", "device_count = 2", "3"):
        decide("run", load_policies(whole[0] / "policy.npz")[0], scenario, slots, key)


def test_an_unfinished_run_is_no_allocator(config, tmp_path, complains, scenario) -> None:
    _interrupted(config, tmp_path / "run", 0)
    with complains("policy.npz", "--resume"):
        find_allocators(str(tmp_path / "run"), scenario)


def test_only_policies_that_are_numbers_are_written(config, tmp_path, complains) -> None:
    out = tmp_path / "run"

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, out, progress=interrupt)
    with np.load(out / "checkpoint.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["leaf_0"][0] = np.nan  # the first seed's actor
    np.savez(out / "checkpoint.npz", **arrays)
    shutil.copytree(out, tmp_path / "other")
    with complains("1 of 2 seeds", "seed 0 by slot 96: weights or losses are no longer finite numbers"):
        train(config, tmp_path / "other", resume=True)
    with complains("diverged and has no policies"):
        find_allocators(str(tmp_path / "other"), load_scenario("paper"))
    training = train(config, out, resume=True, stop_if_diverged=False)
    (policy,) = load_policies(out / "policy.npz")
    np.testing.assert_array_equal(
        np.asarray(policy.network.layers[0].weight), np.asarray(training.policies().network.layers[0].weight)[1]
    )
    assert [item["seed"] for item in json.loads((out / "manifest.json").read_text())["diverged"]] == [0]
    card = read_card(out / "policy.npz")
    assert (card["seeds"], card["curve_cost"]) == (1, [training.curve[-1].cost])
