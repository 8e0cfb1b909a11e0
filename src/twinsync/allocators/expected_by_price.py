"""Minimisation of the expected cost of a batch of slots by a price of edge CPU.

At a given price mu the devices are independent. Each is either served, a smooth problem in z = ln of (phi, f, p, f_e)
whose minimum lies within the latency cap, or given up with certainty by extracting so slowly that the cap passes, at a
constant cost. First, several starts per device find its minimum at the price of an equal share. Then all devices and
the price move together: Newton steps within the box, damped per device until they lower its cost, and the price from
the linearised demand for edge CPU. The dual value

    -mu F + sum_k min(served_k(mu), given_up_k + mu f_min)

is a lower bound on the expected cost for any mu, provided that the starts led to each device's global minimum.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.allocators.branching import Best
from twinsync.allocators.expectation import DeviceProblem, device_cost
from twinsync.allocators.expected_derivatives import Derivatives, device_derivatives
from twinsync.allocators.four_by_four import Four, factorise, four, substitute
from twinsync.arrays import Array
from twinsync.model.semantics import log_work
from twinsync.model.slot import GHZ, over_devices
from twinsync.scenario import Scenario

# Starts, as fractions of the way between the logarithms of the bounds of phi, f and p; one start per range of phi.
PHI_PARTS = ((0.02, 0.2), (0.4, 0.6), (0.8, 0.97))
OTHER_PARTS = ((0.6, 0.85), (0.5, 0.95))
SETTLING = 8  # steps from every start
MAX_STEPS = 400
MOST_CHANGES = 2  # of a device between being served and given up
ACCURATE = 1e-9  # estimated gain of a further step, relative to a slot's cost, at which the slot is solved
SMOOTHING = 1e-4  # relative to the energy budget, see `device_derivatives`
MET = 1e-7  # tolerated mismatch between demand and capacity, relative; shares are scaled to fit in the end
PROVEN = 1e-7  # the estimated gain at which a dual value counts as a bound
ROUNDING = 1e-11  # relative to a cost, more than its rounding error


class Box(NamedTuple):
    """Bounds of z, the same for every device; the server's capacity [GHz]; the literal penalty per GHz, else 0."""

    low: Four
    high: Four
    capacity: jax.Array
    edge_price: jax.Array


class _Place(NamedTuple):
    """Each device's point, the derivatives of its cost there without the price of edge CPU, and its damping; [b, K]."""

    z: Four
    at: Derivatives
    damping: jax.Array


class _Search(NamedTuple):
    place: _Place
    mu: jax.Array  # [b, 1]
    served: jax.Array  # whether each device is served [b, K]
    changes: jax.Array  # how often `served` changed [b, K]
    bound: jax.Array  # the best so far [b]
    margin: jax.Array  # cost served less cost given up at that bound's price [b, K]
    settled: jax.Array  # whether the slot is solved [b]


def box_of(scenario: Scenario) -> Box:
    """The logarithms of the bounds (19e) to (19h)."""
    capacity = jnp.asarray(scenario.edge_cpu_max_hz / GHZ)
    floor = scenario.edge_cpu_min_hz / GHZ
    pairs = (
        (scenario.extraction_factor_min, 1.0),
        (scenario.device_cpu_min_hz / GHZ, scenario.device_cpu_max_hz / GHZ),
        (scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        (floor, jnp.maximum(capacity - (scenario.device_count - 1) * floor, floor)),
    )
    (a, e), (b, f), (c, g), (d, h) = ((jnp.log(jnp.asarray(x)), jnp.log(jnp.asarray(y))) for x, y in pairs)
    price = scenario.penalty_weight if scenario.penalty == "literal" else 0.0
    return Box((a, b, c, d), (e, f, g, h), capacity, jnp.asarray(price))


def minimise_expected(
    scenario: Scenario,
    problem: DeviceProblem,
    may_serve: Array,
    may_give_up: Array,
    leave_open: int | jax.Array,
) -> Best:
    """Minimise the expected cost of a batch of slots [b, K].

    may_serve, may_give_up: what is allowed of each device, bool [b, K]. Stops when at most `leave_open` slots are
    unsolved, or after MAX_STEPS.
    """
    box = box_of(scenario)
    given_up, least_effort = _given_up(scenario, problem, box)
    given_up = jnp.where(may_give_up, given_up, jnp.inf)
    may_serve = may_serve | ~jnp.isfinite(given_up)
    place, mu = _settle(scenario, problem, box)
    empty = jnp.full(mu.shape[0], -jnp.inf)
    search = _Search(
        place, mu, may_serve, jnp.zeros(may_serve.shape, jnp.int32), empty, jnp.zeros_like(given_up), empty > 0
    )

    def going(carry) -> jax.Array:
        return (carry[0] < MAX_STEPS) & (jnp.sum(~carry[1].settled) > leave_open)

    def step(carry):
        return carry[0] + 1, _step(scenario, problem, box, given_up, may_serve, carry[1])

    search = jax.lax.while_loop(going, step, (jnp.asarray(0), search))[1]
    z = four(jnp.where(search.served, x, y) for x, y in zip(search.place.z, least_effort, strict=True))
    floor = jnp.exp(box.low[3])
    above = jnp.where(search.served, jnp.exp(z[3]) - floor, 0.0)
    spare = jnp.maximum(box.capacity - floor * above.shape[-1], 0.0)
    edge = floor + above * jnp.minimum(1.0, spare / jnp.maximum(over_devices(above), 1e-300))[:, None]
    cost = device_cost(scenario, problem, (z[0], z[1], z[2], jnp.log(edge))) + box.edge_price * edge
    offset = -box.edge_price * box.capacity
    return Best(over_devices(cost) + offset, search.bound + offset, jnp.stack(z, axis=1), edge, search.margin)


def _given_up(scenario: Scenario, problem: DeviceProblem, box: Box) -> tuple[jax.Array, Four]:
    """Cost of giving up each device with the least effort, without the price of edge CPU, and the z that does so.

    The cost is inf if even the slowest extraction ends before the cap.
    """
    costs = []
    for log_phi in (box.low[0], box.high[0]):
        s = log_phi + jnp.zeros_like(problem.log_cycles)
        t_extract = jnp.exp(problem.log_cycles + log_work(s, scenario)[0] - box.low[1])
        f, p, g = (low + jnp.zeros_like(s) for low in box.low[1:])
        cost = device_cost(scenario, problem, (s, f, p, g))
        costs.append(jnp.where(t_extract >= scenario.latency_cap_s, cost, jnp.inf))
    s = jnp.where(costs[1] < costs[0], box.high[0], box.low[0])
    f, p, g = (low + jnp.zeros_like(s) for low in box.low[1:])
    return jnp.minimum(*costs), (s, f, p, g)


def _settle(scenario: Scenario, problem: DeviceProblem, box: Box) -> tuple[_Place, jax.Array]:
    """The least minimum that several starts per device lead to, and the price [b, 1] at which it was sought.

    The price is the value of a GHz at an equal share. Points at which the device is certainly given up do not count.
    """
    like = jnp.zeros_like(problem.log_cycles)
    floor = jnp.exp(box.low[3])
    count = like.shape[-1]
    share = jnp.log(floor + jnp.maximum(box.capacity - count * floor, 0.0) / count)
    share = jnp.clip(share, box.low[3], box.high[3]) + like

    def at(parts: jax.Array) -> Four:
        s, f, p = (low + part * (high - low) for low, high, part in zip(box.low[:3], box.high[:3], parts, strict=True))
        return s + like, f + like, p + like, share

    starts = []
    for phis in PHI_PARTS:
        grid = jnp.asarray(list(itertools.product(phis, *OTHER_PARTS)))
        costs = jax.lax.map(lambda parts: device_cost(scenario, problem, at(parts)), grid)
        starts.append(at(jnp.moveaxis(grid[jnp.argmin(costs, axis=0)], -1, 0)))
    starts.append(four(low + like for low in box.low))
    z = four(jnp.stack(parts) for parts in zip(*starts, strict=True))
    wide = jax.tree.map(lambda x: jnp.broadcast_to(x, z[0].shape), problem)
    derivatives = device_derivatives(scenario, wide, z, smoothing=SMOOTHING)
    first = jnp.argmin(derivatives.value, axis=0)[None]
    worth = jnp.take_along_axis(-derivatives.slope[3] / jnp.exp(z[3]), first, axis=0)[0]
    mu = jnp.maximum(jnp.mean(worth, axis=-1, keepdims=True) - box.edge_price, 1e-6 * jnp.mean(worth) + 1e-12)
    place = _Place(z, derivatives, jnp.full(z[0].shape, 1e-2))

    def step(place: _Place, _) -> tuple[_Place, None]:
        newton = _newton(box, place, mu)
        return _move(scenario, wide, box, place, newton.plain, mu), None

    place = jax.lax.scan(step, place, None, length=SETTLING)[0]
    t_extract = jnp.exp(wide.log_cycles + log_work(place.z[0], scenario)[0] - place.z[1])
    cost = place.at.value + (box.edge_price + mu) * jnp.exp(place.z[3])
    best = jnp.argmin(jnp.where(t_extract < 0.99 * scenario.latency_cap_s, cost, 1e9 + cost), axis=0)[None]
    return jax.tree.map(lambda x: jnp.take_along_axis(x, best, axis=0)[0], place), mu


class _Newton(NamedTuple):
    """Step of z at a fixed price; its change per unit of price; estimated gain in cost of a full, undamped step."""

    plain: Four
    column: Four
    gain: jax.Array


def _newton(box: Box, place: _Place, mu: jax.Array) -> _Newton:
    edge = jnp.exp(place.z[3])
    paid = (box.edge_price + mu) * edge
    slope = [*place.at.slope[:3], place.at.slope[3] + paid]
    fixed = [
        ((x <= low) & (d >= 0)) | ((x >= high) & (d <= 0))
        for x, d, low, high in zip(place.z, slope, box.low, box.high, strict=True)
    ]
    curve = {key: jnp.where(fixed[key[0]] | fixed[key[1]], 0.0, x) for key, x in place.at.curve.items()}
    # Where the curvature is small, the size of the cost limits the step.
    scale = 1e-3 * (jnp.abs(place.at.value) + paid)
    diagonal = [curve[i, i] + (paid if i == 3 else 0.0) for i in range(4)]
    damped, plain = dict(curve), dict(curve)
    for i in range(4):
        more = place.damping * (jnp.abs(diagonal[i]) + scale)
        plain[i, i] = jnp.where(fixed[i], 1.0, diagonal[i] + scale * 1e-9)
        damped[i, i] = jnp.where(fixed[i], 1.0, diagonal[i] + more + scale * 1e-9)
    down = four(jnp.where(hold, 0.0, -d) for hold, d in zip(fixed, slope, strict=True))
    factor = factorise(damped, least=1e-3)
    zero = jnp.zeros_like(edge)
    column = substitute(factor, (zero, zero, zero, jnp.where(fixed[3], 0.0, edge)))
    full = substitute(factorise(plain, least=1e-3), down)
    # Clip at a factor of e: where the cost is flat, the quadratic model's step would be unbounded.
    left = four(jnp.abs(d * jnp.clip(x, -1.0, 1.0)) for d, x in zip(down, full, strict=True))
    gain = 0.5 * (left[0] + left[1] + left[2] + left[3])
    return _Newton(substitute(factor, down), column, gain)


def _move(scenario: Scenario, problem: DeviceProblem, box: Box, place: _Place, step: Four, mu: jax.Array) -> _Place:
    """Take a step within the box, at most a factor of e. A device whose cost at this price would rise stays where it is
    and is damped more."""
    z = four(
        jnp.clip(x + jnp.clip(d, -1.0, 1.0), low, high)
        for x, d, low, high in zip(place.z, step, box.low, box.high, strict=True)
    )
    at = device_derivatives(scenario, problem, z, smoothing=SMOOTHING)
    change = at.value - place.at.value + (box.edge_price + mu) * (jnp.exp(z[3]) - jnp.exp(place.z[3]))
    lower = change <= ROUNDING * jnp.abs(place.at.value)
    z, at = jax.tree.map(lambda new, old: jnp.where(lower, new, old), (z, at), (place.z, place.at))
    damping = jnp.where(lower, 0.1 * place.damping, jnp.clip(10.0 * place.damping, 1e-3, 1e6))
    return _Place(z, at, jnp.where(damping < 1e-6, 0.0, damping))


def _step(
    scenario: Scenario, problem: DeviceProblem, box: Box, given_up: jax.Array, may_serve: jax.Array, search: _Search
) -> _Search:
    """Update the bound and who is served, then move every device and the price by one step."""
    place, mu = search.place, search.mu
    newton = _newton(box, place, mu)
    floor, edge, price = jnp.exp(box.low[3]), jnp.exp(place.z[3]), box.edge_price + mu
    cost, otherwise = place.at.value + price * edge, given_up + price * floor
    # The gain is exact for a quadratic; twice the gain allows for the cost's deviation from one.
    least = jnp.where(may_serve, cost - 2.0 * newton.gain - place.at.excess, jnp.inf)
    wanted = may_serve & ~(least > otherwise) & (search.served | (cost < otherwise))
    served = jnp.where(search.changes < MOST_CHANGES, wanted, search.served)
    changes = search.changes + (served != search.served)
    total = over_devices(jnp.minimum(least, otherwise))
    accuracy = over_devices(jnp.where(may_serve, newton.gain, 0.0)) / jnp.abs(total)
    bound = jnp.where(accuracy <= PROVEN, total - mu[:, 0] * box.capacity, -jnp.inf)
    better = bound > search.bound
    weight = jnp.where(served, edge, 0.0)
    demand = over_devices(jnp.where(served, edge, floor))
    missed = demand / box.capacity - 1.0
    free = mu[:, 0] * box.capacity <= ACCURATE * jnp.abs(total)  # the price is 0: the server has enough for all
    met = (jnp.abs(missed) <= MET) | (free & (missed < 0))
    settled = search.settled | ((accuracy <= ACCURATE) & met & jnp.all(served == search.served, axis=-1))
    pull = over_devices(weight * newton.column[3])
    excess = demand + over_devices(weight * newton.plain[3]) - box.capacity
    rise = jnp.where(pull > 0, excess / jnp.where(pull > 0, pull, 1.0), jnp.sign(excess) * jnp.inf)
    moved = jnp.clip(mu + jnp.nan_to_num(rise)[:, None], 0.25 * mu, 4.0 * mu)
    moved = jnp.where(settled[:, None], mu, moved)
    step = four(x - c * (moved - mu) for x, c in zip(newton.plain, newton.column, strict=True))
    after = _move(scenario, problem, box, place, step, moved)
    after = jax.tree.map(lambda new, old: jnp.where(settled[:, None], old, new), after, place)
    return _Search(
        after, moved, served, changes, jnp.maximum(bound, search.bound),
        jnp.where(better[:, None], least - otherwise, search.margin), settled,
    )  # fmt: skip
