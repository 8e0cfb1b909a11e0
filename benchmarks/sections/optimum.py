"""Exact optimum: a batch of slots against general solvers, and one slot of very many devices."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
from benchmarks.harness import Section, Table, interleave, number, seconds, section
from benchmarks.peers.slot_program import SlotProgram

from twinsync.allocators.optimum import solve
from twinsync.model import Slot, draw_slots
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.streams import root_key

TEXT = """`allocators.optimum.solve` on random slots of preset `paper`, K = 6, in a batch, gap certified to 1e-6,
against the same convex program given to IPOPT (exact derivatives by CasADi, tolerance 1e-10, one slot at a time, set
up once) and to SciPy's SLSQP (derivatives of the same expressions by CasADi, starting point and bounds as IPOPT's,
tolerance 1e-10). The general solvers have no latency cap: costs are compared without it, and ours is timed with and
without it. Then one slot of K devices, with bandwidth and edge CPU growing with K, in a process of its own: the first
call, which compiles, the next calls, and the peak of the memory that they add (Linux)."""


def _slots(scenario: Scenario, count: int) -> Slot:
    with jax.enable_x64(True):
        return jax.device_get(jax.jit(draw_slots, static_argnums=2)(root_key(11), scenario, count))


def _one(slots: Slot, i: int) -> Slot:
    return jax.tree.map(lambda x: x[i], slots)


@section("optimum")
def optimum(quick: bool) -> Section:
    """Ours against IPOPT and SLSQP, then by K."""
    scenario = load_scenario("paper")
    batch, peers = (8, 2) if quick else (1000, 20)
    slots = _slots(scenario, batch)
    ours = solve(scenario, slots, capped=False).cost
    program = SlotProgram(scenario)
    some = [_one(slots, i) for i in range(peers)]
    checks = []
    for name, cost in (("IPOPT", program.ipopt), ("SLSQP", program.slsqp)):
        excess = np.array([cost(slot) for slot in some]) / ours[:peers] - 1.0
        low, high = excess.min(), excess.max()
        checks.append(f"{name}'s objective over ours less 1, {peers} slots: {low:+.1e} to {high:+.1e}.")
        # A general solver may stop short of the optimum, but can't be below it.
        if low < -1e-5 or (name == "IPOPT" and high > 1e-5):
            raise SystemExit(f"not the same optimum: {checks[-1]}")
    timings = interleave(
        {
            f"twinsync, batch of {batch}": (lambda: solve(scenario, slots), batch),
            "twinsync, without the latency cap": (lambda: solve(scenario, slots, capped=False), batch),
            "IPOPT": (lambda: [program.ipopt(slot) for slot in some], peers),
            "SLSQP": (lambda: [program.slsqp(slot) for slot in some], peers),
        },
        1 if quick else 7,
    )
    table = Table("A slot, K = 6", "per slot", timings, per_item=True, bars={"IPOPT": 100.0})
    counts = (12,) if quick else (1000, 10_000, 100_000)
    checks.extend(_by_count(counts))
    return Section("Optimum", TEXT, [table], checks, {name: version(name) for name in ("casadi", "scipy")})


def _by_count(counts: tuple[int, ...]) -> list[str]:
    """A sentence for each K."""
    told = {}
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.sections.optimum", str(count)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        told[count] = json.loads(run.stdout)
    lines = []
    for count in counts:
        now = told[count]
        bar = "" if count < 100_000 else f" (bar: under 1.2 s, {'met' if np.median(now['s']) < 1.2 else 'missed'})"
        memory = now["peak_bytes"]
        times = " / ".join(seconds(x) for x in (min(now["s"]), float(np.median(now["s"])), max(now["s"])))
        lines.append(
            f"One slot, K = {count}: {times} (fastest / median / slowest){bar}; first call {seconds(now['first_s'])}; "
            f"memory {memory / 2**20:.0f} MiB, {number(memory / count)} bytes a device; proven gap {now['gap']:.1e}."
        )
    return lines


def _grown(count: int) -> Scenario:
    """The paper's setting for K devices, bandwidth and edge CPU in proportion."""
    paper = load_scenario("paper")
    times = count / paper.device_count
    return paper.replace(
        device_count=count, bandwidth_hz=times * paper.bandwidth_hz, edge_cpu_max_hz=times * paper.edge_cpu_max_hz
    )


def _measure(count: int) -> None:
    """One slot of K devices, as JSON on standard output; runs in a process of its own, for its peak memory."""
    scenario = _grown(count)
    slot = _one(_slots(scenario, 1), 0)
    run = functools.partial(solve, scenario, slot)
    times = []
    for i in range(6):
        began = time.perf_counter()
        found = run()
        times.append(time.perf_counter() - began)
        if i == 0:  # from here on the peak is the solver's, not the compiler's
            Path("/proc/self/clear_refs").write_text("5")
            before = _status_bytes("VmRSS")
    told = {"first_s": times[0], "s": times[1:], "peak_bytes": _status_bytes("VmHWM") - before}
    print(json.dumps(told | {"gap": float(found.relative_gap)}))


def _status_bytes(name: str) -> int:
    """A line of Linux's account of this process."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))


if __name__ == "__main__":
    _measure(int(sys.argv[1]))
