"""One look: schemes are told apart without their colours, and labels keep their distance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.made_up import compared, scheme, swept

from twinsync.experiments.figures.style import BLUE, spread, styles


def test_each_scheme_can_be_told_from_the_others_without_its_colour():
    results = compared()
    look = styles(results.schemes)
    assert len({(str(style.dash), style.marker, style.filled) for style in look.values()}) == len(results.schemes)
    assert look["sac-tuned"].colour == BLUE


def test_a_scheme_looks_the_same_whoever_is_beside_it():
    schemes = swept().schemes
    assert styles({"gradient": schemes["gradient"]})["gradient"] == styles(schemes)["gradient"]


def test_schemes_of_one_s_own_are_told_apart():
    own = {f"mine-{place}": scheme(f"mine-{place}", "mine", "heuristic") for place in range(12)}
    look = styles({**swept().schemes, **own})
    assert len({(str(style.dash), style.marker) for style in look.values()}) == len(look) == 22
    assert len({look[name].colour for name in own}) == 6


@given(st.lists(st.floats(-500.0, 0.0), min_size=1, max_size=12))
def test_labels_keep_their_order_their_distance_and_the_panel(wanted):
    places = spread(wanted, 10.0, -500.0, 0.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(places)[order]) >= 10.0 - 1e-9).all()
    assert min(places) >= -500.0 - 1e-9
    assert max(places) <= 1e-9


def test_labels_with_room_stay_where_they_belong():
    assert spread([-100.0, -20.0, -60.0], 10.0, -500.0, 0.0) == [-100.0, -20.0, -60.0]
