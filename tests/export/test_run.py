"""Export of one policy of a run: choice of the seed, content of the card, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from tests.runtime.twins import assert_same, eagerly, make_twins, open_onnx, run_onnx, slots

from twinsync.allocators.policy import Policy, load_policies, save_policies
from twinsync.environment import Interface
from twinsync.export import export_run
from twinsync.export.onnx_model import onnx_bytes
from twinsync.runtime import load_policy
from twinsync.scenario import constants

FACE = Interface("csi", "shares", "random")


def _run_folder(folder: Path, scenario, *, architecture: str = "set", **facts) -> Policy:
    """Write the folder of a run with three different seeds; returns the policy of the middle one."""
    policy = make_twins(scenario, FACE, architecture).trained
    folder.mkdir()
    card = {
        "algorithm": "sac", "architecture": architecture, "hidden": [16, 8], "squash": "tanh", "seeds": 3,
        "outputs": 2 * FACE.decisions, "interface": vars(FACE), "curve_cost": [3.0, 2.0, 2.5],
        "device_count": scenario.device_count, "scenario": {key: getattr(scenario, key) for key in constants()},
        "ranges": {"data size": [-3.0, 3.0]},
    }  # fmt: skip
    stacked = jax.tree.map(lambda leaf: np.stack([0.5 * leaf, leaf, 1.5 * leaf]), policy)
    known = {key: value for key, value in {**card, **facts}.items() if value is not None}
    save_policies(folder / "policy.npz", stacked, known)
    (folder / "manifest.json").write_text(json.dumps({"git_revision": "abc", "seed": 7, "command": "twinsync train"}))
    return policy


@pytest.fixture(scope="module")
def run(scenario, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mine"
    _run_folder(folder, scenario)
    return folder


@pytest.mark.parametrize("architecture", ["set", "flat"])
@pytest.mark.parametrize("suffix", [".npz", ".onnx"])
def test_the_best_seed_decides_as_it_did_in_the_run(scenario, tmp_path, architecture, suffix) -> None:
    _run_folder(tmp_path / "mine", scenario, architecture=architecture)
    out = tmp_path / f"edge{suffix}"
    exported = export_run(tmp_path / "mine", out, command="twinsync export")
    assert exported.choice == "seed 1 of 3, the least cost on fixed slots at the end of training: 2"
    given, twins = slots(FACE, 6), make_twins(scenario, FACE, architecture)
    expected = eagerly(load_policies(tmp_path / "mine" / "policy.npz")[1], scenario, given)
    if suffix == ".onnx":
        assert_same(run_onnx(open_onnx(out.read_bytes()), given), expected, twins)
        return
    policy = load_policy(out)
    assert_same(policy.decide(**given), expected, twins)
    assert policy.card == json.loads(json.dumps(exported.card))


def test_the_card(run, scenario, tmp_path) -> None:
    card = export_run(run, tmp_path / "edge.npz", seed_index=2, command="twinsync export mine").card
    assert (card["seed_index"], card["seed_count"], card["chosen"]) == (2, 3, "seed 2 of 3, as asked for")
    assert (card["algorithm"], card["hidden"], card["device_count"]) == ("sac", [16, 8], "any")
    assert card["interface"] == vars(FACE)
    assert card["scenario"]["bandwidth_hz"] == scenario.bandwidth_hz
    assert card["scores"] == {"curve_cost": 2.5}
    assert card["provenance"]["training"]["git_revision"] == "abc"
    assert card["provenance"]["export"]["command"] == "twinsync export mine"
    assert "numpy" in card["provenance"]["export"]["versions"]


def test_ranges_are_the_runs_own_or_drawn(run, scenario, tmp_path) -> None:
    kept = export_run(run, tmp_path / "kept.npz").card
    assert (kept["ranges"], kept["ranges_from"]) == ({"data size": [-3.0, 3.0]}, "training")
    _run_folder(tmp_path / "bare", scenario, ranges=None)
    drawn = export_run(tmp_path / "bare", tmp_path / "drawn.npz").card
    assert drawn["ranges_from"] == "16666 slots of the training scenario, drawn at export"
    # D is uniform between its bounds, which the affine code maps to -1 and 1; so is the given phi.
    for name in ("data size", "given phi"):
        np.testing.assert_allclose(drawn["ranges"][name], [-1.0, 1.0], atol=1e-3)
    assert set(drawn["ranges"]) == {"distance", "data size", "channel gain", "given phi"}


def _evaluation(tmp_path: Path, **changes) -> Path:
    entry = {
        "unit": "training seed", "unit_cost": [9.0, 8.0, 7.0], "unit_latency_s": [6.0, 5.0, 4.0],
        "gap_to_optimum": {"mean": 0.1}, "cost": {"mean": 8.0}, "latency_s": {"mean": 5.0},
    }  # fmt: skip
    told = {"scenario": {"bandwidth_hz": 1e6, "slot_count": 25, "sensing_rate_bps": 2.7e6}, "slots": 500, "seeds": 5}
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({**told, "allocators": {"mine": {**entry, **changes}, "optimum": {}}}))
    return path


def test_an_evaluation_chooses_and_is_quoted(run, tmp_path) -> None:
    exported = export_run(run, tmp_path / "edge.npz", evaluation=_evaluation(tmp_path))
    assert exported.choice == "seed 2 of 3, the least cost in the evaluation: 7"
    assert exported.card["scores"]["evaluation"] == {
        "cost": 7.0, "latency_s": 4.0, "gap_to_optimum_all_seeds": 0.1, "slots": 500, "sets_of_slots": 5,
        "scenario_other_than_in_training": {"bandwidth_hz": 1e6},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unit_cost": [1.0]}, ("1 training seeds", "the run has 3")),
        ({"unit_cost": None}, ("lacks",)),
        ({"gap_to_optimum": 3}, ("lacks",)),
    ],
)
def test_an_evaluation_that_does_not_fit(run, tmp_path, complains, changes, told) -> None:
    with complains("evaluation.json", "'mine'", *told):
        export_run(run, tmp_path / "edge.npz", evaluation=_evaluation(tmp_path, **changes))


def test_an_evaluation_of_other_runs(run, tmp_path, complains) -> None:
    path = tmp_path / "evaluation.json"
    for text, told in (('{"allocators": {"his": {}}}', "it has his"), ("{}", "it has none"), ("{", "not valid JSON")):
        path.write_text(text)
        with complains("evaluation.json", told):
            export_run(run, tmp_path / "edge.npz", evaluation=path)


def test_seeds_that_diverged_are_not_chosen(scenario, tmp_path, complains) -> None:
    _run_folder(tmp_path / "mine", scenario, curve_cost=[float("nan"), float("inf"), 4.0])
    assert export_run(tmp_path / "mine", tmp_path / "edge.npz").card["seed_index"] == 2
    _run_folder(tmp_path / "lost", scenario, curve_cost=[float("nan")] * 3)
    with complains("no cost for each seed", "--seed-index"):
        export_run(tmp_path / "lost", tmp_path / "lost.npz")
    card = export_run(tmp_path / "lost", tmp_path / "asked.npz", seed_index=0).card
    assert card["scores"] == {"curve_cost": None}
    assert load_policy(tmp_path / "asked.npz").card == card


def test_weights_that_are_no_numbers_are_refused(scenario, tmp_path, complains) -> None:
    _run_folder(tmp_path / "mine", scenario)
    with np.load(tmp_path / "mine" / "policy.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["leaf_1"][1] = np.nan
    np.savez(tmp_path / "mine" / "policy.npz", **arrays)
    with complains("seed 1", "bias_0 is not all finite", "diverged"):
        export_run(tmp_path / "mine", tmp_path / "edge.npz")
    assert not (tmp_path / "edge.npz").exists()


def test_nothing_is_overwritten_and_bad_targets_are_told(run, tmp_path, complains) -> None:
    (tmp_path / "edge.npz").write_text("precious")
    for out, told in (
        (tmp_path / "edge.npz", "already exists"),
        (tmp_path / "edge.pt", "must end in .npz or .onnx"),
        (tmp_path / "nowhere" / "edge.npz", "does not exist"),
    ):
        with complains(str(out), told):
            export_run(run, out)
    assert (tmp_path / "edge.npz").read_text() == "precious"


def test_bad_runs_are_told(run, scenario, tmp_path, complains) -> None:
    with complains("policy.npz", "no such policy file"):
        export_run(tmp_path, tmp_path / "edge.npz")
    for index in (3, -1):
        with complains(f"--seed-index {index}", "3 training seeds"):
            export_run(run, tmp_path / "edge.npz", seed_index=index)
    _run_folder(tmp_path / "mine", scenario)
    (tmp_path / "mine" / "manifest.json").write_text("[]")
    with complains("manifest.json", "expected an object"):
        export_run(tmp_path / "mine", tmp_path / "edge.npz")
    (tmp_path / "mine" / "manifest.json").unlink()
    with complains("manifest.json", "cannot be read"):
        export_run(tmp_path / "mine", tmp_path / "edge.npz")


def test_a_file_that_cannot_be_finished_is_removed(run, tmp_path, complains, monkeypatch) -> None:
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

        def write(self, content):
            raise OSError(28, "No space left on device")

    real = Path.open

    def opened(path, mode="r", **options):
        file = real(path, mode, **options)
        if mode != "xb":
            return file
        file.close()
        return Full()

    monkeypatch.setattr(Path, "open", opened)
    with complains("edge.npz", "No space left"):
        export_run(run, tmp_path / "edge.npz")
    assert not (tmp_path / "edge.npz").exists()


def test_onnx_bytes_take_a_loaded_file(run, tmp_path) -> None:
    export_run(run, tmp_path / "edge.npz")
    export_run(run, tmp_path / "edge.onnx")
    given = slots(FACE, 6)
    one = run_onnx(open_onnx(onnx_bytes(load_policy(tmp_path / "edge.npz"))), given)
    other = run_onnx(open_onnx((tmp_path / "edge.onnx").read_bytes()), given)
    for part, values in one.items():
        np.testing.assert_array_equal(values, other[part])
