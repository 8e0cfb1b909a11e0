"""A training run's learning curve as TensorBoard's event files, one folder per training seed."""

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
    """Follows the curve.csv of a run in `tensorboard/seed-I/` beside it: each column a scalar, over slots.

    A resumed run has its curve from the start, and so have the event files, which are written anew. Raises `InputError`
    where tensorboardX is not installed.
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
        """Hand over what the curve has gained since the last call; it is in the files a second or two later."""
        try:
            with (self._run / CURVE_FILE).open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except FileNotFoundError:  # not a point yet
            return
        for row in rows[self._rows :]:
            self._write(row)
        self._rows = len(rows)

    def close(self) -> None:
        """Write the rest, and let go of the files."""
        self.update()
        for writer in self._writers.values():
            writer.close()

    def _write(self, row: dict[str, str]) -> None:
        seed, slots = row.pop("seed"), int(row.pop("slots"))
        for name, text in row.items():
            # A learner leaves columns empty that it has nothing for, such as a critic's loss without a critic.
            if math.isfinite(float(text)):
                self._writer(seed).add_scalar(name, float(text), slots)

    def _writer(self, seed: str) -> Any:
        if seed not in self._writers:
            from tensorboardX import SummaryWriter

            folder = self._run / FOLDER / f"seed-{seed}"
            for earlier in folder.glob("events.out.tfevents.*"):
                earlier.unlink()
            # A thread of its own writes them; its `flush` does not wait for what is still on the way.
            self._writers[seed] = SummaryWriter(str(folder), flush_secs=1)
        return self._writers[seed]
