"""Hulls of a workload law: nowhere above it, and equal to it where it is convex and at the ends of a range."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.ranges_of_phi import hulled, is_convex
from twinsync.model.semantics import log_work
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

CONVEX = [[0.02, 3.0, 0.5], [0.1, 1.0, 0.5], [1.0, 1.0, 0.8]]
BENT = [[0.01, 6.0, 1.0], [0.05, 8.0, 1.2], [0.2, 12.0, 1.8], [0.4, 2.0, 1.3], [1.0, 1.0, 1.0]]


def _law(rows: list[list[float]]) -> Scenario:
    return load_scenario("paper", ["workload_law=piecewise", f"workload_knots={rows}"])


def _works(scenario: Scenario, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """ln work of the law and of its hull over a range of phi, [2, points]."""
    with jax.enable_x64(True):
        place = jnp.linspace(np.log(low), np.log(high), 2001)
        hull = hulled(scenario, np.full((1, 1), low), np.full((1, 1), high))
        return np.stack(log_work(place, scenario)), np.stack(log_work(place[None], hull))[:, 0]


@pytest.mark.parametrize(
    ("rows", "convex"), [(CONVEX, True), (BENT, False), ([[0.1, 2.0, 1.0], [1.0, 1.0, 1.0]], True)]
)
def test_convexity_is_of_both_works(rows: list[list[float]], convex: bool) -> None:
    assert is_convex(_law(rows)) is convex


# The last seven end near a knot, whose rounded corner reaches into the range.
@pytest.mark.parametrize(("low", "high"), [
    (0.01, 1.0), (0.02, 0.2), (0.05, 0.2), (0.2, 1.0), (0.21, 0.23), (0.3, 1.0),
    (0.41, 1.0), (0.405, 1.0), (0.39, 1.0), (0.05, 0.39), (0.01, 0.41), (0.041, 0.21), (0.39, 0.41),
])  # fmt: skip
def test_the_hull_is_nowhere_above_the_law_and_convex(low: float, high: float) -> None:
    law, hull = _works(_law(BENT), low, high)
    assert (hull <= law + 1e-12).all()
    assert (np.diff(hull, 2) >= -1e-12).all()


def test_the_hull_is_the_law_where_the_law_is_convex() -> None:
    for low, high in ((0.1, 1.0), (0.02, 0.5)):
        law, hull = _works(_law(CONVEX), low, high)
        np.testing.assert_allclose(hull, law, atol=1e-9)


def test_each_device_has_its_own_range() -> None:
    law = _law(BENT)
    low, high = np.array([[0.01, 0.3]]), np.array([[0.2, 1.0]])
    both = hulled(law, low, high)
    place = jnp.log(jnp.array([[0.1, 0.5]]))
    with jax.enable_x64(True):
        together = np.stack(log_work(place, both))
        for k in range(2):
            alone = np.stack(log_work(place[:, k : k + 1], hulled(law, low[:, k : k + 1], high[:, k : k + 1])))
            np.testing.assert_allclose(together[:, :, k], alone[:, :, 0])
