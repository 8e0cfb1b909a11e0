"""Kills a running cell's edge repeatedly with SIGKILL; counts lost acknowledged revisions and twins that went back.

python -m benchmarks.live_kills --kills 50 --source FOLDER
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twinsync.live.running import records
from twinsync.live.running.cell import PIDS_FILE, SLOTS_FILE, open_twins, read_cell
from twinsync.live.running.summary import acknowledged

PATIENCE_S = 120.0


def main() -> None:
    """Run a cell, kill its edge repeatedly, end the cell, and print the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--devices", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("live", nargs="*", help="further options of `twinsync live`, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        command = [sys.executable, "-m", "twinsync", "live", "--headless", "--data", str(data)]
        cell = subprocess.Popen([*command, "--devices", str(options.devices), *options.live], stdout=subprocess.DEVNULL)
        killed = 0
        try:
            for _ in range(options.kills):
                kill_while_it_works(data, random.Random(options.seed + killed))
                killed += 1
                print(f"{killed} of {options.kills}", file=sys.stderr, flush=True)
            wait_for_commit(data)
        finally:
            cell.terminate()
            cell.wait()
        print(json.dumps({"kills": killed, **audit(data)}, indent=2))


def kill_while_it_works(data: Path, dice: random.Random) -> None:
    """Wait until the current edge has committed, then for a random part of a slot, and kill it."""
    wait_for_commit(data)
    time.sleep(dice.uniform(0.0, 1.2))
    os.kill(json.loads((data / PIDS_FILE).read_text())["edge"], signal.SIGKILL)


def wait_for_commit(data: Path) -> None:
    """Wait for the end of a later slot in which something was committed. Exits after `PATIENCE_S`."""
    before = len(list(records.read(data / SLOTS_FILE)))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        fresh = list(records.read(data / SLOTS_FILE))[before:]
        if any(each.outcome == "committed" for record in fresh for each in record.devices.values()):
            return
        time.sleep(0.05)
    raise SystemExit("the cell committed nothing for two minutes")


def audit(data: Path) -> dict[str, int]:
    """Counts of revisions in the store compared with those acknowledged to the devices."""
    store = open_twins(data)
    stored = [(kept.thing, kept.revision, kept.slot) for kept in store.history()]
    newest = store.newest()
    store.close()
    backwards = sum(
        before[0] == after[0] and (after[1] <= before[1] or after[2] <= before[2])
        for before, after in itertools.pairwise(stored)
    )
    taken = acknowledged(data, read_cell(data))
    return {
        "revisions": len(stored),
        "acknowledged": len(taken),
        "lost": sum(entry not in set(stored) for entry in taken),
        "above_newest": sum(revision > newest[thing].revision for thing, revision, _ in taken),
        "backwards": backwards,
    }


if __name__ == "__main__":
    main()
