"""Branch and bound over which UDs to serve and which to give up at the latency cap.

At a given price mu of edge CPU the UDs are independent, so for any mu >= 0

    T + P >= -mu F + sum_k min(served_k(mu), given_up_k + mu f_min),

where F is the server's capacity. `optimum` and `expected` provide a point and a bound of this form, and the price alone
settles the choice for nearly all UDs. If the bound does not reach the cost, some UD costs about the same either way. It
is served in one branch and given up in the other, and the slot costs no less than the lesser of the two bounds. Only a
UD whose two costs differ by less than the gap needs branching; for any other, the bound rules one choice out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from twinsync.arrays import Array, Bool, Float, Int

ROUNDS = 10  # rounds of branching
WORTH = 1e-6  # relative gap above which a slot is branched
SMALL = 64  # largest batch that is solved as one part
PARTS = 16  # parts of a larger batch, solved one after another by the same program
LEFT = 8  # one in LEFT slots of a part, the slowest, is postponed; these are then solved together


class Best(NamedTuple):
    """The best point of each of b slots, and a bound.

    cost: of the point. bound: no allocation costs less. z: ln of (phi, f, p, f_e), frequencies in GHz, power in W.
    edge_ghz: edge CPU [GHz]. margin: cost of serving each UD less that of giving it up, approximately, at the bound's
    price.
    """

    cost: Float[Array, " b"]
    bound: Float[Array, " b"]
    z: Float[Array, "b 4 K"]
    edge_ghz: Float[Array, "b K"]
    margin: Float[Array, "b K"]


class Slots(Protocol):
    """A named tuple of arrays with one row per slot; two of them say whether each UD may be served or given up."""

    may_serve: Bool[np.ndarray, "b K"]
    may_give_up: Bool[np.ndarray, "b K"]


Run = Callable[[Any, int], Best]  # (slots, number of the slowest that may stay unsolved) -> their best points


def branch_and_bound(run: Run, slots: Any, relative_gap: float, *, part: int | None = None) -> Best:
    """Minimise the cost of all `slots` (see `Slots`), until the gap to the bound is at most `relative_gap` of the cost
    or ROUNDS of branching are done.

    part: number of slots solved at once; by default all of up to SMALL, and a PARTS-th of a larger batch.
    """

    def is_open(cost: np.ndarray, bound: np.ndarray) -> np.ndarray:
        return ~(cost - bound <= relative_gap * np.abs(cost))

    size = len(slots.may_serve)
    part = part or (size if size <= SMALL else -(-size // PARTS))
    part = min(part, size)
    leave_open = part // LEFT if part < size else 0
    best = _in_parts(run, slots, part, leave_open)
    late = np.flatnonzero(is_open(best.cost, best.bound))
    if leave_open and len(late):  # perhaps they were merely slower than the others
        again = _in_parts(run, take_rows(slots, late), part)
        _keep(best, late, again)
        tighter = again.bound > best.bound[late]
        best.bound[late[tighter]], best.margin[late[tighter]] = again.bound[tighter], again.margin[tighter]
    index = np.flatnonzero(best.cost - best.bound > max(relative_gap, WORTH) * np.abs(best.cost))
    branches, solved = take_rows(slots, index), take_rows(best, index)
    bound = solved.bound  # of each branch; its parent's if that is larger
    best.bound[index] = np.inf  # from here on, the least bound of the finished branches
    for left in reversed(range(ROUNDS + 1)):
        cost = best.cost[index]
        ruled, undecided = _rule_out(branches, solved.margin, cost - solved.bound)
        news = undecided.any(-1) | (ruled.may_serve != branches.may_serve).any(-1)
        news |= (ruled.may_give_up != branches.may_give_up).any(-1)
        going = np.flatnonzero(news & (cost - bound > max(relative_gap, WORTH) * np.abs(cost)) & (left > 0))
        ended = np.setdiff1d(np.arange(len(index)), going)
        np.minimum.at(best.bound, index[ended], bound[ended])
        if not len(going):
            break
        branches, parent = _branch(take_rows(ruled, going), undecided[going], solved.margin[going])
        index, bound = index[going][parent], bound[going][parent]
        solved = _in_parts(run, branches, part)
        bound = np.maximum(solved.bound, bound)
        _keep(best, index, solved)
    # What was ruled out costs no less than the best point known at the time.
    np.minimum(best.bound, best.cost, out=best.bound)
    return best


def _rule_out(branches: Any, margin: Float[np.ndarray, "n K"], gap: Float[np.ndarray, " n"]):
    """The branches [n] without choices that cannot pay, and which UDs that leaves undecided [n, K].

    A UD's other choice costs at least its |margin| more than the bound. If that exceeds `gap`, the distance from the
    bound to the best known cost, it is ruled out.
    """
    with np.errstate(invalid="ignore"):
        may_serve = branches.may_serve & ~(branches.may_give_up & (margin > gap[:, None]))
        may_give_up = branches.may_give_up & ~(branches.may_serve & (-margin > gap[:, None]))
    return branches._replace(may_serve=may_serve, may_give_up=may_give_up), may_serve & may_give_up


def take_rows(arrays: Any, index: Int[np.ndarray, " n"]) -> Any:
    """The named tuple with only rows `index` of each array."""
    return type(arrays)(*(each[index] for each in arrays))


def _branch(branches: Any, undecided: Bool[np.ndarray, "n K"], margin: Float[np.ndarray, "n K"]):
    """Each branch split in two, and the index of the branch that each new one comes from.

    The undecided UD of least |margin| is served in one half and given up in the other. Decided branches stay single.
    """
    device = np.argmin(np.where(undecided, np.abs(margin), np.inf), axis=-1)
    split = np.flatnonzero(undecided.any(-1))
    may_serve, may_give_up = branches.may_serve.copy(), branches.may_give_up[split]
    may_give_up[np.arange(len(split)), device[split]] = False
    may_serve[split, device[split]] = False
    second = take_rows(branches, split)._replace(may_give_up=may_give_up)
    first = branches._replace(may_serve=may_serve)
    both = type(branches)(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    return both, np.concatenate([np.arange(len(undecided)), split])


def _keep(best: Best, index: Int[np.ndarray, " n"], solved: Best) -> None:
    """Write points that cost less into `best`, in place; row i of `solved` belongs to slot index[i]."""
    order = np.argsort(-solved.cost)  # of several points for one slot, the cheapest is written last
    order = order[solved.cost[order] < best.cost[index[order]]]
    slot = index[order]
    for old, new in ((best.cost, solved.cost), (best.z, solved.z), (best.edge_ghz, solved.edge_ghz)):
        old[slot] = new[order]


def _in_parts(run: Run, slots: Any, part: int, leave_open: int = 0) -> Best:
    """Solve slots in parts of equal size, the last padded with the last slot, so that one program serves all parts."""
    count = len(slots.may_serve)
    parts = [
        run(take_rows(slots, np.minimum(np.arange(start, start + part), count - 1)), leave_open)
        for start in range(0, count, part)
    ]
    return Best(*(np.concatenate(each)[:count] for each in zip(*parts, strict=True)))
