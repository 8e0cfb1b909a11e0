"""Sweeps as data: what is wrong in one is named before anything is computed."""

import dataclasses
from pathlib import Path

import pytest

from twinsync.errors import InputError
from twinsync.experiments.budgets import BUDGETS
from twinsync.experiments.reproduce import plan, sweep_plan, sweep_schemes
from twinsync.experiments.sweeps.plan import Axis, Sweep, check_sweep, points, scenario_at, split, thinned
from twinsync.experiments.sweeps.toml import BEYOND, PAPER, read_sweep, shipped_sweep
from twinsync.learning.settings import SacSettings

QUICK = BUDGETS["quick"]
SWEEP = Sweep(
    "mine", "Mine", "paper", (), (Axis(("bandwidth_hz",), (("0.1 MHz",), ("0.2 MHz",)), "B", "MHz"),), ("optimum",)
)
GOOD = """
title = "Mine"
schemes = ["sac-tuned", "optimum"]
[[axes]]
key = "bandwidth_hz"
values = ["0.1 MHz", "0.2 MHz"]
"""


def changed(**changes) -> Sweep:
    return dataclasses.replace(SWEEP, **changes)


def axis(*values, keys=("bandwidth_hz",)) -> tuple[Axis, ...]:
    return (Axis(keys, tuple(value if isinstance(value, tuple) else (value,) for value in values)),)


@pytest.mark.parametrize(
    ("sweep", "told"),
    [
        (changed(axes=()), "sweep 'mine': no axis"),
        (changed(axes=axis()), "sweep 'mine': axis bandwidth_hz has no values"),
        (
            changed(axes=axis("1e5", "-3", "1e6")),
            r"sweep 'mine': at bandwidth_hz=-3: .*-3 Hz is outside",
        ),
        (changed(axes=axis("1e5", "2 GB")), "at bandwidth_hz=2 GB|bandwidth_hz: wrong unit in '2 GB'"),
        (changed(axes=axis("1e5", "1e5")), "axis bandwidth_hz: value 1e5 is given twice"),
        (changed(schemes=("optimum", "optimum")), "scheme optimum is given twice"),
        (changed(schemes=()), "no schemes"),
        (
            changed(axes=axis("1", keys=("bandwith_hz",))),
            "axis key 'bandwith_hz' is not a constant; did you mean 'bandwidth_hz'",
        ),
        (changed(axes=axis("hinge", keys=("penalty",))), "axis key 'penalty' is not a number"),
        (changed(axes=(*axis("1e5"), *axis("2e5"))), "axis key bandwidth_hz is given twice"),
        (
            changed(axes=axis(("1e6", "2e6"), ("3e6", "2e6"), keys=("data_min_bits", "data_max_bits"))),
            r"at data_min_bits=3e6, data_max_bits=2e6: .*exceeds",
        ),
    ],
)
def test_what_is_wrong_is_named(sweep: Sweep, told: str):
    with pytest.raises(InputError, match=told):
        check_sweep(sweep)


def test_points_lie_in_the_axis_unit():
    assert [(point.x, point.label) for point in points(SWEEP)] == [(0.1, "0.1"), (0.2, "0.2")]
    sizes = Axis(("data_min_bits", "data_max_bits"), (("0.2 Mbit", "0.4 Mbit"),), unit="Mbit")
    (point,) = points(changed(axes=(sizes,)))
    assert (point.x, point.label) == (0.3, "0.2 to 0.4")
    assert scenario_at(SWEEP, points(SWEEP)[0]).bandwidth_hz == 1e5


def test_a_grid_is_a_figure_for_each_combination_of_the_later_axes():
    grid = changed(axes=(*SWEEP.axes, *axis("2", "3", keys=("device_count",))))
    parts = split(grid)
    assert [part.name for part in parts] == ["mine--device_count-2", "mine--device_count-3"]
    assert parts[1].overrides == ("device_count=3",)
    assert scenario_at(parts[1], points(parts[1])[0]).device_count == 3


def test_thin_keeps_the_ends_and_the_middle():
    kept = thinned(shipped_sweep("fig4")).axes[0].values
    assert kept == (("2",), ("6",), ("10",))


def test_what_ships_can_be_computed_and_covers_the_paper():
    known = sweep_schemes(QUICK)
    for name in (*PAPER, *BEYOND):
        sweep = shipped_sweep(name)
        check_sweep(sweep)
        assert set(sweep.schemes) <= set(known)
        assert sweep.figure == (f"Fig. {name.removeprefix('fig')}" if name in PAPER else "")
    for name in PAPER:
        assert {"sac-tuned", "ppo-tuned", "gradient", "expected", "optimum"} <= set(shipped_sweep(name).schemes)


def test_fig_5_satisfies_19b_everywhere():
    sweep = shipped_sweep("fig5")
    for point in points(sweep):
        scenario = scenario_at(sweep, point)
        assert scenario.data_max_bits / scenario.sensing_rate_bps <= scenario.sensing_share * scenario.slot_s + 1e-12


def test_the_same_point_of_two_figures_is_one_result():
    whole = plan(BUDGETS["full"], ("3", "4", "6", "7"), "paper", (), 0)
    base = [cell for cell in whole.cells() if cell.scheme == "sac-tuned" and cell.scenario == whole.preset.scenario]
    assert len(base) == 4 * BUDGETS["full"].seeds
    assert len({cell.address for cell in base}) == BUDGETS["full"].seeds


def test_printed_trains_table_three_at_the_ends_with_the_comparison_s_seeds_at_the_preset():
    printed = BUDGETS["printed"]
    whole = plan(printed, ("3", "4", "7"), "paper", (), 0)
    fig4 = whole.sweeps[0]
    assert [point.label for point in points(fig4)] == ["2", "6", "10"]
    assert {"sac-paper", "ppo-paper", "random-strategy-paper", "without-sc-paper"} <= set(fig4.schemes)
    assert "sac-tuned" not in fig4.schemes  # repaired, it is in the comparison alone
    sac = [cell for cell in whole.cells() if cell.scheme == "sac-paper"]
    assert {cell.settings for cell in sac} == {SacSettings()}
    seeds = {}
    for cell in sac:
        place = (cell.scenario.device_count, cell.scenario.device_cpu_max_hz)
        seeds.setdefault(place, set()).add(cell.training_seed)
    # The preset is a point of both figures and has all seeds of the comparison.
    assert {place: len(numbers) for place, numbers in seeds.items()} == {
        (6, 1e9): printed.seeds, (2, 1e9): 2, (10, 1e9): 2, (6, 0.6e9): 2, (6, 1.4e9): 2,
    }  # fmt: skip


def test_other_budgets_leave_the_schemes_as_printed_to_the_record_unless_told():
    named = {cell.scheme for cell in plan(QUICK, ("3", "4"), "paper", (), 0).cells()}
    assert not any(name.endswith("-paper") for name in named)
    told = plan(dataclasses.replace(QUICK, printed=True), ("3", "4"), "paper", (), 0)
    (small,) = {cell.settings for cell in told.cells() if cell.scheme == "sac-paper"}
    assert (small.slots, small.hidden) == (QUICK.slots, (64, 64))
    (labelled,) = [scheme for scheme in told.compared if scheme.name == "sac-paper"]
    assert labelled.label == "SAC, as printed (8,192 slots, width 64)"


def test_a_file_is_read_with_its_own_learners_and_allocators(tmp_path: Path):
    file = tmp_path / "my-sweep.toml"
    file.write_text(
        GOOD.replace('"optimum"]', '"slow", "own.py:decide"]')
        + '[learners.slow]\nbase = "sac-tuned"\nlabel = "Slow"\nlearning = { learning_rate = 1e-4, hidden = [8, 8] }\n'
    )
    (tmp_path / "own.py").write_text("def decide(scenario, sight, key): ...")
    sweep, schemes = read_sweep(file, sweep_schemes(QUICK))
    assert (sweep.name, sweep.schemes[2]) == ("my-sweep", f"{tmp_path}/own.py:decide")
    settings = schemes["slow"].settings
    assert settings is not None
    assert (settings.learning_rate, settings.hidden, settings.slots) == (1e-4, (8, 8), QUICK.slots)
    assert sweep_plan(file, QUICK, 0).cells()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schemes = [", "not valid TOML"),
        (GOOD + "colour = 1", "axes.0.: unknown key 'colour'"),
        (GOOD + "lable = 'B'", "unknown key 'lable'; did you mean 'label'"),
        ("colour = 1" + GOOD, "unknown key 'colour'"),
        (GOOD.replace('key = "bandwidth_hz"', ""), "give either key or keys"),
        (GOOD.replace('["0.1 MHz", "0.2 MHz"]', "3"), "values must be a list"),
        (GOOD.replace('"0.1 MHz"', "true"), "value True is not a number"),
        (GOOD.replace('"0.1 MHz", "0.2 MHz"', ""), "axis bandwidth_hz has no values"),
        (GOOD.replace('"optimum"', '"optimal"'), "unknown allocator 'optimal'; did you mean 'optimum'"),
        (GOOD.replace('"optimum"', '"sac-tunned"'), "unknown scheme 'sac-tunned'; did you mean 'sac-tuned'"),
        (GOOD.replace('"optimum"', '"nowhere.py:f"'), "no such file"),
        ('name = "a/b"' + GOOD, "name 'a/b'"),
        ('scenario = "nowhere.toml"' + GOOD, "nowhere.toml"),
        (GOOD + '[learners.optimum]\nbase = "raw"', "'optimum' is a scheme already"),
        (GOOD + '[learners.x]\nbase = "raw"', "base 'raw' is none of the learned schemes"),
        (GOOD + '[learners.x]\nbase = "sac-tuned"\nlearning = { speed = 1 }', "unknown learning setting 'speed'"),
    ],
)
def test_a_bad_file_is_one_line(text: str, told: str, tmp_path: Path):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=told):
        sweep_plan(file, QUICK, 0)


def test_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"nothing\.toml: no such file"):
        sweep_plan(Path("nothing.toml"), QUICK, 0)
