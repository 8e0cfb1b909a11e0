"""Sweep figures: the data behind them, gaps, points that answer, and what a chart decides by itself."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable

import matplotlib
import pytest
from matplotlib.figure import Figure
from msgspec import structs
from tests.experiments.made_up import at_point, remeasured, sweeps, swept

from twinsync.experiments import figures
from twinsync.experiments.figures import sweep_figures
from twinsync.experiments.figures.chart import Chart
from twinsync.experiments.figures.style import BLUE, INK, look, save_svg, styles
from twinsync.experiments.figures.sweep import (
    HEADER,
    LATENCY,
    Panel,
    draw_panels,
    evenly_spread_in_log,
    sweep_rows,
    thinned,
)
from twinsync.experiments.records import Estimate, Point, Sweep
from twinsync.experiments.results import TRAINING_SEED, Results

RESULTS = swept()
FIG4 = RESULTS.sweeps[0]


@pytest.fixture(autouse=True)
def house_look():
    with look():
        yield
    assert matplotlib.rcParams["svg.fonttype"] != "none"  # the look ends with its block


def draw(results: Results, *, narrow: bool = False) -> Chart:
    return LATENCY.draw(results.sweeps[0], results, styles(results.schemes), narrow)


def line_of(figure: Figure, panel: int, label: str):
    return next(line for line in figure.axes[panel].get_lines() if line.get_label() == label)


def test_rows_hold_what_was_measured_or_the_reason():
    rows = [dict(zip(HEADER, row, strict=True)) for row in sweep_rows(FIG4, RESULTS)]
    assert len(rows) == 5 * 7
    for row in rows:
        point = next(point for point in FIG4.points if point.x == row["x"])
        own = point.measured(row["scheme"])
        if own is None or math.isnan(own.cost.mean):
            assert math.isnan(row["latency_s_mean"])
            assert row["missing"]
        else:
            assert row["latency_s_low"] == own.latency_s.low
            assert row["cost_p95"] == own.cost.p95
            assert row["gap_to_optimum_mean"] == own.gap_to_optimum.mean
            assert row["extraction_factor"] == own.extraction_factor
            assert (row["missing"], row["unit_count"]) == ("", 4)


def test_a_missing_point_is_a_gap_and_learners_alone_have_bands():
    figure = draw(RESULTS).figure
    ppo = line_of(figure, 0, "PPO (repaired)")
    assert [math.isnan(value) for value in ppo.get_ydata()] == [False, False, True, False, False]
    assert [math.isnan(value) for value in line_of(figure, 1, "Expected optimum").get_ydata()] == [False] * 4 + [True]
    assert line_of(figure, 0, "Optimum").get_color() == INK
    assert line_of(figure, 0, "SAC (repaired)").get_color() == BLUE
    # SAC, PPO, random strategy, w/o SC, gradient learn; the optima do not.
    assert len(figure.axes[0].collections) == 5
    # 86.96 / 83.90 - 1 of the made-up numbers at K = 6, in per cent.
    assert line_of(figure, 1, "SAC (repaired)").get_ydata()[2] == pytest.approx(100 * (86.96 / 83.90 - 1))


def test_without_the_optimum_there_is_no_gap_to_draw():
    first = structs.replace(FIG4, schemes=("sac-tuned", "without-sc"))
    for place in range(len(first.points)):
        for name in first.schemes:
            first = at_point(first, place, lambda point, name=name: remeasured(point, name, gap_to_optimum=None))
    assert len(draw(swept([first])).figure.axes) == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_spots_lie_on_the_marks_and_say_their_numbers(tmp_path, narrow):
    chart = draw(RESULTS, narrow=narrow)
    save_svg(chart.figure, tmp_path / "fig.svg")
    svg = (tmp_path / "fig.svg").read_text("utf-8")
    # Two panels of 7 schemes and 5 points; one diverged and one was not computed.
    spots = chart.spots()
    assert len(spots) == 2 * (7 * 5 - 2)
    marks = {(float(x), float(y)) for x, y in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', svg)}
    for spot in spots:
        assert min(math.hypot(spot.x - x, spot.y - y) for x, y in marks) < 0.01
    words = next(spot.words for spot in spots if spot.words[:2] == ("SAC (repaired)", "number of UDs K: 6"))
    # 1.5 % below and 1.8 % above 13.90; 2 % and 2.4 % about 86.96; 10 % and 12 % about 3.647.
    numbers = ("13.90 (13.69 to 14.15)", "87.0 (85.2 to 89.0)", "3.6 (3.3 to 4.1)", "0.4", "6,400")
    for number, line in zip(numbers, words[2:], strict=True):
        assert number in line


def test_a_new_figure_of_sweeps_is_one_entry(monkeypatch):
    energy = Panel("Mean energy of a slot [J]", lambda item: Estimate(item.energy_j))
    new = dataclasses.replace(
        LATENCY,
        name=lambda sweep: f"energy_{sweep.slug}",
        draw=lambda sweep, results, look, narrow: draw_panels(sweep, results, look, narrow, [energy]),
    )
    monkeypatch.setattr(figures, "SWEEP_FIGURES", (*figures.SWEEP_FIGURES, new))
    drawn = {figure.name(sweep): figure.plan(sweep, RESULTS, styles(RESULTS.schemes))
             for figure, sweep in sweep_figures(RESULTS.sweeps) if figure is new}  # fmt: skip
    assert set(drawn) == {f"energy_{sweep.slug}" for sweep in sweeps()}
    (axes,) = drawn["energy_fig4"].draw(False).figure.axes
    assert axes.get_title(loc="left") == "Mean energy of a slot [J]"


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


def test_panels_share_the_axis_s_limits_whatever_has_values():
    few = structs.replace(FIG4, points=tuple(
        structs.replace(point, evaluation=structs.replace(point.evaluation, allocators={
            name: structs.replace(item, gap_to_optimum=None) if place else item
            for name, item in point.evaluation.allocators.items()
        }))
        for place, point in enumerate(FIG4.points)
    ))  # fmt: skip
    latency, gap = LATENCY.draw(few, RESULTS, styles(RESULTS.schemes), False).figure.axes
    assert gap.get_xlim() == latency.get_xlim()
    x = [point.x for point in FIG4.points]
    assert latency.get_xlim()[0] < x[0] < x[-1] < latency.get_xlim()[1]


def test_the_caption_says_how_many_seeds_are_behind_the_bands():
    def said(sweep: Sweep) -> str:
        caption = LATENCY.caption(sweep, RESULTS).replace("\xa0", " ")
        return caption[caption.index("Bands: ") : caption.index(" Each learner")]

    assert said(FIG4) == "Bands: 95 % intervals over 4 training seeds."
    learners = [name for name in FIG4.schemes if FIG4.points[1].measured(name).unit == TRAINING_SEED]

    def with_seeds(point: Point, names: Iterable[str]) -> Point:
        for name in names:
            point = remeasured(point, name, unit_count=5)
        return point

    one = at_point(FIG4, 1, lambda point: with_seeds(point, learners))
    assert said(one) == f"Bands: 95 % intervals over 5 training seeds at {FIG4.points[1].label}, 4 elsewhere."
    some = at_point(FIG4, 1, lambda point: with_seeds(point, learners[:1]))
    assert said(some) == "Bands: 95 % intervals over 4 and 5 training seeds."
