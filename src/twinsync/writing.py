"""Files that stay readable whatever interrupts the process that writes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from twinsync.interrupts import uninterrupted


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; at the end of the block it becomes `path`, and is gone if the block fails.

    So `path` is always whole: its old content or its new one, whatever interrupts. The suffix is that of `path`.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    with uninterrupted():
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def end_line(file: BinaryIO) -> None:
    """End the last line of a file of lines, opened as "ab+", if it was cut short: what follows begins a line."""
    if file.tell():
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
