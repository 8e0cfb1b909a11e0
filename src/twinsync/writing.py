"""Files that stay readable whatever interrupts the process that writes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from twinsync.interrupts import uninterrupted


@contextlib.contextmanager
def whole_file(path: Path, *, new: bool = False) -> Iterator[Path]:
    """A temporary path beside `path`, with the same suffix, to write to; renamed to `path` at the end of the block.

    If the block raises, the temporary file is deleted. So `path` always holds its complete old or new content,
    even if the process is interrupted. new: raise `FileExistsError` at the end if `path` exists by then.
    """
    # A name that no file of a user's has, and the same in each process, so that an interrupted one's is not left.
    partial = path.with_name(f".{path.stem}.twinsync.partial{path.suffix}")
    with uninterrupted():
        try:
            yield partial
            if new:
                path.touch(exist_ok=False)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def end_line(file: BinaryIO) -> None:
    """End the last line of a file of lines, opened as "ab+", if it was cut short: what follows begins a line."""
    if file.tell():
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
