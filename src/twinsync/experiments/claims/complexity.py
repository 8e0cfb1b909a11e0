"""The claim of Section IV-C, checked against a recorded measurement (`python -m benchmarks.complexity`)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from twinsync.experiments.claims.verdicts import FAILS, HOLDS, Finding, unchecked

RECORD = Path(str(resources.files("twinsync.experiments") / "recorded" / "complexity.json"))

CLOSE = 0.1  # an exponent within this of 1 counts as proportional
FACTORS = ("operations_over_width", "operations_over_depth", "time_over_steps")


class _Record(msgspec.Struct):
    exponents: dict[str, float]


def proportional() -> Finding:
    """Whether the work is proportional to each factor of the formula."""
    found = _exponents()
    if found is None:
        return unchecked("There is no recorded measurement")
    holds = all(abs(found[name] - 1.0) <= CLOSE for name in FACTORS)
    width, depth, steps, batch = (f"{found[name]:.2f}" for name in (*FACTORS, "operations_over_batch"))
    varied = f"{width} in both width and depth" if width == depth else f"{width} in width, {depth} in depth"
    detail = (
        f"The operations of one SAC update grow as a power of the sum of products (exponent {varied}), and the "
        f"training time as a power of the number of steps (exponent {steps}). The operations also grow with the batch "
        f"size (exponent {batch}), which the formula leaves out."
    )
    return Finding(HOLDS if holds else FAILS, detail)


def _exponents() -> dict[str, float] | None:
    if not RECORD.exists():
        return None
    return msgspec.json.decode(RECORD.read_bytes(), type=_Record).exponents
