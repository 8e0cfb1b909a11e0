"""The figure of what decides: a line per change, a dot per learner, and the numbers behind them."""

from tests.experiments.made_up_study import studies

from twinsync.experiments.figures.style import look
from twinsync.experiments.figures.variants import HEADER, variants_plan
from twinsync.experiments.variants import SAC, SETTINGS, TOWARDS


def test_every_change_is_named_and_has_its_data():
    rows = studies()[SETTINGS].rows
    plan = variants_plan(rows)
    with look():
        figure = plan.draw(False).figure
        figure.draw_without_rendering()
    towards, back = figure.axes
    assert [label.get_text() for label in towards.get_yticklabels()] == [
        "nothing changed", "discount = 1", "reward_scale = 1",
    ]  # fmt: skip
    assert [label.get_text() for label in back.get_yticklabels()] == ["nothing changed", "discount = 1"]
    assert len(plan.rows) == len(rows)
    row = dict(zip(HEADER, plan.rows[3], strict=True))
    assert (row["direction"], row["change"], row["setting"], row["role"]) == (
        TOWARDS, "discount", "discount = 1", SAC,
    )  # fmt: skip
    assert (row["seeds"], row["diverged"]) == (2, 0)
    assert (row["cost_mean"], row["cost_of_each_seed"]) == (115.0, "115.0 117.0")


def test_each_panel_has_an_axis_of_its_own_and_the_optimum():
    rows = studies()[SETTINGS].rows
    with look():
        without = variants_plan(rows).draw(False).figure
        figure = variants_plan(rows, 83.8).draw(True).figure
        figure.draw_without_rendering()
    towards, back = figure.axes
    assert towards.get_xlim()[1] > 150.0 > back.get_xlim()[1]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "optimum"
    assert len(towards.lines) == len(without.axes[0].lines) + 1
    assert towards.lines[0].get_xdata() == [83.8, 83.8]
