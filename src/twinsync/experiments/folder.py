"""Folders of long commands: opened once, never overwritten, resumed only by the command that began them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.writing import whole_file

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
    with whole_file(path) as partial:
        partial.write_text(json.dumps(payload, indent=2) + "\n", "utf-8")


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text("utf-8"))
