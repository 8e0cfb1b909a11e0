"""Allocators by name: built-in, a run's folder, a user's own; one clear line for everything else."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import jax
import pytest

from twinsync.allocators.policy import Policy, blank_policy, save_policies
from twinsync.allocators.protocol import Allocator
from twinsync.allocators.registry import allocator_names, find_allocators
from twinsync.environment import Interface
from twinsync.experiments.evaluate import evaluate
from twinsync.presets import load_scenario

FUNCTION = """
from twinsync.model import Allocation

def half(scenario, sight, key):
    one = 0 * sight.data_bits + 1
    return Allocation(0.5 * one, scenario.device_cpu_max_hz * one, scenario.transmit_power_max_w * one,
                      scenario.edge_cpu_max_hz / scenario.device_count * one)

class Half:
    observation = "csi"

    def __call__(self, scenario, sight, key):
        assert sight.channel_gain is not None
        return half(scenario, sight, key)

three = 3
"""


@pytest.fixture
def own(tmp_path) -> Path:
    (tmp_path / "mine.py").write_text(FUNCTION)
    return tmp_path / "mine.py"


@pytest.mark.parametrize("name", allocator_names())
def test_built_in(scenario, name: str) -> None:
    (allocator,) = find_allocators(name, scenario)
    assert isinstance(allocator, Allocator)
    assert type(allocator).__name__ == name.title().replace("-", "")


@pytest.mark.parametrize("name", ["optimal", "Optimum", "", "no/such/folder"])
def test_unknown(scenario, complains, name: str) -> None:
    with complains(repr(name), "optimum", "equal-share", "random-extraction", "file.py:function"):
        find_allocators(name, scenario)


@pytest.mark.parametrize("attribute", ["half", "Half"])
def test_a_user_s_function_or_class(scenario, own, attribute: str) -> None:
    (allocator,) = find_allocators(f"{own}:{attribute}", scenario)
    found = evaluate(scenario, {"own": [allocator]}, slots=20, seeds=1, seed=0)
    assert found.schemes["own"].means["extraction_factor"] == pytest.approx(0.5)


def test_a_user_s_module(scenario, own, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(own.parent))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (allocator,) = find_allocators("mine:half", scenario)
    assert allocator.__name__ == "half"


@pytest.mark.parametrize(
    ("name", "fragments"),
    [
        ("{own}:full", ("has no 'full'",)),
        ("{own}:three", ("not callable", "(scenario, sight, key)")),
        ("{own}x.py:half", ("no such file",)),
        ("no_such_module:half", ("cannot import", "no_such_module")),
        (":half", ("cannot import",)),
        ("..mine:half", ("cannot import",)),
    ],
)
def test_what_is_no_allocator(scenario, complains, own, name: str, fragments: tuple[str, ...]) -> None:
    with complains("allocator", *fragments):
        find_allocators(name.format(own=own), scenario)


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("import no_such_module\n", ("cannot import", "no_such_module")),
        ("x = 1\ny = x / 0\n", ("broken.py, line 2", "ZeroDivisionError")),
        ("def half(:\n", ("broken.py, line 1", "SyntaxError")),
        ("raise ValueError('first\\nsecond')\n", ("ValueError", "first second")),
        ("import sys\nsys.exit(0)\n", ("SystemExit",)),
        ("class half:\n    def __init__(self):\n        self.x = undefined\n", ("broken.py, line 3", "undefined")),
        ("class half:\n    def __init__(self, needed):\n        pass\n", ("needed",)),
    ],
)
def test_a_user_s_file_that_breaks(scenario, complains, tmp_path, text: str, fragments: tuple[str, ...]) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)
    with complains(f"{file}:half", *fragments):
        find_allocators(f"{file}:half", scenario)


def _run(folder: Path, architecture: str) -> Path:
    """The folder of a finished run, with untrained policies."""
    interface = Interface(edge_cpu="shares")
    card = {
        "interface": dataclasses.asdict(interface), "architecture": architecture, "device_count": 6, "outputs": 8,
        "hidden": [8], "squash": "tanh",
    }  # fmt: skip
    folder.mkdir()
    policies = jax.vmap(lambda key: blank_policy(card, key))(jax.random.split(jax.random.key(0), 3))
    save_policies(folder / "policy.npz", policies, card)
    return folder


def test_a_run_gives_one_policy_per_seed(scenario, tmp_path) -> None:
    policies = find_allocators(str(_run(tmp_path / "run", "flat")), scenario)
    assert len(policies) == 3
    assert all(isinstance(policy, Policy) for policy in policies)
    found = evaluate(scenario, {"run": policies}, slots=20, seeds=2, seed=0)
    assert found.schemes["run"].cost.shape == (3, 2, 20)


def test_a_run_of_another_k(tmp_path, complains) -> None:
    nine = load_scenario("paper", ["device_count=9"])
    flat = _run(tmp_path / "flat", "flat")
    with complains(str(flat), "device_count = 6", "--set device_count=9"):
        find_allocators(str(flat), nine)
    assert len(find_allocators(str(_run(tmp_path / "set", "set")), nine)) == 3  # set networks take any K


def test_a_folder_without_a_run(scenario, complains, tmp_path) -> None:
    with complains(str(tmp_path), "policy.npz", "--resume"):
        find_allocators(str(tmp_path), scenario)


def test_a_truncated_run(scenario, complains, tmp_path) -> None:
    file = _run(tmp_path / "run", "flat") / "policy.npz"
    file.write_bytes(file.read_bytes()[:200])
    with complains(str(file), "not a complete policy file"):
        find_allocators(str(file.parent), scenario)
