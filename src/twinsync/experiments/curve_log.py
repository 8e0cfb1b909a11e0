"""A training run's learning curve as TensorBoard event files, in one folder per training seed."""

from __future__ import annotations

import csv
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twinsync.errors import InputError, install
from twinsync.learning.run import CURVE_FILE

FOLDER = "tensorboard"  # in the run's folder


class CurveLog:
    """Mirrors a run's curve.csv into event files in `tensorboard/seed-I/` beside it: a scalar per column, over slots.

    The event files are rewritten from the start of the curve, also for a resumed run. Raises `InputError` if
    tensorboardX is not installed.
    """

    def __init__(self, run: Path) -> None:
        if find_spec("tensorboardX") is None:
            raise InputError(
                f"--tensorboard: tensorboardX is not installed; {install('tensorboard')}, or read "
                f"{CURVE_FILE} in the run's folder, which has the same"
            )
        self._run = run
        self._rows = 0
        self._writers: dict[str, Any] = {}

    def update(self) -> None:
        """Log the rows added to the curve since the last call; they reach the files within a second or two."""
        try:
            with (self._run / CURVE_FILE).open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except FileNotFoundError:  # the curve has no point yet
            return
        for row in rows[self._rows :]:
            self._write(row)
        self._rows = len(rows)

    def close(self) -> None:
        """Write the remaining rows and close the files."""
        self.update()
        for writer in self._writers.values():
            writer.close()

    def _write(self, row: dict[str, str]) -> None:
        seed, slots = row.pop("seed"), int(row.pop("slots"))
        for name, text in row.items():
            # Columns that do not apply to a learner are NaN, such as a critic's loss without a critic.
            if math.isfinite(float(text)):
                self._writer(seed).add_scalar(name, float(text), slots)

    def _writer(self, seed: str) -> Any:
        if seed not in self._writers:
            from tensorboardX import SummaryWriter

            folder = self._run / FOLDER / f"seed-{seed}"
            for earlier in folder.glob("events.out.tfevents.*"):
                earlier.unlink()
            # tensorboardX writes in a thread of its own, and its `flush` does not wait for queued events.
            self._writers[seed] = SummaryWriter(str(folder), flush_secs=1)
        return self._writers[seed]
