"""From 1 to 100,000 devices: time and cost of a slot for the solvers and for the one network."""

from __future__ import annotations

import time

import jax
import numpy as np
from benchmarks.harness import Listing, Section, seconds, section
from benchmarks.runs import run

from twinsync.allocators.expected import solve_expected
from twinsync.allocators.optimum import solve
from twinsync.environment import see
from twinsync.model import draw_slots, slot_outcome
from twinsync.presets import load_scenario
from twinsync.streams import root_key

TEXT = """One slot of K devices, with bandwidth and edge CPU growing with K from the paper's 6. Times are medians of
five calls after the one that compiles, host arrays in and out; the network is the general one of *Learners*. Its cost
and that of `expected`, neither of which sees the channel, are given relative to the cost of the optimum, which does, on
the same slot (for K below 1,000 the mean over 1,000 / K slots)."""


@section("scaling")
def scaling(quick: bool) -> Section:
    """Every decision-maker by K."""
    policy = run("gradient-general", 2 if quick else 10, 2000 if quick else None)[0][0]
    rows, every = [], {}
    for count in (1, 10) if quick else (1, 10, 100, 1000, 10_000, 100_000):
        scenario = load_scenario("paper").with_devices(count)
        with jax.enable_x64(True):
            slots = jax.device_get(draw_slots(root_key(31), scenario, max(1, 1000 // count)))
        one = jax.tree.map(lambda x: x[:1], slots)

        def decide(slot, scenario=scenario):
            sight = see(jax.tree.map(np.float32, slot), "paper")
            return jax.device_get(policy(scenario, sight, root_key(0)))

        ways = {
            "optimum": lambda slot, s=scenario: solve(s, slot).allocation,
            "expected": lambda slot, s=scenario: solve_expected(s, slot.distance_m, slot.data_bits).allocation,
            "network": decide,
        }
        costs, times = {}, {}
        for name, way in ways.items():
            with jax.enable_x64(True):
                costs[name] = float(np.mean(slot_outcome(scenario, slots, way(slots)).cost))
            times[name] = _median(lambda way=way, one=one: way(one))
        every[count] = {"cost": costs, "s": times}
        names = ("optimum", "expected", "network")
        took = [seconds(times[name]) for name in names]
        over = [f"{100 * (costs[name] / costs['optimum'] - 1):+.1f} %" for name in names[1:]]
        rows.append((f"{count:,}", *took, *over))
    header = ("K", "optimum, time", "expected, time", "network, time", "expected, cost", "network, cost")
    return Section("From 1 to 100,000 devices", TEXT, [Listing("A slot", header, rows, every)])


def _median(call) -> float:
    call()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.median(times))
