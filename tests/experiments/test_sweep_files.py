"""Sweeps as files: those that ship with the package, and users' own."""

from pathlib import Path

import pytest

from twinsync.errors import InputError
from twinsync.experiments.plan import sweep_plan, sweep_schemes
from twinsync.experiments.schemes import BUDGETS
from twinsync.experiments.sweep import check_sweep, places, scenario_at
from twinsync.experiments.sweep_files import BEYOND, PAPER, read_sweep, shipped_sweep

QUICK = BUDGETS["quick"]


GOOD = """
title = "Mine"
schemes = ["sac-tuned", "optimum"]
[[axes]]
key = "bandwidth_hz"
values = ["0.1 MHz", "0.2 MHz"]
"""


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
    for point in places(sweep):
        scenario = scenario_at(sweep, point)
        assert scenario.data_max_bits / scenario.sensing_rate_bps <= scenario.sensing_share * scenario.slot_s + 1e-12


def test_a_file_is_read_with_its_own_learners_and_allocators(tmp_path: Path):
    file = tmp_path / "my-sweep.toml"
    file.write_text(
        GOOD.replace('"optimum"]', '"slow", "own.py:decide"]')
        + '[learners.slow]\nbase = "sac-tuned"\nlabel = "Slow"\nlearning = { learning_rate = 1e-4, hidden = [8, 8] }\n'
    )
    (tmp_path / "own.py").write_text("def decide(scenario, sight, key): ...")
    sweep, schemes = read_sweep(file, sweep_schemes(QUICK))
    assert (sweep.name, sweep.schemes[2]) == ("my-sweep", "own.py:decide")
    assert schemes["own.py:decide"].allocator == f"{tmp_path}/own.py:decide"
    settings = schemes["slow"].settings
    assert settings is not None
    assert (settings.learning_rate, settings.hidden, settings.slots) == (1e-4, (8, 8), QUICK.slots)
    assert sweep_plan(file, QUICK, 0).cells()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schemes = [", "not valid TOML"),
        (GOOD + "colour = 1", r"axes\[0\]: Object contains unknown field `colour`"),
        ("colour = 1" + GOOD, "unknown field `colour`"),
        (GOOD.replace('key = "bandwidth_hz"', ""), "give either key or keys"),
        (GOOD.replace('["0.1 MHz", "0.2 MHz"]', "3"), r"axes\[0\].values: Expected `array`"),
        (GOOD.replace('"0.1 MHz"', "true"), r"axes\[0\].values\[0\]: Expected `.*`, got `bool`"),
        (GOOD.replace('"0.1 MHz", "0.2 MHz"', ""), "axis bandwidth_hz has no values"),
        (GOOD.replace('"optimum"', '"optimal"'), "unknown allocator 'optimal'; did you mean 'optimum'"),
        (GOOD.replace('"optimum"', '"sac-tunned"'), "unknown scheme 'sac-tunned'; did you mean 'sac-tuned'"),
        (GOOD + "lable = 'B'", "unknown field `lable`; did you mean 'label'"),
        (GOOD.replace('"optimum"', '"nowhere.py:f"'), "no such file"),
        ('name = "a/b"' + GOOD, "name 'a/b'"),
        ('scenario = "nowhere.toml"' + GOOD, "nowhere.toml"),
        (GOOD + '[learners.optimum]\nbase = "raw"', "'optimum' is a scheme already"),
        (GOOD + '[learners.x]\nbase = "raw"', "base 'raw' is not one of the learned schemes"),
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
