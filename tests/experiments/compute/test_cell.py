import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.experiments.compute.conftest import TINY, heuristic_cell, tiny_cell

from twinsync.errors import InputError
from twinsync.experiments.compute.cell import Cell, source_of
from twinsync.experiments.compute.work import compute
from twinsync.learning.settings import SacSettings
from twinsync.presets import load_scenario


def test_the_address_is_what_decides_the_result_and_nothing_else():
    cell = tiny_cell()
    assert dataclasses.replace(cell, scheme="another name").address == cell.address
    assert tiny_cell("200 kHz").address == cell.address
    for other in (
        tiny_cell("0.3 MHz"),
        tiny_cell(number=1),
        tiny_cell(devices=3),
        dataclasses.replace(cell, seed=1),
        dataclasses.replace(cell, slots=11),
        dataclasses.replace(cell, sets=3),
        dataclasses.replace(cell, settings=dataclasses.replace(TINY, learning_rate=1e-4)),
        heuristic_cell(),
    ):
        assert other.address != cell.address


@pytest.mark.parametrize(
    ("scheme", "settings", "address"),
    [
        ("sac-paper", SacSettings(), "f4183ed76447ddb710d8fe7e"),
        ("optimum", None, "57acd7e10487dc30ba91ca74"),
    ],
)
def test_addresses_at_the_printed_size_are_pinned(scheme: str, settings: SacSettings | None, address: str):
    # Results that were recorded at the paper's size are found by it: whatever changes it loses days of computing.
    allocator = "" if settings else scheme
    assert Cell(scheme, load_scenario("paper"), settings, allocator, 0, 0, 1000, 5, 40).address == address


def test_a_law_of_accuracy_decides_no_result():
    cell = tiny_cell()
    known = dataclasses.replace(cell, scenario=cell.scenario.replace(accuracy_knots=((0.1, 30.0), (1.0, 60.0))))
    assert known.address == cell.address
    # Its numbers are leaves all the same, so that it is not batched with cells that have none.
    assert known.program != cell.program


def test_another_library_is_another_result_and_ours_is_as_before():
    ours = tiny_cell()
    theirs = dataclasses.replace(ours, library="sb3")
    assert "library" not in ours.identity
    assert theirs.identity == {**ours.identity, "library": "sb3"}
    assert theirs.address != ours.address
    assert theirs.program != ours.program
    assert dataclasses.replace(theirs, training_seed=1).program == theirs.program


def test_a_library_is_one_that_is_known_and_trains(complains):
    with complains("library = 'sbx'", "'sb3'"):
        dataclasses.replace(tiny_cell(), library="sbx")
    with complains("library = 'sb3'", "'equal-share' learns nothing"):
        dataclasses.replace(heuristic_cell(), library="sb3")


def test_an_infinite_constant_has_an_address():
    literal = dataclasses.replace(tiny_cell(), scenario=tiny_cell().scenario.replace(latency_cap_slots=float(np.inf)))
    assert literal.address != tiny_cell().address


def test_numbers_share_a_program_and_counts_do_not():
    assert tiny_cell("0.1 MHz", 0).program == tiny_cell("9 MHz", 5).program
    assert tiny_cell(devices=3).program != tiny_cell().program
    assert heuristic_cell("raw").program != heuristic_cell("optimum").program
    # An automatic sensing rate is one number fewer than a given one.
    given = dataclasses.replace(tiny_cell(), scenario=tiny_cell().scenario.replace(sensing_rate_bps=3e6))
    assert given.program != tiny_cell().program


def test_a_changed_file_is_another_allocator(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("decide = 1")
    first = heuristic_cell(f"{own}:decide").address
    own.write_text("decide = 2")
    assert heuristic_cell(f"{own}:decide").address != first
    own.unlink()
    with pytest.raises(InputError, match=r"own\.py cannot be read"):
        _ = heuristic_cell(f"{own}:decide").address


def test_another_version_of_a_package_is_another_allocator(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    addresses = []
    for version in ("1.0", "1.1"):
        info = tmp_path / "extras.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: extras\nVersion: {version}\n")
        (info / "entry_points.txt").write_text("[twinsync.allocators]\nown-rule = own_rules:decide\n")
        addresses.append(heuristic_cell("own-rule").address)
    assert addresses[0] != addresses[1]


def test_an_allocator_is_known_by_the_file_that_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    names = {
        "run": "run/policy.npz", "edge.onnx": "edge.onnx", "edge.npz": "edge.npz", "mine.py:rule": "mine.py",
        "a_module_of_mine:rule": "a_module_of_mine.py",
    }  # fmt: skip
    for name, file in names.items():
        (tmp_path / file).write_text("one")
        first = heuristic_cell(name).address
        assert heuristic_cell(name).address == first
        (tmp_path / file).write_text("two")
        assert heuristic_cell(name).address != first, name
    assert source_of("equal-share") == ""


def test_an_allocator_that_changes_during_a_run_is_not_stored_as_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("from twinsync.allocators.heuristics import EqualShare as rule")
    cell = heuristic_cell("mine.py:rule")
    assert cell.identity["source"]
    (tmp_path / "mine.py").write_text("from twinsync.allocators.heuristics import Random as rule")
    (result,) = compute([cell])
    assert result.measured is None
    assert "mine.py:rule changed while the run was under way" in result.trouble
