"""Time of the parts of a slot's decision at an edge with many devices: reports in, allocator, allocations out.

python -m benchmarks.live_decisions --devices 200 --allocator equal-share
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections import defaultdict

import numpy as np

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.edge import Edge
from twinsync.live.protocol.frame import ALONE
from twinsync.live.radio.rates import Draws
from twinsync.live.running.decisions import Decider
from twinsync.presets import load_scenario

SESSION, DATA_BITS, WARM = 7, 8.0 * 700, 3
PARTS = ("reports in", "decision", "allocations out", "prediction")


class Watch:
    """Wall time and this thread's processor time of each part."""

    def __init__(self) -> None:
        self.wall_s: defaultdict[str, list[float]] = defaultdict(list)
        self.cpu_s: defaultdict[str, list[float]] = defaultdict(list)
        self._at = (0.0, 0.0)

    def start(self) -> None:
        """Start timing a part."""
        self._at = time.perf_counter(), time.thread_time()

    def stop(self, part: str) -> None:
        """Stop timing and record it as `part`."""
        self.wall_s[part].append(time.perf_counter() - self._at[0])
        self.cpu_s[part].append(time.thread_time() - self._at[1])


def run_slot(edge: Edge, decider: Decider, things: tuple[str, ...], slot: int, watch: Watch) -> None:
    """One slot from the first report to the last allocation, with messages as JSON, and the prediction of its times."""
    now_s = edge.clock.opens_s(slot)
    edge.handle(do.TimerFired("open", slot), now_s)
    reports = [say.encode(say.Report(thing, SESSION, slot, 50.0, DATA_BITS, now_s)) for thing in things]
    watch.start()
    asked = [effect for data in reports for effect in edge.handle(say.decode(data), now_s)]
    watch.stop(PARTS[0])
    (decide,) = [effect for effect in asked if isinstance(effect, do.Decide)]
    watch.start()
    allocations = decider.decide(slot, decide.sights)
    watch.stop(PARTS[1])
    watch.start()
    for effect in edge.handle(do.Decided(slot, allocations), now_s):
        if isinstance(effect, do.Send):
            say.encode(effect.message)
    watch.stop(PARTS[2])
    watch.start()
    decider.predict(slot, allocations, decide.sights)
    watch.stop(PARTS[3])
    edge.handle(do.TimerFired("close", slot), now_s)


def main() -> None:
    """Run slots one after another; print the times [ms] as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--allocator", default="equal-share")
    parser.add_argument("--scenario", default="live")
    options = parser.parse_args()
    size = (f"data_min_bits={DATA_BITS}", f"data_max_bits={DATA_BITS}", f"device_count={options.devices}")
    scenario = load_scenario(options.scenario, list(size))
    things = tuple(f"cell:{place}" for place in range(options.devices))
    edge = Edge(things, {}, 1, "none", Clock(0.0, float(scenario.slot_s), float(scenario.sensing_share)))
    for thing in things:
        edge.handle(say.Birth(thing, SESSION, "none", (), ALONE), 0.0)
    decider = Decider(options.allocator, scenario, things, Draws(scenario, 0, 4 * (options.slots + WARM)), 0)
    watch = Watch()
    for slot in range(options.slots + WARM):
        if slot == WARM:
            watch = Watch()
            gc.collect()
            gc.freeze()  # as the edge does
        run_slot(edge, decider, things, slot, watch)
    result = {
        part: {
            kind: {f"p{each}": round(1e3 * float(np.percentile(times[part], each)), 3) for each in (50, 99)}
            for kind, times in (("wall_ms", watch.wall_s), ("cpu_ms", watch.cpu_s))
        }
        for part in PARTS
    }
    print(json.dumps({**vars(options), **result}, indent=2))


if __name__ == "__main__":
    main()
