"""Compares allocators by what a running cell measures: `python -m benchmarks.live_compare --slots 50`.

Each allocator runs a cell of its own with the same devices, slots, channels and pictures. Prints a Markdown table: the
share of synchronisations that were missed (superseded by the next slot) and, for those that arrived, the mean t_dt of
eq. (15) as measured and as predicted by the model, with 95 % intervals over slots. phi is the value applied: a device
sends less than it was granted while its streams arrive too late. The first slots, in which twins are new, are left out.
`expected` appears twice: with `--no-catch-up`, no twin is granted more phi than the allocator chose.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from twinsync import load_scenario, train
from twinsync.live.protocol.edge import COMMITTED
from twinsync.live.running import records
from twinsync.live.running.cell import SLOTS_FILE

NO_CATCH_UP = "--no-catch-up"
CELLS = (
    *(("no-semantics",), ("equal-share",), ("expected",), ("learned",)),
    ("expected", NO_CATCH_UP),
)
HEADER = ("Allocator", "Missed [%]", "t_dt measured [s]", "t_dt predicted [s]", "phi, median", "PSNR [dB], median")
NEW = 5  # first slots, left out


def main() -> None:
    """Run a cell for each allocator and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_compare", description=__doc__)
    parser.add_argument("--slots", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", default="measured")
    args = parser.parse_args()
    lines = [f"| {' | '.join(HEADER)} |", f"|---|{'---:|' * (len(HEADER) - 1)}"]
    with tempfile.TemporaryDirectory() as folder:
        learned = Path(folder) / "policy"
        train(load_scenario(args.scenario), "gradient", seeds=1, out=learned)
        for name, *options in CELLS:
            label = ", ".join((name, *(f"`{option}`" for option in options)))
            data = Path(folder) / label.replace("`", "")
            command = [sys.executable, "-m", "twinsync", "live", "--headless", "--data", str(data)]
            command += ["--slots", str(args.slots), "--seed", str(args.seed), "--scenario", args.scenario]
            command += ["--allocator", str(learned) if name == "learned" else name, *options]
            print(f"{label} ...", file=sys.stderr, flush=True)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            lines.append(f"| {' | '.join(row(label, list(records.read(data / SLOTS_FILE))))} |")
    print("\n".join(lines))


def row(name: str, slots: Sequence[records.SlotRecord]) -> list[str]:
    """One allocator's row of cells."""
    every = [list(slot.devices.values()) for slot in slots[NEW:]]
    missed = [[each.outcome != COMMITTED for each in slot] for slot in every]
    arrived = [[each for each in slot if each.outcome == COMMITTED and each.measured is not None] for slot in every]
    times = (
        [[parts.extraction_s + parts.uplink_s + parts.recovery_s for parts in slot]
         for slot in ([getattr(each, kind) for each in slot] for slot in arrived)]
        for kind in ("measured", "predicted")
    )  # fmt: skip
    factors, fidelity = (
        [value for slot in arrived for each in slot if (value := getattr(each, key)) is not None]
        for key in ("applied_factor", "fidelity_db")
    )
    middles = [f"{np.median(factors):.3f}", f"{np.median(fidelity):.1f}"] if factors and fidelity else ["–", "–"]
    shares = interval([[100.0 * each for each in slot] for slot in missed], 1)
    return [name, shares, *(interval(each, 3) for each in times), *middles]


def interval(slots: Sequence[Sequence[float]], digits: int) -> str:
    """Mean over slots of each slot's mean, with Student's 95 % interval; slots without values are left out."""
    means = np.array([np.mean(slot) for slot in slots if slot])
    if len(means) < 2:
        return "–"
    half = student.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
    return f"{means.mean():.{digits}f} ({means.mean() - half:.{digits}f} to {means.mean() + half:.{digits}f})"


if __name__ == "__main__":
    main()
