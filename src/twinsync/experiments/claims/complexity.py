"""Section IV-C's claim, from the record of a measurement (`python -m benchmarks.complexity`), which no run makes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from twinsync.experiments.claims.verdicts import FAILS, HOLDS, Finding, unchecked

RECORD = Path(str(resources.files("twinsync.experiments") / "recorded" / "complexity.json"))

CLOSE = 0.1  # an exponent this near to 1 is read as proportional
FACTORS = {
    "operations_over_width": "its operations grow with the sum of products, by width, as its power {:.2f}",
    "operations_over_depth": "by depth {:.2f}",
    "time_over_steps": "the time of training with the number of steps as its power {:.2f}",
}


class _Record(msgspec.Struct):
    exponents: dict[str, float]


def proportional() -> Finding:
    """Whether the work is proportional to what the formula multiplies."""
    found = _exponents()
    if found is None:
        return unchecked("It was not measured")
    holds = all(abs(found[name] - 1.0) <= CLOSE for name in FACTORS)
    detail = "; ".join(words.format(found[name]) for name, words in FACTORS.items())
    batch = found["operations_over_batch"]
    left_out = f"The batch size, which the formula leaves out, multiplies it too (power {batch:.2f})"
    return Finding(HOLDS if holds else FAILS, f"Of one update of SAC as printed, {detail}. {left_out}.")


def _exponents() -> dict[str, float] | None:
    if not RECORD.exists():
        return None
    return msgspec.json.decode(RECORD.read_bytes(), type=_Record).exponents
