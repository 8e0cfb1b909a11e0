"""The package as others install it: the built wheel beside what its metadata asks for, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import pytest
from packaging.requirements import Requirement

from twinsync.allocators.policy import blank_policy, save_policies
from twinsync.environment import Interface
from twinsync.scenario import constants

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION = PROJECT["version"]
DEPLOY = ROOT / "docs" / "deploy.md"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
ALONE = ["--no-index", "--no-deps"]


class Environment:
    """A virtual environment that sees only the distributions it is given, by links to where they are installed."""

    def __init__(self, folder: Path, distributions: set[str]) -> None:
        venv.create(folder, with_pip=False)
        self.bin = folder / "bin"
        (packages,) = (folder / "lib").glob("python3.*/site-packages")
        for name in distributions:
            for entry in _entries(metadata.distribution(name)):
                if not (packages / entry.name).exists():
                    (packages / entry.name).symlink_to(entry)

    def install(self, what: Path) -> None:
        """Install a wheel, or build and install a source tree, with nothing from elsewhere."""
        pip = [*PIP, "--python", str(self.bin / "python"), "install", *ALONE]
        _run([*pip, *([] if what.suffix == ".whl" else ["--no-build-isolation"]), str(what)])

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, with no path to the sources."""
        known = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        words = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(words, env=known, cwd=cwd, capture_output=True, text=True, timeout=120)


def _entries(found: metadata.Distribution) -> set[Path]:
    """A distribution's own folders and files at the top of site-packages."""
    tops = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    return {Path(str(found.locate_file(top))) for top in tops}


def _required(requirements: list[str]) -> set[str]:
    """Names of the distributions that requirements ask for, theirs included, extras left out."""
    names: set[str] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        wanted = waiting.pop()
        if wanted.name in names or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        names.add(wanted.name)
        waiting += [Requirement(line) for line in metadata.distribution(wanted.name).requires or ()]
    return names


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel is built of, apart from the checkout: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source") / "twinsync"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run([*PIP, "wheel", *ALONE, "--no-build-isolation", "--wheel-dir", str(folder), str(source)])
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel with its declared dependencies and without any extra."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = metadata.PathDistribution(zipfile.Path(archive, f"{Path(name).parent}/")).requires
    environment = Environment(tmp_path_factory.mktemp("installed"), _required(list(required or ())))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def alone(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """NumPy, and the package from its sources without its dependencies: what docs/deploy.md asks of an edge server."""
    environment = Environment(tmp_path_factory.mktemp("alone"), {"numpy", "setuptools"})  # which pip builds with
    environment.install(source)
    return environment


@pytest.fixture(scope="module")
def trained(scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as training leaves it, as far as `export` reads it."""
    folder = tmp_path_factory.mktemp("run") / "mine"
    folder.mkdir()
    card = {
        "algorithm": "gradient", "architecture": "set", "hidden": [4], "squash": "clip", "outputs": 4, "seeds": 1,
        "interface": vars(Interface(edge_cpu="shares", encoding="physical")), "device_count": 6, "curve_cost": [2.0],
        "scenario": {key: getattr(scenario, key) for key in constants()},
    }  # fmt: skip
    save_policies(folder / "policy.npz", jax.tree.map(lambda leaf: leaf[None], blank_policy(card)), card)
    (folder / "manifest.json").write_text('{"seed": 0}')
    return folder


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: Path, source: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    files = {str(path.relative_to(source / "src")) for path in (source / "src").rglob("*") if path.is_file()}
    assert names == {name for name in files if ".egg-info" not in name}
    kinds = {Path(name).suffix for name in names}
    assert kinds >= {".toml", ".npz", ".css", ".js", ".typed"}


def test_the_command_starts_with_the_declared_dependencies_alone(installed: Environment, tmp_path: Path) -> None:
    shown = installed.run("twinsync", "--version", cwd=tmp_path)
    assert shown.stdout == f"twinsync {VERSION}\n", shown.stderr
    listed = installed.run("twinsync", "scenario", "list", cwd=tmp_path)
    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {"paper", "feasible", "literal"}, listed.stderr
    asked = "import twinsync; print(twinsync.load_scenario('paper').device_count, twinsync.__file__)"
    count, place = installed.run("python", "-c", asked, cwd=tmp_path).stdout.split()
    assert count == "6"
    assert Path(place).is_relative_to(installed.bin.parent)


def test_a_policy_leaves_one_machine_and_decides_with_numpy_on_another(
    installed: Environment, alone: Environment, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = installed.run("twinsync", "export", str(trained), "--out", "edge.npz", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    (tmp_path / "decide.py").write_text(first_python(DEPLOY) + "print(list(map(float, decision.edge_cpu_hz)))\n")
    decided = alone.run("python", "decide.py", cwd=tmp_path)
    assert decided.returncode == 0, decided.stderr
    monkeypatch.chdir(tmp_path)
    here: dict[str, Any] = {}
    exec(compile(first_python(DEPLOY), "deploy.md", "exec"), here)
    assert json.loads(decided.stdout.splitlines()[-1]) == pytest.approx(here["decision"].edge_cpu_hz, rel=1e-6)
    missing = alone.run("python", "-c", "import jax", cwd=tmp_path)
    assert "No module named 'jax'" in missing.stderr


def test_without_dependencies_the_command_says_so(alone: Environment, tmp_path: Path) -> None:
    assert_one_line(alone.run("twinsync", "scenario", "list", cwd=tmp_path), "is not installed", "pip install")


@pytest.mark.parametrize(
    ("command", "extra", "says"),
    [
        ("reproduce --out run --executor ray", "ray", "Ray is not installed"),
        ("codec encode --phi 0.5 --out streams", "codec", "the codec needs numba"),
        ("live --slots 1", "live", "twinsync live needs numba, Pillow and Zenoh"),
        ("render --out cycle.mp4", "video", "needs PyAV"),
        ("export RUN --out policy.onnx", "onnx", "needs the package onnx"),
        ("train --algorithm gradient --tensorboard --out run", "tensorboard", "tensorboardX is not installed"),
        ("evaluate --allocators edge.onnx", "", "ONNX Runtime is not installed"),
    ],
)
def test_a_missing_extra_is_one_line(
    installed: Environment, trained: Path, tmp_path: Path, command: str, extra: str, says: str
) -> None:
    (tmp_path / "edge.onnx").write_bytes(b"")
    words = [str(trained) if word == "RUN" else word for word in command.split()]
    assert_one_line(installed.run("twinsync", *words, cwd=tmp_path), says, "pip install")
    assert not extra or extra in PROJECT["optional-dependencies"]


def assert_one_line(done: subprocess.CompletedProcess[str], *fragments: str) -> None:
    """Wrong input's exit code, and one line on standard error with all fragments, apart from progress."""
    (line,) = (line for line in done.stderr.splitlines() if "error" in line or "Traceback" in line)
    assert done.returncode == 2, done.stderr
    for fragment in fragments:
        assert fragment in line


def first_python(page: Path) -> str:
    """The first block of Python of a page."""
    found = re.search(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found.group(1)


def test_the_page_installs_what_is_built(wheel: Path) -> None:
    page = DEPLOY.read_text("utf-8")
    assert re.search(r"^pip install --no-deps \. ", page, re.MULTILINE)
    assert f"pip install --no-deps {wheel.name}" in page
