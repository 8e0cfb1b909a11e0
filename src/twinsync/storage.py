"""Output folders of long commands, and the JSON files in them.

A folder is never overwritten and is resumed only by the command that created it. Every file is written atomically.
Results are written and read back as frozen records: an unknown number is null in JSON and NaN in memory. A file that
does not match its record type raises an `InputError` that names file and key.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np

from twinsync.errors import InputError
from twinsync.writing import whole_file

CONFIG = "config.json"
MOST_NAMED = 4  # differing entries that a message lists

if TYPE_CHECKING:
    Number = float
else:
    Number = float | None  # None only while decoding JSON; NaN in memory
Numbers = tuple[Number, ...]
Rows = tuple[Numbers, ...]
ByName = dict[str, Number]

UNKNOWN = float("nan")  # default of numbers that a JSON file may omit


class Record(msgspec.Struct, frozen=True):
    """Base class of records: where a number is expected, null becomes NaN."""

    def __post_init__(self) -> None:
        for name in _number_fields(type(self)):
            msgspec.structs.force_setattr(self, name, _without_null(getattr(self, name)))


@cache
def _number_fields(kind: type[Record]) -> tuple[str, ...]:
    numeric = (float | None, tuple[float | None, ...], tuple[tuple[float | None, ...], ...], dict[str, float | None])
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.type in numeric)


def _without_null(value: Any) -> Any:
    if value is None:
        return math.nan
    if isinstance(value, tuple):
        return tuple(_without_null(item) for item in value)
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items()}
    return value


def read(path: Path, kind: Any) -> Any:
    """The content of a JSON file as `kind`: a record type, or a tuple or mapping of them.

    Raises `InputError` that names the file and the key that is missing or wrong.
    """
    text = read_text(path)
    try:
        return convert(json.loads(text), kind)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}; run the command again") from None


def convert(content: Any, kind: Any) -> Any:
    """Plain JSON values as `kind`. Raises `InputError` that names the key that is missing or wrong."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise InputError(_named(content, kind, str(error))) from None


def read_text(path: Path) -> str:
    """The text of a raw file. Raises `InputError` if it is missing or not text."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: missing; a report needs every raw file of its run, so run it again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text: {error}") from None


def encode(record: Any) -> str:
    """A record as indented JSON; unknown and non-finite numbers are null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n"


def plain(record: Any) -> Any:
    """A record as plain JSON values."""
    return json.loads(msgspec.json.encode(record))


def _named(content: Any, kind: Any, error: str) -> str:
    """A msgspec error with the actual keys of mappings, which it prints as `[...]`."""
    reason, _, path = error.partition(" - at `$")
    where, node = [], content
    for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
        key = name or (_culprit(content, kind, node, error) if index == "..." else int(index))
        where.append(f"[{key}]" if isinstance(key, int) else f".{key}" if where else key)
        node = node[key]
    return f"{''.join(where)}: {reason}" if where else reason


def _culprit(content: Any, kind: Any, mapping: dict[str, Any], error: str) -> str:
    """Key of the entry of `mapping`, a part of `content`, that causes the error; the others are removed."""
    entries = dict(mapping)
    for key, value in entries.items():
        mapping.clear()
        mapping[key] = value
        try:
            msgspec.convert(content, kind)
        except msgspec.ValidationError as remaining:
            if str(remaining) == error:
                break
    return next(iter(mapping))


@contextmanager
def open_folder(out: Path, wanted: dict[str, Any], what: str, *, resume: bool) -> Iterator[None]:
    """Create folder `out` with `wanted` as its config.json or, with `resume`, check that it already holds the same.

    No other process can open it so while the block runs. `what` names the content in messages. Raises `InputError` if
    `out` exists without `resume`, cannot be written, is in use, or holds another config; it names the entries that
    differ.
    """
    if out.exists() and not resume:
        raise InputError(f"{out}: already exists; add --resume to continue it, or choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / CONFIG).exists():
            if any(out.iterdir()):
                raise InputError(f"{out}: holds other files but no {what}; choose another --out")
            write_json(out / CONFIG, wanted)
        present = read_json(out / CONFIG)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{out / CONFIG}: not valid JSON; choose another --out") from None
    if not isinstance(present, dict):
        raise InputError(f"{out / CONFIG}: expected a JSON object, got {type(present).__name__}; choose another --out")
    differing = sorted(_differing(wanted, present), key=lambda name: name.count("."))  # what decides the rest is on top
    if differing:
        named = ", ".join(differing[:MOST_NAMED]) + (", ..." if len(differing) > MOST_NAMED else "")
        raise InputError(f"{out}: holds a {what} with {named}; resume that one, or choose another --out")
    with (out / CONFIG).open("rb") as file:
        if not _locked(file):
            raise InputError(f"{out}: another process computes there; wait until it ends, or choose another --out")
        yield


def _locked(file: BinaryIO) -> bool:
    """Whether this process holds a file now, until it is closed; True where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _differing(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    """The entries that are not the same in both, with the value in `present`: `settings.slots = 100`."""
    for key in dict.fromkeys((*wanted, *present)):
        value, there = wanted.get(key), present.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            yield from (f"{key}.{inner}" for inner in _differing(value, there))
        elif value != there:
            yield f"{key} = {json.dumps(there)}"


def digest_of(values: Any) -> str:
    """A short hash of plain JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with whole_file(path) as partial:
        partial.write_text(text, "utf-8")


def write_json(path: Path, payload: Any) -> None:
    """Write an indented JSON file atomically."""
    write_text(path, json.dumps(payload, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The content of a file that `write_json` wrote. Raises `OSError`, or `ValueError` if it is not JSON in UTF-8."""
    return json.loads(path.read_text("utf-8"))


def jsonable(value: Any) -> Any:
    """The value with arrays as lists, and with NaN and infinities, which JSON cannot express, as None."""
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
