"""Cost of giving up a UD at the latency cap, as every table counts it.

Beyond the cap C neither latency nor energy counts: a UD given up costs C + W (C - deadline) plus the penalty on

    e' = e_s + P_f min(t_ex, C) + p min(t_up, max(C - t_ex, 0)),        where P_f = k f^3 is the power of its CPU.

e' rises with f and p, and the latency falls with both. So the least f, p and f_e give the least e', and they reach the
cap whenever any decision does. Over phi, with u = min(t_ex, C): if the uplink is cut off at the cap, e' - e_s equals
p C + (P_f - p) u, which is least at an end of u's range; if it ends earlier, at least P_f min t_ex + p min t_up.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.four_by_four import Four
from twinsync.allocators.slot_problem import SlotProblem, Terms, terms
from twinsync.arrays import Scalar
from twinsync.model.semantics import corner_dips


class GivingUp(NamedTuple):
    """Giving up each UD; arrays [b, K].

    cost: with the least effort, without the price of edge CPU; inf if no decision reaches the cap. bound: no decision
    that reaches the cap costs less. log_phi: ln(phi) of the decision that `cost` belongs to.
    """

    cost: jax.Array
    bound: jax.Array
    log_phi: jax.Array


def give_up(problem: SlotProblem, cap_s: Scalar, own: SlotProblem | None = None) -> GivingUp:
    """The least cost of each UD among decisions that reach the latency cap [s].

    own: the problem under the scenario's own workload law, where `problem` has a hull of it. e' may fall as the work
    rises, since less time is then left to send, so a law below the own one would give no bound.
    """
    if own is not None:
        return _give_up_between_knots(problem, cap_s, own)
    low, high = (terms(problem, (s, *problem.low[1:])) for s in (problem.low[0], problem.high[0]))
    cost = [jnp.where(at.latency >= cap_s, _cost(problem, cap_s, _energy(at, cap_s)), jnp.inf) for at in (low, high)]
    # The latency is convex in ln(phi): if neither end reaches the cap, nothing between them does.
    reached = jnp.isfinite(jnp.minimum(*cost))
    longest = jnp.maximum(low.m1, high.m1)
    bound = jnp.where(reached, _cost(problem, cap_s, _least_energy(problem, low, high, longest, cap_s)), jnp.inf)
    log_phi = jnp.where(cost[1] < cost[0], problem.high[0], problem.low[0])
    return GivingUp(jnp.minimum(*cost), bound, log_phi)


def _give_up_between_knots(hull: SlotProblem, cap_s: Scalar, own: SlotProblem) -> GivingUp:
    """`give_up` under a piecewise law: at the ends of phi's range and at the knots in it, since between these the law
    without its dips is log-convex, so its latency and extraction time are greatest there."""
    knots = [jnp.log(row[0]) for row in own.scenario.workload_knots[1:-1]]
    places = jnp.stack([own.low[0], own.high[0], *(jnp.clip(knot, own.low[0], own.high[0]) for knot in knots)])
    candidates = [terms(own, (place, *own.low[1:])) for place in places]
    cost = jnp.stack(
        [jnp.where(at.latency >= cap_s, _cost(own, cap_s, _energy(at, cap_s)), jnp.inf) for at in candidates]
    )
    dips = [corner_dips(place, own.scenario) for place in places]
    most = [(at.m1 * jnp.exp(dip[0]), at.m2, at.m3 * jnp.exp(dip[1])) for at, dip in zip(candidates, dips, strict=True)]
    reached = jnp.max(jnp.stack([sum(parts) for parts in most]), axis=0) >= cap_s
    longest = jnp.max(jnp.stack([extraction for extraction, _, _ in most]), axis=0)
    low, high = (terms(hull, (s, *hull.low[1:])) for s in (hull.low[0], hull.high[0]))
    bound = jnp.where(reached, _cost(own, cap_s, _least_energy(hull, low, high, longest, cap_s)), jnp.inf)
    best = jnp.argmin(cost, axis=0)[None]
    return GivingUp(jnp.take_along_axis(cost, best, 0)[0], bound, jnp.take_along_axis(places, best, 0)[0])


def floor_of(problem: SlotProblem) -> jax.Array:
    """The least edge CPU of a UD, which is also what one given up takes [GHz]."""
    return jnp.exp(problem.low[3])


def hopeless(problem: SlotProblem, giving_up: GivingUp) -> jax.Array:
    """Whether every decision that serves a UD costs more than giving it up, at any price of edge CPU; bool [b, K].

    Uses a lower bound at price 0: the tangent plane at the greatest effort, without the energy.
    """
    z: Four = (problem.low[0], *problem.high[1:])
    at = terms(problem, z)
    weight = problem.latency_weight + problem.hinge
    gradient = [weight * slope for slope in at.latency_gradient()]
    value = weight * at.latency - problem.hinge * problem.deadline_s + problem.edge_weight * floor_of(problem)
    for slope, x, lo, hi in zip(gradient, z, problem.low, problem.high, strict=True):
        value = value + jnp.minimum(slope * (lo - x), slope * (hi - x))
    return value > giving_up.cost + problem.edge_weight * floor_of(problem)


def _cost(problem: SlotProblem, cap_s: Scalar, energy_j: jax.Array) -> jax.Array:
    """Cost of a UD given up that spends `energy_j`, which includes sensing."""
    return (
        problem.latency_weight * cap_s + problem.energy_weight * (energy_j - problem.sensing_j)
        + problem.hinge * jnp.maximum(cap_s - problem.deadline_s, 0.0)
        + problem.hinge * jnp.maximum(energy_j - problem.energy_budget_j, 0.0)
    )  # fmt: skip


def _energy(at: Terms, cap_s: Scalar) -> jax.Array:
    """e' at a point [J]."""
    airtime = jnp.minimum(at.m2, jnp.maximum(cap_s - at.m1, 0.0))
    return at.sensing_j + at.m4 / jnp.maximum(1.0, at.m1 / cap_s) + at.m5 / at.m2 * airtime


def _least_energy(problem: SlotProblem, low: Terms, high: Terms, longest: jax.Array, cap_s: Scalar) -> jax.Array:
    """A lower bound on e' over phi at the least f and p, from the terms at both ends of phi's range [J].

    longest: an upper bound on the extraction time [s].
    """
    power, cpu = low.m5 / low.m2, low.m4 / low.m1
    width = problem.high[0] - problem.low[0]
    # ln(t_ex) is convex in ln(phi), so it lies above its tangents at both ends.
    tangents = jnp.maximum(low.m1 * jnp.exp(low.work1[0] * width), high.m1 * jnp.exp(-high.work1[0] * width))
    inner = jnp.where(high.work1[0] <= 0, high.m1, tangents)
    shortest = jnp.where(low.work1[0] >= 0, low.m1, inner)
    end = jnp.minimum(jnp.where(cpu <= power, longest, shortest), cap_s)
    cut = jnp.where(longest + high.m2 < cap_s, jnp.inf, power * cap_s + (cpu - power) * end)
    done = jnp.where(shortest + low.m2 >= cap_s, jnp.inf, cpu * shortest + power * low.m2)
    return low.sensing_j + jnp.minimum(cut, done)
