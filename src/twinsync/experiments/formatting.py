"""Formatting for display: numbers with true minus signs, units, intervals, lists and Greek symbols."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from twinsync.experiments.records import Estimate

NBSP = "\N{NO-BREAK SPACE}"  # keeps a number and its unit on one line
_BELOW = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "eta": "η", "phi": "φ", "sigma": "σ", "theta": "θ", "tau": "τ"}


def number(value: float, digits: int = 1) -> str:
    """A number with thousands separators and without a negative zero; a dash for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")  # + 0.0: never "-0.0"


def decimals(value: float, digits: int, significant: int) -> int:
    """`digits`, or more decimals if a small number needs them for `significant` significant digits."""
    if not math.isfinite(value) or value == 0 or not significant:
        return digits
    return max(digits, significant - 1 - math.floor(math.log10(abs(value))))


def cost(value: float) -> str:
    """A cost per slot with one decimal, or more for three significant digits."""
    return number(value, decimals(value, 1, 3))


def share(value: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{number(100 * value, digits)}{NBSP}%"


def seconds(value: float) -> str:
    """A time with its unit."""
    return f"{number(value, 2)}{NBSP}s"


def change(value: float, base: float) -> str:
    """The signed relative change from `base`; a dash if a ratio is meaningless."""
    if not (math.isfinite(value) and math.isfinite(base)) or base <= 0:
        return "–"
    return f"{100 * (value / base - 1):+.1f}{NBSP}%".replace("-", "−")


def compared(value: float, base: float, more: str = "more", less: str = "less") -> str:
    """`12.3 % more than`, or both numbers if a ratio is meaningless."""
    if not (math.isfinite(value) and math.isfinite(base)) or base <= 0:
        return f"{number(value)}, against {number(base)} for"
    percent = 100 * (value / base - 1)
    return f"{number(abs(percent))}{NBSP}% {more if percent >= 0 else less} than"


def interval(estimate: Estimate, digits: int, *, factor: float = 1.0, sign: bool = False) -> str:
    """`low to high`."""
    ends = (estimate.low, estimate.high)
    return " to ".join(("+" if sign and end > 0 else "") + number(factor * end, digits) for end in ends)


def duration(elapsed_s: float) -> str:
    """A duration: seconds, minutes and seconds, or hours and minutes."""
    if elapsed_s < 60:
        return f"{elapsed_s:.1f}{NBSP}s"
    minutes, rest = divmod(round(elapsed_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NBSP}h {minutes}{NBSP}min" if hours else f"{minutes}{NBSP}min {rest}{NBSP}s"


def listing(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def sentence(text: str) -> str:
    """The text with its first letter capitalised and a full stop at the end."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def setting(value: Any) -> str:
    """A setting's value as text."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def symbol(text: str) -> str:
    """A symbol with its Greek letters: `phi_min` to `φ_min`."""
    names = "|".join(_GREEK)
    return re.sub(rf"(?<![A-Za-z])({names})(?![A-Za-z])", lambda match: _GREEK[match[1]], text)


def drawn_symbol(text: str) -> str:
    """A symbol for charts, with subscripts: `phi_min` to `φₘᵢₙ`; subscripts that Unicode lacks stay as they are."""

    def below(match: re.Match[str]) -> str:
        subscript = match[1].translate(_BELOW)
        return match[0] if any(character.isascii() for character in subscript) else subscript

    return re.sub(r"_([A-Za-z0-9]+)", below, symbol(text))
