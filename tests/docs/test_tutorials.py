"""The tutorials do what they show: their files are written as printed, their commands run, with smaller numbers."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from twinsync.cli.app import run
from twinsync.presets import load_scenario

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "tutorials"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# The last of two values counts. Equal shapes everywhere, so that most is compiled once.
FEW = {"evaluate": ["--slots", "10", "--seeds", "1", "--set", "device_count=6"]}

Follow = Callable[[str], Path]


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Language, file name ("" for none) and text of each block of code."""
    return BLOCK.findall((PAGES / f"{page}.md").read_text("utf-8"))


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Writes a page's files into an empty folder and goes there."""

    def go(page: str) -> Path:
        for language, name, text in blocks(page):
            if name and language in ("python", "toml"):
                (tmp_path / name).write_text(text)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return go


def commands(page: str, program: str) -> list[list[str]]:
    """The page's commands of one program, split into words without the program."""
    lines = [line for language, _, text in blocks(page) if language == "sh" for line in text.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    found = [command[1:] for command in words if command and command[0] == program]
    assert found, f"{page} shows no command of {program}"
    return found


def twinsync_commands(page: str) -> None:
    for command in commands(page, "twinsync"):
        assert run([*command, *FEW.get(command[0], [])]) == 0, command


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a script of the user's, here, where most is compiled already; what it prints."""

    def script(name: str, *arguments: str) -> str:
        monkeypatch.syspath_prepend(str(Path(name).resolve().parent))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        capsys.readouterr()
        runpy.run_path(name, run_name="__main__")
        return capsys.readouterr().out

    return script


def test_your_own_allocator(follow: Follow, capsys: pytest.CaptureFixture[str]) -> None:
    follow("allocator")
    twinsync_commands("allocator")
    shown = capsys.readouterr().out
    assert "mine.py:far_ones_compress_more" in shown
    assert "channel.py:StrongOnesSendMore" in shown


@pytest.fixture(autouse=True)
def no_module_of_another_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator's file is `mine.py`, and not only here."""
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def test_your_own_allocator_from_python(follow: Follow, python) -> None:
    script = follow("allocator") / "compare.py"
    text = script.read_text()
    script.write_text(text.replace("slots=200, seeds=2", "slots=10, seeds=1"))
    assert script.read_text() != text
    assert re.search(r"^mine: \d+\.\d\d s, cost", python("compare.py"), re.MULTILINE)


def test_twinsync_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    here: dict[str, object] = {}
    for language, _, text in blocks("python"):
        assert language == "python"
        # Fewer slots, and 6 devices as everywhere on these pages; what is printed keeps its form.
        few = re.sub(r"slots=200, seeds=3", "slots=10, seeds=1", re.sub(r"slots=20_000", "slots=4_000", text))
        exec(compile(few, "python.md", "exec"), here)
    out = capsys.readouterr().out
    assert re.search(
        r"^\(100, 6\) \d+\.\d+ bit\ncost \d+\.\d+, at most .* above the least possible$", out, re.MULTILINE
    )
    assert re.search(r"^optimum +\d\.\d{3} s, +0\.0 % above the optimum$", out, re.MULTILINE)
    assert re.search(r"^ +4000 slots: cost \d+\.\d{3}$|^ +0 slots: cost", out, re.MULTILINE)
    assert re.search(
        r"^\{'optimum': [\d.]+, 'best without the channel': [\d.]+, 'learned': [\d.]+\}$", out, re.MULTILINE
    )
    assert (tmp_path / "policy.png").stat().st_size > 10_000


def test_the_notebook_is_the_page() -> None:
    notebook = runpy.run_path(str(ROOT / "docs" / "site" / "notebook.py"))["notebook"]
    assert (PAGES / "python.ipynb").read_text("utf-8") == notebook((PAGES / "python.md").read_text("utf-8"))
    cells = json.loads((PAGES / "python.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [text.rstrip("\n") for _, _, text in blocks("python")]


def test_your_own_scenario(follow: Follow, python, capsys: pytest.CaptureFixture[str]) -> None:
    follow("scenario")
    twinsync_commands("scenario")
    out = capsys.readouterr().out
    assert "campus.toml: valid" in out
    assert "measured.toml: valid" in out
    assert "our battery" in out
    measured = load_scenario("measured.toml")
    assert (measured.device_count, measured.energy_budget_j) == (12, 0.4)
    assert measured.noise_power_w == pytest.approx(1e-11)
    lengths, own = python("look.py").splitlines()
    assert lengths == "2.4 1.7999999999999998"
    assert "'bandwidth_hz': 'campus.toml'" in own


def test_stable_baselines3(follow: Follow, python, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    folder = follow("stable_baselines3")
    ((script, steps),) = commands("stable_baselines3", "python")
    assert int(steps) > 150
    python(script, "150")
    assert (folder / "sb3_sac.zip").is_file()
    twinsync_commands("stable_baselines3")
    assert "sb3_allocator.py:Sb3" in capsys.readouterr().out
    assert python("many.py").startswith("(1024, 12) -")


def test_the_package_page_shows_the_example(follow: Follow) -> None:
    example = tomllib.loads((ROOT / "examples" / "twinsync-extras" / "pyproject.toml").read_text("utf-8"))
    shown = [tomllib.loads(text) for _, name, text in blocks("package") if name == "pyproject.toml"]
    assert len(shown) == 3
    for table in shown:
        assert contains(example, table)


def contains(whole: object, part: object) -> bool:
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], part[key]) for key in part)
    return whole == part


def test_your_own_sweep(follow: Follow) -> None:
    from twinsync.experiments.plan import sweep_plan
    from twinsync.experiments.schemes import find_budget

    follow("allocator")
    folder = follow("sweep")
    ((command, file, *_),) = commands("sweep", "twinsync")
    assert command == "sweep"
    plan = sweep_plan(folder / file, find_budget("quick"), 0)
    assert {scheme.rpartition(":")[2] for scheme in plan.swept} >= {"slow-sac", "far_ones_compress_more"}
    assert sweep_plan(folder / "data.toml", find_budget("quick"), 0).sweeps[0].axes[0].keys[1] == "data_max_bits"
