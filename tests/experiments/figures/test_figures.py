"""Figures: what they leave on disk, and the numbers behind them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from msgspec import structs
from tests.experiments.made_up import compared
from tests.experiments.undrawn import draw_nothing

from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.figures import Drawn, write_figures
from twinsync.experiments.figures.comparison import headline_rows
from twinsync.experiments.results import SAC_AS_PRINTED, Results

NAMES = ("fig3_convergence", "comparison", "latency_parts", "energy_parts", "policy", "at_a_glance")
Written = tuple[Path, Results, dict[str, Drawn]]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    folder, results = tmp_path_factory.mktemp("figures"), compared()
    return folder / "figures", results, write_figures(folder, results)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_a_png_an_svg_a_pdf_and_the_csv_behind_it(written, name):
    folder, _, drawn = written
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert ElementTree.fromstring((folder / f"{name}.svg").read_text("utf-8")).tag.endswith("svg")
    assert table(folder / f"{name}.csv")
    assert drawn[name].wide_svg != drawn[name].narrow_svg


def test_the_same_data_gives_the_same_bytes(written, tmp_path):
    folder, results, _ = written
    write_figures(tmp_path, results)
    again = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == again
    assert not any(b"<dc:date>" in content for name, content in again.items() if name.endswith(".svg"))


def test_the_comparison_s_csv_holds_the_evaluation_s_numbers_best_first(written):
    folder, results, _ = written
    allocators = comparison_of(results).evaluation.allocators
    rows = table(folder / "comparison.csv")
    for row in rows:
        assert float(row["latency_s_mean"]) == allocators[row["scheme"]].latency_s.mean
        assert float(row["latency_s_low"]) == allocators[row["scheme"]].latency_s.low
        assert float(row["cost_high"]) == allocators[row["scheme"]].cost.high
    costs = [float(row["cost_mean"]) for row in rows]
    assert costs == sorted(costs)
    assert len(costs) == len(allocators)


def test_fig_3_s_csv_holds_minus_the_mean_cost_over_seeds(written):
    folder, results, _ = written
    ends = comparison_of(results).curves["ppo"].cost[:, -1]
    rows = table(folder / "fig3_convergence.csv")
    (row,) = [row for row in rows if row["scheme"] == "ppo" and row["slots"] == "20000"]
    assert float(row["reward_mean"]) == pytest.approx(-np.mean(ends))
    assert float(row["reward_low"]) < float(row["reward_mean"]) < float(row["reward_high"])
    assert int(row["seeds_measured"]) == len(ends) == 4


def test_parts_are_stacked_to_the_whole(written):
    folder, results, _ = written
    rows = table(folder / "latency_parts.csv")
    for name, measured in comparison_of(results).evaluation.allocators.items():
        parts = {row["part"]: float(row["mean"]) for row in rows if row["scheme"] == name}
        assert parts == measured.latency_parts_s


def test_figures_name_every_learner(written):
    _, results, drawn = written
    for svg in (drawn["fig3_convergence"].wide_svg, drawn["fig3_convergence"].narrow_svg):
        for name in comparison_of(results).curves:
            # The schemes as printed have a figure of their own.
            assert (results.label(name) in svg) == (results.schemes[name].group != "paper")


def test_a_record_adds_fig_3_as_printed(written, tmp_path, monkeypatch):
    _, results, drawn = written
    draw_nothing(monkeypatch, but="fig3_printed")
    beside = write_figures(tmp_path, results, results)
    assert set(beside) - set(drawn) == {"fig3_printed"}
    assert "SAC (as printed)" in beside["fig3_printed"].wide_svg


def test_a_record_s_row_stands_at_its_place_by_cost():
    own = _with_as_printed(None)
    beside = headline_rows(own, _with_as_printed("sac-tuned"))
    assert len(beside) == len(headline_rows(own)) + 1
    costs = [row.measured.cost.mean for row in beside]
    assert costs == sorted(costs)
    assert beside[-1].scheme.name != SAC_AS_PRINTED


def _with_as_printed(like: str | None) -> Results:
    """Results in which SAC as printed did like another scheme, or was not run."""
    made = compared()
    known = comparison_of(made)
    rows = {name: row for name, row in known.evaluation.allocators.items() if name != SAC_AS_PRINTED}
    if like is not None:
        rows[SAC_AS_PRINTED] = rows[like]
    return replace(made, comparison=replace(known, evaluation=structs.replace(known.evaluation, allocators=rows)))
