"""Learning and solving together: does a policy speed up the solver, do the solver's answers train a better policy?"""

from __future__ import annotations

import dataclasses
import functools
import time
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks.harness import Listing, Section, Table, interleave, section
from benchmarks.runs import SETTINGS, run

from twinsync.allocators import interior_point
from twinsync.allocators.optimum import solve
from twinsync.allocators.policy import Policy
from twinsync.allocators.slot_problem import build_problem, terms
from twinsync.environment import DTSync, observe, see, to_allocation
from twinsync.learning import advance, start_training
from twinsync.learning.gradient import Gradient
from twinsync.model import draw_slots, slot_outcome
from twinsync.model.slot import GHZ
from twinsync.presets import load_scenario
from twinsync.streams import root_key

TEXT = """Warm start: the interior-point solver begins at the decision of the `gradient` policy that knows the channel
instead of the box's middle, the policy's own time included. Distillation: the same network, on the same number of
slots and updates, learns the optimum's allocations (mean square of the logarithms' differences) instead of the cost;
the time to make its answers is included. Costs are over the optimum's on 2,000 fresh slots; one seed each,
compilation included."""


@section("hybrid")
def hybrid(quick: bool) -> Section:
    """Warm start against cold, distillation against the gradient."""
    scenario = load_scenario("paper")
    batch, slots = (8, 200) if quick else (1000, SETTINGS["gradient-csi"].slots)
    policy = run("gradient-csi", 2 if quick else 10, 2000 if quick else None)[0][0]
    table, check = _warm(scenario, policy, batch, 1 if quick else 7)
    return Section("Hybrids", TEXT, [table, _distil(scenario, slots, 50 if quick else 2000)], [check])


def _warm(scenario, policy: Policy, batch: int, repetitions: int) -> tuple[Table, str]:
    original = interior_point._start

    def start(problem, free, served, z):
        point = original(problem, free, served)
        # Strictly inside: an interior-point method can't leave a bound it starts on.
        inside = [
            jnp.where(ok, jnp.clip(x, low + 0.01 * (high - low), high - 0.01 * (high - low)), low)
            for ok, x, low, high in zip(free, z, problem.low, problem.high, strict=True)
        ]
        inside[3] = jnp.where(free[3], inside[3] + np.log(0.98), inside[3])
        at = terms(problem, tuple(inside))
        product = 0.01 * jnp.median(at.latency, axis=-1, keepdims=True) * jnp.ones_like(z[0])
        late = interior_point._start_hinge(problem, at.latency - problem.deadline_s, product)
        over = interior_point._start_hinge(problem, at.energy - problem.energy_budget_j, product)
        return point._replace(z=tuple(inside), late=late, over=over)

    with jax.enable_x64(True):
        drawn = jax.device_get(draw_slots(root_key(41), scenario, batch))
        low, high = np.full(drawn.data_bits.shape, scenario.extraction_factor_min), np.ones(drawn.data_bits.shape)

        @jax.jit
        def cold(slot):
            return interior_point.minimise(build_problem(scenario, slot, low, high, codec=True), 1e-6, 0)

        @jax.jit
        def warm(slot):
            made = policy(scenario, see(slot, "csi"), root_key(0))
            z = [made.extraction_factor, made.device_cpu_hz / GHZ, made.transmit_power_w, made.edge_cpu_hz / GHZ]
            z = [jnp.log(jnp.asarray(x, jnp.float64)) for x in z]
            with mock.patch.object(interior_point, "_start", functools.partial(start, z=z)):
                return interior_point.minimise(build_problem(scenario, slot, low, high, codec=True), 1e-6, 0)

        worst = float(np.abs(warm(drawn).cost / cold(drawn).cost - 1.0).max())
        timings = interleave(
            {
                "cold start": (lambda: jax.block_until_ready(cold(drawn)), batch),
                "warm start": (lambda: jax.block_until_ready(warm(drawn)), batch),
            },
            repetitions,
        )
    title = f"Warm start, batch of {batch} slots, gap 1e-6"
    return Table(
        title, "a slot", timings, per_item=True
    ), f"Both starts end at costs that differ by at most {worst:.1e}."


def _distil(scenario, slots: int, fresh: int) -> Listing:
    settings = SETTINGS["gradient-csi"]
    algorithm = Gradient(DTSync(scenario, settings.interface), settings)
    face, batch = settings.interface, settings.batch_size * settings.fading_draws
    updates = slots // settings.batch_size
    began = time.perf_counter()
    with jax.enable_x64(True):
        drawn = jax.device_get(draw_slots(root_key(51), scenario, batch * min(updates, 200)))
        labels = solve(scenario, drawn).allocation
    drawn, labels = (jax.tree.map(np.float32, each) for each in (drawn, labels))
    network = algorithm.init(root_key(52)).network
    optimiser = optax.adam(optax.linear_schedule(settings.learning_rate, 0.0, updates))

    def loss(network, slot, label):
        made = to_allocation(face, scenario, jnp.tanh(network(observe(face, scenario, see(slot, "csi")))))
        return sum(
            jnp.mean(jnp.log(a / b) ** 2) for a, b in zip(jax.tree.leaves(made), jax.tree.leaves(label), strict=True)
        )

    @jax.jit
    def learn(network):
        def step(i, carry):
            network, moments = carry
            first = (i % (len(drawn.data_bits) // batch)) * batch
            slot, label = (
                jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(jnp.asarray(x), first, batch), each)
                for each in (drawn, labels)
            )
            slope = jax.grad(loss)(network, slot, label)
            change, moments = optimiser.update(slope, moments)
            return optax.apply_updates(network, change), moments

        return jax.lax.fori_loop(0, updates, step, (network, optimiser.init(network)))[0]

    distilled = jax.block_until_ready(learn(network))
    times = {"distilled": time.perf_counter() - began}
    began = time.perf_counter()
    training = start_training(scenario, dataclasses.replace(settings, slots=slots), seeds=1, seed=53)
    advance(training, 1)
    times["gradient"] = time.perf_counter() - began
    policies = {
        "distilled": Policy(distilled, face, "tanh", scenario.device_count),
        "gradient": jax.tree.map(lambda leaf: leaf[0], training.policies()),
    }
    with jax.enable_x64(True):
        test = jax.device_get(draw_slots(root_key(54), scenario, fresh))
        best = np.mean(slot_outcome(scenario, test, solve(scenario, test).allocation).cost)
        over = {
            name: float(
                np.mean(slot_outcome(scenario, test, each(scenario, see(test, "csi"), root_key(0))).cost) / best
            )
            for name, each in policies.items()
        }
    rows = [(name, f"{100 * (over[name] - 1):+.2f} %", f"{times[name]:.1f} s") for name in policies]
    return Listing(
        "Distillation", ("", "cost over the optimum", "time, all included"), rows, {"over": over, "s": times}
    )
