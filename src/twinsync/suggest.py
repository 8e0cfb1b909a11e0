"""Names that are nearly right: what an error says after "unknown"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """`; did you mean 'x'?` for the nearest of `known`, else `; ` and `otherwise`, else nothing."""
    # Case and the kind of dash are not what a user means to say.
    plain = {_plain(each): each for each in known}
    close = get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {plain[close[0]]!r}?"
    return f"; {otherwise}" if otherwise else ""


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")
