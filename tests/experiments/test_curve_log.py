"""Learning curves for TensorBoard: each number of the curve once, under its column's name and slots."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event

from twinsync.experiments.curve_log import CurveLog
from twinsync.learning.run import write_curve
from twinsync.learning.training import CurveRow

NOTHING = float("nan")


def row(seed: int, slots: int, cost: float) -> CurveRow:
    return CurveRow(seed, slots, cost, 13.5, -cost, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """Tag, step and value of every scalar in the folder's one event file: records of length, CRC, content, CRC."""
    (path,) = folder.iterdir()
    data, found, start = path.read_bytes(), [], 0
    while len(data) - start > 12:  # what is being written may end in the midst of a record
        (length,) = struct.unpack("<Q", data[start : start + 8])
        if len(data) < start + 12 + length + 4:
            break
        event = Event.FromString(data[start + 12 : start + 12 + length])
        found += [(value.tag, event.step, round(value.simple_value, 4)) for value in event.summary.value]
        start += 12 + length + 4
    return found


def test_a_curve_is_followed_and_a_resumed_run_has_it_once(tmp_path: Path) -> None:
    log = CurveLog(tmp_path)
    log.update()  # before the first point
    rows = [row(0, 100, 90.0), row(1, 100, 95.0)]
    write_curve(tmp_path / "curve.csv", rows)
    log.update()
    first = [("cost", 100, 90.0), ("latency_s", 100, 13.5), ("training_reward", 100, -90.0)]
    until = time.monotonic() + 60.0
    while scalars(tmp_path / "tensorboard" / "seed-0") != first:
        assert time.monotonic() < until
        time.sleep(0.1)
    log.close()
    resumed = CurveLog(tmp_path)
    resumed.update()
    write_curve(tmp_path / "curve.csv", [*rows, row(0, 200, 88.0)])
    resumed.close()
    found = scalars(tmp_path / "tensorboard" / "seed-0")
    assert found[:3] == first
    assert [item for item in found if item[0] == "cost"] == [("cost", 100, 90.0), ("cost", 200, 88.0)]
    assert len(scalars(tmp_path / "tensorboard" / "seed-1")) == 3
