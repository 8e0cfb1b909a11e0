"""The result of a cell, in memory and as one file."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.evaluate import Scheme
from twinsync.learning.training import CurveRow


@dataclass(frozen=True)
class CellResult:
    """What came of a cell.

    measured: latency and cost of every slot, and means over each set of slots, of its one policy (P = 1); None where
    there is none, and `trouble` says why. relative_gap: the certificate, of the optimum alone [M, N]. curve: of a
    learner. diverged: signs of it, as a run's manifest has them. card, weights: a policy of ours, leaves [1, ...]; None
    and nothing of another library's.
    """

    identity: dict[str, Any]
    measured: Scheme | None
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
    """A result as an npz file; each part carries a checksum (that of the zip format).

    compact: compressed, each slot's numbers in single and weights in half precision; means keep all their digits.
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
    """What `to_bytes` wrote, in full precision. Raises `ValueError` for anything else, and for a file damaged since."""
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
        measured = Scheme(latency_s, cost, means) if "cost" in arrays else None
        return CellResult(
            **{name: plain[name] for name in _PLAIN},
            measured=measured,
            relative_gap=arrays.get("relative_gap"),
            weights=weights,
        )
    except (OSError, EOFError, KeyError, TypeError, AttributeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
