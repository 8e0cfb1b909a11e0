"""Tables say what they were given, in full, whatever the names look like."""

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from twinsync.cli.tables import (
    SECTIONS,
    SLOTS_SHOWN,
    TAG_STYLES,
    constants_tables,
    evaluation_tables,
    solution_table,
)
from twinsync.experiments.constants import describe_constants
from twinsync.presets import TAGS, load_preset
from twinsync.scenario import constants


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


def estimate(mean: float) -> dict[str, float | None]:
    return {"mean": mean, "ci_low": mean - 1, "ci_high": mean + 1, "median": mean - 0.5, "p95": mean + 5}


def scheme(cost: float, gap: dict[str, float] | None = None) -> dict[str, Any]:
    return {
        "latency_s": estimate(cost / 2),
        "cost": estimate(cost),
        "gap_to_optimum": gap,
        "gap_to_expected": None if gap is None else {"mean": 0.0456},
        **dict.fromkeys(("deadline_miss_rate", "energy_violation_rate", "outage_rate", "extraction_factor"), 0.25),
        **dict.fromkeys(("energy_j", "age_of_information_s", "age_with_late_updates_s", "jain_index"), 0.75),
        "sent_bits": 5e5,
        "latency_parts_s": {"sensing": 1.0, "extraction": 2.0, "uplink": 3.0, "recovery": 4.0},
        "energy_parts_j": {"sensing": 0.1, "extraction": 0.2, "uplink": 0.3},
    }


@pytest.fixture
def summary() -> dict[str, Any]:
    against = {key: estimate(12.0) for key in ("latency_s", "cost", "latency_reduction_percent")}
    return {
        "slots": 40,
        "seeds": 3,
        "allocators": {"[red]mine[/red]": scheme(90.0), "best": scheme(80.0, {"mean": 0.0123})},
        "paired": {"[red]mine[/red]": {"best": against}, "best": {"[red]mine[/red]": against}},
        "notes": ["a [note] to read"],
    }


def test_an_evaluation_ranks_by_cost_and_shows_every_number(summary: dict[str, Any]) -> None:
    lines = printed(evaluation_tables(summary))
    assert "3 sets of 40 slots" in lines[0]
    assert "latency T [s]" in lines[1]
    best, mine = lines[2], lines[3]
    assert packed(best) == "best 40.00 [39.00, 41.00] 39.50 45.00 80.00 [79.00, 81.00] 1.23 % 4.56 %"
    assert packed(mine) == "[red]mine[/red] 45.00 [44.00, 46.00] 44.50 50.00 90.00 [89.00, 91.00] - -"
    assert packed(line_with(lines[4:], "best")) == "best 25.0 % 25.0 % 25.0 % 0.750 0.250 0.500 0.750 0.750 0.750"
    assert line_with(lines, "[red]mine[/red] against each other allocator")
    assert lines[-1] == "* a [note] to read"


def test_one_allocator_has_nothing_to_be_paired_with(summary: dict[str, Any]) -> None:
    alone = {**summary, "allocators": {"best": scheme(80.0)}, "paired": {"best": {}}}
    assert not any("against" in line for line in printed(evaluation_tables(alone)))


def test_an_interval_that_does_not_exist_is_left_out(summary: dict[str, Any]) -> None:
    summary["allocators"]["best"]["cost"] |= {"ci_low": None, "ci_high": None}
    assert "80.00 1.23 %" in packed(printed(evaluation_tables(summary))[2])


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
