"""Which assumed constant flips a claim, in words, from the rows of the sensitivity analysis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twinsync.experiments.claims.checks import UNCHECKED, value_words
from twinsync.experiments.records import Estimate

NOT_ANALYSED = "not analysed"
LEARNERS = "not varied: it is about learners, and the analysis has exact schemes only"


def hinges(key: str, analysis: Mapping[str, Any] | None, *, exact: bool) -> str:
    """What flips claim `key`; `exact` says whether exact schemes can tell it."""
    if not exact:
        return LEARNERS
    base = None if analysis is None else next((row for row in analysis["base"] if row["claim"] == key), None)
    if analysis is None or base is None or base["verdict"] == UNCHECKED:
        return NOT_ANALYSED
    rows = [row for row in analysis["rows"] if row["claim"] == key]
    start = f"With exact schemes in the learners' places: {base['verdict']}{_number(base)}"
    if not rows:
        return f"{start}. No constant was varied."
    flipped = [f"{_setting(row)} ({row['verdict']}{_number(row)})" for row in rows if row["flips"]]
    count = len({row["constant"] for row in rows})
    words = f"Flipped by {'; '.join(flipped)}" if flipped else f"None of the {count} constants varied flips it"
    return f"{start}. {words}{_span(rows)}."


def _span(rows: Sequence[Mapping[str, Any]]) -> str:
    """How far the deciding number moves over all constants varied."""
    known = sorted((row for row in rows if row["number"] is not None), key=lambda row: row["number"])
    if len(known) < 2:
        return ""
    low, high = known[0], known[-1]
    return f"; the number moves between {_percent(low)} ({_setting(low)}) and {_percent(high)} ({_setting(high)})"


def _setting(row: Mapping[str, Any]) -> str:
    return f"{row['constant']} = {row['text']}"


def _number(row: Mapping[str, Any]) -> str:
    return "" if row["number"] is None else f", {_percent(row)}"


def _percent(row: Mapping[str, Any]) -> str:
    return value_words(Estimate(row["number"], math.nan, math.nan))
