"""Learning curves: bands over seeds, and the choices the chart makes by itself."""

import numpy as np
import pytest
from tests.experiments.made_up import compared

from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.figures.convergence import convergence_plan, seed_band, zoom_limits
from twinsync.experiments.figures.style import look, styles
from twinsync.experiments.results import Curve


def test_a_band_is_the_mean_over_the_seeds_that_were_measured():
    # Place 0: 1, 2, 6 have mean 3 and standard error sqrt(7/3) = 1.5275; t with 2 degrees of freedom is 4.3027.
    # Place 1: one seed lost, 4 and 8 have mean 6, standard error 2; t with 1 degree of freedom is 12.706. Place 2: all
    # lost.
    values = np.array([[1.0, 4.0, np.nan], [2.0, np.nan, np.nan], [6.0, 8.0, np.inf]])
    band = seed_band(values)
    np.testing.assert_allclose(band.mean, [3.0, 6.0, np.nan])
    half = np.array([4.3027 * 1.5275, 12.706 * 2.0])
    np.testing.assert_allclose(band.low[:2], band.mean[:2] - half, rtol=1e-3)
    np.testing.assert_allclose(band.high[:2], band.mean[:2] + half, rtol=1e-3)
    assert np.isnan(band.low[2])


def test_one_seed_has_no_band():
    band = seed_band(np.array([[5.0, 7.0]]))
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


def test_labels_meet_their_lines_and_say_where_a_longer_curve_ends():
    results = compared(diverge=False).with_curves(printed=False)
    curves = comparison_of(results).curves
    # 100 at slot 0 and 60 at slot 40,000: 80 where the frame ends, at 20,000.
    costs = np.linspace(100.0, 60.0, 5)[None]
    curves["ppo"] = Curve(
        "ppo", (0,), np.arange(0, 50_000, 10_000), cost=costs, latency_s=costs, training_reward=-costs
    )
    with look():
        figure = convergence_plan("fig3", results, styles(results.schemes)).draw(False).figure
    zoom = figure.axes[1]
    (named,) = [text for text in zoom.texts if "PPO" in text.get_text()]
    assert named.get_text() == "PPO at 40,000  −60.0"
    assert named.xy == (20_000.0, -80.0)
    # What ends below the frame is named beside it, where it hides no curve.
    below = [text for text in zoom.texts if text.get_text().startswith("↓")]
    assert below
    assert all(text.get_position()[0] > 1.0 for text in below)


def test_ticks_say_where_they_stand():
    results = compared(diverge=False).with_curves(printed=False)
    with look():
        zoom = convergence_plan("fig3", results, styles(results.schemes)).draw(False).figure.axes[1]
        ticks = zoom.get_yticks()
        labels = [zoom.yaxis.get_major_formatter()(tick).replace("−", "-") for tick in ticks]
    np.testing.assert_allclose([float(label) for label in labels], ticks)
