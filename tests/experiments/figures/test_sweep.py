"""Sweep figures and frontiers: the data behind them, gaps, points that answer, and what a chart decides by itself."""

import json
import math
import re

import matplotlib
import pytest
from matplotlib.figure import Figure
from tests.experiments.swept_folder import sweeps, write_swept
from twinsync.experiments.figures.scheme_styles import styles

from twinsync.experiments.figures import frontiers
from twinsync.experiments.figures.frontier import draw_frontier, frontier_rows
from twinsync.experiments.figures.style import BLUE, INK, look, save_svg
from twinsync.experiments.figures.sweep import HEADER, draw_sweep, evenly_spread_in_log, sweep_rows, thinned
from twinsync.experiments.report_folder import ReportFolder, read_report_folder
from twinsync.experiments.run_folder import Scheme
from twinsync.experiments.sweep_folder import Sweep


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> ReportFolder:
    return read_report_folder(write_swept(tmp_path_factory.mktemp("swept")))


@pytest.fixture(autouse=True)
def house_look():
    with look():
        yield
    assert matplotlib.rcParams["svg.fonttype"] != "none"  # the look ends with its block


def find(folder: ReportFolder, name: str) -> Sweep:
    found = folder.sweep(name)
    assert found is not None
    return found


def line_of(figure: Figure, panel: int, label: str):
    return next(line for line in figure.axes[panel].get_lines() if line.get_label() == label)


def test_rows_hold_the_file_s_numbers_and_reasons(swept):
    rows = [dict(zip(HEADER, row, strict=True)) for row in sweep_rows(find(swept, "fig4"))]
    assert len(rows) == 5 * 7
    raw = sweeps()["sweeps"][0]["points"]
    for row in rows:
        point = next(point for point in raw if point["x"] == row["x"])
        own = point["evaluation"]["allocators"].get(row["scheme"])
        if own is None or own["cost"]["mean"] is None:
            assert math.isnan(row["latency_s_mean"])
            assert row["missing"]
        else:
            assert row["latency_s_low"] == own["latency_s"]["ci_low"]
            assert row["cost_p95"] == own["cost"]["p95"]
            assert row["gap_to_optimum_mean"] == own["gap_to_optimum"]["mean"]
            assert row["extraction_factor"] == own["extraction_factor"]
            assert (row["missing"], row["unit_count"]) == ("", 4)


def test_a_missing_point_is_a_gap_and_learners_alone_have_bands(swept):
    figure = draw_sweep(find(swept, "fig4"), styles(swept.schemes), narrow=False).figure
    ppo = line_of(figure, 0, "PPO, repaired")
    assert [math.isnan(value) for value in ppo.get_ydata()] == [False, False, True, False, False]
    assert [math.isnan(value) for value in line_of(figure, 1, "Expected optimum").get_ydata()] == [False] * 4 + [True]
    assert line_of(figure, 0, "Optimum").get_color() == INK
    assert line_of(figure, 0, "SAC, repaired").get_color() == BLUE
    # SAC, PPO, random strategy, w/o SC, gradient learn; the optima do not.
    assert len(figure.axes[0].collections) == 5
    # 86.96 / 83.90 - 1 of the made-up numbers at K = 6, in per cent.
    assert line_of(figure, 1, "SAC, repaired").get_ydata()[2] == pytest.approx(100 * (86.96 / 83.90 - 1))


def test_without_the_optimum_there_is_no_gap_to_draw(swept, tmp_path):
    content = sweeps()
    content["sweeps"] = content["sweeps"][:1]
    content["sweeps"][0]["schemes"] = ["sac-tuned", "without-sc"]
    for point in content["sweeps"][0]["points"]:
        for allocator in point["evaluation"]["allocators"].values():
            allocator["gap_to_optimum"] = None
    folder = write_swept(tmp_path)
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")
    found = read_report_folder(folder)
    assert len(draw_sweep(find(found, "fig4"), styles(found.schemes), narrow=False).figure.axes) == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_spots_lie_on_the_marks_and_say_their_numbers(swept, tmp_path, narrow):
    chart = draw_sweep(find(swept, "fig4"), styles(swept.schemes), narrow=narrow)
    save_svg(chart.figure, tmp_path / "fig.svg")
    svg = (tmp_path / "fig.svg").read_text("utf-8")
    # Two panels of 7 schemes and 5 points; one diverged and one was not computed.
    spots = chart.spots()
    assert len(spots) == 2 * (7 * 5 - 2)
    marks = {(float(x), float(y)) for x, y in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', svg)}
    for spot in spots:
        assert min(math.hypot(spot.x - x, spot.y - y) for x, y in marks) < 0.01
    words = next(spot.words for spot in spots if spot.words[:2] == ("SAC, repaired", "number of UDs K: 6"))
    plain = [line.replace("\N{NO-BREAK SPACE}", " ") for line in words]
    # 1.5 % below and 1.8 % above 13.90; 2 % and 2.4 % about 86.96; 10 % and 12 % about 3.647.
    assert plain[2:] == [
        "latency 13.90 (13.69 to 14.15) s",
        "cost 87.0 (85.2 to 89.0)",
        "3.6 (3.3 to 4.1) % above the optimum",
        "outage 0.4 %, mean φ 0.44",
    ]


def test_the_energy_frontier_is_latency_against_energy_per_device(write_run, tmp_path):
    folder = write_swept(write_run(tmp_path / "run"))
    found = read_report_folder(folder)
    energy, accuracy = frontiers(found)
    rows = frontier_rows(energy)
    # 3.20 J of all six UDs at a budget of 0.5 J, and T = 13.79 s.
    row = next(row for row in rows if row[:2] == ["0.5", "optimum"])
    assert row[3:5] == pytest.approx([3.20 / 6, 13.79])
    # 2^(-16 * 0.45) at the optimum's phi.
    row = next(row for row in frontier_rows(accuracy) if row[:2] == ["0.3", "optimum"])
    assert row[3] == pytest.approx(2.0**-7.2)
    chart = draw_frontier(energy, styles(found.schemes), narrow=False)
    assert chart.figure.axes[0].texts[0].get_text() == "0.3\N{NO-BREAK SPACE}J"
    assert len(chart.marks) == 5 * 6


def test_a_frontier_needs_to_know_how_many_devices_share_the_energy(swept):
    assert [edge.name for edge in frontiers(swept)] == ["frontier_accuracy"]


def test_a_scheme_looks_the_same_whoever_is_beside_it(swept):
    alone = styles({"gradient": swept.schemes["gradient"]})
    assert alone["gradient"] == styles(swept.schemes)["gradient"]


def test_schemes_of_one_s_own_are_told_apart(swept):
    own = {f"mine-{place}": Scheme(f"mine-{place}", "mine", "heuristic", "", {}, ()) for place in range(12)}
    found = styles({**swept.schemes, **own})
    assert len({(style.dash, style.marker) for style in found.values()}) == len(found) == 22
    assert len({found[name].colour for name in own}) == 6


@pytest.mark.parametrize(
    ("places", "logarithmic"),
    [
        ([0.1, 0.2, 0.5, 1.0, 2.0], True),
        ([1.0, 2.0, 4.0, 8.0], True),
        ([0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0], False),
        ([2.0, 4.0, 6.0, 8.0, 10.0], False),
        ([0.0, 1.0, 10.0, 100.0], False),
        ([1.0], False),
    ],
)
def test_an_axis_is_logarithmic_where_its_places_are(places, logarithmic):
    assert evenly_spread_in_log(places) == logarithmic


def test_labels_that_would_touch_are_left_out_but_never_the_ends():
    assert thinned([0.0, 10.0, 20.0, 30.0], [8.0] * 4) == [0, 1, 2, 3]
    assert thinned([0.0, 4.0, 20.0, 26.0, 30.0], [8.0] * 5) == [0, 2, 4]
    assert thinned([5.0], [8.0]) == [0]
