"""Results in files: what was written is what is read, and what is wrong in a file is named."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.experiments import made_up

from twinsync.experiments.results import Results, read_results, write_results

RAW = ("manifest.json", "scenario.json", "learning.json", "evaluation.json", "convergence.csv")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A comparison and sweeps."""
    folder = tmp_path_factory.mktemp("written")
    write_results(folder, made_up.both())
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return shutil.copytree(written, tmp_path / "run")


def test_studies_of_an_earlier_run_in_the_folder_are_not_kept(folder):
    (folder / "studies.json").write_text("{}", "utf-8")
    write_results(folder, made_up.both())
    assert not (folder / "studies.json").exists()


def edit(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    content = json.loads((folder / name).read_text("utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content), "utf-8")


def files(folder: Path) -> dict[str, Any]:
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    return {name: json.loads(text) if name.endswith("json") else text for name, text in texts.items()}


def test_what_is_written_is_what_is_read(folder, tmp_path_factory):
    found, again = read_results(folder), tmp_path_factory.mktemp("again")
    write_results(again, found)
    assert files(again) == files(folder)
    made = made_up.both()
    assert found.manifest.schemes == made.manifest.schemes
    assert found.comparison is not None
    assert made.comparison is not None
    for name, curve in made.comparison.curves.items():
        np.testing.assert_array_equal(found.comparison.curves[name].cost, curve.cost)


def test_a_number_that_is_not_known_is_null_in_the_file_and_nan_in_memory(folder):
    written = json.loads((folder / "sweeps.json").read_text("utf-8"))["sweeps"][0]["points"][2]["evaluation"]
    assert written["allocators"]["ppo-tuned"]["cost"] == dict.fromkeys(("mean", "ci_low", "ci_high", "median", "p95"))
    found = read_results(folder).sweeps[0]
    measured = found.points[2].measured("ppo-tuned")
    assert measured is not None
    assert math.isnan(measured.cost.mean)
    assert list(found.lacks("ppo-tuned")) == ["6"]
    assert found.lacks("expected") == {"10": "The expected optimum was not shown to serve K = 10."}
    assert found.lacks("optimum") == {}


def test_points_stand_in_the_order_of_x(folder):
    edit(folder, "sweeps.json", lambda raw: raw["sweeps"][0]["points"].reverse())
    assert [point.x for point in read_results(folder).sweeps[0].points] == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_a_folder_may_hold_a_comparison_sweeps_or_both(tmp_path):
    for name, made in (("base", made_up.compared()), ("swept", made_up.swept())):
        (tmp_path / name).mkdir()
        write_results(tmp_path / name, made)
    base, swept = read_results(tmp_path / "base"), read_results(tmp_path / "swept")
    assert (base.comparison is None, swept.comparison is None) == (False, True)
    assert (len(base.sweeps), len(swept.sweeps)) == (0, 5)
    assert {"raw", "expected"} <= set(read_both(tmp_path).schemes)  # one of the comparison, one of a sweep alone


def read_both(folder: Path) -> Results:
    write_results(folder, made_up.both())
    return read_results(folder)


def test_files_of_an_earlier_comparison_are_left_alone(folder):
    edit(folder, "manifest.json", lambda raw: raw.update(headline=None))
    assert read_results(folder).comparison is None


def test_a_scheme_the_manifest_does_not_describe_goes_by_its_name():
    made = made_up.swept()
    bare = replace(made, manifest=made_up.manifest([], headline=None))
    assert bare.label("optimum") == "optimum"
    assert bare.schemes["optimum"].group == "heuristic"


def test_a_name_of_any_kind_becomes_a_file_s():
    first = made_up.sweeps()[0]
    assert first.slug == "fig4"
    assert made_up.sweep("mine--a-1.5m/s", "", "", first.axis, ["optimum"], [(1.0, "1", 1.0)]).slug == "mine--a-1-5m-s"


@pytest.mark.parametrize("name", RAW)
def test_a_missing_file_is_named(folder, complains, name):
    (folder / name).unlink()
    with complains(name, "missing"):
        read_results(folder)


@pytest.mark.parametrize("name", [*(name for name in RAW if name.endswith("json")), "sweeps.json"])
@pytest.mark.parametrize(("text", "fragment"), [("", "not valid JSON"), ("3", "Expected `")])
def test_a_broken_file_is_named(folder, complains, name, text, fragment):
    (folder / name).write_text(text, "utf-8")
    with complains(name, fragment):
        read_results(folder)


@pytest.mark.parametrize("key", ["command", "seed", "headline", "schemes", "evaluation"])
def test_a_missing_key_of_the_manifest_is_named(folder, complains, key):
    edit(folder, "manifest.json", lambda raw: raw.pop(key))
    with complains("manifest.json", f"`{key}`"):
        read_results(folder)


@pytest.mark.parametrize("key", ["latency_s", "outage_rate", "latency_parts_s", "unit_cost"])
def test_a_missing_measurement_is_named(folder, complains, key):
    edit(folder, "evaluation.json", lambda raw: raw["allocators"]["ppo"].pop(key))
    with complains("evaluation.json: allocators.ppo", f"`{key}`"):
        read_results(folder)


def test_an_unknown_learner_is_named(folder, complains):
    edit(folder, "manifest.json", lambda raw: raw["headline"].update(learner="nobody"))
    with complains("evaluation.json", "'nobody'"):
        read_results(folder)


@pytest.mark.parametrize(
    ("old", "new", "fragment"),
    [("scheme,seed,slots", "scheme,seed,steps", "line 2: Object missing"), ("ppo,1,5000,", "ppo,1,5000,x", "line 196")],
)
def test_a_wrong_convergence_file_is_named(folder, complains, old, new, fragment):
    path = folder / "convergence.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with complains("convergence.csv", fragment):
        read_results(folder)


def test_a_folder_that_is_not_there_is_named(complains, tmp_path):
    with complains("nowhere", "no such folder"):
        read_results(tmp_path / "nowhere")


def first(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda raw: change(raw["sweeps"][0])


def allocators(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda raw: change(raw["sweeps"][0]["points"][0]["evaluation"]["allocators"])


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (first(lambda sweep: sweep.pop("points")), ["sweeps[0]", "`points`", "missing"]),
        (first(lambda sweep: sweep.update(points=[])), ["fig4: points", "empty"]),
        (first(lambda sweep: sweep.update(schemes=[])), ["fig4: schemes", "empty"]),
        (first(lambda sweep: sweep.update(schemes="optimum")), ["sweeps[0].schemes", "`array`"]),
        (first(lambda sweep: sweep.update(schemes=["optimum", "optimum"])), ["fig4: schemes", "twice"]),
        (first(lambda sweep: sweep.update(name="fig5")), ["'fig5' occurs twice"]),
        (first(lambda sweep: sweep.update(name="../")), ["sweeps[0]", "'../'", "letter"]),
        (first(lambda sweep: sweep.update(training_s="long")), ["sweeps[0].training_s", "`float`"]),
        (first(lambda sweep: sweep.update(commits=[7])), ["sweeps[0].commits[0]", "`str`"]),
        (first(lambda sweep: sweep["axis"].pop("unit")), ["sweeps[0].axis", "`unit`"]),
        (first(lambda sweep: sweep["points"][1].update(x=None)), ["sweeps[0].points[1].x", "`float`"]),
        (first(lambda sweep: sweep["points"][1].update(x=2.0)), ["fig4: points", "2.0 occurs twice"]),
        (first(lambda sweep: sweep["points"][1].update(missing={"optimum": 3})), ["points[1].missing.optimum"]),
        (allocators(lambda named: named.pop("optimum")), ["fig4 at 2", "'optimum'", "`missing`"]),
        (allocators(lambda named: named["optimum"].pop("cost")), ["allocators.optimum", "`cost`"]),
        (allocators(lambda named: named["optimum"].update(energy_j="much")), ["allocators.optimum.energy_j", "`str`"]),
        (allocators(lambda named: named.update(optimum=[])), ["allocators.optimum", "`object`", "`array`"]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_sweep_is_named(folder, complains, change, fragments):
    edit(folder, "sweeps.json", change)
    with complains("sweeps.json", *fragments):
        read_results(folder)
