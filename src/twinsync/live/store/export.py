"""Every stored revision as a file: JSON lines, or Parquet where pyarrow is installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import msgspec

from twinsync.errors import InputError
from twinsync.live.store.interface import Revision, TwinStore
from twinsync.writing import whole_file

GROUP = 1000  # rows of Parquet that are held at once


def check_target(path: Path) -> None:
    """Raise `InputError` for a file that an export cannot become."""
    if path.suffix not in (".jsonl", ".parquet"):
        raise InputError(f"--out {path}: give a file that ends in .jsonl or .parquet")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise InputError(f"--out {path}: .parquet needs pyarrow: pip install pyarrow; or choose .jsonl")
    if path.exists():
        raise InputError(f"--out {path}: already exists; choose another name or remove it")


def write_history(store: TwinStore, path: Path) -> int:
    """Write every revision, oldest first per twin; how many there are. Raises `InputError`."""
    check_target(path)
    write = _write_parquet if path.suffix == ".parquet" else _write_lines
    try:
        with whole_file(path, new=True) as partial:
            return write(store.history(), partial)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be written: {error.strerror}; choose another place") from None


def _write_lines(history: Iterator[Revision], path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        for count, kept in enumerate(history, 1):  # noqa: B007
            row = msgspec.structs.asdict(kept) | {"document": msgspec.Raw(kept.document)}
            file.write(msgspec.json.encode(row) + b"\n")
    return count


def _write_parquet(history: Iterator[Revision], path: Path) -> int:
    import pyarrow as arrow
    from pyarrow import parquet

    columns = {
        "thing": arrow.string(),
        "revision": arrow.int64(),
        "slot": arrow.int64(),
        "observed_at": arrow.float64(),
        "stored_at": arrow.float64(),
        "document": arrow.string(),
    }
    schema, count = arrow.schema(list(columns.items())), 0
    with parquet.ParquetWriter(path, schema) as file:
        while rows := [msgspec.structs.asdict(kept) for kept in islice(history, GROUP)]:
            for row in rows:
                row["document"] = row["document"].decode("utf-8")
            file.write_table(arrow.Table.from_pylist(rows, schema))
            count += len(rows)
    return count
