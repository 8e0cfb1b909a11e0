"""Sweeps as data: what is wrong in one is named before anything is computed."""

import dataclasses

import pytest

from twinsync.errors import InputError
from twinsync.experiments.records import Axis
from twinsync.experiments.sweep import SweepPlan, check_sweep, places, scenario_at, split, thinned
from twinsync.experiments.sweep_files import shipped_sweep

SWEEP = SweepPlan(
    "mine", "Mine", "paper", (), (Axis(("bandwidth_hz",), "B", "MHz", (("0.1 MHz",), ("0.2 MHz",))),), ("optimum",)
)


def changed(**changes) -> SweepPlan:
    return dataclasses.replace(SWEEP, **changes)


def axis(*values, keys=("bandwidth_hz",)) -> tuple[Axis, ...]:
    return (Axis(keys, "", "", tuple(value if isinstance(value, tuple) else (value,) for value in values)),)


@pytest.mark.parametrize(
    ("sweep", "told"),
    [
        (changed(axes=()), "sweep 'mine': no axis"),
        (changed(axes=axis()), "sweep 'mine': axis bandwidth_hz has no values"),
        (
            changed(axes=axis("1e5", "-3", "1e6")),
            r"sweep 'mine': at bandwidth_hz=-3: bandwidth_hz = -3 Hz is outside",
        ),
        (changed(axes=axis("1e5", "2 GB")), "at bandwidth_hz=2 GB|bandwidth_hz: wrong unit in '2 GB'"),
        (changed(axes=axis("1e5", "1e5")), "axis bandwidth_hz: value 1e5 is given twice"),
        (changed(schemes=("optimum", "optimum")), "scheme optimum is given twice"),
        (changed(schemes=()), "no schemes"),
        (
            changed(axes=axis("1", keys=("bandwith_hz",))),
            "'bandwith_hz' is not a constant; did you mean 'bandwidth_hz'",
        ),
        (changed(axes=axis("hinge", keys=("penalty",))), "axis key 'penalty' is not a number"),
        (changed(axes=(*axis("1e5"), *axis("2e5"))), "axis key bandwidth_hz is given twice"),
        (
            changed(axes=axis(("1e6", "2e6"), ("3e6", "2e6"), keys=("data_min_bits", "data_max_bits"))),
            r"at data_min_bits=3e6, data_max_bits=2e6: .*exceeds",
        ),
    ],
)
def test_what_is_wrong_is_named(sweep: SweepPlan, told: str):
    with pytest.raises(InputError, match=told):
        check_sweep(sweep)


def test_points_lie_in_the_axis_unit():
    assert [(point.x, point.label) for point in places(SWEEP)] == [(0.1, "0.1"), (0.2, "0.2")]
    sizes = Axis(("data_min_bits", "data_max_bits"), "", "Mbit", (("0.2 Mbit", "0.4 Mbit"),))
    (point,) = places(changed(axes=(sizes,)))
    assert (point.x, point.label) == (0.3, "0.2–0.4")
    assert scenario_at(SWEEP, places(SWEEP)[0]).bandwidth_hz == 1e5


def test_a_grid_is_a_figure_for_each_combination_of_the_later_axes():
    grid = changed(axes=(*SWEEP.axes, *axis("2", "3", keys=("device_count",))))
    parts = split(grid)
    assert [part.name for part in parts] == ["mine--device_count-2", "mine--device_count-3"]
    assert parts[1].overrides == ("device_count=3",)
    assert scenario_at(parts[1], places(parts[1])[0]).device_count == 3


def test_thin_keeps_the_ends_and_the_middle():
    kept = thinned(shipped_sweep("fig4")).axes[0].values
    assert kept == (("2",), ("6",), ("10",))
