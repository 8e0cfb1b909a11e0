"""Suggestions for misspelt names in error messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """`; did you mean 'x'?` for the closest of `known`; if none is close, `; ` and `otherwise` if given."""
    # Ignore case, and the difference between - and _.
    plain = {_plain(each): each for each in known}
    close = get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {plain[close[0]]!r}?"
    return f"; {otherwise}" if otherwise else ""


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")
