"""Figures: what they leave on disk, the numbers behind them, and the choices a chart makes by itself."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twinsync.experiments.figures.parts import deadline_total_s, energy_budget_total_j
from twinsync.experiments.figures.scheme_styles import styles

from twinsync.experiments.figures import write_figures
from twinsync.experiments.figures.convergence import seed_band, zoom_limits
from twinsync.experiments.figures.style import BLUE, spread
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.statistics import Bootstrap

NAMES = ("fig3_convergence", "comparison", "latency_parts", "energy_parts")


@pytest.fixture(scope="module")
def drawn(write_run, tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("figures"))
    found = read_report_folder(folder)
    assert found.run is not None
    return found.run, write_figures(found)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_a_png_an_svg_a_pdf_and_the_csv_behind_it(drawn, name):
    run, figures = drawn
    folder = run.path / "figures"
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert ElementTree.fromstring((folder / f"{name}.svg").read_text("utf-8")).tag.endswith("svg")
    assert table(folder / f"{name}.csv")
    assert figures[name].wide_svg != figures[name].narrow_svg


def test_the_same_data_gives_the_same_bytes(drawn):
    run, _ = drawn
    before = {path.name: path.read_bytes() for path in (run.path / "figures").iterdir()}
    write_figures(read_report_folder(run.path))
    assert {path.name: path.read_bytes() for path in (run.path / "figures").iterdir()} == before
    assert not any(b"<dc:date>" in content for name, content in before.items() if name.endswith(".svg"))


def test_the_comparison_s_csv_holds_the_evaluation_s_numbers_best_first(drawn):
    run, _ = drawn
    rows = table(run.path / "figures" / "comparison.csv")
    raw = json.loads((run.path / "evaluation.json").read_text("utf-8"))["allocators"]
    for row in rows:
        assert float(row["latency_s_mean"]) == raw[row["scheme"]]["latency_s"]["mean"]
        assert float(row["cost_high"]) == raw[row["scheme"]]["cost"]["ci_high"]
    costs = [float(row["cost_mean"]) for row in rows]
    assert costs == sorted(costs)
    assert len(costs) == len(raw)


def test_fig_3_s_csv_holds_minus_the_mean_cost_over_seeds(drawn):
    run, _ = drawn
    raw = table(run.path / "convergence.csv")
    ends = [float(row["cost"]) for row in raw if row["scheme"] == "ppo" and row["slots"] == "20000"]
    (row,) = [
        row
        for row in table(run.path / "figures" / "fig3_convergence.csv")
        if row["scheme"] == "ppo" and row["slots"] == "20000"
    ]
    assert float(row["reward_mean"]) == pytest.approx(-sum(ends) / len(ends))
    assert float(row["reward_low"]) < float(row["reward_mean"]) < float(row["reward_high"])
    assert int(row["seeds_measured"]) == len(ends) == 4


def test_parts_are_stacked_to_the_whole(drawn):
    run, _ = drawn
    for row in table(run.path / "figures" / "latency_parts.csv"):
        assert float(row["mean"]) == run.rows[row["scheme"]].latency_parts_s[row["part"]]
    # 6 UDs x 0.75 x 30 s / 25 = 5.4 s, and 1.575 s of sensing; 6 UDs x 0.5 J.
    assert deadline_total_s(run) == pytest.approx(6.975)
    assert energy_budget_total_j(run) == pytest.approx(3.0)


def test_figures_name_every_learner(drawn):
    run, figures = drawn
    for svg in (figures["fig3_convergence"].wide_svg, figures["fig3_convergence"].narrow_svg):
        for curve in run.curves.values():
            # The schemes as printed have a figure of their own.
            assert (curve.scheme.label in svg) == (curve.scheme.group != "paper")


def test_each_curve_can_be_told_from_the_others_without_its_colour(drawn):
    run, _ = drawn
    look = styles(run.schemes)
    seen = {(str(style.dash), style.marker, style.filled) for style in look.values()}
    assert len(seen) == len(run.schemes)
    assert look[run.learner].colour == BLUE


def test_a_band_is_the_mean_over_the_seeds_that_were_measured():
    # Place 0: 1, 2, 6 have mean 3, and no resampled mean leaves [1, 6]. Place 1: one seed lost, 4 and 8 have mean 6.
    # Place 2: all lost.
    values = np.array([[1.0, 4.0, np.nan], [2.0, np.nan, np.nan], [6.0, 8.0, np.inf]])
    band = seed_band(values, Bootstrap(0))
    np.testing.assert_allclose(band.mean, [3.0, 6.0, np.nan])
    assert 1.0 <= band.low[0] < 3.0 < band.high[0] <= 6.0
    np.testing.assert_allclose([band.low[1], band.high[1]], [4.0, 8.0])
    assert np.isnan(band.low[2])


def test_one_seed_has_no_band():
    band = seed_band(np.array([[5.0, 7.0]]), Bootstrap(0))
    np.testing.assert_allclose(band.mean, [5.0, 7.0])
    assert np.isnan(band.low).all()


def test_the_zoom_keeps_what_is_near_and_leaves_a_collapse_out():
    low, high = zoom_limits([-87.0, -91.0, -119.0, -121.0, -900.0], optimum=-81.0)
    assert -900.0 < low < -121.0
    assert -81.0 < high < -60.0


@pytest.mark.parametrize("ends", [[], [float("nan")], [-81.0], [float("-inf"), -90.0]])
def test_the_zoom_has_limits_whatever_was_measured(ends):
    low, high = zoom_limits(ends, optimum=-81.0)
    assert np.isfinite([low, high]).all()
    assert low < -81.0 < high


@given(st.lists(st.floats(-500.0, 0.0), min_size=1, max_size=12))
def test_labels_keep_their_order_their_distance_and_the_panel(wanted):
    places = spread(wanted, 10.0, -500.0, 0.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(places)[order]) >= 10.0 - 1e-9).all()
    assert min(places) >= -500.0 - 1e-9
    assert max(places) <= 1e-9


def test_labels_with_room_stay_where_they_belong():
    assert spread([-100.0, -20.0, -60.0], 10.0, -500.0, 0.0) == [-100.0, -20.0, -60.0]
