"""Which UDs to serve and which to give up: the price of edge CPU decides nearly all, branching the few that are left.

At a price mu of edge CPU the UDs do not touch one another, so for any mu >= 0

    T + P >= -mu F + sum_k min(served_k(mu), given_up_k + mu f_min),

F the server's capacity. `optimum` and `expected` give a point and a bound of this form. Where the bound does not reach
the cost, some UD is worth about the same either way. It is served in one branch and given up in the other, and the slot
costs no less than the lesser of their bounds. Only a UD whose two costs differ by less than the gap is worth a branch:
the other way of any other UD is ruled out by the bound at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from twinsync.arrays import Array, Bool, Float, Int

ROUNDS = 10  # of branching
WORTH = 1e-6  # relative gap from which a slot is worth branching
SMALL = 64  # so many slots are one part
PARTS = 16  # of a larger batch, solved one after another by one program
LEFT = 8  # the slowest slots of a part, one in so many, are put off and solved together


class Best(NamedTuple):
    """The best point of each slot: its cost, z = ln of (phi, f, p, f_e) with GHz, the edge CPU [GHz], and a bound that
    nothing costs less than; margin: about what each UD costs served less given up, at the price of the bound."""

    cost: Float[Array, " b"]
    bound: Float[Array, " b"]
    z: Float[Array, "b 4 K"]
    edge_ghz: Float[Array, "b K"]
    margin: Float[Array, "b K"]


class Slots(Protocol):
    """A named tuple of arrays with a row per slot; two of them say what is allowed of each UD."""

    may_serve: Bool[np.ndarray, "b K"]
    may_give_up: Bool[np.ndarray, "b K"]


Run = Callable[[Any, int], Best]  # solves slots but for so many of the slowest


def branch_and_bound(run: Run, slots: Any, relative_gap: float, *, part: int | None = None) -> Best:
    """The least cost of all `slots` (see `Slots`), as near to its bound as `relative_gap` or ROUNDS of branching allow.

    part: slots solved at once; unless given, all up to SMALL of them, else so many that there are PARTS.
    """

    def is_open(cost: np.ndarray, bound: np.ndarray) -> np.ndarray:
        return ~(cost - bound <= relative_gap * np.abs(cost))

    size = len(slots.may_serve)
    part = part or (size if size <= SMALL else -(-size // PARTS))
    part = min(part, size)
    leave_open = part // LEFT if part < size else 0
    best = _in_parts(run, slots, part, leave_open)
    late = np.flatnonzero(is_open(best.cost, best.bound))
    if leave_open and len(late):  # they may only have been slower than the others
        again = _in_parts(run, _rows(slots, late), part)
        _keep(best, late, again)
        tighter = again.bound > best.bound[late]
        best.bound[late[tighter]], best.margin[late[tighter]] = again.bound[tighter], again.margin[tighter]
    index = np.flatnonzero(best.cost - best.bound > max(relative_gap, WORTH) * np.abs(best.cost))
    branches, found = _rows(slots, index), _rows(best, index)
    bound = found.bound  # of a branch; its parents' if that is larger
    best.bound[index] = np.inf  # from here on the least of the branches that have ended
    for left in reversed(range(ROUNDS + 1)):
        cost = best.cost[index]
        ruled, undecided = _rule_out(branches, found.margin, cost - found.bound)
        news = undecided.any(-1) | (ruled.may_serve != branches.may_serve).any(-1)
        news |= (ruled.may_give_up != branches.may_give_up).any(-1)
        going = np.flatnonzero(news & (cost - bound > max(relative_gap, WORTH) * np.abs(cost)) & (left > 0))
        ended = np.setdiff1d(np.arange(len(index)), going)
        np.minimum.at(best.bound, index[ended], bound[ended])
        if not len(going):
            break
        branches, parent = _branch(_rows(ruled, going), undecided[going], found.margin[going])
        index, bound = index[going][parent], bound[going][parent]
        found = _in_parts(run, branches, part)
        bound = np.maximum(found.bound, bound)
        _keep(best, index, found)
    # What was ruled out on the way costs no less than the best point known then.
    np.minimum(best.bound, best.cost, out=best.bound)
    return best


def _rule_out(branches: Any, margin: Float[np.ndarray, "n K"], gap: Float[np.ndarray, " n"]):
    """The branches without what cannot pay: a UD's other way costs at least its margin more than the bound, so where
    that exceeds the gap to the best cost known it is ruled out. And which UDs that leaves undecided [n, K]."""
    with np.errstate(invalid="ignore"):
        may_serve = branches.may_serve & ~(branches.may_give_up & (margin > gap[:, None]))
        may_give_up = branches.may_give_up & ~(branches.may_serve & (-margin > gap[:, None]))
    return branches._replace(may_serve=may_serve, may_give_up=may_give_up), may_serve & may_give_up


def _rows(arrays, index: Int[np.ndarray, " n"]):
    """The given rows of every array of a tuple."""
    return type(arrays)(*(each[index] for each in arrays))


def _branch(branches: Any, undecided: Bool[np.ndarray, "n K"], margin: Float[np.ndarray, "n K"]):
    """Every branch twice, its least decided UD first served and then given up, or once where all UDs are decided; and
    the number of the branch that each comes from."""
    device = np.argmin(np.where(undecided, np.abs(margin), np.inf), axis=-1)
    split = np.flatnonzero(undecided.any(-1))
    may_serve, may_give_up = branches.may_serve.copy(), branches.may_give_up[split]
    may_give_up[np.arange(len(split)), device[split]] = False
    may_serve[split, device[split]] = False
    second = _rows(branches, split)._replace(may_give_up=may_give_up)
    first = branches._replace(may_serve=may_serve)
    both = type(branches)(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    return both, np.concatenate([np.arange(len(undecided)), split])


def _keep(best: Best, index: Int[np.ndarray, " n"], found: Best) -> None:
    """Take over, into the slots of `index`, the points that cost less than theirs."""
    order = np.argsort(-found.cost)  # of several for one slot the cheapest is written last
    order = order[found.cost[order] < best.cost[index[order]]]
    slot = index[order]
    for old, new in ((best.cost, found.cost), (best.z, found.z), (best.edge_ghz, found.edge_ghz)):
        old[slot] = new[order]


def _in_parts(run: Run, slots: Any, part: int, leave_open: int = 0) -> Best:
    """Solve slots in equal parts, the last one filled up with its own last slot, so that one program serves all."""
    count = len(slots.may_serve)
    parts = [
        run(_rows(slots, np.minimum(np.arange(start, start + part), count - 1)), leave_open)
        for start in range(0, count, part)
    ]
    return Best(*(np.concatenate(each)[:count] for each in zip(*parts, strict=True)))
