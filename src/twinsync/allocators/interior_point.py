"""Primal-dual interior-point method (Mehrotra's predictor-corrector) for a batch of slots at once.

Each UD has four variables, two hinges and a box; the edge CPU couples the UDs of a slot through one multiplier. So a
Newton step takes a 4 x 4 solve per UD and one scalar division per slot: work and memory are linear in the number of
UDs. Each slot has its own step length and stops when its certified gap is small enough; its best point and bound are
kept.

Reference: S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM J. Optim. 2(4), 1992.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.four_by_four import Four, factorise, four, substitute
from twinsync.allocators.slot_problem import (
    SlotProblem,
    Terms,
    cost_of,
    given_up_price,
    lagrangian,
    lagrangian_gradient,
    served_bound,
    slot_bound,
    terms,
)
from twinsync.arrays import Scalar
from twinsync.model.slot import over_devices

MAX_ITERATIONS = 80
STEP_FRACTION = 0.995  # of the way to the boundary
MOST_CHANGES = 2  # of a UD between being served and given up
LARGEST_LOG_STEP = 2.0  # a factor of e^2 per step; beyond it the exponentials are far from their linear model


class Hinge(NamedTuple):
    """W max(q, 0): slack >= 0 with multiplier kappa, room = slack - q >= 0 with multiplier lam; lam + kappa = W."""

    lam: jax.Array
    kappa: jax.Array
    slack: jax.Array
    room: jax.Array


class Point(NamedTuple):
    """An iterate or a direction: variables, box multipliers, hinges of deadline and energy, capacity; mostly [b, K]."""

    z: Four
    below: Four  # multipliers of z >= low
    above: Four  # multipliers of z <= high
    late: Hinge
    over: Hinge
    mu: jax.Array  # [b, 1], multiplier of the edge capacity
    spare: jax.Array  # [b, 1], its slack [GHz]


class Best(NamedTuple):
    """The best so far. cost [b], z, edge [GHz] and served [b, K]: the best point. bound: the best certified bound [b].

    margin: lower bound on the cost of serving each UD, less that of giving it up, at the best bound's price [b, K].
    done: the gap is small enough, or only another choice of who is served could reduce it [b].
    """

    cost: jax.Array
    bound: jax.Array
    z: Four
    edge: jax.Array
    served: jax.Array
    margin: jax.Array
    done: jax.Array


class Choice(NamedTuple):
    """Whether each UD is served, and how often that has changed; [b, K]."""

    served: jax.Array
    changes: jax.Array


def minimise(problem: SlotProblem, relative_gap: Scalar, leave_open: int | jax.Array) -> Best:
    """Iterate until at most `leave_open` slots have a certified gap above `relative_gap` of their cost, or
    MAX_ITERATIONS are done."""
    free = four(high - low > 1e-9 for low, high in zip(problem.low, problem.high, strict=True))
    choice = Choice(problem.may_serve, jnp.zeros(problem.may_serve.shape, jnp.int32))
    point = _start(problem, free, choice.served)
    empty = jnp.full(problem.offset.shape, jnp.inf)
    edge, zero = jnp.exp(point.z[3]), jnp.zeros_like(point.z[0])
    best = Best(empty, -empty, point.z, edge, choice.served, zero, jnp.zeros(empty.shape, bool))

    def body(carry):
        count, point, choice, best = carry
        at = terms(problem, point.z)
        multipliers = (point.late.lam, point.over.lam, point.mu)
        least = jnp.where(problem.may_serve, served_bound(problem, point.z, at, *multipliers), jnp.inf)
        margin = lagrangian(problem, at, *multipliers) - given_up_price(problem, problem.given_up, point.mu)
        choice = _choose(problem, point, least, margin, choice)
        best = _keep(problem, point, at, least, choice.served, best, relative_gap)
        step = _newton(problem, free, point, at, choice.served)
        sound = [jnp.all(jnp.isfinite(leaf), axis=-1, keepdims=True) for leaf in jax.tree.leaves(step)]
        active = ~best.done[:, None] & functools.reduce(jnp.logical_and, sound)
        moved = jax.tree.map(lambda old, new: jnp.where(active, new, old), point, step)
        return count + 1, moved, choice, best

    def going(carry):
        count, *_, best = carry
        return (count < MAX_ITERATIONS) & (jnp.sum(~best.done) > leave_open)

    best = jax.lax.while_loop(going, body, (jnp.asarray(0), point, choice, best))[-1]
    least = (problem.given_up_log_phi, *problem.low[1:])
    return best._replace(z=four(jnp.where(best.served, z, end) for z, end in zip(best.z, least, strict=True)))


def _choose(problem: SlotProblem, point: Point, least: jax.Array, margin: jax.Array, choice: Choice) -> Choice:
    """Give up a UD if serving it provably costs more at the current price; serve one if that appears to cost less.

    least: lower bound on the cost of serving each UD. margin: estimated cost of serving it, less that of giving it up.

    Otherwise, and after MOST_CHANGES, a UD stays as it is: if both choices cost about the same, price and choice would
    oscillate. Any choice is valid, because the bound does not depend on it.
    """
    worse = least > given_up_price(problem, problem.given_up, point.mu)
    wanted = problem.may_serve & ~worse & (choice.served | (margin < 0))
    served = jnp.where(choice.changes < MOST_CHANGES, wanted, choice.served)
    return Choice(served, choice.changes + (served != choice.served))


def _start(problem: SlotProblem, free: Four, served: jax.Array) -> Point:
    middle = [0.5 * (low + high) for low, high in zip(problem.low, problem.high, strict=True)]
    floor = jnp.exp(problem.low[3])
    count = jnp.maximum(over_devices(served * jnp.ones_like(floor))[..., None], 1.0)
    spare = problem.edge_ghz - over_devices(floor)[..., None]
    middle[3] = jnp.where(free[3], jnp.log(floor + 0.9 * spare / count), problem.low[3])
    z = four(middle)
    at = terms(problem, z)
    # Products start at one fraction of the slot's typical cost per UD; the median ignores a UD in a deep fade.
    typical = problem.latency_weight * jnp.median(at.latency, axis=-1, keepdims=True)
    product = 0.1 * typical * jnp.ones_like(z[0])
    room = [jnp.where(ok, x - low, 1.0) for ok, x, low in zip(free, z, problem.low, strict=True)]
    head = [jnp.where(ok, high - x, 1.0) for ok, x, high in zip(free, z, problem.high, strict=True)]
    below = four(jnp.where(ok, product / gap, 0.0) for ok, gap in zip(free, room, strict=True))
    above = four(jnp.where(ok, product / gap, 0.0) for ok, gap in zip(free, head, strict=True))
    slack = 0.1 * spare
    return Point(
        z, below, above,
        _start_hinge(problem, at.latency - problem.deadline_s, product),
        _start_hinge(problem, at.energy - problem.energy_budget_j, product),
        product[:, :1] / slack, slack,
    )  # fmt: skip


def _hinge_weight(problem: SlotProblem) -> jax.Array:
    # With W = 0 (or literal penalties) lam has no interior; a tiny W keeps the algebra regular at no cost.
    return jnp.maximum(problem.hinge, 1e-12)


def _start_hinge(problem: SlotProblem, q: jax.Array, product: jax.Array) -> Hinge:
    """On the central path of q alone: lam room = kappa slack = product."""
    weight = _hinge_weight(problem)
    # slack (slack - q) W = product (2 slack - q), solved for slack > max(q, 0).
    half = 0.5 * q + product / weight
    slack = half + jnp.sqrt(half**2 - q * product / weight)
    slack = jnp.maximum(slack, jnp.maximum(q, 0.0) * (1 + 1e-12) + 1e-300)
    room = jnp.maximum(slack - q, 1e-12 * (jnp.abs(q) + slack))
    lam = weight * slack / (slack + room)
    return Hinge(lam, weight - lam, slack, room)


def _keep(
    problem: SlotProblem, point: Point, at: Terms, least: jax.Array, served: jax.Array, best: Best, relative_gap: Scalar
) -> Best:
    cost, edge = cost_of(problem, at, served)
    bound = slot_bound(problem, least, point.mu)
    bound = jnp.where(jnp.isnan(bound), -jnp.inf, bound)
    # The bound if the current choice of who is served were the only one.
    own = slot_bound(problem, jnp.where(served, least, jnp.inf), point.mu, given_up=~served)
    margin = least - given_up_price(problem, problem.given_up_bound, point.mu)
    better, tighter = (cost < best.cost)[:, None], (bound > best.bound)[:, None]
    least_cost, most_bound = jnp.fmin(best.cost, cost), jnp.maximum(best.bound, bound)
    allowed = relative_gap * jnp.abs(least_cost)
    done = best.done | (least_cost - most_bound <= allowed) | (cost - own <= allowed)
    return Best(
        least_cost,
        most_bound,
        four(jnp.where(better, new, old) for new, old in zip(point.z, best.z, strict=True)),
        jnp.where(better, edge, best.edge),
        jnp.where(better, served, best.served),
        jnp.where(tighter, margin, best.margin),
        done,
    )


class _System(NamedTuple):
    """The factored Newton system of every UD, and what its right-hand sides need."""

    factor: tuple[jax.Array, ...]
    free: Four  # bool
    gradient: Four  # of the Lagrangian without box multipliers
    grad_t: Four
    grad_e: Four
    stiff_t: jax.Array
    stiff_e: jax.Array
    column: Four  # response of z to the multiplier of the edge capacity
    pull: jax.Array  # [b, 1], derivative of the capacity's residual along `column`
    taken: jax.Array  # edge CPU [GHz]; the floor for UDs given up
    weight: jax.Array  # derivative of `taken` in G


def _newton(problem: SlotProblem, free: Four, point: Point, at: Terms, served: jax.Array) -> Point:
    room = four(jnp.where(ok, x - low, 1.0) for ok, x, low in zip(free, point.z, problem.low, strict=True))
    head = four(jnp.where(ok, high - x, 1.0) for ok, x, high in zip(free, point.z, problem.high, strict=True))
    system = _factor(problem, free, point, at, served, room, head)
    products = _products(point, room, head)
    mean = _mean_product(products, free)
    zero = jax.tree.map(jnp.zeros_like, products)
    affine = _direction(problem, point, at, room, head, system, zero)
    reach = _step_length(point, affine, room, head)
    along = _products(_move(point, affine, reach), *_gaps(problem, free, point, affine, reach))
    centring = (_mean_product(along, free) / mean) ** 3
    target = jnp.clip(centring, 1e-6, 1.0) * mean
    second = _products(affine, affine.z, four(-d for d in affine.z))
    targets = jax.tree.map(lambda cross: target - reach**2 * cross, second)
    direction = _direction(problem, point, at, room, head, system, targets)
    return _move(point, direction, STEP_FRACTION * _step_length(point, direction, room, head))


def _gaps(problem: SlotProblem, free: Four, point: Point, step: Point, reach: jax.Array) -> tuple[Four, Four]:
    z = [x + reach * d for x, d in zip(point.z, step.z, strict=True)]
    room = four(jnp.where(ok, x - low, 1.0) for ok, x, low in zip(free, z, problem.low, strict=True))
    head = four(jnp.where(ok, high - x, 1.0) for ok, x, high in zip(free, z, problem.high, strict=True))
    return room, head


def _products(point: Point, room: Four, head: Four):
    """Complementarity products: boxes, hinges, capacity."""
    return (
        tuple(m * gap for m, gap in zip(point.below, room, strict=True)),
        tuple(m * gap for m, gap in zip(point.above, head, strict=True)),
        tuple((h.lam * h.room, h.kappa * h.slack) for h in (point.late, point.over)),
        point.mu * point.spare,
    )


def _mean_product(products, free: Four) -> jax.Array:
    below, above, hinges, capacity = products
    total, count = 0.0, 0.0
    for ok, a, b in zip(free, below, above, strict=True):
        total = total + jnp.where(ok, a + b, 0.0)
        count = count + jnp.where(ok, 2.0, 0.0)
    for pair in hinges:
        total, count = total + pair[0] + pair[1], count + 2.0
    return (capacity + over_devices(total)[..., None]) / (1.0 + over_devices(count)[..., None])


def _factor(
    problem: SlotProblem, free: Four, point: Point, at: Terms, served: jax.Array, room: Four, head: Four
) -> _System:
    a = problem.latency_weight + point.late.lam
    b = problem.energy_weight + point.over.lam
    (p1, q1), (p3, q3), (v1, v2) = at.work1, at.work3, at.psi
    grad_t, grad_e = at.latency_gradient(), at.energy_gradient()
    stiff_t, stiff_e = _stiffness(point.late), _stiffness(point.over)
    am1, am2, am3, bm4, bm5 = a * at.m1, a * at.m2, a * at.m3, b * at.m4, b * at.m5
    edge_curvature = (problem.edge_weight + point.mu) * at.edge
    upper = {
        (0, 0): (am1 + bm4) * (p1 * p1 + q1) + am2 + am3 * (p3 * p3 + q3) + bm5,
        (0, 1): (2.0 * bm4 - am1) * p1,
        (0, 2): am2 * v1 + bm5 * (1.0 + v1),
        (0, 3): -am3 * p3,
        (1, 1): am1 + 4.0 * bm4,
        (2, 2): am2 * (v1 * v1 + v2) + bm5 * ((1.0 + v1) ** 2 + v2),
        (3, 3): am3 + edge_curvature,
    }
    full = {}
    for i in range(4):
        for j in range(i, 4):
            value = upper.get((i, j), 0.0) + stiff_t * grad_t[i] * grad_t[j] + stiff_e * grad_e[i] * grad_e[j]
            if i == j:
                value = value + point.below[i] / room[i] + point.above[i] / head[i]
                full[i, j] = jnp.where(free[i], value, 1.0)
            else:
                full[i, j] = jnp.where(free[i] & free[j], value, 0.0)
    factor = factorise(full)
    zero = jnp.zeros_like(at.edge)
    column = substitute(factor, (zero, zero, zero, jnp.where(free[3], at.edge, 0.0)))
    # A UD given up also sees the price, so that the cost of serving it is known, but takes only its floor.
    taken = jnp.where(served, at.edge, jnp.exp(problem.low[3]))
    weight = jnp.where(free[3] & served, at.edge, 0.0)
    pull = over_devices(weight * column[3])[..., None]
    gradient = lagrangian_gradient(problem, at, point.late.lam, point.over.lam, point.mu)
    return _System(factor, free, gradient, grad_t, grad_e, stiff_t, stiff_e, column, pull, taken, weight)


def _stiffness(hinge: Hinge) -> jax.Array:
    return 1.0 / (hinge.slack / hinge.kappa + hinge.room / hinge.lam)


def _direction(
    problem: SlotProblem, point: Point, at: Terms, room: Four, head: Four, system: _System, targets
) -> Point:
    """Newton direction towards complementarity products equal to `targets`."""
    free = system.free
    aim_below, aim_above, (aim_late, aim_over), aim_capacity = targets
    weight = _hinge_weight(problem)
    push_t = _push(point.late, at.latency - problem.deadline_s, weight, aim_late)
    push_e = _push(point.over, at.energy - problem.energy_budget_j, weight, aim_over)
    rhs = []
    for i in range(4):
        value = -system.gradient[i] + aim_below[i] / room[i] - aim_above[i] / head[i]
        value = value - system.grad_t[i] * system.stiff_t * push_t - system.grad_e[i] * system.stiff_e * push_e
        rhs.append(jnp.where(free[i], value, 0.0))
    plain = substitute(system.factor, four(rhs))
    # The capacity's row: sum f_e + spare = f_e_max, linearised, and its complementarity.
    excess = over_devices(system.taken)[..., None] + point.spare - problem.edge_ghz
    moved = over_devices(system.weight * plain[3])[..., None]
    aim = aim_capacity / point.mu - point.spare
    d_mu = (moved + excess + aim) / (system.pull + point.spare / point.mu)
    dz = four(x - c * d_mu for x, c in zip(plain, system.column, strict=True))
    d_spare = aim - point.spare / point.mu * d_mu
    below = four(
        jnp.where(ok, (aim - m * d) / gap - m, 0.0)
        for ok, aim, m, d, gap in zip(free, aim_below, point.below, dz, room, strict=True)
    )
    above = four(
        jnp.where(ok, (aim + m * d) / gap - m, 0.0)
        for ok, aim, m, d, gap in zip(free, aim_above, point.above, dz, head, strict=True)
    )
    rise_t = sum(g * d for g, d in zip(system.grad_t, dz, strict=True))
    rise_e = sum(g * d for g, d in zip(system.grad_e, dz, strict=True))
    late = _hinge_step(point.late, weight, aim_late, system.stiff_t * (rise_t + push_t))
    over = _hinge_step(point.over, weight, aim_over, system.stiff_e * (rise_e + push_e))
    return Point(dz, below, above, late, over, d_mu, d_spare)


def _push(hinge: Hinge, q: jax.Array, weight: jax.Array, aim) -> jax.Array:
    """Constant part of the linearised hinge: d lam = stiffness (gradient . dz + push)."""
    residual = q - hinge.slack + hinge.room
    short = weight - hinge.lam - hinge.kappa
    return (
        residual
        - (aim[1] / hinge.kappa - hinge.slack)
        + hinge.slack / hinge.kappa * short
        + (aim[0] / hinge.lam - hinge.room)
    )


def _hinge_step(hinge: Hinge, weight: jax.Array, aim, d_lam: jax.Array) -> Hinge:
    d_kappa = weight - hinge.lam - hinge.kappa - d_lam
    d_room = aim[0] / hinge.lam - hinge.room - hinge.room / hinge.lam * d_lam
    d_slack = aim[1] / hinge.kappa - hinge.slack - hinge.slack / hinge.kappa * d_kappa
    return Hinge(d_lam, d_kappa, d_slack, d_room)


def _step_length(point: Point, step: Point, room: Four, head: Four) -> jax.Array:
    """Longest step, at most 1, that keeps all positive quantities of a slot positive; [b, 1]."""
    pairs = [(gap, d) for gap, d in zip(room, step.z, strict=True)]
    pairs += [(gap, -d) for gap, d in zip(head, step.z, strict=True)]
    pairs += [*zip(point.below, step.below, strict=True), *zip(point.above, step.above, strict=True)]
    pairs += [*zip(point.late, step.late, strict=True), *zip(point.over, step.over, strict=True)]
    pairs += [(point.mu, step.mu), (point.spare, step.spare)]
    # Elementwise maxima first, one reduction over UDs at the end: reductions would take most of the time.
    inverse = jnp.ones_like(step.z[0])
    for value, change in pairs:
        inverse = jnp.maximum(inverse, -change / jnp.maximum(value, 1e-300))
    for change in step.z:
        inverse = jnp.maximum(inverse, jnp.abs(change) / LARGEST_LOG_STEP)
    return 1.0 / jnp.max(inverse, axis=-1, keepdims=True)


def _move(point: Point, step: Point, length: jax.Array) -> Point:
    return jax.tree.map(lambda x, d: x + length * d, point, step)
