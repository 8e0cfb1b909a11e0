"""`expected`: the best a decision-maker can do that knows distances and data but not the fading.

It minimises the expected capped cost of `expectation` over (19e) to (19h). Without the latency cap this would be convex
in the logarithms, as the slot's own program is. The cap bends it: where outages are rare there is one minimum, found to
0.1 % or better; where many devices are given up (the preset paper with path_loss_exponent = 3.5) there are several, and
the one found can be some per cent above the least.
The method is a primal barrier: Newton steps with the Hessian's pivots kept positive, all slots of a batch at once. A
device's four variables couple to the others' only through the edge server's capacity, so a step is a 4 x 4 solve a
device and one division a slot.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.expectation import DeviceProblem, check_expectation, device_cost, device_problem
from twinsync.allocators.four_by_four import Four, factorise, substitute
from twinsync.arrays import Array, Float, Key
from twinsync.environment.interface import Sight
from twinsync.errors import InputError
from twinsync.model.slot import GHZ, Allocation
from twinsync.scenario import Scenario

BARRIERS = (1e-2, 1e-3, 1e-4, 1e-5)  # relative to a device's cost; eight bounds a device leave 1e-4 at the end
MAX_STEPS = 20  # at each
CHUNK = 6144  # devices at once, which bounds memory
# Where to start: parts of the way between the bounds' logarithms of phi, f and p.
START_GRID = ((0.03, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.97), (0.5, 0.8, 0.95), (0.5, 0.95))
MOST_DEVICES = 2000
LENGTHS = (1.0, 0.5, 0.15, 0.03)  # of a step's way, tried side by side


class Expected:
    """`expected`: minimises the expected cost (to 0.1 %, see the module), the channel unknown."""

    observation = "paper"

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        return solve_expected(scenario, sight.distance_m, sight.data_bits).allocation


class ExpectedSolution(NamedTuple):
    """Minimisers of the expected cost, float64 NumPy: allocation [*b, K] and its expected T + P [*b]."""

    allocation: Allocation
    cost: Float[np.ndarray, "*b"]


def check_expected(scenario: Scenario) -> None:
    """Raise `InputError` for a scenario in which the expected optimum does not exist or is not found."""
    check_expectation(scenario)
    if scenario.device_count > MOST_DEVICES:
        raise InputError(
            f"the expected optimum serves at most {MOST_DEVICES} devices a slot, got {scenario.device_count}: "
            "its steps stall beyond; use a gradient policy, or the optimum where the channel is known"
        )


def solve_expected(
    scenario: Scenario, distance_m: Float[Array, "*b K"], data_bits: Float[Array, "*b K"]
) -> ExpectedSolution:
    """Minimise the expectation over the fading of T[n] + P of (22), latency capped, in every slot of a batch.

    Raises `InputError` for L > 1 fading blocks, for more than MOST_DEVICES devices, and without a latency cap, where
    the expectation is infinite.
    """
    check_expected(scenario)
    shape = np.shape(data_bits)
    with jax.enable_x64(True):
        distance = np.asarray(distance_m, np.float64).reshape(-1, shape[-1])
        data = np.asarray(data_bits, np.float64).reshape(-1, shape[-1])
        z, edge, cost = _in_chunks(scenario, distance, data)
    # exp(log(bound)) may miss the bound by one rounding; the clips put it back.
    allocation = Allocation(
        extraction_factor=np.clip(np.exp(z[0]), scenario.extraction_factor_min, 1.0).reshape(shape),
        device_cpu_hz=np.clip(np.exp(z[1]) * GHZ, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz).reshape(
            shape
        ),
        transmit_power_w=np.clip(np.exp(z[2]), scenario.transmit_power_min_w, scenario.transmit_power_max_w).reshape(
            shape
        ),
        edge_cpu_hz=np.maximum(edge * GHZ, scenario.edge_cpu_min_hz).reshape(shape),
    )
    return ExpectedSolution(allocation, cost.reshape(shape[:-1]))


def _in_chunks(scenario: Scenario, distance: np.ndarray, data: np.ndarray):
    """Solve slots in equal chunks, the last one filled up with its own last slot, so that one program serves all."""
    slots, count = data.shape
    size = min(slots, max(1, CHUNK // count))
    parts = []
    for start in range(0, slots, size):
        index = np.minimum(np.arange(start, start + size), slots - 1)
        parts.append(jax.device_get(_solve(scenario, distance[index], data[index])))
    z = tuple(np.concatenate([part[0][i] for part in parts])[:slots] for i in range(4))
    edge, cost = (np.concatenate([part[i] for part in parts])[:slots] for i in (1, 2))
    return z, edge, cost


class _Box(NamedTuple):
    """Bounds of the logarithms, numbers that hold for every device; `free` where they differ."""

    low: Four
    high: Four
    free: tuple[jax.Array, ...]
    capacity: jax.Array  # of the edge server, GHz
    edge_price: jax.Array  # of a GHz (literal penalties: W)


def _box(scenario: Scenario) -> _Box:
    capacity = jnp.asarray(scenario.edge_cpu_max_hz / GHZ)
    pairs = (
        (scenario.extraction_factor_min, 1.0),
        (scenario.device_cpu_min_hz / GHZ, scenario.device_cpu_max_hz / GHZ),
        (scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        (scenario.edge_cpu_min_hz / GHZ, capacity),
    )
    low, high = zip(*((jnp.log(jnp.asarray(a)), jnp.log(jnp.asarray(b))) for a, b in pairs), strict=True)
    free = [b - a > 1e-9 for a, b in zip(low, high, strict=True)]
    # Floors that use up the server leave nothing to decide.
    spare = capacity - scenario.device_count * scenario.edge_cpu_min_hz / GHZ
    free[3] = free[3] & (spare > 1e-9 * capacity)
    price = scenario.penalty_weight if scenario.penalty == "literal" else 0.0
    return _Box(low, high, tuple(free), capacity, jnp.asarray(price))


@functools.partial(jax.jit)
def _solve(scenario: Scenario, distance: Float[Array, "b K"], data: Float[Array, "b K"]):
    problem, box = device_problem(scenario, distance, data), _box(scenario)
    z = _start(scenario, problem, box, data)
    # A device's typical cost; a constant offset of literal penalties must not enter.
    scale = jnp.mean(jnp.abs(device_cost(scenario, problem, z)), axis=-1, keepdims=True)

    def stage(z: Four, barrier: jax.Array) -> tuple[Four, None]:
        weight = barrier * scale

        def going(carry) -> jax.Array:
            count, _, gain = carry
            return (count < MAX_STEPS) & jnp.any(gain > 0.1 * weight[:, 0])

        def step(carry):
            count, z, _ = carry
            return (count + 1, *_newton(scenario, problem, box, weight, z))

        start = (jnp.asarray(0), z, jnp.full(weight.shape[:1], jnp.inf))
        return jax.lax.while_loop(going, step, start)[1], None

    z, _ = jax.lax.scan(stage, z, jnp.asarray(BARRIERS))
    edge = jnp.exp(z[3])
    cost = jnp.sum(device_cost(scenario, problem, z), axis=-1)
    cost = cost + box.edge_price * (jnp.sum(edge, axis=-1) - box.capacity)
    return z, edge, cost


def _start(scenario: Scenario, problem: DeviceProblem, box: _Box, data: Float[Array, "b K"]) -> Four:
    """The best place of a coarse grid for each device by itself, at an equal share of most of the edge CPU.

    There may be several local minima, and far from all of them a device is given up whatever it does.
    """
    count = data.shape[-1]
    floor = jnp.exp(box.low[3])
    share = jnp.log(floor + 0.9 * jnp.maximum(box.capacity - count * floor, 0.0) / count)
    edge = jnp.where(box.free[3], share, box.low[3]) * jnp.ones_like(data)

    def at(place: jax.Array) -> Four:
        inside = (low + part * (high - low) for low, high, part in zip(box.low[:3], box.high[:3], place, strict=True))
        return _four((*(x * jnp.ones_like(data) for x in inside), edge))

    grid = jnp.asarray(list(itertools.product(*START_GRID)))
    costs = jax.lax.map(lambda place: device_cost(scenario, problem, at(place)), grid)
    best = grid[jnp.argmin(costs, axis=0)]
    return at(jnp.moveaxis(best, -1, 0))


def _four(items) -> Four:
    a, b, c, d = items
    return a, b, c, d


def _barrier_cost(scenario: Scenario, problem: DeviceProblem, box: _Box, weight: jax.Array, z: Four) -> jax.Array:
    """What a step lowers: expected cost, edge price and barrier of every slot [b]; infinite outside."""
    walls = jnp.zeros_like(z[0])
    for free, x, low, high in zip(box.free, z, box.low, box.high, strict=True):
        room = jnp.where(free, (x - low) * (high - x), 1.0)
        walls = walls - jnp.where(room > 0, jnp.log(jnp.where(room > 0, room, 1.0)), -jnp.inf)
    edge = jnp.exp(z[3])
    spare = jnp.where(box.free[3], box.capacity - jnp.sum(edge, axis=-1), 1.0)
    wall = jnp.where(spare > 0, -jnp.log(jnp.where(spare > 0, spare, 1.0)), jnp.inf)
    cost = device_cost(scenario, problem, z) + box.edge_price * edge
    return jnp.sum(cost + weight * walls, axis=-1) + weight[..., 0] * wall


def _newton(
    scenario: Scenario, problem: DeviceProblem, box: _Box, weight: jax.Array, z: Four
) -> tuple[Four, Float[Array, " b"]]:
    """One step, and by how much it lowered each slot's barrier cost."""
    slope, curve = _derivatives(scenario, problem, z)
    edge = jnp.exp(z[3])
    spare = box.capacity - jnp.sum(edge, axis=-1, keepdims=True)
    pull = box.edge_price + weight / jnp.where(spare > 0, spare, 1.0)  # price of a GHz, barrier included
    slope[3] = slope[3] + pull * edge
    curve[3, 3] = curve[3, 3] + pull * edge
    rhs = []
    for i, (free, x, low, high) in enumerate(zip(box.free, z, box.low, box.high, strict=True)):
        below, above = jnp.where(free, x - low, 1.0), jnp.where(free, high - x, 1.0)
        rhs.append(jnp.where(free, -(slope[i] - weight / below + weight / above), 0.0))
        curve[i, i] = jnp.where(free, curve[i, i] + weight / below**2 + weight / above**2, 1.0)
    for i, j in curve:
        if i != j:
            curve[i, j] = jnp.where(box.free[i] & box.free[j], curve[i, j], 0.0)
    factor = factorise(curve, least=1e-3)
    plain = substitute(factor, _four(rhs))
    # The capacity's barrier adds weight / spare^2 times (edge edge^T) across devices: Sherman-Morrison.
    zero = jnp.zeros_like(edge)
    row = jnp.where(box.free[3], edge, 0.0)
    column = substitute(factor, (zero, zero, zero, row))
    stiff = weight / jnp.where(spare > 0, spare, 1.0) ** 2
    along = jnp.sum(row * plain[3], axis=-1, keepdims=True)
    across = jnp.sum(row * column[3], axis=-1, keepdims=True)
    ratio = stiff * along / (1.0 + stiff * across)
    step = _four(x - c * ratio for x, c in zip(plain, column, strict=True))
    return _search(scenario, problem, box, weight, z, step)


def _derivatives(scenario: Scenario, problem: DeviceProblem, z: Four):
    """Gradient and upper triangle of the Hessian of every device's expected cost."""

    def gradient(*z: jax.Array) -> Four:
        return jax.grad(lambda z: jnp.sum(device_cost(scenario, problem, z)))(z)

    one, zero = jnp.ones_like(z[0]), jnp.zeros_like(z[0])
    curve = {}
    slope, push = jax.linearize(gradient, *z)
    for i in range(4):
        row = push(*(one if i == j else zero for j in range(4)))
        for j in range(i, 4):
            curve[i, j] = row[j]
    return list(slope), curve


def _search(scenario: Scenario, problem: DeviceProblem, box: _Box, weight: jax.Array, z: Four, step: Four):
    """The best of a few lengths of a step, the longest at most 0.99 of the way to a bound and a factor e."""
    reach = jnp.ones_like(weight)
    for free, x, d, low, high in zip(box.free, z, step, box.low, box.high, strict=True):
        room = jnp.where(d > 0, high - x, x - low)
        limit = jnp.minimum(0.99 * room, 1.0) / jnp.maximum(jnp.abs(d), 1e-300)
        reach = jnp.minimum(reach, jnp.min(jnp.where(free, limit, 1.0), axis=-1, keepdims=True))

    def at(length: jax.Array) -> jax.Array:
        moved = _four(x + length * reach * d for x, d in zip(z, step, strict=True))
        return _barrier_cost(scenario, problem, box, weight, moved)

    lengths = jnp.asarray([0.0, *LENGTHS])
    costs = jax.lax.map(at, lengths)
    costs = jnp.where(jnp.isnan(costs), jnp.inf, costs)
    best = lengths[jnp.argmin(costs, axis=0)][:, None]
    return _four(x + best * reach * d for x, d in zip(z, step, strict=True)), costs[0] - jnp.min(costs, axis=0)
