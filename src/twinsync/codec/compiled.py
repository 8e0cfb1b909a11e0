"""Compilation of the codec's inner loops: one decorator, and a cache of machine code that cannot go stale.

Numba notices a change of a function's own file only, but a kernel here inlines kernels of other files. So the cached
code of a module lives in a folder named by a digest of its source and of all modules of this package it imports: code
compiled from other sources is never run. The first call on a machine compiles (a minute for all); later ones load.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinsync.compilation import root_folder
from twinsync.errors import InputError, install

try:
    import numba
    from numba.core import config
except ImportError:
    raise InputError(f"the codec needs numba: {install('codec')}") from None

UNUSED_DAYS = 30
_IMPORT = re.compile(r"^from twinsync\.codec(?:\.(\w+) import| import (\w+))", re.MULTILINE)


def _sources(name: str, seen: dict[str, bytes]) -> dict[str, bytes]:
    """Source text of the module `name` of this package and of those it imports, by name."""
    if name not in seen:
        text = (Path(__file__).parent / f"{name}.py").read_bytes()
        seen[name] = text
        for parts in _IMPORT.findall(text.decode("utf-8")):
            _sources(parts[0] or parts[1], seen)
    return seen


def cache_folder(module: str) -> Path | None:
    """Where the machine code of a module of this package is kept; None if the cache is off."""
    root = root_folder()
    if root is None:
        return None
    digest = hashlib.sha256()
    for name, text in sorted(_sources(module, {}).items()):
        digest.update(name.encode() + b"\0" + text + b"\0")
    return root / f"codec-{digest.hexdigest()[:16]}"


def _writable(folder: Path) -> bool:
    """Whether machine code can be kept there; without, each process compiles anew."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            remove_unused(folder.parent)
        os.utime(folder)  # marks it as used
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def remove_unused(root: Path) -> None:
    """Delete the machine code in a cache that no process has used for `UNUSED_DAYS`: of earlier versions, mostly.

    A process that still has it loaded goes on; a later one compiles again.
    """
    for folder in root.glob("codec-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > UNUSED_DAYS * 86_400:
                shutil.rmtree(folder, ignore_errors=True)


def compiled(function: Callable[..., Any]) -> Any:
    """`function` compiled to machine code at its first call with given array types, and cached for later processes."""
    return _compile(function)


def inner(function: Callable[..., Any]) -> Any:
    """The same for what runs once a decision or a block: merged into its callers, arrays not reference-counted.

    Counting references is an atomic operation for each array a function touches, more work than a decision itself.
    Without it a function must not allocate, nor copy one slice to another; numba refuses to compile one that does.
    """
    return _compile(function, forceinline=True, _nrt=False)


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    folder = cache_folder(function.__module__.rpartition(".")[2])
    settings: Any = config  # its names are made when it is imported
    previous, settings.CACHE_DIR = settings.CACHE_DIR, "" if folder is None else str(folder)
    try:
        # No kernel divides by zero; checking for it costs. Run-time checks of annotations, as the tests add them, wrap
        # the function; what is compiled is the function.
        cached = folder is not None and _writable(folder)
        return numba.njit(cache=cached, nogil=True, error_model="numpy", **options)(inspect.unwrap(function))
    finally:
        settings.CACHE_DIR = previous
