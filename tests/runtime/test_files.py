"""The file of one policy: the same decisions after a round trip, a clear line for a bad file, NumPy alone."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.twins import PARTS, Twins, make_twins, slots

from twinsync.environment import Interface
from twinsync.export.card import policy_arrays
from twinsync.runtime import load_policy
from twinsync.runtime.files import policy_bytes

FACE = Interface(edge_cpu="shares", encoding="physical")


@pytest.fixture(scope="module")
def twins(scenario) -> Twins:
    return make_twins(scenario, FACE, ranges={"least extraction factor": [-1.3, -1.1]}, scores={"curve_cost": 21.5})


@pytest.fixture
def saved(twins, tmp_path) -> Path:
    path = tmp_path / "edge.npz"
    path.write_bytes(policy_bytes(twins.runtime.card, policy_arrays(twins.trained)))
    return path


def test_a_file_decides_as_the_policy_it_holds(twins, saved) -> None:
    given, policy = slots(FACE, 6), load_policy(str(saved))
    for part in PARTS:
        np.testing.assert_array_equal(
            getattr(policy.decide(**given), part), getattr(twins.runtime.decide(**given), part)
        )
    assert policy.card["scores"] == {"curve_cost": 21.5}
    assert policy.device_count is None
    assert policy.values["bandwidth_hz"] == 0.2e6


def test_it_needs_numpy_alone(saved) -> None:
    # The first import finder refuses everything except NumPy, the standard library and this package.
    program = """
        import sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy", "twinsync"}:
                    raise ImportError(f"{name} is not there")

        sys.meta_path.insert(0, Refuse())
        from twinsync.runtime import load_policy
        decision = load_policy(sys.argv[1]).decide([50.0] * 9, [7e5] * 9, bandwidth_hz=3e5)
        assert decision.edge_cpu_hz.shape == (9,)
        print(sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))
    """
    run = [sys.executable, "-S", "-c", textwrap.dedent(program), str(saved)]
    paths = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=paths, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(eval(done.stdout)) <= {"__main__", "numpy", "twinsync"}


def test_no_file(tmp_path, complains) -> None:
    with complains("edge.npz", "no such file", "twinsync export"):
        load_policy(tmp_path / "edge.npz")


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.95])
def test_truncated_file(saved, complains, keep: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(keep * len(content))])
    with complains(str(saved), "not a complete policy file"):
        load_policy(saved)


def test_files_of_another_kind(saved, complains) -> None:
    saved.write_text("weights")
    with complains(str(saved), "not a complete policy file"):
        load_policy(saved)
    with saved.open("wb") as file:
        np.save(file, np.zeros(3))
    with complains(str(saved), "not a complete policy file"):
        load_policy(saved)
    np.savez(saved, card=np.asarray("{}"), leaf_0=np.zeros(3))
    with complains(str(saved), "training run's own file", "twinsync export"):
        load_policy(saved)
    np.savez(saved, card=np.asarray("[]"))
    with complains(str(saved), "format"):
        load_policy(saved)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format_version": 99}, "99"),
        ({"hidden": [9, 8]}, "do not fit"),
        ({"hidden": [16]}, "do not fit"),
        ({"hidden": ["wide"]}, "wrong in its card"),
        ({"architecture": "deep"}, "architecture = 'deep'"),
        ({"squash": None}, "squash"),
        ({"device_count": 6.5}, "device_count = 6.5"),
        ({"device_count": None}, "device_count"),
        ({"interface": {"observation": "all"}}, "observation = 'all'"),
        ({"scenario": {}}, "device_count"),
        ({"scenario": {"device_count": 6}}, "slot_count"),
        ({"scenario": {"device_count": None}}, "device_count = None"),
        ({"ranges": {"colour": [0, 1]}}, "colour"),
        ({"ranges": {"least extraction factor": [1, 0]}}, "from 1 to 0"),
        ({"ranges": {"least extraction factor": 3}}, "wrong in its card"),
        ({"ranges": [3]}, "wrong in its card"),
    ],
)
def test_a_card_that_does_not_fit(twins, saved, complains, changes: dict, told: str) -> None:
    card = {key: value for key, value in {**twins.runtime.card, **changes}.items() if value is not None}
    saved.write_bytes(policy_bytes(card, policy_arrays(twins.trained)))
    with complains(str(saved), told):
        load_policy(saved)


def test_a_constant_out_of_its_bound(twins, saved, complains) -> None:
    values = {**twins.runtime.card["scenario"], "noise_power_w": -1.0}
    saved.write_bytes(policy_bytes({**twins.runtime.card, "scenario": values}, policy_arrays(twins.trained)))
    with complains(str(saved), "noise_power_w = -1.0"):
        load_policy(saved)


def test_damaged_weights(twins, saved, complains) -> None:
    arrays = policy_arrays(twins.trained)
    for name, value, told in (
        ("bias_0", np.full(16, np.nan, np.float32), "bias_0 is not all finite"),
        ("bias_0", np.zeros(16), "bias_0 is not all finite float32"),
        ("pooled_0", None, "do not fit"),
        ("spread", None, "centre and spread"),
        ("bonus", np.zeros(1, np.float32), "do not fit"),
    ):
        changed = {key: array for key, array in {**arrays, name: value}.items() if array is not None}
        saved.write_bytes(policy_bytes(json.loads(json.dumps(twins.runtime.card)), changed))
        with complains(str(saved), told):
            load_policy(saved)
