"""Workload laws that are not log-convex: spatial branch and bound over ranges of the extraction factor.

A slot's program is convex only if the logarithm of the work is convex in s = ln(phi). A measured law need not be: a
codec may change its method at some phi. Over a range of phi, the law's lower convex hull is log-convex and nowhere
above the law, so solving the program with the hull gives a point and a valid bound for the law itself; the closer the
hull is to the law, the tighter they are. Each UD has a range of phi. If a slot's bound does not reach the best known
cost, the range of the UD whose work the hull underestimates most is split in two, and the slot costs no less than the
lesser of the two bounds.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.branching import take_rows
from twinsync.arrays import Float
from twinsync.model.semantics import CORNER_WIDTH, log_work
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario

ROUNDS = 8  # rounds of splitting per UD
MOST_OPEN = 32  # open nodes per slot; a slot with more keeps its current bound
APART = 1.02  # least factor between a split and either end of the range; otherwise split in the middle
NEAR = 10 * CORNER_WIDTH  # distance from a knot, in ln(phi), within which the rounding of its corner matters
STRAIGHT = 1e-9  # largest change of slope that counts as none
SAME = 1e-6  # largest distance, in ln(phi), at which a knot counts as the end of a range


class Solved(NamedTuple):
    """Allocations [b, K], their cost T[n] + P and latency T[n] [b], and a lower bound on any allocation's cost [b]."""

    allocation: Allocation
    cost: Float[np.ndarray, " b"]
    latency_s: Float[np.ndarray, " b"]
    bound: Float[np.ndarray, " b"]


def is_convex(scenario: Scenario) -> bool:
    """Whether the logarithms of extraction and recovery work are both convex in ln(phi)."""
    if scenario.workload_law != "piecewise":
        return True  # straight lines in log-log
    return all(change >= -STRAIGHT for column in (1, 2) for change in _bends(scenario, column))


def _logs(scenario: Scenario) -> Float[np.ndarray, "knots 3"]:
    return np.log(np.asarray(scenario.workload_knots, np.float64))


def _bends(scenario: Scenario, column: int) -> list[float]:
    """Change of slope at each inner knot; column 1 is extraction work, 2 recovery work."""
    points = _logs(scenario)
    slopes = [(b[column] - a[column]) / (b[0] - a[0]) for a, b in itertools.pairwise(points)]
    return [after - before for before, after in itertools.pairwise(slopes)]


def _split(scenario: Scenario, low: float, high: float, phi: float) -> float:
    """Where to split a range of phi: at the inner knot that bends down most, else at `phi`, else in the middle."""
    places = np.exp(_logs(scenario)[1:-1, 0])
    bends = np.minimum(_bends(scenario, 1), _bends(scenario, 2))
    inside = (places > low * APART) & (places < high / APART) & (bends < 0)
    if inside.any():
        return float(places[inside][np.argmin(bends[inside])])
    return phi if low * APART < phi < high / APART else math.sqrt(low * high)


def search_ranges(scenario: Scenario, slots: Any, solve_nodes: Callable[[Any], Solved], relative_gap: float) -> Solved:
    """The best solution of each slot, by splitting ranges of phi until the gap is at most `relative_gap` of the cost.

    slots: a named tuple of arrays with one row per slot, among them phi_low and phi_high [b, K]. solve_nodes: solves
    such rows under the hulls over their ranges.
    """
    size = len(slots.phi_low)
    owner, nodes = np.arange(size), slots  # the slot that each open node belongs to
    found = solve_nodes(nodes)
    best = Solved(found.allocation, found.cost, found.latency_s, np.full(size, np.inf))
    bound = found.bound
    for left in reversed(range(ROUNDS * slots.phi_low.shape[1] + 1)):
        _take_over(best, owner, found)
        is_open = (best.cost[owner] - bound > relative_gap * np.abs(best.cost[owner])) & (left > 0)
        is_open &= (np.bincount(owner[is_open], minlength=size) <= MOST_OPEN)[owner]
        np.minimum.at(best.bound, owner[~is_open], bound[~is_open])
        if not is_open.any():
            break
        going = np.flatnonzero(is_open)
        phi = found.allocation.extraction_factor[going]
        nodes = _halves(scenario, take_rows(nodes, going), phi)
        owner, bound = np.tile(owner[going], 2), np.tile(bound[going], 2)
        found = solve_nodes(nodes)
        bound = np.maximum(bound, found.bound)
    return best._replace(bound=np.minimum(best.bound, best.cost))


def _take_over(best: Solved, owner: np.ndarray, found: Solved) -> None:
    """Write points that cost less than their slot's best into `best`, in place."""
    for row in np.argsort(-found.cost):  # of several points for one slot, the cheapest is written last
        slot = owner[row]
        if found.cost[row] < best.cost[slot]:
            best.cost[slot], best.latency_s[slot] = found.cost[row], found.latency_s[row]
            for old, new in zip(jax.tree.leaves(best.allocation), jax.tree.leaves(found.allocation), strict=True):
                old[slot] = new[row]


def _halves(scenario: Scenario, nodes: Any, phi: Float[np.ndarray, "n K"]) -> Any:
    """Each node split in two at the range of the UD whose work the hull underestimates most; lower halves first."""
    with jax.enable_x64(True):
        place = jnp.log(jnp.asarray(phi))
        true = log_work(place, scenario)
        hull = log_work(place, hulled(scenario, nodes.phi_low, nodes.phi_high))
        undercut = sum(np.asarray(a - b) for a, b in zip(true, hull, strict=True))
    row, device = np.arange(len(phi)), np.argmax(undercut, axis=-1)
    ends = (each[row, device] for each in (nodes.phi_low, nodes.phi_high, phi))
    splits = np.array([_split(scenario, *range_and_phi) for range_and_phi in zip(*ends, strict=True)])
    high, low = nodes.phi_high.copy(), nodes.phi_low.copy()
    high[row, device], low[row, device] = splits, splits
    lower, upper = nodes._replace(phi_high=high), nodes._replace(phi_low=low)
    return type(nodes)(*(np.concatenate(pair) for pair in zip(lower, upper, strict=True)))


def hulled(scenario: Scenario, phi_low: Float[np.ndarray, "b K"], phi_high: Float[np.ndarray, "b K"]) -> Scenario:
    """The scenario with the law's hull over each UD's range of phi; its knots are arrays [b, K].

    A range of zero width keeps the law's value there.
    """
    count = len(scenario.workload_knots) + 6
    knots = np.empty((count, 3, *phi_low.shape))
    for low, high in {*zip(phi_low.ravel().tolist(), phi_high.ravel().tolist(), strict=True)}:
        here = (phi_low == low) & (phi_high == high)
        knots[:, :, here] = _hull(scenario, low, high, count)[:, :, None]
    # `tree_at` skips validation: a scenario's numbers are scalars, and only this solver uses arrays.
    rows = tuple((row[0], row[1], row[2]) for row in knots)
    return eqx.tree_at(lambda tree: tree.workload_knots, scenario, rows)


def _hull(scenario: Scenario, low: float, high: float, count: int) -> Float[np.ndarray, "count 3"]:
    """`count` knots of the lower convex hulls of both works over [low, high], extended a little beyond."""
    return _hull_of(tuple(map(tuple, _logs(scenario).tolist())), low, high, count)


@functools.lru_cache(maxsize=4096)  # every solution begins with the same ranges
def _hull_of(law: tuple[tuple[float, ...], ...], low: float, high: float, count: int) -> Float[np.ndarray, "count 3"]:
    knots, *works = np.array(law).T
    start, end = math.log(low), max(math.log(high), math.log(low) + 1e-3)
    places = np.array([start, *knots[(knots > start + SAME) & (knots < end - SAME)], end])
    while len(places) < count - 4:  # collinear knots, so that all ranges have the same number
        widest = int(np.argmax(np.diff(places)))
        places = np.insert(places, widest + 1, 0.5 * (places[widest] + places[widest + 1]))
    beside = [(side, at, _corner_beside(knots, at, side)) for side, at in ((-1, start), (1, end))]
    left, right = (_beyond(knots, at, corner, side) for side, at, corner in beside)
    wide = np.array([*left, *places, *right])
    around = places[:, None] + np.linspace(-NEAR, NEAR, 641)
    checked = np.unique(np.clip([*np.linspace(start, end, 129), *around.ravel()], start, end))
    columns = [wide]
    for work in works:
        # The law's corners are rounded: upwards where it bends up, so its straight lines stay below it, and downwards
        # where it bends down.
        values = np.minimum(_rounded(knots, work, places), _straight(knots, work, places))
        hull = _straight(*_from_below(places, values), wide)
        for side, at, corner in beside:
            if corner is not None:
                hull = _raised(wide, hull, knots, work, corner, side, at)
        # Near a corner that bends down, the rounding of the hull's own corners may lie above the law.
        excess = float(np.max(_rounded(wide, hull, checked) - _rounded(knots, work, checked)))
        columns.append(hull - (1.05 * excess + 1e-7 if excess > 1e-9 else 0.0))
    return np.exp(np.stack(columns, axis=1))


def _raised(
    wide: np.ndarray, hull: np.ndarray, knots: np.ndarray, work: np.ndarray, corner: int, side: int, end: float
) -> np.ndarray:
    """A hull that has, beyond one end of its range, at least the law's slope there.

    corner: the law's knot at that end or beyond it whose rounding reaches into the range.
    """
    start = end if abs(knots[corner] - end) <= SAME else knots[corner]
    segment = corner - (side < 0)
    slope = (work[segment + 1] - work[segment]) / (knots[segment + 1] - knots[segment])
    law = _straight(wide, hull, np.array([start]))[0] + slope * (wide - start)
    return np.where(side * (wide - start) > 0, np.maximum(hull, law), hull)


def _corner_beside(knots: np.ndarray, at: float, side: int) -> int | None:
    """Index of the nearest inner knot at the end of a range or beyond it, whose rounding reaches into the range."""
    distance = side * (knots[1:-1] - at)
    reaching = np.flatnonzero((distance >= -SAME) & (distance < NEAR))
    return None if not len(reaching) else 1 + int(reaching[np.argmin(distance[reaching])])


def _beyond(knots: np.ndarray, at: float, corner: int | None, side: int) -> list[float]:
    """Two places beyond the end of a range, in rising order: the knot whose rounding reaches into it, and further."""
    first = at + side * NEAR / 2
    if corner is not None and abs(knots[corner] - at) > SAME:
        first = float(knots[corner])
    return sorted((first, first + side * NEAR))


def _rounded(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """`log_work` of a piecewise law with these knots."""
    bends = np.diff(np.diff(y) / np.diff(x))
    tails = CORNER_WIDTH * np.log1p(np.exp(-np.abs(at[:, None] - x[1:-1]) / CORNER_WIDTH))
    return _straight(x, y, at) + tails @ bends


def _straight(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation through points, extrapolated beyond the outer ones."""
    segment = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    slope = (y[segment + 1] - y[segment]) / (x[segment + 1] - x[segment])
    return y[segment] + slope * (at - x[segment])


def _from_below(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the lower convex hull of some points; x must increase."""
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2:]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            kept.pop()
        kept.append(i)
    return x[kept], y[kept]
