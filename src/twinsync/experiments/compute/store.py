"""Results of cells, in memory and as files named by the cell's address; existing results are not computed again."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.arrays import Float
from twinsync.errors import DAMAGED, InputError
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.evaluate import RawScheme
from twinsync.learning.training import CurveRow
from twinsync.writing import whole_file


@dataclass(frozen=True)
class CellResult:
    """The result of a cell.

    measured: latency and cost of every slot, and means over each set of slots, of its single policy (P = 1); None if
    there is no result, with the reason in `trouble`. relative_gap: the certificate [M, N], for the optimum only. curve:
    a learner's. diverged: signs of divergence, in the form of a run's manifest. card, weights: a policy of ours, leaves
    [1, ...]; None and empty for another library's.
    """

    identity: dict[str, Any]
    measured: RawScheme | None
    trouble: str
    relative_gap: Float[np.ndarray, "M N"] | None = None
    curve: tuple[CurveRow, ...] = ()
    diverged: tuple[dict[str, Any], ...] = ()
    card: dict[str, Any] | None = None
    weights: tuple[np.ndarray, ...] = ()
    training_s: float = 0.0
    evaluation_s: float = 0.0
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def total_s(self) -> float:
        """Compute time [s]."""
        return self.training_s + self.evaluation_s


_PLAIN = ("identity", "trouble", "curve", "diverged", "card", "training_s", "evaluation_s", "provenance")


def to_bytes(result: CellResult, *, compact: bool = False) -> bytes:
    """A result as the bytes of an npz file, in which each part has a checksum (the zip format's).

    compact: compressed, with per-slot values in single and weights in half precision; means keep full precision.
    """
    per_slot, weights = (np.float32, np.float16) if compact else (np.float64, np.float32)
    arrays = {f"weight_{i}": weight.astype(weights) for i, weight in enumerate(result.weights)}
    if result.relative_gap is not None:
        arrays["relative_gap"] = result.relative_gap
    if result.measured is not None:
        measured = result.measured
        arrays |= {"latency_s": measured.latency_s.astype(per_slot), "cost": measured.cost.astype(per_slot)}
        arrays |= {f"mean_{name}": values for name, values in result.measured.means.items()}
    text = json.dumps({name: getattr(result, name) for name in _PLAIN})
    with io.BytesIO() as file:
        save = np.savez_compressed if compact else np.savez
        save(file, allow_pickle=False, result=np.asarray(text), **arrays)
        return file.getvalue()


def from_bytes(data: bytes) -> CellResult:
    """The result that `to_bytes` wrote, with wide arrays again. Raises `ValueError` for other or damaged data."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        plain = json.loads(str(arrays.pop("result")))
        plain["curve"] = tuple(CurveRow(*row) for row in plain["curve"])
        plain["diverged"] = tuple(plain["diverged"])
        count = sum(name.startswith("weight_") for name in arrays)
        weights = tuple(arrays[f"weight_{i}"].astype(np.float32) for i in range(count))
        means = {name.removeprefix("mean_"): arrays[name] for name in arrays if name.startswith("mean_")}
        latency_s, cost = (arrays.get(name, np.empty(0)).astype(np.float64) for name in ("latency_s", "cost"))
        measured = RawScheme(latency_s, cost, means) if "cost" in arrays else None
        return CellResult(
            **{name: plain[name] for name in _PLAIN},
            measured=measured,
            relative_gap=arrays.get("relative_gap"),
            weights=weights,
        )
    except DAMAGED as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


class Store:
    """A folder of results. damaged: a sentence for each file that could not be read and was set aside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def path(self, cell: Cell) -> Path:
        """The path of the cell's result, whether it exists or not."""
        return self.folder / f"{cell.address}.npz"

    def read(self, cell: Cell) -> CellResult | None:
        """The cell's result, or None if it has to be computed; a damaged file is set aside under another name.

        Raises `InputError` if the file exists but cannot be read.
        """
        path = self.path(cell)
        try:
            result = from_bytes(path.read_bytes())
            if result.identity != cell.identity:
                raise ValueError("it is the result of something else")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); fix that, then run again") from None
        except ValueError as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            self.damaged.append(f"{path}: damaged result of {cell.label} ({error}); set aside as {aside.name}")
            return None
        return result

    def write(self, cell: Cell, result: CellResult) -> None:
        """Write the result atomically. Raises `InputError` if the disk is full or the folder cannot be written."""
        path = self.path(cell)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial, partial.open("wb") as file:
                file.write(to_bytes(result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}); earlier results are kept: fix that, then --resume"
            ) from None

    def missing(self, cells: Sequence[Cell]) -> list[Cell]:
        """The cells without a complete result, each address once.

        An allocator that could not be asked is asked again: the reason may have been a file that was not there.
        """
        by_address = {cell.address: cell for cell in cells}
        found = {address: self.read(cell) for address, cell in by_address.items()}
        return [
            by_address[address]
            for address, result in found.items()
            if result is None or (result.measured is None and not result.curve)
        ]
