"""Reading sweeps.json: what is there comes through, and what is wrong is named."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.swept_folder import sweeps, write_sweeps, write_swept

from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.sweep_folder import Sweep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_swept(tmp_path / "swept")


def read(folder: Path, name: str) -> Sweep:
    found = read_report_folder(folder).sweep(name)
    assert found is not None
    return found


def edit(folder: Path, change: Callable[[list[Any]], Any]) -> None:
    content = json.loads((folder / "sweeps.json").read_text("utf-8"))
    change(content["sweeps"])
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")


def allocators(swept: list[Any], point: int = 0) -> dict[str, Any]:
    return swept[0]["points"][point]["evaluation"]["allocators"]


def test_sweeps_come_through_with_their_numbers(folder):
    found = read(folder, "fig5")
    raw = sweeps()["sweeps"][1]
    assert (found.figure, found.axis.keys) == ("Fig. 5", ("data_min_bits", "data_max_bits"))
    assert found.axis.title == "sensed data D [Mbit]"
    assert [scheme.label for scheme in found.schemes][:2] == ["SAC, repaired", "PPO, repaired"]
    assert found.raw == raw
    for point, own in zip(found.points, raw["points"], strict=True):
        for name, measured in point.measured.items():
            told = own["evaluation"]["allocators"][name]
            assert measured.latency_s.p95 == told["latency_s"]["p95"]
            assert measured.gap is not None
            assert measured.gap.low == told["gap_to_optimum"]["ci_low"]
            assert measured.value("energy_j") == told["energy_j"]


def test_points_stand_in_the_order_of_x(folder):
    edit(folder, lambda swept: swept[0]["points"].reverse())
    assert [point.x for point in read(folder, "fig4").points] == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_what_is_missing_or_diverged_is_known_with_its_reason(folder):
    found = read(folder, "fig4")
    assert found.lacks("expected") == {"10": "The expected optimum was not shown to serve K = 10."}
    assert math.isnan(found.points[2].measured["ppo-tuned"].latency_s.mean)
    assert list(found.lacks("ppo-tuned")) == ["6"]
    assert found.lacks("optimum") == {}


def test_a_folder_may_hold_a_comparison_sweeps_or_both(folder, write_run, tmp_path):
    assert read_report_folder(folder).run is None
    base = read_report_folder(write_run(tmp_path / "base"))
    assert base.run is not None
    assert base.sweeps == ()
    write_sweeps(tmp_path / "base")
    both = read_report_folder(tmp_path / "base")
    assert both.run is not None
    assert {"raw", "expected"} <= set(both.schemes)  # one from the comparison, one only a sweep names


def test_files_of_an_earlier_comparison_are_left_alone(folder, write_run):
    manifest = (folder / "manifest.json").read_text("utf-8")
    write_run(folder)
    (folder / "manifest.json").write_text(manifest, "utf-8")
    assert read_report_folder(folder).run is None


def test_a_comparison_beside_sweeps_has_to_be_whole(write_run, tmp_path, complains):
    write_sweeps(write_run(tmp_path / "run"))
    (tmp_path / "run" / "evaluation.json").unlink()
    with complains("evaluation.json", "missing"):
        read_report_folder(tmp_path / "run")


def test_a_name_of_any_kind_becomes_a_file_s(folder):
    edit(folder, lambda swept: swept[0].update(name="mine--speed_mean_m_s-1.5m/s"))
    assert read(folder, "mine--speed_mean_m_s-1.5m/s").slug == "mine--speed_mean_m_s-1-5m-s"


def test_a_folder_with_neither_names_what_the_comparison_lacks(folder, complains):
    (folder / "sweeps.json").unlink()
    with complains("manifest.json", "'evaluation'"):
        read_report_folder(folder)


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda swept: swept[0].pop("points"), ["fig4", "'points'", "missing"]),
        (lambda swept: swept[0].update(points=[]), ["fig4", "points", "empty"]),
        (lambda swept: swept[0].update(schemes=[]), ["fig4", "schemes", "empty"]),
        (lambda swept: swept[0].update(schemes="optimum"), ["fig4", "schemes", "expected a list"]),
        (lambda swept: swept[0].update(schemes=["optimum", "optimum"]), ["fig4", "schemes", "twice"]),
        (lambda swept: swept[1].update(name="fig4"), ["'fig4' comes twice"]),
        (lambda swept: swept[1].update(name="../"), ["sweeps[1]", "'../'", "letter"]),
        (lambda swept: swept[0].update(training_s="long"), ["fig4", "training_s", "'long'"]),
        (lambda swept: swept[0].update(commits=[7]), ["fig4", "commits", "7"]),
        (lambda swept: swept[0]["axis"].pop("unit"), ["fig4: axis", "'unit'"]),
        (lambda swept: swept[0]["points"][1].update(x=None), ["fig4: points[1]", "x", "finite"]),
        (lambda swept: swept[0]["points"][1].update(x=2.0), ["fig4: points: x", "2.0 comes twice"]),
        (lambda swept: swept[0]["points"][1].update(missing={"optimum": 3}), ["points[1]: missing", "optimum"]),
        (lambda swept: allocators(swept).pop("optimum"), ["fig4: points[0]", "'optimum'", "why"]),
        (lambda swept: allocators(swept)["optimum"].pop("cost"), ["fig4: points[0]", "optimum", "'cost'"]),
        (lambda swept: allocators(swept)["optimum"].update(energy_j="much"), ["optimum: energy_j", "'much'"]),
        (lambda swept: allocators(swept).update(optimum=[]), ["optimum", "expected an object", "list"]),
    ],
)
def test_what_is_wrong_is_named(folder, complains, change, fragments):
    edit(folder, change)
    with complains("sweeps.json", *fragments):
        read_report_folder(folder)


@pytest.mark.parametrize(("text", "fragment"), [("{", "not valid JSON"), ("[]", "object"), ("{}", "'sweeps'")])
def test_a_broken_file_is_named(folder, complains, text, fragment):
    (folder / "sweeps.json").write_text(text, "utf-8")
    with complains("sweeps.json", fragment):
        read_report_folder(folder)
