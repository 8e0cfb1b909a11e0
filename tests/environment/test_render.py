import dataclasses
import gc

import equinox as eqx
import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from twinsync.environment.gym import DTSyncEnv
from twinsync.environment.render import BAD, PARTS, _apart, picture, table

EASY = ["cycle_s=300"]  # a deadline of 9 s


def painted(picture, colour):
    """Number of pixels of exactly this colour in the right half, below the legend."""
    bars = picture[100:, 640:]
    return int((bars == np.round(255 * np.array(to_rgb(colour)))).all(-1).sum())


def play(mode, steps, **options):
    env = DTSyncEnv(render_mode=mode, **options)
    env.reset(seed=1)
    env.action_space.seed(1)
    info = {}
    for _ in range(steps):
        info = env.step(env.action_space.sample())[4]
    return env, info


def test_a_picture_is_an_image_that_changes_from_slot_to_slot():
    env, _ = play("rgb_array", 0)
    before = env.render()
    assert (before.shape, before.dtype) == ((640, 1280, 3), np.uint8)
    env.step(np.zeros(24))
    after = env.render()
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, env.render())


def test_bars_are_as_long_as_the_latencies_they_stand_for():
    env, info = play("rgb_array", 1, overrides=EASY)
    picture = env.render()
    areas = np.array([painted(picture, colour) for _, colour in PARTS], float)
    seconds = np.array([info[f"{part}_latency_s"].sum() for part, _ in PARTS])
    # Letters and the deadline's line cover a little of them.
    np.testing.assert_allclose(areas / areas.sum(), seconds / seconds.sum(), atol=0.02)


def test_bars_of_pictures_shown_together_share_a_scale():
    env, _ = play("rgb_array", 1, overrides=EASY)
    frame = env._frame
    assert frame is not None
    own = painted(picture(frame), PARTS[0][1])
    halved = painted(
        picture(dataclasses.replace(frame, reach_s=2 * 1.6 * float(env.mdp.scenario.deadline_s))), PARTS[0][1]
    )
    # The bars' axis extends to 1.6 deadlines, or to the longest bar if that is longer.
    assert halved == pytest.approx(0.5 * own, rel=0.1)


def test_words_beside_bars_end_within_the_picture():
    env, info = play("rgb_array", 3)
    assert info["violations"]["deadline_s"].any()
    assert (env.render()[:, 1270:] == 255).all()


def test_what_is_over_budget_by_rounding_is_not_shown():
    env, _ = play("ansi", 1)
    frame = env._frame
    assert frame is not None
    for over_j, shown in ((0.004, False), (0.006, True)):
        violations = frame.outcome.violations
        some = eqx.tree_at(lambda parts: parts.energy_j, violations, np.full(6, over_j))
        text = table(dataclasses.replace(frame, outcome=eqx.tree_at(lambda o: o.violations, frame.outcome, some)))
        assert ("0.01 J over" in text) == shown
        assert f"{6 * shown} of 6 UDs above" in text
        assert "0.00 J over" not in text


def test_only_uds_that_miss_are_marked():
    env, _ = play("rgb_array", 0, overrides=EASY)
    info = env.step(np.zeros(24))[4]
    assert not info["violations"]["deadline_s"].any()
    assert not info["violations"]["energy_j"].any()
    assert not (env.render() == np.round(255 * np.array(to_rgb(BAD)))).all(-1).any()
    env, info = play("rgb_array", 3)
    assert info["violations"]["deadline_s"].any()
    picture = env.render()
    marks = (picture == np.round(255 * np.array(to_rgb(BAD)))).all(-1)
    assert marks[:, :640].sum() > 500  # on the map
    assert marks[:, 640:].sum() > 100  # beside the bars


@pytest.mark.parametrize(
    "options",
    [
        {"scenario": "literal", "overrides": ["device_count=1"], "extraction": "none"},
        {"overrides": ["device_count=20"]},
        {"overrides": ["start_x_m=0", "start_radius_m=0", "speed_mean_m_s=0", "speed_std_m_s=0"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["rgb_array", "ansi"])
def test_unusual_scenarios_render_too(mode, options):
    env, _ = play(mode, 2, **options)
    assert len(env.render()) > 100


def test_no_figure_outlives_its_picture():
    before = _figures()  # another test may have left its own
    env, _ = play("rgb_array", 1)
    for _ in range(3):
        env.render()
    assert _figures() <= before


def _figures() -> int:
    gc.collect()
    return sum(type(thing) is Figure for thing in gc.get_objects())


def test_the_table_says_what_info_says():
    env, info = play("ansi", 2)
    head, _, columns, *rows = env.render().splitlines()
    late = int((info["violations"]["deadline_s"] > 0).sum())
    assert head.startswith("Slot 2/25")
    assert f"T[2] = {info['total_latency_s']:.2f} s" in head
    assert f"cost = {info['cost']:.1f}" in head
    assert f"{late} of 6 UDs miss the deadline" in head
    assert columns.split()[0] == "UD"
    assert len(rows) == 6
    for k, row in enumerate(rows):
        cells = row.split()
        assert int(cells[0]) == k + 1
        assert float(cells[1]) == pytest.approx(info["distance_m"][k], abs=0.05)
        assert float(cells[3]) == pytest.approx(info["extraction_factor"][k], abs=0.005)
        assert float(cells[10]) == pytest.approx(info["sync_latency_s"][k], abs=0.005)
        assert float(cells[11]) == pytest.approx(info["energy_j"][k], abs=0.005)
        assert ("late" in row) == (info["violations"]["deadline_s"][k] > 0 and not info["outage"][k])
        assert ("outage" in row) == info["outage"][k]
        assert ("J over" in row) == (round(float(info["violations"]["energy_j"][k]), 2) > 0)


def test_before_a_decision_the_table_shows_what_there_is_to_decide():
    env, _ = play("ansi", 0)
    head, _, _, *rows = env.render().splitlines()
    assert "Slot 1/25" in head
    assert "nothing decided yet" in head
    data_mbit = [float(row.split()[2]) for row in rows]
    info = env.step(np.zeros(24))[4]
    np.testing.assert_allclose(data_mbit, info["data_bits"] / 1e6, atol=5e-4)


def test_without_a_mode_nothing_is_drawn_and_before_a_reset_nothing_can_be():
    env = DTSyncEnv()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
    with pytest.raises(gymnasium.error.ResetNeeded):
        DTSyncEnv(render_mode="ansi").render()


@given(arrays.arrays(float, st.tuples(st.integers(1, 8), st.just(2)), elements=st.sampled_from([0.0, 0.1, 1.0, 30.0])))
def test_tags_on_the_map_do_not_hide_one_another(points):
    moved = _apart(points, 1.0)
    offset = moved[:, None] - moved
    distance = np.hypot(offset[..., 0], offset[..., 1]) + 10 * np.eye(len(points))
    assert distance.min() > 0.9
