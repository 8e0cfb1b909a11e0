"""Parse quantities with an SI prefix and a unit ("0.2 MHz", "-80 dBm") into SI values."""

from __future__ import annotations

import math
import re

from twinsync.errors import InputError

_PREFIXES = {"G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}
_SHAPE = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf)\s*(.*?)\s*$")


def parse_quantity(text: object, unit: str, *, where: str) -> float:
    """The SI value of `text`: a plain number, or one with `unit`, which may have an SI prefix.

    `unit` is the SI unit expected ("Hz", "bit/s", "" for a pure number). A pure number may also be given in decibels
    ("-30 dB"), a power in "dBm". Raises `InputError` that begins with `where` for anything else, including NaN.
    """
    if isinstance(text, bool) or not isinstance(text, (int, float, str)):
        raise InputError(f"{where}: expected a number{_in(unit)}, got {text!r}")
    try:
        value = _read(text, unit, where) if isinstance(text, str) else float(text)
    except OverflowError:
        raise InputError(f"{where}: {text!r:.40} is too large to be a number{_in(unit)}") from None
    if math.isnan(value):
        raise InputError(f"{where}: NaN is not a value; give a number{_in(unit)}")
    return value


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _read(text: str, unit: str, where: str) -> float:
    match = _SHAPE.match(text)
    if not match:
        raise InputError(f"{where}: expected a number{_in(unit)}, got {text!r}")
    return _scale(float(match[1]), match[2], unit, where, text)


def _scale(value: float, given: str, unit: str, where: str, text: str) -> float:
    if given in ("", unit):
        return value
    if given == "dB" and unit == "":
        return 10.0 ** (value / 10.0)
    if given == "dBm" and unit == "W":
        return 10.0 ** (value / 10.0 - 3.0)
    for prefix, factor in _PREFIXES.items():
        if unit and given == prefix + unit:
            return value * factor
    expected = f"{unit} (or {unit} with an SI prefix such as k, M)" if unit else "a pure number or dB"
    raise InputError(f"{where}: wrong unit in {text!r}; expected {expected}")


# Dimensionless groups that policies may observe; the network's inputs are their natural logarithms.
PHYSICAL = (
    "signal-to-noise ratio at full power",
    "slots to send the raw data at 1 bit/s/Hz over an equal share of the bandwidth",
    "slots to process the raw data once at the UD's full speed",
    "slots to process the raw data once with an equal share of the edge CPU",
    "energy to process the raw data once at full speed, over the budget",
    "energy to transmit for a slot at full power, over the budget",
    "least extraction factor",
)
