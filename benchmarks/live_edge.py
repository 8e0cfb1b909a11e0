"""Throughput of the edge without codec and network: messages, state machine, allocator, frames, durable store.

python -m benchmarks.live_edge --twins 200 --bytes 700 --durability power
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.edge import Edge
from twinsync.live.protocol.frame import ALONE, HEADER_BYTES, Header, pack
from twinsync.live.radio.rates import Draws
from twinsync.live.running.decisions import Decider
from twinsync.live.store.interface import TwinStore
from twinsync.live.store.opening import open_store
from twinsync.presets import load_scenario

CLOCK = Clock(0.0, 1.2, 0.25)
SESSION = 7


class Cell:
    """An edge with its store, and everything that its devices would send."""

    def __init__(self, twins: int, size: int, store: TwinStore, allocator: str) -> None:
        self.things = tuple(f"cell:{place}" for place in range(twins))
        data = f"data_min_bits={8 * size}", f"data_max_bits={8 * size}", "extraction_factor_min=1"
        scenario = load_scenario("live", [f"device_count={twins}", *data])
        self.decider = Decider(allocator, scenario, self.things, Draws(scenario, 0, 1000), 0)
        self.size = size
        self.store = store
        self.edge = Edge(self.things, {}, 1, "none", CLOCK)
        self.now_s = 0.0
        self.commit_s: list[float] = []
        self.slot_s: list[float] = []
        for thing in self.things:
            self.tell(say.Birth(thing, SESSION, "none", (), ALONE))

    def tell(self, event: do.Event | say.Message) -> list[do.Effect]:
        """Handle an event and return the effects; messages are encoded as JSON in both directions."""
        if isinstance(event, say.Message):
            event = say.decode(say.encode(event))
        effects = self.edge.handle(event, self.now_s)
        for effect in effects:
            if isinstance(effect, do.Send):
                say.encode(effect.message)
        return effects

    def slot(self, number: int) -> int:
        """Run one slot from its opening to the last acknowledgement; returns the number of twins committed."""
        began = time.perf_counter()
        self.now_s = CLOCK.opens_s(number)
        self.tell(do.TimerFired("open", number))
        effects: list[do.Effect] = []
        for thing in self.things:
            effects += self.tell(say.Report(thing, SESSION, number, 50.0, 8.0 * self.size, self.now_s))
        (decide,) = [effect for effect in effects if isinstance(effect, do.Decide)]
        self.tell(do.Decided(number, self.decider.decide(number, decide.sights)))
        header = Header(SESSION, number, number, ALONE, 1.0, self.now_s)
        frame = pack(header, bytes(self.size - HEADER_BYTES))
        committed = 0
        for thing in self.things:
            self.tell(do.Received(thing, frame))
            for effect in self.tell(do.Recovered(thing, SESSION, number, number, bytes(self.size))):
                if isinstance(effect, do.Commit):
                    committed += self.commit(effect)
        self.tell(do.TimerFired("close", number))
        self.slot_s.append(time.perf_counter() - began)
        return committed

    def commit(self, effect: do.Commit) -> int:
        """Commit one transaction and handle its acknowledgements; returns its number of twins."""
        began = time.perf_counter()
        self.store.commit(effect.writes, self.now_s)
        self.commit_s.append(time.perf_counter() - began)
        self.tell(do.Committed(effect.writes))
        return len(effect.writes)


def main() -> None:
    """Run slots one after another for --seconds; print rates and times as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twins", type=int, default=200)
    parser.add_argument("--bytes", type=int, default=700)
    parser.add_argument("--durability", choices=("process", "power"), default="power")
    parser.add_argument("--store", default="", help="postgresql://... of a database without twins; else a file here")
    parser.add_argument("--allocator", default="equal-share")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = open_store(Path(folder), options.store, options.durability)
        cell = Cell(options.twins, options.bytes, store, options.allocator)
        cell.slot(0)  # compiles the allocator
        cell.slot_s.clear()
        cell.commit_s.clear()
        committed, began = 0, time.perf_counter()
        while time.perf_counter() - began < options.seconds:
            committed += cell.slot(len(cell.slot_s) + 1)
        took = time.perf_counter() - began
        store.close()
    result = {
        **vars(options),
        "slots": len(cell.slot_s),
        "commits_per_s": committed / took,
        "slot_s": {"p50": float(np.median(cell.slot_s)), "p99": float(np.percentile(cell.slot_s, 99))},
        "transaction_s": {"p50": float(np.median(cell.commit_s)), "p99": float(np.percentile(cell.commit_s, 99))},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
