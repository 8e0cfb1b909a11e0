"""What a shell offers after Tab, and that it is what there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinsync.allocators.registry import allocator_names
from twinsync.cli import completion
from twinsync.experiments import schemes
from twinsync.learning.presets import PRESETS
from twinsync.presets import preset_names


def test_the_copies_are_the_originals() -> None:
    assert list(completion.BUILT_IN) == allocator_names()
    assert list(completion.BUDGETS) == list(schemes.BUDGETS)
    assert set(completion.ALGORITHMS) == {algorithm for algorithm, _ in PRESETS}
    assert set(completion.PRESETS) == {preset for _, preset in PRESETS}


def test_names_and_files_here_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    for name in ("runs/mine/policy.npz", "edge.onnx", "campus.toml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert completion.scenarios("") == [*preset_names(), "campus.toml"]
    assert completion.allocators("optimum,r") == [
        f"optimum,{name}" for name in ("random", "random-extraction", "raw", "runs/mine")
    ]
    assert completion.allocators("edge") == ["edge.onnx"]
    assert completion.algorithms("g") == ["gradient"]
    assert completion.presets("c") == ["csi"]
    assert completion.budgets("p") == ["printed"]


def test_a_shell_gets_them_without_jax() -> None:
    asked = {"_TWINSYNC_COMPLETE": "complete_bash", "COMP_WORDS": "twinsync train --algorithm ", "COMP_CWORD": "3"}
    code = "import sys\ntry:\n from twinsync.__main__ import main; main()\nfinally:\n assert 'jax' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **asked})
    assert done.stdout.split() == ["sac", "ppo", "gradient"], done.stderr
