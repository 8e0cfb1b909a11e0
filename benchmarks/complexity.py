"""Section IV-C, measured: `python -m benchmarks.complexity [--quick] [--out docs/complexity.md]`.

The paper gives the complexity of training as O(n_epoch n_step sum n_i n_(i-1)). This benchmark takes the operations of
a compiled update from XLA and measures its processor time, over width, depth, batch, devices and steps; it also
measures the time of a decision over the number of devices, for each way to decide. Exponents are least-squares slopes
in logarithms over the upper half of an axis.

Times are processor seconds of one thread, the least of five, so that other work on the machine matters little. It
writes the page, its figure, and, into the package, the numbers that the report cites for Section IV-C.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twinsync import compilation

if __name__ == "__main__":  # before JAX starts: with one thread, processor time is the time of the work
    os.environ.update(compilation.one_thread())

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from twinsync.allocators.expected import solve_expected
from twinsync.allocators.networks import Critic, Network
from twinsync.allocators.optimum import solve
from twinsync.environment import DTSync, see
from twinsync.experiments.claims.complexity import RECORD
from twinsync.export.card import policy_arrays, policy_card
from twinsync.learning.gradient import Gradient
from twinsync.learning.replay import Transition
from twinsync.learning.sac import Sac
from twinsync.learning.settings import GradientSettings, SacSettings
from twinsync.manifest import provenance
from twinsync.model import draw_slots
from twinsync.presets import load_scenario
from twinsync.runtime.files import policy_of
from twinsync.scenario import constants
from twinsync.streams import root_key

REPETITIONS = 5

TEXT = r"""Section IV-C gives the work of training as $O(n_{epoch} n_{step} \sum_i n_i n_{i-1})$, the sum over the
layers of the networks. This page measures one compiled update of SAC as printed (flat networks, two layers of 256,
batch 256, K = 6) with one quantity varied at a time: its operations as XLA counts them, and its processor time on one
thread. An exponent of 1 means proportional; it is fitted over the upper half of each axis, where fixed costs matter
least."""


@dataclass(frozen=True)
class Point:
    """One update at one point of an axis.

    products: sum of n_i n_(i-1) over the layers of actor and both critics. operations: XLA's count of floating-point
    operations. seconds: of the processor.
    """

    axis: str
    value: int
    products: int
    operations: float
    seconds: float


@dataclass(frozen=True)
class Deciding:
    """The processor time of one way to decide a slot of `devices` devices [s]."""

    way: str
    devices: int
    seconds: float


def main(arguments: list[str] | None = None) -> None:
    """Measure; write page, figure and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.complexity", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/complexity.md"), help="the page; default %(default)s")
    parser.add_argument("--record", type=Path, default=RECORD, help="the numbers; by default in the package")
    parser.add_argument("--quick", action="store_true", help="small sizes, to test that it runs; meaningless numbers")
    args = parser.parse_args(arguments)
    updates = sac_updates(args.quick)
    steps = sac_steps(args.quick)
    ways = deciding(args.quick)
    command = f"python -m benchmarks.complexity{' --quick' * args.quick}"
    record = {
        "made": provenance(command, 0),
        "exponents": exponents(updates, steps),
        "updates": [asdict(point) for point in updates],
        "steps": steps,
        "deciding": [asdict(point) for point in ways],
    }
    args.record.parent.mkdir(parents=True, exist_ok=True)
    args.record.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    picture = args.out.parent / "images" / "complexity.png"
    draw(updates, ways, picture)
    args.out.write_text(page(record, updates, ways), "utf-8")
    print(args.out)


def sac_updates(quick: bool) -> list[Point]:
    """SAC's update as printed, with width, depth, batch or devices varied one at a time."""
    axes: dict[str, Sequence[int]] = {
        "width": (32, 64, 128, 256, 512),
        "depth": (1, 2, 4, 8),
        "batch": (32, 64, 128, 256, 512),
        "devices": (1, 6, 24, 96),
    }
    if quick:
        axes = {name: values[:2] for name, values in axes.items()}
    return [_update(axis, value) for axis, values in axes.items() for value in values]


def _update(axis: str, value: int) -> Point:
    at = {"width": 256, "depth": 2, "batch": 256, "devices": 6} | {axis: value}
    settings = SacSettings(hidden=(at["width"],) * at["depth"], batch_size=at["batch"], slots=512)
    environment = DTSync(load_scenario("paper").with_devices(at["devices"]), settings.interface)
    sac = Sac(jax.tree.map(jnp.asarray, environment), settings)
    learned = jax.jit(lambda key: sac.init(key).learned)(jax.random.key(0))
    batch = _batch(environment, at["batch"])
    update = jax.jit(lambda learned, i: sac.update(jax.random.fold_in(jax.random.key(1), i), learned, batch, i)[0])
    compiled = update.lower(learned, jnp.asarray(0)).compile()
    analysis: Any = compiled.cost_analysis()
    count = max(1, int(2e9 / max(analysis["flops"], 1.0)))

    def several() -> None:
        after = learned
        for i in range(count):
            after = compiled(after, jnp.asarray(i))
        jax.block_until_ready(after)

    products = layer_products(learned.actor) + layer_products(learned.critics)
    return Point(axis, value, products, float(analysis["flops"]), processor_s(several) / count)


def _batch(environment: DTSync, size: int) -> Transition:
    draw = np.random.default_rng(0).uniform
    seen, acted = (size, environment.observation_size), (size, environment.action_size)
    rows = draw(-1, 1, seen), draw(-1, 1, acted), draw(-2, -1, size), draw(-1, 1, seen), np.zeros(size)
    return Transition(*(jnp.asarray(row, jnp.float32) for row in rows))


def layer_products(network: Network | Critic) -> int:
    """Sum of n_i n_(i-1) over all layers, also of stacked networks."""
    return sum(layer.weight.size for layer in network.layers)


def sac_steps(quick: bool) -> list[dict[str, float]]:
    """Processor time of whole training steps (slot and update) at width 64, for several n_epoch n_step."""
    from benchmarks.sections.sac import Ours

    training = Ours(64, 1)
    counts = (32, 64) if quick else (250, 500, 1000, 2000, 4000)
    training.train(counts[0])
    return [{"steps": count, "seconds": processor_s(lambda count=count: training.train(count), 3)} for count in counts]


def deciding(quick: bool) -> list[Deciding]:
    """Time of deciding a slot, by way and number of devices; bandwidth and edge CPU grow with that number."""
    points = []
    for devices in (1, 4) if quick else (1, 6, 32, 128, 512, 2048, 8192):
        scenario = load_scenario("paper").with_devices(devices)
        with jax.enable_x64(True):
            slot = jax.device_get(draw_slots(root_key(31), scenario, 1))
        gradient = Gradient(jax.tree.map(jnp.asarray, GradientSettings().environment(scenario)), GradientSettings())
        policy = gradient.policy(jax.jit(lambda key, gradient=gradient: gradient.init(key))(jax.random.key(0)))
        values = {name: getattr(scenario, name) for name in constants()}
        light = policy_of(policy_card(policy, values), policy_arrays(policy))
        sight = see(jax.tree.map(np.float32, slot), "paper")
        ways: dict[str, Callable[[], object]] = {
            "optimum": lambda scenario=scenario, slot=slot: solve(scenario, slot),
            "expected": lambda scenario=scenario, slot=slot: solve_expected(scenario, slot.distance_m, slot.data_bits),
            "policy": lambda policy=policy, scenario=scenario, sight=sight: jax.block_until_ready(
                policy(scenario, sight, root_key(0))
            ),
            "policy, NumPy": lambda light=light, slot=slot: light.decide(
                distance_m=slot.distance_m, data_bits=slot.data_bits
            ),
        }
        points += [Deciding(name, devices, processor_s(way)) for name, way in ways.items()]
    return points


def processor_s(work: Callable[[], object], repetitions: int = REPETITIONS) -> float:
    """Least processor time of `work` over some repetitions, after an untimed run that compiles [s]."""
    work()
    times = []
    for _ in range(repetitions):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of ln y over ln x, over the upper half of the points (at least two)."""
    kept = slice(min(len(x) // 2, len(x) - 2), None)
    return float(np.polyfit(np.log(x)[kept], np.log(y)[kept], 1)[0])


def exponents(updates: Sequence[Point], steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """Exponents of an update's operations and time over what each axis varies, and of training time over steps."""
    found = {}
    for axis, group in itertools.groupby(updates, lambda point: point.axis):
        points = list(group)
        x = [point.value if axis == "batch" else point.products for point in points]
        found[f"operations_over_{axis}"] = exponent(x, [point.operations for point in points])
        found[f"time_over_{axis}"] = exponent(x, [point.seconds for point in points])
    found["time_over_steps"] = exponent([each["steps"] for each in steps], [each["seconds"] for each in steps])
    return found


def draw(updates: Sequence[Point], ways: Sequence[Deciding], path: Path) -> None:
    """Left: an update's operations and time against the paper's sum. Right: time of a slot against K."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axis, mark in zip(("width", "depth", "batch", "devices"), "osD^", strict=True):
        points = [point for point in updates if point.axis == axis]
        batches = [point.value if axis == "batch" else 256 for point in points]
        x = [point.products * batch for point, batch in zip(points, batches, strict=True)]
        left.loglog(x, [point.operations / 1e9 for point in points], mark, color="C0", label=f"{axis} varied")
        left.loglog(x, [point.seconds * 1e2 for point in points], mark, color="C1", mfc="none")
    left.set(xlabel=r"batch size $\times \sum n_i n_{i-1}$ (actor and critics)", title="One update of SAC")
    left.set_ylabel("filled: operations [10⁹]; hollow: time [10 ms]")
    left.legend(frameon=False, fontsize=8)
    for name in dict.fromkeys(point.way for point in ways):
        points = [point for point in ways if point.way == name]
        right.loglog([p.devices for p in points], [1e3 * p.seconds for p in points], "o-", ms=4, label=name)
    right.set(xlabel="devices K", ylabel="processor time of a slot [ms]", title="Deciding one slot")
    right.legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def page(record: dict[str, Any], updates: Sequence[Point], ways: Sequence[Deciding]) -> str:
    """The page."""
    found, made = record["exponents"], record["made"]
    lines = [
        "# Complexity, measured",
        "",
        TEXT,
        "",
        "![An update's operations and time against the paper's sum, and the time of a slot against K]"
        "(images/complexity.png)",
        "",
        "| Varied | Over | Exponent, operations | Exponent, time |",
        "|:---|:---|---:|---:|",
    ]
    for axis in ("width", "depth", "batch", "devices"):
        over = "the batch size" if axis == "batch" else "the sum of products"
        lines.append(f"| {axis} | {over} | {found[f'operations_over_{axis}']:.2f} | {found[f'time_over_{axis}']:.2f} |")
    lines += [
        f"| steps | slots, one update each | | {found['time_over_steps']:.2f} |",
        "",
        "The formula leaves out the batch size, which is a factor too. In flat networks K enters only through the "
        "first and the last layer.",
        "",
        "| Varied | Value | Sum of products | Operations of an update | Time of an update |",
        "|:---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {p.axis} | {p.value} | {p.products:,} | {p.operations / 1e6:,.1f} million | {1e3 * p.seconds:.2f} ms |"
        for p in updates
    ]
    devices = sorted({point.devices for point in ways})
    lines += [
        "",
        "## Deciding one slot",
        "",
        "Processor time of one slot, with bandwidth and edge CPU growing with K, called from Python with host arrays. "
        "The solvers iterate until their gap is proven, so XLA's count, which counts a loop's body once, says nothing "
        "about them.",
        "",
        f"| | {' | '.join(f'K = {count:,}' for count in devices)} | Exponent |",
        f"|:---|{'---:|' * (len(devices) + 1)}",
    ]
    for name in dict.fromkeys(point.way for point in ways):
        times = [point.seconds for point in ways if point.way == name]
        cells = " | ".join(f"{1e3 * value:.3g} ms" for value in times)
        lines.append(f"| {name} | {cells} | {exponent(devices, times):.2f} |")
    versions = ", ".join(f"{package} {number}" for package, number in made["versions"].items())
    lines += ["", f"`{made['command']}`, {made['started'][:10]}: {made['machine']}; {versions}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
