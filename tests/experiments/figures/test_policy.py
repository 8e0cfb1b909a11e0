"""What policies decide: panels of one decision hold all that is drawn in either."""

import pytest
from msgspec import structs
from tests.experiments.made_up import compared, policy_picture

from twinsync.experiments.figures.policy import DECISIONS, draw_policy
from twinsync.experiments.figures.style import look, styles


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("axis", ["distance_m", "data_bits"])
def test_no_line_is_cut_off_at_the_top(narrow, axis):
    results, picture = compared(), policy_picture()
    # One axis' lines reach three times as high as the other's.
    lines = [
        structs.replace(line, **{
            part: {name: tuple(3.0 * value for value in values) for name, values in getattr(line, part).items()}
            for part in ("median", "low", "high")
        }) if line.axis == axis else line
        for line in picture.lines
    ]  # fmt: skip
    picture = structs.replace(picture, lines=tuple(lines))
    with look():
        figure = draw_policy(picture, results.schemes, styles(results.schemes), narrow=narrow).figure
    assert len(figure.axes) == 2 * len(DECISIONS)
    for axes in figure.axes:
        assert axes.get_ylim()[1] > max(max(line.get_ydata()) for line in axes.get_lines())
