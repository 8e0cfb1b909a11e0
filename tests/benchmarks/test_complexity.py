"""The page on complexity: exponents are those of the laws they are fitted to, and the page shows what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import pytest
from benchmarks.complexity import Deciding, Point, exponent, exponents, layer_products, page

from benchmarks import complexity
from twinsync.allocators.networks import Network


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_an_exponent_is_that_of_the_law(power: float) -> None:
    x = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert exponent(x, [3.0 * value**power for value in x]) == pytest.approx(power)
    # What does not grow weighs on the lower half, which is left out.
    assert exponent(x, [value**power if value > 2 else 7.0 for value in x]) == pytest.approx(power)


def test_products_are_those_of_the_layers() -> None:
    network = Network(jax.random.key(0), "flat", devices=3, features=2, outputs=4, hidden=(5, 7))
    assert layer_products(network) == 6 * 5 + 5 * 7 + 7 * 12


def test_the_page_shows_what_was_measured() -> None:
    updates = [
        Point(axis, value, 1000 * value, 5e6 * value, 1e-3 * value)
        for axis in ("width", "depth", "batch", "devices")
        for value in (1, 2, 4)
    ]
    steps = [{"steps": count, "seconds": 0.01 * count**0.9} for count in (100, 200, 400)]
    found = exponents(updates, steps)
    assert {round(value, 6) for name, value in found.items() if name != "time_over_steps"} == {1.0}
    made = {"command": "a command", "started": "2026-01-01T00:00", "machine": "a machine", "versions": {"jax": "1"}}
    ways = [Deciding("optimum", count, 1e-3 * count) for count in (1, 10)]
    text = page({"exponents": found, "made": made}, updates, ways)
    assert "| steps | slots, one update each | | 0.90 |" in text
    assert "| depth | 4 | 4,000 | 20.0 million | 4.00 ms |" in text
    assert "| optimum | 1 ms | 10 ms | 1.00 |" in text


def test_the_record_in_the_package_is_that_of_the_page() -> None:
    record = json.loads(complexity.RECORD.read_text("utf-8"))
    assert record["made"]["command"] == "python -m benchmarks.complexity"
    shown = (Path(__file__).parents[2] / "docs" / "complexity.md").read_text("utf-8")
    updates = [Point(**each) for each in record["updates"]]
    assert page(record, updates, [Deciding(**each) for each in record["deciding"]]) == shown
