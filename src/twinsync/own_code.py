"""A user's own code by name: `module:attribute` or `file.py:attribute`."""

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
    """What stands at `module:attribute` or `file.py:attribute`; `label` is what errors call it. Raises `InputError`."""
    place, _, attribute = (part.strip() for part in target.rpartition(":"))
    if place.endswith(".py") and not Path(place).is_file():
        raise InputError(f"{label}: no such file {place!r}")
    module = run_own(f"{label}: cannot import {place!r}", lambda: _import(place))
    found = getattr(module, attribute, None)
    if found is None:
        raise InputError(f"{label}: {place} has no {attribute!r}")
    return found


def run_own(trouble: str, act: Callable[[], Any]) -> Any:
    """Run the user's own code; whatever it raises is the user's to see in one line, with the place."""
    try:
        return act()
    except (Exception, SystemExit) as error:  # a script that ends in sys.exit() must not end us
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = "" if isinstance(error, SyntaxError) else f" ({Path(last.filename).name}, line {last.lineno})"
        told = " ".join(str(error).split())
        raise InputError(f"{trouble}: {type(error).__name__}{place}: {told}") from error


def _import(place: str) -> Any:
    if not place.endswith(".py"):
        # As `python -m` does: a module in the present folder is found too.
        if "" not in sys.path:
            sys.path.insert(0, "")
        return importlib.import_module(place)
    path = Path(place)
    spec = importlib.util.spec_from_file_location(f"twinsync_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
