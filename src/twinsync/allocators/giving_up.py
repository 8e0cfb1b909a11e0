"""What it costs to give a UD up at the latency cap, in the metric that every table reports.

Past the cap C neither latency nor energy counts: a given-up UD costs C + W (C - deadline) and the penalty on the energy

    e' = e_s + P_f min(t_ex, C) + p min(t_up, max(C - t_ex, 0)),        P_f = k f^3 the power of its CPU,

which rises with f and with p, while its latency falls with both. So the least f, p and f_e give the least e' and at the
same time reach the cap whenever any decision does. Over phi, with u = min(t_ex, C): an uplink cut off at the cap leaves
e' - e_s = p C + (P_f - p) u, least at an end of u; one that ends before leaves at least P_f min t_ex + p min t_up.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.four_by_four import Four
from twinsync.allocators.slot_problem import SlotProblem, Terms, terms
from twinsync.arrays import Scalar


class GivingUp(NamedTuple):
    """Arrays [b, K]. cost: of the UD given up by the least effort, its edge CPU's price aside, inf where no decision
    reaches the cap; bound: nothing that reaches the cap costs less; log_phi: the phi that goes with `cost`."""

    cost: jax.Array
    bound: jax.Array
    log_phi: jax.Array


def give_up(problem: SlotProblem, cap_s: Scalar) -> GivingUp:
    """The least cost of a UD that reaches the latency cap."""
    low, high = (terms(problem, (s, *problem.low[1:])) for s in (problem.low[0], problem.high[0]))
    cost = [jnp.where(at.latency >= cap_s, _cost(problem, cap_s, _energy(at, cap_s)), jnp.inf) for at in (low, high)]
    # The latency is convex in ln(phi): what neither end reaches, nothing between them does.
    reached = jnp.isfinite(jnp.minimum(*cost))
    bound = jnp.where(reached, _cost(problem, cap_s, _least_energy(problem, low, high, cap_s)), jnp.inf)
    log_phi = jnp.where(cost[1] < cost[0], problem.high[0], problem.low[0])
    return GivingUp(jnp.minimum(*cost), bound, log_phi)


def floor_of(problem: SlotProblem) -> jax.Array:
    """The least edge CPU of a UD [GHz], all that a given-up one takes."""
    return jnp.exp(problem.low[3])


def hopeless(problem: SlotProblem, giving_up: GivingUp) -> jax.Array:
    """UDs for which any decision that is not given up costs more, whatever the price of edge CPU; bool [b, K].

    A lower bound at the price 0: the tangent plane at most effort, the energy left out.
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
    """Cost of a UD given up that spends this energy, sensing included."""
    return (
        problem.latency_weight * cap_s + problem.energy_weight * (energy_j - problem.sensing_j)
        + problem.hinge * jnp.maximum(cap_s - problem.deadline_s, 0.0)
        + problem.hinge * jnp.maximum(energy_j - problem.energy_budget_j, 0.0)
    )  # fmt: skip


def _energy(at: Terms, cap_s: Scalar) -> jax.Array:
    """e' at a point [J]."""
    airtime = jnp.minimum(at.m2, jnp.maximum(cap_s - at.m1, 0.0))
    return at.sensing_j + at.m4 / jnp.maximum(1.0, at.m1 / cap_s) + at.m5 / at.m2 * airtime


def _least_energy(problem: SlotProblem, low: Terms, high: Terms, cap_s: Scalar) -> jax.Array:
    """A lower bound on e' over phi at the least f and p, given its points at the ends of phi [J]."""
    power, cpu = low.m5 / low.m2, low.m4 / low.m1
    width = problem.high[0] - problem.low[0]
    # Extraction's logarithm is convex: it lies above its tangents at both ends.
    tangents = jnp.maximum(low.m1 * jnp.exp(low.work1[0] * width), high.m1 * jnp.exp(-high.work1[0] * width))
    inner = jnp.where(high.work1[0] <= 0, high.m1, tangents)
    shortest = jnp.where(low.work1[0] >= 0, low.m1, inner)
    longest = jnp.maximum(low.m1, high.m1)
    end = jnp.minimum(jnp.where(cpu <= power, longest, shortest), cap_s)
    cut = jnp.where(longest + high.m2 < cap_s, jnp.inf, power * cap_s + (cpu - power) * end)
    done = jnp.where(shortest + low.m2 >= cap_s, jnp.inf, cpu * shortest + power * low.m2)
    return low.sensing_j + jnp.minimum(cut, done)
