"""Value, gradient and Hessian of a device's expected cost in closed form, from one set of quadrature nodes.

With Q(L, U, w) = U M_0(L / U, w) = E[max(L - U tau, 0)], w the logarithm of the mean signal-to-noise ratio and M_i the
moments of `shortfall`, r = L / U, x = (e^(1/r) - 1) / e^w and d = exp(-x):

    Q_L = d    Q_U = M_0 - r d    Q_w = U M_1    Q_LL = d' / U    Q_LU = -r Q_LL    Q_UU = r^2 Q_LL
    Q_Lw = x d    Q_Uw = M_1 - r x d    Q_ww = U (M_2 - M_1)    d' = d e^(1/r) / (r^2 e^w)

The expected cost is a sum of such Q, whose arguments are sums of exponentials of z = ln of (phi, f, p, f_e); the rest
is the chain rule. Automatic differentiation of `expectation.device_cost` gives the same numbers in ten times the time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.expectation import DeviceProblem
from twinsync.allocators.four_by_four import Four
from twinsync.allocators.shortfall import edge, moments
from twinsync.arrays import Scalar
from twinsync.model.semantics import log_work
from twinsync.scenario import Scenario

S, F, P, G = range(4)
Curve = dict[tuple[int, int], jax.Array]  # upper triangle; a missing entry is 0


class Derivatives(NamedTuple):
    """Value, gradient in z and upper triangle of the Hessian; arrays of one shape.

    excess: upper bound on how much smoothing raises the value.
    """

    value: jax.Array
    excess: jax.Array
    slope: list[jax.Array]
    curve: Curve


class _Jet(NamedTuple):
    """A function of z: value, and first and second derivatives by index; missing ones are 0."""

    value: jax.Array
    slope: dict[int, Any]
    curve: dict[tuple[int, int], Any]


def device_derivatives(scenario: Scenario, problem: DeviceProblem, z: Four, *, smoothing: float = 0.0) -> Derivatives:
    """`expectation.device_cost` with its derivatives; elementwise, any shape.

    The cost has a corner where the energy of an uplink cut off at the cap equals what is left of the energy budget.
    `smoothing` rounds the corner over that fraction of the budget.
    """
    s, f, p, g = z
    cap, weight = scenario.latency_cap_s, scenario.penalty_weight
    extract, recover = _work(scenario, s, 0), _work(scenario, s, 1)
    t_extract = _exponential(problem.log_cycles - f, extract, {F: -1.0})
    t_recover = _exponential(problem.log_cycles - g, recover, {G: -1.0})
    one = (jnp.zeros_like(s), jnp.zeros_like(s), jnp.zeros_like(s))
    unit = _exponential(problem.log_airtime + s, one, {S: 1.0})
    power_unit = _exponential(problem.log_airtime + s + p, one, {S: 1.0, P: 1.0})
    power = _exponential(p, one, {P: 1.0})
    alive = t_extract.value < cap
    to_the_end = _exponential(problem.log_energy + 2.0 * f, extract, {F: 2.0})
    to_the_cap = _exponential(problem.log_energy - problem.log_cycles + 3.0 * f + jnp.log(cap), one, {F: 3.0, S: 0.0})
    e_extract = _choose(alive, to_the_end, to_the_cap)
    still = _sum((1.0, t_extract), (1.0, t_recover))
    room = _where(alive, _sum((-1.0, t_extract), constant=cap))
    cut = _product(power, room)  # energy of an uplink cut off at the cap
    below_cap = _sum((-1.0, still), constant=cap)
    if scenario.penalty == "literal":
        count = scenario.device_count
        limits, units = [below_cap, cut], [unit, power_unit]
        before_cap, kept = _shortfalls(limits, units, problem.log_snr + p)
        offset = problem.sensing_s + (1.0 + weight) * cap
        offset = offset + weight * (problem.sensing_j - (scenario.deadline_s + scenario.energy_budget_j) / count)
        parts = [(-(1.0 + weight), before_cap), (weight, e_extract), (weight, cut), (-weight, kept)]
        return _whole(_sum(*parts, constant=offset), 0.0, s)
    deadline = jnp.minimum(scenario.deadline_s, cap)
    early = _sum((-1.0, still), constant=deadline)
    spare = _sum((-1.0, e_extract), constant=scenario.energy_budget_j - problem.sensing_j)
    width = smoothing * scenario.energy_budget_j
    most, excess = _greater(cut, spare, width) if smoothing else (_choose(cut.value > spare.value, cut, spare), 0.0)
    limits, units = [below_cap, early, most, spare], [unit, unit, power_unit, power_unit]
    before_cap, in_time, kept, within = _shortfalls(limits, units, problem.log_snr + p)
    offset = problem.sensing_s + cap + weight * (cap - deadline)
    parts = [(-(1.0 + weight), before_cap), (weight, in_time), (weight, most), (-weight, spare)]
    return _whole(_sum(*parts, (-weight, kept), (weight, within), constant=offset), weight * excess, s)


def _work(scenario: Scenario, s: jax.Array, which: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Logarithm of the extraction (0) or recovery (1) work at ln(phi), and its first two derivatives."""
    ones = jnp.ones_like(s)

    def work(x: jax.Array) -> jax.Array:
        return log_work(x, scenario)[which]

    def slope(x: jax.Array) -> jax.Array:
        return jax.jvp(work, (x,), (ones,))[1]

    return work(s), *jax.jvp(slope, (s,), (ones,))


def _exponential(log: jax.Array, work: tuple[jax.Array, ...], linear: dict[int, float]) -> _Jet:
    """exp(log + work(s)); `linear` has the derivative of `log` by each variable.

    With S in `linear`, `work` must be constant.
    """
    value = jnp.exp(log + work[0])
    rate: dict[int, Any] = {i: linear[i] for i in linear}
    if S not in linear:
        rate = {S: work[1], **rate}
    curve = {(i, j): value * (a * b) for i, a in rate.items() for j, b in rate.items() if i <= j}
    if S not in linear and not all(i == P for i in linear):
        curve[S, S] = curve[S, S] + value * work[2]
    return _Jet(value, {i: value * a for i, a in rate.items()}, curve)


def _sum(*parts: tuple[Any, _Jet], constant: Scalar | jax.Array = 0.0) -> _Jet:
    value: Any = constant
    slope: dict[int, Any] = {}
    curve: dict[tuple[int, int], Any] = {}
    for factor, jet in parts:
        value = value + factor * jet.value
        for total, own in ((slope, jet.slope), (curve, jet.curve)):
            for key, x in own.items():
                total[key] = total[key] + factor * x if key in total else factor * x  # type: ignore[index]
    return _Jet(value, slope, curve)


def _product(a: _Jet, b: _Jet) -> _Jet:
    slope = _sum((b.value, a), (a.value, b)).slope
    curve = dict(_sum((b.value, a), (a.value, b)).curve)
    _add_outer(curve, a.slope, b.slope, 1.0)
    return _Jet(a.value * b.value, slope, curve)


def _add_outer(curve: dict[tuple[int, int], Any], a: dict[int, Any], b: dict[int, Any], factor: Any) -> None:
    """Add factor (a b^T + b a^T) to the upper triangle."""
    for i, x in a.items():
        for j, y in b.items():
            key = (min(i, j), max(i, j))
            term = factor * x * y * (2.0 if i == j else 1.0)
            curve[key] = curve[key] + term if key in curve else term


def _where(alive: jax.Array, jet: _Jet) -> _Jet:
    def kept(x: Any) -> jax.Array:
        return jnp.where(alive, x, 0.0)

    slope = {key: kept(x) for key, x in jet.slope.items()}
    return _Jet(kept(jet.value), slope, {key: kept(x) for key, x in jet.curve.items()})


def _choose(first: jax.Array, a: _Jet, b: _Jet) -> _Jet:
    def pick(x: dict, y: dict) -> dict:
        return {key: jnp.where(first, x.get(key, 0.0), y.get(key, 0.0)) for key in {**x, **y}}

    return _Jet(jnp.where(first, a.value, b.value), pick(a.slope, b.slope), pick(a.curve, b.curve))


def _greater(a: _Jet, b: _Jet, width: Scalar) -> tuple[_Jet, jax.Array]:
    """The maximum of two, with its corner rounded from above over `width`; and the rounding's excess."""
    x = (a.value - b.value) / width
    part = jax.nn.sigmoid(x)
    sum_of_both = _sum((part, a), (1.0 - part, b))
    difference = _sum((1.0, a), (-1.0, b)).slope
    curve = dict(sum_of_both.curve)
    _add_outer(curve, difference, difference, 0.5 * part * (1.0 - part) / width)
    excess = width * jnp.log1p(jnp.exp(-jnp.abs(x)))
    return _Jet(jnp.maximum(a.value, b.value) + excess, sum_of_both.slope, curve), excess


def _whole(jet: _Jet, excess: Any, like: jax.Array) -> Derivatives:
    zero = jnp.zeros_like(like)
    slope = [jet.slope.get(i, zero) + zero for i in range(4)]
    curve = {(i, j): jet.curve.get((i, j), zero) + zero for i in range(4) for j in range(i, 4)}
    return Derivatives(jet.value + zero, excess + zero, slope, curve)


def _shortfalls(limits: list[_Jet], units: list[_Jet], log_snr: jax.Array) -> list[_Jet]:
    """Q of each pair of limit and unit, with all quadratures in one batch."""
    limit = jnp.stack([jet.value for jet in limits])
    unit = jnp.stack([jet.value for jet in units])
    log_snr = jnp.broadcast_to(log_snr, limit.shape)
    r = limit / unit
    m0, m1, m2 = moments(r, log_snr)
    x, d, inverse = edge(r, log_snr)
    # d' / U; e^(1/r) = 1 + x e^w
    q_ll = d * (jnp.exp(-log_snr) + x) * inverse**2 / unit
    q_u, q_lw = m0 - r * d, x * d
    q_uw, q_ww = m1 - r * q_lw, unit * (m2 - m1)
    jets = []
    for i, (bound, scale) in enumerate(zip(limits, units, strict=True)):
        parts = _sum((d[i], bound), (q_u[i], scale))
        curve = dict(parts.curve)
        _add_outer(curve, bound.slope, bound.slope, 0.5 * q_ll[i])
        _add_outer(curve, bound.slope, scale.slope, -r[i] * q_ll[i])
        _add_outer(curve, scale.slope, scale.slope, 0.5 * r[i] ** 2 * q_ll[i])
        _add_outer(curve, bound.slope, {P: 1.0}, q_lw[i])
        _add_outer(curve, scale.slope, {P: 1.0}, q_uw[i])
        curve[P, P] = curve.get((P, P), 0.0) + q_ww[i]
        slope = {**parts.slope, P: parts.slope.get(P, 0.0) + unit[i] * m1[i]}
        jets.append(_Jet(unit[i] * m0[i], slope, curve))
    return jets
