"""The comparison's figures: the limits they draw."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.experiments.made_up import compared

from twinsync.experiments.figures.comparison import deadline_total_s, draw_comparison, energy_budget_total_j
from twinsync.experiments.figures.style import styles


def test_limits_are_those_of_all_devices_together():
    # 6 UDs x 0.75 x 30 s / 25 = 5.4 s, and 1.575 s of sensing; 6 UDs x 0.5 J.
    assert deadline_total_s(compared()) == pytest.approx(6.975)
    assert energy_budget_total_j(compared()) == pytest.approx(3.0)


@pytest.mark.parametrize(("group", "marks"), [("paper", ["as printed", "others", "optimum"]), ("fixed", ["optimum"])])
def test_hollow_marks_are_explained_where_there_are_any(group, marks):
    results = compared()
    groups = {name: structs.replace(scheme, group=group) if scheme.group == "paper" else scheme
              for name, scheme in results.schemes.items()}  # fmt: skip
    results = replace(results, manifest=structs.replace(results.manifest, schemes=tuple(groups.values())))
    (legend,) = draw_comparison(results, styles(results.schemes), narrow=False).figure.legends
    assert [text.get_text() for text in legend.get_texts()] == marks
