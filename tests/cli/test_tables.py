"""Tables say what they were given, in full, whatever the names look like."""

import io
import math
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console, RenderableType
from tests.experiments import made_up

from twinsync.cli.tables import (
    SECTIONS,
    SLOTS_SHOWN,
    TAG_STYLES,
    constants_tables,
    evaluation_tables,
    solution_table,
)
from twinsync.experiments.columns import COLUMNS
from twinsync.experiments.constants import describe_constants
from twinsync.experiments.records import Estimate, Evaluation
from twinsync.presets import TAGS, load_preset
from twinsync.scenario import constants
from twinsync.storage import plain


def printed(renderable: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def packed(line: str) -> str:
    return " ".join(line.split())


def line_with(lines: list[str], text: str) -> str:
    found = [line for line in lines if text in line]
    assert found, f"{text!r} is in no line"
    return found[0]


@pytest.fixture
def evaluation() -> Evaluation:
    interval = Estimate(90.0, 89.0, 91.0, 89.5, 95.0)
    rates = dict.fromkeys(("deadline_miss_rate", "energy_violation_rate", "outage_rate", "extraction_factor"), 0.25)
    mine = made_up.measured(45.0, 90.0, cost=interval, gap_to_optimum=None, gap_to_expected=None, **rates)
    best = made_up.measured(40.0, 80.0, gap_to_optimum=Estimate(0.0123), gap_to_expected=Estimate(0.0456), **rates)
    unknown = {"training_slots": math.nan, "training_seeds": math.nan}
    named = {
        name: structs.replace(item, **unknown) for name, item in {"[red]mine[/red]": mine, "nearest": best}.items()
    }
    return made_up.evaluation(named, notes=["a [note] to read"], slots=40, seeds=3)


def test_an_evaluation_ranks_by_cost_and_shows_every_column(evaluation: Evaluation) -> None:
    lines = printed(evaluation_tables(plain(evaluation)))
    assert "3 sets of 40 slots" in lines[0]
    headings = packed(" ".join(lines))
    for column in COLUMNS:
        words = column.heading.split()
        assert column.key.startswith("training") or all(word in headings for word in words), column.key
    best, mine = line_with(lines, "nearest"), line_with(lines, "[red]mine[/red]")
    assert lines.index(best) < lines.index(mine)
    assert "1.230" in best
    assert "4.560" in best
    assert "90.00 [89.00, 91.00]" in packed(mine)
    assert packed(mine).endswith(" - -")
    assert line_with(lines, "[red]mine[/red] against each other allocator")
    assert lines[-1] == "* a [note] to read"


def test_one_allocator_has_nothing_to_be_paired_with() -> None:
    alone = made_up.evaluation({"nearest": made_up.measured(40.0, 80.0)})
    assert not any("against" in line for line in printed(evaluation_tables(plain(alone))))


def test_an_interval_that_does_not_exist_is_left_out() -> None:
    alone = made_up.evaluation({"nearest": made_up.measured(40.0, 80.0, cost=Estimate(80.0))})
    assert "80.00 [" not in packed(line_with(printed(evaluation_tables(plain(alone))), "nearest"))


def solved(count: int, distance: float | None = 50.0) -> list[dict[str, Any]]:
    allocation = {"extraction_factor": 0.5, "device_cpu_hz": 8e8, "transmit_power_w": 0.1, "edge_cpu_hz": 2e9}
    return [
        {
            "data_bits": [6e5, 7e5],
            "distance_m": [distance, 51.0],
            "channel_gain": [1e-8, 2e-8],
            "allocation": {key: [value, value] for key, value in allocation.items()},
            "latency_s": 4.0 + index,
            "cost": 10.0 + index,
            "lower_bound": (10.0 + index) * (1 - 1e-6),
        }
        for index in range(count)
    ]


def test_few_slots_are_all_shown_with_their_certificate() -> None:
    lines = printed(solution_table(solved(3), 2))
    assert line_with(lines, "12").split() == ["2", "6", "12", "12", "0.5", "0.8", "0.1", "2"]
    assert line_with(lines, "3 slots of 2 devices").endswith("mean latency T 5 s, cost T + P 11")
    assert "1.0e-06" in lines[-1]


def test_many_slots_are_cut_and_say_so() -> None:
    lines = printed(solution_table(solved(SLOTS_SHOWN + 7), 2))
    assert line_with(lines, "7 more")
    assert not any(line.startswith(f"{SLOTS_SHOWN} ") for line in lines)


def test_a_single_slot_shows_its_devices() -> None:
    lines = printed(solution_table(solved(1, distance=None), 2))
    assert line_with(lines, "0.6").split() == ["0", "0.6", "-", "1e-08", "0.5", "0.8", "0.1", "2"]
    assert line_with(lines, "0.7").split() == ["1", "0.7", "51", "2e-08", "0.5", "0.8", "0.1", "2"]


def test_constants_show_key_value_tag_bound_and_source_by_section() -> None:
    preset = load_preset("paper", ["bandwidth_hz=1 MHz"])
    lines = printed(constants_tables(preset.name, preset.description, describe_constants(preset)))
    for key in constants():
        assert line_with(lines, key)
    for title, _ in SECTIONS:
        assert line_with(lines, title)
    assert packed(line_with(lines, "bandwidth_hz")) == "bandwidth_hz B 1 MHz user (0, 1e+12] Hz --set"
    assert '"Gauss-Markov [26]"' in line_with(lines, "speed_memory")


def test_sections_start_at_keys_in_order_and_every_tag_has_a_colour() -> None:
    starts = [list(constants()).index(key) for _, key in SECTIONS]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert set(TAG_STYLES) == set(TAGS)
