"""The effect of measured cost and accuracy: compares the scenarios `measured` and `paper` on a page.

`python -m benchmarks.measured` writes docs/measured.md and the numbers beside it, measured.json. The policy is trained
by gradients, which takes seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measured_page import page
from twinsync import Allocation, evaluate, load_scenario, train
from twinsync.allocators.heuristics import EqualShare
from twinsync.allocators.optimum import solve
from twinsync.allocators.ranges_of_phi import is_convex
from twinsync.experiments.evaluate import decide, draw_slot_set
from twinsync.experiments.metrics import measure
from twinsync.model.accuracy import psnr_db
from twinsync.model.semantics import log_work
from twinsync.scenario import Scenario

SCENARIOS = ("paper", "measured")
SCHEMES = ("optimum", "expected", "equal-share", "random-extraction", "no-semantics", "raw")
DEVICES = (1, 2, 3, 6, 12, 25, 37, 50, 75, 100)
PHIS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0)
FLOORS = (0.005, 0.01, 0.015, 0.02, 0.05, 0.1, 0.2)
MOST_MISSES = 0.01  # largest share of missed deadlines with which a number of UDs counts as carried
BOUNDS = "bounds-rule"


def bounds_rule(scenario: Scenario, sight: Any, key: Any) -> Allocation:
    """A fixed rule: least phi, greatest CPU frequency and power, equal shares of the edge CPU."""
    one = jnp.ones_like(jnp.asarray(sight.data_bits))
    return Allocation(
        extraction_factor=scenario.extraction_factor_min * one,
        device_cpu_hz=scenario.device_cpu_max_hz * one,
        transmit_power_w=scenario.transmit_power_max_w * one,
        edge_cpu_hz=scenario.edge_cpu_max_hz / scenario.device_count * one,
    )


def law(scenario: Scenario) -> list[dict[str, float]]:
    """Cycles per raw bit of extraction and recovery at each of `PHIS`."""
    cycles = float(scenario.cycles_per_bit)
    works = jax.device_get(log_work(jnp.log(jnp.array(PHIS)), scenario))
    rows = zip(PHIS, np.exp(works[0]), np.exp(works[1]), strict=True)
    return [{"phi": phi, "extraction": cycles * float(up), "recovery": cycles * float(down)} for phi, up, down in rows]


def comparison(scenario: Scenario, slots: int, seeds: int) -> dict[str, dict[str, Any]]:
    """Figures of merit of every scheme on the same slots, by scheme."""
    schemes: dict[str, Any] = {name: name for name in SCHEMES}
    schemes["gradient"] = list(train(scenario, "gradient", seeds=3))
    schemes[BOUNDS] = bounds_rule
    summary = evaluate(scenario, schemes, slots=slots, seeds=seeds).summary
    return {name: _figures(measured) for name, measured in summary["allocators"].items()}


def _figures(measured: dict[str, Any]) -> dict[str, Any]:
    keys = ("latency_s", "cost", "gap_to_optimum")
    means = {key: measured[key]["mean"] if measured.get(key) else None for key in keys}
    plain = ("deadline_miss_rate", "energy_violation_rate", "outage_rate", "energy_j", "extraction_factor")
    return {**means, **{key: measured[key] for key in plain}, "parts_s": measured["latency_parts_s"]}


def carried(scenario: Scenario, slots: int, devices: tuple[int, ...]) -> list[dict[str, float]]:
    """Share of missed deadlines and mean latency per UD [s] for several K that share the scenario's bandwidth and edge.

    For the rule at the bounds, equal-share and the optimum; under a workload law that is not convex, the optimum of
    everything else with phi at its least.
    """
    rows = []
    for count in devices:
        crowded = jax.tree.map(np.float64, scenario.replace(device_count=count))
        with jax.enable_x64(True):
            slot, key = draw_slot_set(crowded, 0, 0, slots)
            least = np.full(np.shape(slot.data_bits), float(scenario.extraction_factor_min))
            given = None if is_convex(scenario) else least
            choices: dict[str, Callable[[], Any]] = {
                "optimum": lambda c=crowded, s=slot, phi=given: solve(c, s, extraction_factor=phi).allocation,
                BOUNDS: lambda c=crowded, s=slot, k=key: decide(BOUNDS, bounds_rule, c, s, k),
                "equal-share": lambda c=crowded, s=slot, k=key: decide("equal-share", EqualShare(), c, s, k),
            }
            for name, choose in choices.items():
                means = measure(crowded, slot, choose()).means
                rows.append(
                    {
                        "devices": count,
                        "scheme": name,
                        "deadline_miss_rate": float(means["deadline_miss_rate"]),
                        "latency_s": float(means["latency_s"]) / count,
                    }
                )
    return rows


def most_carried(rows: list[dict[str, Any]], scheme: str) -> int:
    """Largest number of UDs up to which at most `MOST_MISSES` of deadlines are missed; 0 if none."""
    most = 0
    for row in rows:
        if row["scheme"] != scheme:
            continue
        if row["deadline_miss_rate"] > MOST_MISSES:
            break
        most = row["devices"]
    return most


def frontier(scenario: Scenario, slots: int) -> list[dict[str, float]]:
    """The optimum's latency per UD [s] for each of `FLOORS` as phi_min, and the accuracy law's PSNR [dB]."""
    rows = []
    for floor in FLOORS:
        changed = jax.tree.map(np.float64, scenario.replace(extraction_factor_min=floor))
        with jax.enable_x64(True):
            slot, _ = draw_slot_set(changed, 0, 0, slots)
            solution = solve(changed, slot)
        quality = float(psnr_db(floor, scenario.accuracy_knots))
        rows.append({"phi_min": floor, "latency_s": float(solution.latency_s.mean()) / 6, "psnr_db": quality})
    return rows


def main() -> None:
    """Parse arguments, compute, write page and numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measured", description=__doc__.partition("\n")[0])
    parser.add_argument("--slots", type=int, default=200, help="in each of --seeds sets; default %(default)s")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--scan-slots", type=int, default=100, help="for each number of UDs; default %(default)s")
    parser.add_argument("--calibration", type=Path, default=Path("docs/measured-calibration.json"))
    parser.add_argument("--out", type=Path, default=Path("docs/measured.md"))
    parser.add_argument("--page-only", action="store_true", help="write the page again from the existing numbers")
    args = parser.parse_args()
    calibration = json.loads(args.calibration.read_text("utf-8"))
    numbers = args.out.with_suffix(".json")
    if not args.page_only:
        numbers.write_text(json.dumps(_compute(args), indent=1) + "\n", "utf-8")
    args.out.write_text(page(json.loads(numbers.read_text("utf-8")), calibration), "utf-8")
    print(args.out)


def _compute(args: argparse.Namespace) -> dict[str, Any]:
    """Every number of the page."""
    scenarios = {name: load_scenario(name) for name in SCENARIOS}
    results: dict[str, Any] = {
        "slots": args.slots,
        "seeds": args.seeds,
        "scan_slots": args.scan_slots,
        "law": {name: law(scenario) for name, scenario in scenarios.items()},
        "comparison": {name: comparison(scenario, args.slots, args.seeds) for name, scenario in scenarios.items()},
        "carried": {name: carried(scenario, args.scan_slots, DEVICES) for name, scenario in scenarios.items()},
        "frontier": frontier(scenarios["measured"], args.scan_slots),
        "phi_min": {name: float(scenario.extraction_factor_min) for name, scenario in scenarios.items()},
        "deadline_s": float(scenarios["paper"].deadline_s),
    }
    results["most_carried"] = {
        name: {scheme: most_carried(rows, scheme) for scheme in ("optimum", BOUNDS, "equal-share")}
        for name, rows in results["carried"].items()
    }
    return results


if __name__ == "__main__":
    main()
