"""A workload law that is not log-convex, made so: below it, range by range of the extraction factor.

The slot's program is convex only where the logarithm of the work is convex in s = ln(phi). A measured law need not be:
a codec may change its method at some phi. Over a range of phi its convex hull from below is log-convex and nowhere
above it, so the optimum and the bound of the hull's program are a point and a bound of the law's own, the nearer the
closer the law is to its hull there. Each UD has a range of phi. Where a slot's bound does not reach the cost of the
best point known, the range of the UD whose work the hull undercuts most is split in two, and the slot costs no less
than the lesser of the two bounds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from twinsync.arrays import Float
from twinsync.model.semantics import CORNER_WIDTH, log_work
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario

ROUNDS = 8  # of splitting, for each UD
MOST_OPEN = 32  # parts of a slot; one with more is left with the bound it has
APART = 1.02  # a range narrower than twice this factor is split in the middle
NEAR = 10 * CORNER_WIDTH  # from a knot, in ln(phi), within which the rounding of its corner counts
STRAIGHT = 1e-9  # change of slope that counts as none


class Solved(NamedTuple):
    """Allocation [b, K], its cost and T[n] as reported [b], and what no allocation costs less than [b]."""

    allocation: Allocation
    cost: Float[np.ndarray, " b"]
    latency_s: Float[np.ndarray, " b"]
    bound: Float[np.ndarray, " b"]


def is_convex(scenario: Scenario) -> bool:
    """Whether the logarithm of both works is convex in ln(phi)."""
    if scenario.workload_law != "piecewise":
        return True  # straight lines in log-log
    return all(change >= -STRAIGHT for column in (1, 2) for change in _bends(scenario, column))


def _logs(scenario: Scenario) -> Float[np.ndarray, "knots 3"]:
    return np.log(np.asarray(scenario.workload_knots, np.float64))


def _bends(scenario: Scenario, column: int) -> list[float]:
    """Change of slope of a work at each inner knot."""
    points = _logs(scenario)
    slopes = [(b[column] - a[column]) / (b[0] - a[0]) for a, b in itertools.pairwise(points)]
    return [after - before for before, after in itertools.pairwise(slopes)]


def _split(scenario: Scenario, low: float, high: float, phi: float) -> float:
    """Where to split a range of phi: where the law bends down most inside it, else at `phi` or in the middle."""
    places = np.exp(_logs(scenario)[1:-1, 0])
    bends = np.minimum(_bends(scenario, 1), _bends(scenario, 2))
    inside = (places > low * APART) & (places < high / APART) & (bends < 0)
    if inside.any():
        return float(places[inside][np.argmin(bends[inside])])
    return phi if low * APART < phi < high / APART else math.sqrt(low * high)


def search_ranges(scenario: Scenario, slots: Any, solve_nodes: Callable[[Any], Solved], relative_gap: float) -> Solved:
    """The best solution of each slot, by splitting ranges of phi.

    `slots` is a named tuple of arrays with a row per slot, with phi_low and phi_high; `solve_nodes` solves such rows
    under the hulls over their ranges.
    """
    size = len(slots.phi_low)
    owner, nodes = np.arange(size), slots  # whose slot each open node is part of
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
        nodes = _halves(scenario, _rows(nodes, going), phi)
        owner, bound = np.tile(owner[going], 2), np.tile(bound[going], 2)
        found = solve_nodes(nodes)
        bound = np.maximum(bound, found.bound)
    return best._replace(bound=np.minimum(best.bound, best.cost))


def _rows(arrays: Any, index: np.ndarray) -> Any:
    return type(arrays)(*(each[index] for each in arrays))


def _take_over(best: Solved, owner: np.ndarray, found: Solved) -> None:
    """Write the points that cost less than their slot's best into it."""
    for row in np.argsort(-found.cost):  # of several for one slot the cheapest is written last
        slot = owner[row]
        if found.cost[row] < best.cost[slot]:
            best.cost[slot], best.latency_s[slot] = found.cost[row], found.latency_s[row]
            for old, new in zip(jax.tree.leaves(best.allocation), jax.tree.leaves(found.allocation), strict=True):
                old[slot] = new[row]


def _halves(scenario: Scenario, nodes: Any, phi: Float[np.ndarray, "n K"]) -> Any:
    """Each node twice: the range of the UD whose work its hull undercuts most split in two, lower halves first."""
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
    """The scenario with the law's hull over each UD's range of phi: its knots are arrays [b, K].

    A range of no width keeps the law's value there.
    """
    count = len(scenario.workload_knots) + 4
    knots = np.empty((count, 3, *phi_low.shape))
    for low, high in {*zip(phi_low.ravel().tolist(), phi_high.ravel().tolist(), strict=True)}:
        here = (phi_low == low) & (phi_high == high)
        knots[:, :, here] = _hull(scenario, low, high, count)[:, :, None]
    # A scenario's numbers are scalars; only here, inside the solver, are some of them arrays.
    rows = tuple((row[0], row[1], row[2]) for row in knots)
    return eqx.tree_at(lambda tree: tree.workload_knots, scenario, rows)


def _hull(scenario: Scenario, low: float, high: float, count: int) -> Float[np.ndarray, "count 3"]:
    """`count` knots of the hulls from below of both works over [low, high], and a little beyond."""
    points = _logs(scenario)
    start, end = math.log(low), max(math.log(high), math.log(low) + 1e-3)
    inside = points[(points[:, 0] > start + 1e-6) & (points[:, 0] < end - 1e-6), 0]
    places = np.array([start, *inside, end])
    while len(places) < count - 2:  # collinear ones, so that all ranges have as many
        widest = int(np.argmax(np.diff(places)))
        places = np.insert(places, widest + 1, 0.5 * (places[widest] + places[widest + 1]))
    places = np.array([start - NEAR, *places, end + NEAR])
    with jax.enable_x64(True):
        rounded = np.stack(jax.device_get(log_work(jnp.asarray(places), scenario)))
    rows = [places]
    for column, values in zip((1, 2), rounded, strict=True):
        # The law's corners are rounded: up where it bends up, so that its straight lines stay below it; down where it
        # bends down.
        values = np.minimum(values, _straight(points[:, 0], points[:, column], places))
        hull = np.interp(places, *_from_below(places[1:-1], values[1:-1]))
        # A corner at an end of the range that bends up goes on beyond it, to be rounded as the law's is.
        for end_of, beside, beyond in ((1, 2, 0), (-2, -3, -1)):
            slope = (hull[beside] - hull[end_of]) / (places[beside] - places[end_of])
            hull[beyond] = max(values[beyond], hull[end_of] + slope * (places[beyond] - places[end_of]))
        rows.append(hull)
    return np.exp(np.stack(rows, axis=1))


def _straight(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Straight lines through points, the outer ones prolonged."""
    segment = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    slope = (y[segment + 1] - y[segment]) / (x[segment + 1] - x[segment])
    return y[segment] + slope * (at - x[segment])


def _from_below(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the greatest convex function below some points; x rises."""
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2:]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            kept.pop()
        kept.append(i)
    return x[kept], y[kept]
