"""Loading a user's own code, named as `module:attribute` or `file.py:attribute`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinsync.errors import InputError


def load_attribute(label: str, target: str) -> Any:
    """The object at `module:attribute` or `file.py:attribute`. Raises `InputError` that begins with `label`."""
    place, _, attribute = (part.strip() for part in target.rpartition(":"))
    if place.endswith(".py") and not Path(place).is_file():
        raise InputError(f"{label}: no such file {place!r}")
    module = run_own(f"{label}: cannot import {place!r}", lambda: _import(place))
    value = getattr(module, attribute, None)
    if value is None:
        raise InputError(f"{label}: {place} has no {attribute!r}")
    return value


def file_of(target: str) -> Path | None:
    """The file of `module:attribute` or `file.py:attribute`; None for a module that is not found or is no file."""
    place = target.rpartition(":")[0].strip()
    if place.endswith(".py"):
        return Path(place)
    _find_here()
    try:
        spec = importlib.util.find_spec(place)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if spec is None or not spec.origin or not Path(spec.origin).is_file() else Path(spec.origin)


def _find_here() -> None:
    """As with `python -m`, modules in the current folder are found too."""
    if "" not in sys.path:
        sys.path.insert(0, "")


def run_own(trouble: str, act: Callable[[], Any]) -> Any:
    """Run the user's code. Whatever it raises becomes a one-line `InputError`: `trouble`, exception, place."""
    try:
        return act()
    except (Exception, SystemExit) as error:  # a script's sys.exit() must not end this process
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = "" if isinstance(error, SyntaxError) else f" ({Path(last.filename).name}, line {last.lineno})"
        reason = " ".join(str(error).split())
        raise InputError(f"{trouble}: {type(error).__name__}{place}: {reason}") from error


def _import(place: str) -> Any:
    if not place.endswith(".py"):
        _find_here()
        return importlib.import_module(place)
    path = Path(place)
    spec = importlib.util.spec_from_file_location(f"twinsync_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
