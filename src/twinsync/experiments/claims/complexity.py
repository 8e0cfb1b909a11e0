"""Section IV-C's claim, from the record of a measurement (`python -m benchmarks.complexity`), which no run makes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from twinsync.experiments.claims.verdicts import FAILS, HOLDS, Finding, unchecked

RECORD = Path(str(resources.files("twinsync.experiments") / "recorded" / "complexity.json"))

CLOSE = 0.1  # an exponent this near to 1 is read as proportional
FACTORS = ("operations_over_width", "operations_over_depth", "time_over_steps")


class _Record(msgspec.Struct):
    exponents: dict[str, float]


def proportional() -> Finding:
    """Whether the work is proportional to what the formula multiplies."""
    found = _exponents()
    if found is None:
        return unchecked("It was not measured")
    holds = all(abs(found[name] - 1.0) <= CLOSE for name in FACTORS)
    width, depth, steps, batch = (f"{found[name]:.2f}" for name in (*FACTORS, "operations_over_batch"))
    by = f"the {width}th power" if width == depth else f"the {width}th power by width and the {depth}th by depth"
    alike = ", by width and by depth alike" if width == depth else ""
    detail = (
        f"The operations of one SAC update grow as {by} of the sum of products{alike}, and the time of training as the "
        f"{steps}th power of the number of steps. The batch size, which the formula leaves out, multiplies them too "
        f"({batch}th power)."
    )
    return Finding(HOLDS if holds else FAILS, detail)


def _exponents() -> dict[str, float] | None:
    if not RECORD.exists():
        return None
    return msgspec.json.decode(RECORD.read_bytes(), type=_Record).exponents
