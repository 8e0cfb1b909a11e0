"""A slot's allocation as a convex program in logarithms, and the bound that certifies its solution.

With s = ln(phi), F = ln(f), P = ln(p), G = ln(f_e) and known gains, every latency and energy of a UD is a sum of terms
that are log-convex in z = (s, F, P, G):

    t = m1 + m2 + m3,  m1 = extraction, m2 = uplink, m3 = recovery      e = e_s + m4 + m5,  m4 = extraction, m5 = uplink

and a hinge W max(q, 0) is the maximum of lam q over lam in [0, W]. So the Lagrangian L of T + P, with multipliers lam_t
and lam_e in [0, W] for each UD's deadline and energy and mu >= 0 for the shared edge CPU, is convex in z and lies above
its tangent planes. A plane's minimum over the box of bounds is known exactly, without a solver:

    T + P >= L(z) + sum_i min(L_i (lo_i - z_i), L_i (hi_i - z_i))       at ANY z in the box and ANY such multipliers.

That is the certificate: it needs no trust in the iteration that found z and the multipliers. Given mu, the right-hand
side is a sum over UDs, so the cost of serving each UD has its own bound; with the latency cap, each UD contributes the
lesser of that and the cost of giving it up (see `giving_up`). CPU frequencies are in GHz here, so that all variables
and derivatives are O(1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.four_by_four import Four  # one array [b, K] for each of (s, F, P, G)
from twinsync.arrays import Array, Float, Scalar
from twinsync.model.semantics import log_work
from twinsync.model.sensing import sensing_energy_j, sensing_latency_s
from twinsync.model.slot import GHZ, Slot, over_devices
from twinsync.scenario import Scenario


class SlotProblem(NamedTuple):
    """Coefficients of a batch of slots; arrays [b, K] or scalars. Hinge and literal penalties differ in the weights."""

    low: Four
    high: Four
    log_cycles: jax.Array  # ln of gigacycles to process the raw data once
    log_energy: jax.Array  # ln of the energy to do so at 1 GHz
    log_airtime: jax.Array  # ln of D ln(2) / B_k, the uplink time at unit spectral efficiency in nats
    log_snr: jax.Array  # ln of |g|^2 / sigma^2
    sensing_j: jax.Array  # sensing energy [J]
    sensing_s: jax.Array  # sensing latency, sum over UDs [s], [b]
    deadline_s: Scalar
    energy_budget_j: Scalar
    capacity_ghz: jax.Array  # of the edge server
    edge_ghz: jax.Array  # the same, slightly larger if the floors use it up, see `build_problem`
    latency_weight: jax.Array | float  # cost of a second (1; literal penalties: 1 + W)
    energy_weight: jax.Array | float  # cost of a joule outside the hinge (0; literal: W)
    edge_weight: jax.Array | float  # cost of a GHz of edge CPU (0; literal: W)
    hinge: jax.Array  # W of the hinges (literal: 0)
    offset: jax.Array  # constant part of the cost [b]
    may_serve: jax.Array  # bool [b, K]; False: the UD is given up at the latency cap
    given_up: jax.Array  # cost of a UD given up, without the price of edge CPU; inf: the UD must be served
    given_up_bound: jax.Array  # lower bound on the cost of giving a UD up
    given_up_log_phi: jax.Array  # ln(phi) of a UD given up; its f, p and f_e are the least
    scenario: Scenario


class Terms(NamedTuple):
    """Terms of t and e at a point, and the derivatives that the iteration and the certificate need; [b, K]."""

    m1: jax.Array
    m2: jax.Array
    m3: jax.Array
    m4: jax.Array
    m5: jax.Array
    edge: jax.Array  # f_e in GHz
    work1: tuple[jax.Array, jax.Array]  # first and second derivative of ln extraction work in s
    work3: tuple[jax.Array, jax.Array]  # the same for ln recovery work in s
    psi: tuple[jax.Array, jax.Array]  # the same for ln uplink time in P
    sensing_j: jax.Array

    @property
    def latency(self) -> jax.Array:
        """t_dt [s]."""
        return self.m1 + self.m2 + self.m3

    @property
    def energy(self) -> jax.Array:
        """e, sensing included [J]."""
        return self.sensing_j + self.m4 + self.m5

    def latency_gradient(self) -> Four:
        """Derivatives of t in (s, F, P, G)."""
        s = self.m1 * self.work1[0] + self.m2 + self.m3 * self.work3[0]
        return s, -self.m1, self.m2 * self.psi[0], -self.m3

    def energy_gradient(self) -> Four:
        """Derivatives of e in (s, F, P, G)."""
        s = self.m4 * self.work1[0] + self.m5
        return s, 2.0 * self.m4, self.m5 * (1.0 + self.psi[0]), jnp.zeros_like(self.m4)


def build_problem(
    scenario: Scenario, slot: Slot, phi_low: Float[Array, "b K"], phi_high: Float[Array, "b K"], *, codec: bool
) -> SlotProblem:
    """The program of a batch of slots [b, K] with L = 1 and phi within [phi_low, phi_high] (fixed if they are equal).

    codec: if False, raw data are sent and neither extraction nor recovery is charged.
    """
    data, gain = jnp.asarray(slot.data_bits), jnp.asarray(slot.channel_gain)
    one = jnp.ones_like(data)
    # Without the codec its work is 0; exp(-200) is negligible and keeps the logarithm finite.
    codec_log = 0.0 if codec else -200.0
    log_cycles = jnp.log(scenario.cycles_per_bit * data / GHZ) + codec_log
    log_energy = log_cycles + jnp.log(scenario.capacitance) + 3 * jnp.log(GHZ)
    device = scenario.bandwidth_hz / scenario.device_count
    sense_s = over_devices(sensing_latency_s(data, scenario))
    sense_j = sensing_energy_j(data, scenario)
    weight = jnp.asarray(scenario.penalty_weight, data.dtype)
    literal = scenario.penalty == "literal"
    capacity = jnp.asarray(scenario.edge_cpu_max_hz / GHZ, data.dtype)
    # If the floors use up the capacity, an interior-point method has no interior. A slightly larger capacity can only
    # lower the bound, so the certificate stays valid.
    floors = scenario.edge_cpu_min_hz / GHZ * scenario.device_count
    edge_ghz = jnp.maximum(capacity, floors * (1.0 + 1e-7))
    budgets = scenario.deadline_s + scenario.energy_budget_j + capacity
    offset = sense_s + (weight * (over_devices(sense_j) - budgets) if literal else 0.0)
    return SlotProblem(
        low=(
            jnp.log(phi_low * one),
            jnp.log(scenario.device_cpu_min_hz / GHZ) * one,
            jnp.log(scenario.transmit_power_min_w) * one,
            jnp.log(scenario.edge_cpu_min_hz / GHZ) * one,
        ),
        high=(
            jnp.log(phi_high * one),
            jnp.log(scenario.device_cpu_max_hz / GHZ) * one,
            jnp.log(scenario.transmit_power_max_w) * one,
            jnp.log(edge_ghz) * one,
        ),
        log_cycles=log_cycles,
        log_energy=log_energy,
        log_airtime=jnp.log(data * (jnp.log(2.0) / device)),
        log_snr=jnp.log(gain / scenario.noise_power_w),
        sensing_j=sense_j,
        sensing_s=sense_s,
        deadline_s=scenario.deadline_s,
        energy_budget_j=scenario.energy_budget_j,
        capacity_ghz=capacity,
        edge_ghz=edge_ghz,
        latency_weight=1.0 + weight if literal else 1.0,
        energy_weight=weight if literal else 0.0,
        edge_weight=weight if literal else 0.0,
        hinge=jnp.zeros_like(weight) if literal else weight,
        offset=offset,
        may_serve=jnp.ones(data.shape, bool),
        given_up=jnp.full(data.shape, jnp.inf),
        given_up_bound=jnp.full(data.shape, jnp.inf),
        given_up_log_phi=jnp.zeros_like(data),
        scenario=scenario,
    )


def terms(problem: SlotProblem, z: Four) -> Terms:
    """All terms and derivatives at z."""
    s, f, p, g = z

    def work(x: jax.Array) -> Any:
        return log_work(x, problem.scenario)

    ones = jnp.ones_like(s)

    def slope(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.jvp(work, (x,), (ones,))[1]

    level = work(s)
    first, second = jax.jvp(slope, (s,), (ones,))
    snr = jnp.exp(problem.log_snr + p)
    nats = jnp.log1p(snr)
    share = snr / (1.0 + snr)
    m1 = jnp.exp(problem.log_cycles + level[0] - f)
    m2 = jnp.exp(problem.log_airtime + s) / nats
    m3 = jnp.exp(problem.log_cycles + level[1] - g)
    m4 = jnp.exp(problem.log_energy + level[0] + 2.0 * f)
    psi_1 = -share / nats
    # The difference cancels for tiny snr, where psi is linear and its curvature is 0 anyway.
    psi_2 = jnp.maximum(share * (share - (1.0 - share) * nats), 0.0) / (nats * nats)
    return Terms(
        m1, m2, m3, m4, m2 * jnp.exp(p), jnp.exp(g),
        (first[0], second[0]), (first[1], second[1]), (psi_1, psi_2), problem.sensing_j,
    )  # fmt: skip


def lagrangian_gradient(problem: SlotProblem, at: Terms, lam_t: jax.Array, lam_e: jax.Array, mu: jax.Array) -> Four:
    """Derivatives of the Lagrangian in (s, F, P, G)."""
    weight_t, weight_e = problem.latency_weight + lam_t, problem.energy_weight + lam_e
    grad_t, grad_e = at.latency_gradient(), at.energy_gradient()
    mixed = [weight_t * a + weight_e * b for a, b in zip(grad_t, grad_e, strict=True)]
    return mixed[0], mixed[1], mixed[2], mixed[3] + (problem.edge_weight + mu) * at.edge


def served_bound(
    problem: SlotProblem, z: Four, at: Terms, lam_t: jax.Array, lam_e: jax.Array, mu: jax.Array
) -> jax.Array:
    """Lower bound on the cost of serving each UD at the price mu [b, 1], edge CPU included; [b, K].

    Holds for any z in the box and any multipliers, see the module's docstring.
    """
    lam_t, lam_e = jnp.clip(lam_t, 0.0, problem.hinge), jnp.clip(lam_e, 0.0, problem.hinge)
    value = lagrangian(problem, at, lam_t, lam_e, mu)
    for slope, x, low, high in zip(
        lagrangian_gradient(problem, at, lam_t, lam_e, mu), z, problem.low, problem.high, strict=True
    ):
        value = value + jnp.minimum(slope * (low - x), slope * (high - x))
    return value


def lagrangian(problem: SlotProblem, at: Terms, lam_t: jax.Array, lam_e: jax.Array, mu: jax.Array) -> jax.Array:
    """Each UD's part of the Lagrangian at a point; [b, K]."""
    return (
        problem.latency_weight * at.latency + problem.energy_weight * (at.m4 + at.m5)
        + lam_t * (at.latency - problem.deadline_s) + lam_e * (at.energy - problem.energy_budget_j)
        + (problem.edge_weight + mu) * at.edge
    )  # fmt: skip


def given_up_price(problem: SlotProblem, cost: jax.Array, mu: jax.Array) -> jax.Array:
    """Cost of giving up each UD, with its edge CPU, the floor, at the price mu [b, 1]; [b, K]."""
    return cost + (problem.edge_weight + mu) * jnp.exp(problem.low[3])


def certified_bound(
    problem: SlotProblem, z: Four, at: Terms, lam_t: jax.Array, lam_e: jax.Array, mu: jax.Array
) -> Float[Array, " b"]:
    """The module's lower bound on T + P, for any z in the box and any multipliers; mu is [b, 1]."""
    mu = jnp.maximum(mu, 0.0)
    return slot_bound(problem, served_bound(problem, z, at, lam_t, lam_e, mu), mu)


def slot_bound(
    problem: SlotProblem, served: jax.Array, mu: jax.Array, given_up: jax.Array | bool = True
) -> Float[Array, " b"]:
    """Lower bound on T + P at the price mu [b, 1] >= 0.

    served: lower bound on the cost of serving each UD [b, K]. given_up: which UDs may be given up [b, K].
    """
    served = jnp.where(problem.may_serve, served, jnp.inf)
    cost = jnp.where(given_up, problem.given_up_bound, jnp.inf)
    least = jnp.minimum(served, given_up_price(problem, cost, mu))
    return problem.offset + over_devices(least) - mu[..., 0] * problem.edge_ghz


def feasible_edge(problem: SlotProblem, edge: jax.Array, served: jax.Array) -> jax.Array:
    """Edge CPU [GHz] scaled to fit the capacity, but not below the floor; the floor for UDs that are not `served`."""
    floor = jnp.exp(problem.low[3])
    spare = jnp.maximum(problem.capacity_ghz - over_devices(floor)[..., None], 0.0)
    above = jnp.where(served, edge - floor, 0.0)
    return floor + above * jnp.clip(spare / jnp.maximum(over_devices(above)[..., None], 1e-300), 0.0, 1.0)


def cost_of(problem: SlotProblem, at: Terms, served: jax.Array) -> tuple[Float[Array, " b"], jax.Array]:
    """T + P of the point after its edge CPU is made feasible, and that edge CPU [GHz]; UDs not `served` are given up.

    Only UDs that are given up have their latency capped here, so the reported cost is at most this.
    """
    edge = feasible_edge(problem, at.edge, served)
    latency = at.m1 + at.m2 + at.m3 * (at.edge / edge)
    cost = (
        problem.latency_weight * latency + problem.energy_weight * (at.m4 + at.m5)
        + problem.hinge * jnp.maximum(latency - problem.deadline_s, 0.0)
        + problem.hinge * jnp.maximum(at.energy - problem.energy_budget_j, 0.0)
    )  # fmt: skip
    cost = jnp.where(served, cost, problem.given_up) + problem.edge_weight * edge
    return problem.offset + over_devices(cost), edge
