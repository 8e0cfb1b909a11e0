"""Compilation of the codec's inner loops: one decorator, and a cache of machine code that cannot go stale.

Numba caches machine code a function and notices a change of that function's own file only. A kernel here inlines
kernels of other files, so the cache lives in a folder named by a digest of all sources of this package: code compiled
from other sources is never run. The first call on a machine compiles (some tens of seconds in all), later ones load.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinsync.errors import InputError

try:
    import numba
except ImportError:
    raise InputError('the codec needs numba: pip install "twinsync[codec]"') from None


def _cache_folder() -> str:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return str(Path(root) / "twinsync" / f"codec-{digest.hexdigest()[:16]}")


_FOLDER = _cache_folder()


def compiled(function: Callable[..., Any]) -> Any:
    """`function` compiled to machine code at its first call with given array types, and cached for later processes."""
    previous, numba.config.CACHE_DIR = numba.config.CACHE_DIR, _FOLDER
    try:
        # Run-time checks of annotations, as the tests add them, wrap the function; what is compiled is the function.
        return numba.njit(cache=True, nogil=True)(inspect.unwrap(function))
    finally:
        numba.config.CACHE_DIR = previous
