"""Results as files named by their cell's address: what is there is not computed again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from twinsync.errors import InputError
from twinsync.experiments.sweeps.cell import Cell
from twinsync.experiments.sweeps.result import CellResult, from_bytes, to_bytes
from twinsync.writing import whole_file


class Store:
    """A folder of results. `damaged` lists the files that could not be read and were set aside, one sentence each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def path(self, cell: Cell) -> Path:
        """Where the cell's result is, or will be."""
        return self.folder / f"{cell.address}.npz"

    def read(self, cell: Cell) -> CellResult | None:
        """The cell's result, or None where it has to be computed; a damaged file is set aside under another name."""
        path = self.path(cell)
        try:
            result = from_bytes(path.read_bytes())
            if result.identity != cell.identity:
                raise ValueError("it is the result of something else")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); mend that, then run again") from None
        except ValueError as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            self.damaged.append(f"{path}: damaged result of {cell.label} ({error}); set aside as {aside.name}")
            return None
        return result

    def write(self, cell: Cell, result: CellResult) -> None:
        """Write whole or not at all. Raises `InputError` where the disk is full or the folder cannot be written."""
        path = self.path(cell)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial, partial.open("wb") as file:
                file.write(to_bytes(result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}); earlier results are kept: mend that, then --resume"
            ) from None

    def missing(self, cells: Sequence[Cell]) -> list[Cell]:
        """The cells that have no whole result yet, each address once."""
        found = {cell.address: cell for cell in cells}
        return [cell for cell in found.values() if self.read(cell) is None]
