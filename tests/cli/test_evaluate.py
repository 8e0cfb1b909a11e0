"""`twinsync evaluate`: names, the documented JSON, the user's own allocator."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinsync.allocators import registry
from twinsync.allocators.heuristics import EqualShare, Random
from twinsync.allocators.registry import allocator_names
from twinsync.cli.app import run
from twinsync.cli.evaluate import find
from twinsync.errors import InputError
from twinsync.scenario import Scenario

# The exact optimum needs L = 1; without it these tests compile nothing heavy.
QUICK = ["--slots", "4", "--seeds", "2", "--set", "fading_blocks=2"]

OWN = """
import numpy as np
from twinsync.model import Allocation

def halves(scenario, sight, key):
    one = np.ones_like(sight.data_bits)
    return Allocation(0.5 * one, 0.5e9 * one, 0.05 * one, 1e9 * one)

def narrow(scenario, sight, key):
    raise KeyError("lost")
"""


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["evaluate", "--json", "-", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["evaluate", *QUICK, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_json_is_as_documented(capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluate(
        capsys, "--allocators=equal-share,optimum", "--slots=2", "--seeds=2", "--seed=4", "--set=device_count=2"
    )
    assert (found["slots"], found["seeds"], found["seed"]) == (2, 2, 4)
    assert list(found["allocators"]) == ["equal-share", "optimum"]
    for entry in found["allocators"].values():
        for key in ("latency_s", "cost", "gap_to_optimum"):
            assert set(entry[key]) == {"mean", "ci_low", "ci_high", "median", "p95"}
        for key in ("deadline_miss_rate", "energy_violation_rate", "outage_rate", "energy_j"):
            assert isinstance(entry[key], float)
        assert sum(entry["latency_parts_s"].values()) == pytest.approx(entry["latency_s"]["mean"])
        assert sum(entry["energy_parts_j"].values()) == pytest.approx(entry["energy_j"])
    best, equal = found["allocators"]["optimum"], found["allocators"]["equal-share"]
    assert best["gap_to_optimum"]["mean"] == pytest.approx(0.0, abs=1e-9)
    assert equal["gap_to_optimum"]["mean"] == pytest.approx(equal["cost"]["mean"] / best["cost"]["mean"] - 1)
    paired = found["paired"]["optimum"]["equal-share"]
    assert paired["latency_s"]["mean"] == pytest.approx(best["latency_s"]["mean"] - equal["latency_s"]["mean"])
    assert paired["cost"]["mean"] < 0
    assert paired["cost"]["ci_low"] < paired["cost"]["mean"] < paired["cost"]["ci_high"]
    assert found["optimum"]["relative_gap"] < 1e-4


def test_the_users_own_allocator_beside_built_in_ones(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    name = f"{tmp_path / 'own.py'}:halves"
    found = evaluate(capsys, *QUICK, "--allocators", f"{name}, random")
    assert list(found["allocators"]) == [name, "random"]
    entry = found["allocators"][name]
    assert (entry["extraction_factor"], entry["device_cpu_hz"]) == pytest.approx((0.5, 5e8))
    assert entry["gap_to_optimum"] is None
    assert any("fading_blocks" in note for note in found["notes"])


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *QUICK, "--allocators", "random,equal-share"]) == 0
    out = capsys.readouterr().out
    assert "2 sets of 4 slots" in out
    assert "random against each other allocator" in out


@pytest.mark.parametrize(
    ("names", "fragments"),
    [
        ("unheard-of", ["unheard-of", "equal-share"]),
        ("random,,raw", ["empty name"]),
        ("random,random", ["two would be called 'random'"]),
    ],
)
def test_bad_names_are_one_line(capsys: pytest.CaptureFixture[str], names: str, fragments: list[str]) -> None:
    line = error(capsys, "--allocators", names)
    for fragment in fragments:
        assert fragment in line


def test_a_faulty_allocator_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    line = error(capsys, "--allocators", f"{tmp_path / 'own.py'}:narrow")
    for fragment in ("own.py:narrow", "KeyError", "own.py, line 10"):
        assert fragment in line


def test_an_allocator_that_does_not_fit_the_scenario_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "allocator 'raw'" in error(capsys, "--allocators", "random,raw")


def test_all_built_in_ones_unless_told_the_optimum_first(scenario: Scenario) -> None:
    assert sorted(find(None, scenario)) == sorted(allocator_names())
    assert next(iter(find(None, scenario))) == "optimum"


def test_a_run_goes_by_its_folders_name(scenario: Scenario, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stand_in(name: str, scenario: Scenario) -> list[Any]:
        return [EqualShare(), Random()] if Path(name).is_dir() else [Random()]

    monkeypatch.setattr(registry, "find_allocators", stand_in)
    for folder in ("a/sac", "b/sac"):
        (tmp_path / folder).mkdir(parents=True)
    found = find(f"{tmp_path}/a/sac/,random", scenario)
    assert {name: len(policies) for name, policies in found.items()} == {"sac": 2, "random": 1}
    with pytest.raises(InputError, match="two would be called 'sac'"):
        find(f"{tmp_path}/a/sac,{tmp_path}/b/sac", scenario)
