"""Folders of long commands, and JSON in them: opened once, never overwritten, resumed only by the command that began
them; every file written whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.errors import InputError

CONFIG = "config.json"


def open_folder(out: Path, wanted: dict[str, Any], what: str, *, resume: bool) -> None:
    """Make `out` and note in it what it is for, or check that it is for that already.

    Raises `InputError` where `out` exists without `resume`, cannot be written, or holds another `what`.
    """
    if out.exists() and not resume:
        raise InputError(f"{out}: already exists; add --resume to continue it, or choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / CONFIG).exists():
            if any(out.iterdir()):
                raise InputError(f"{out}: holds other files but no {what}; choose another --out")
            write_json(out / CONFIG, wanted)
        found = read_json(out / CONFIG)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{out / CONFIG}: not valid JSON; choose another --out") from None
    if found != wanted:
        was = ", ".join(f"{key} = {found.get(key)!r}" for key in wanted if found.get(key) != wanted[key])
        raise InputError(f"{out}: holds a {what} with {was}; resume that one, or choose another --out")


def write_json(path: Path, payload: Any) -> None:
    """Write whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(payload, indent=2) + "\n", "utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text("utf-8"))


def jsonable(value: Any) -> Any:
    """The value with arrays as lists and NaN and infinities, which JSON has no word for, as None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    plain = np.asarray(value).tolist()
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    return jsonable(plain)
