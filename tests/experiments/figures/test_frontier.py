"""Frontiers: what is paid, per device or as a share of the signal, against latency."""

from dataclasses import replace

import pytest
from tests.experiments.made_up import both

from twinsync.experiments.constants import describe_constants
from twinsync.experiments.figures import sweep_figures
from twinsync.experiments.figures.style import look, styles
from twinsync.presets import load_preset

RESULTS = both()
FRONTIERS = {figure.name(sweep): (figure, sweep) for figure, sweep in sweep_figures(RESULTS.sweeps) if figure.title}


def row_of(name: str, place: str) -> list[object]:
    figure, sweep = FRONTIERS[name]
    return next(row for row in figure.rows(sweep, RESULTS) if row[:2] == [place, "optimum"])


def test_energy_is_paid_per_device():
    # 3.20 J of all six UDs at a budget of 0.5 J, and T = 13.79 s.
    assert row_of("frontier_energy", "0.5")[3:5] == pytest.approx([3.20 / 6, 13.79])


def test_accuracy_is_paid_in_the_share_of_the_signal_lost():
    # 2^(-16 * 0.45) at the optimum's phi.
    assert row_of("frontier_accuracy", "0.3")[3] == pytest.approx(2.0**-7.2)


def test_accuracy_is_paid_in_psnr_where_the_scenario_has_a_law():
    knots = "accuracy_knots=[[0.15, 30], [0.45, 40], [1, 60]]"
    preset = load_preset("measured", [knots])
    results = replace(RESULTS, scenario=tuple(describe_constants(preset)))
    figure, sweep = FRONTIERS["frontier_accuracy"]
    row = next(row for row in figure.rows(sweep, results) if row[:2] == ["0.3", "optimum"])
    assert row[3] == pytest.approx(40.0)  # at the optimum's phi, 0.45
    assert "The accuracy law is **yours** (--set)" in figure.caption(sweep, results)
    with look():
        chart = figure.draw(sweep, results, styles(results.schemes), False)
    assert chart.figure.axes[0].get_xlabel() == "PSNR of the recovered picture [dB]"
    assert chart.figure.axes[0].get_xscale() == "linear"
    assert any("PSNR 40.0\N{NO-BREAK SPACE}dB" in mark.words for mark in chart.marks)


def test_a_measured_law_says_what_it_was_measured_on():
    figure, sweep = FRONTIERS["frontier_accuracy"]
    results = replace(RESULTS, scenario=tuple(describe_constants(load_preset("measured"))))
    assert "The accuracy law is **measured** (twinsync codec calibrate on " in figure.caption(sweep, results)
    assert "33 frames of street" in figure.caption(sweep, results)
    assert "**assumed**" in figure.caption(sweep, replace(results, scenario=()))  # of a folder from before the law


def test_the_optimum_s_points_carry_the_sweep_s_labels():
    figure, sweep = FRONTIERS["frontier_energy"]
    with look():
        chart = figure.draw(sweep, RESULTS, styles(RESULTS.schemes), False)
    assert chart.figure.axes[0].texts[0].get_text() == "E = 0.3\N{NO-BREAK SPACE}J"
    assert len(chart.marks) == 5 * 6
    assert sum("J per UD and slot" in line for mark in chart.marks for line in mark.words) == 5 * 6
