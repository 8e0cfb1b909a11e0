"""Inertial recordings: the watch data of the package seglearn (BSD licence; 50 Hz, 10 people, 7 activities).

The file is read as the package ships it, without importing the package: `twinsync data fetch watch`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int16

from twinsync.codec.recordings import RECORDINGS, fetched_path
from twinsync.errors import InputError

LENGTH = 64  # samples of a window
# A sensor's 16 bits over +-8 g and +-2000 degrees a second; the file has g and radians a second.
UNITS_PER_G, UNITS_PER_RAD_S = 4096.0, 938.7
TRAINING_PEOPLE = (1, 2, 3, 4, 5, 6)


def watch_file() -> Path:
    """The fetched recording's file. Raises `InputError` where it was not fetched."""
    path = fetched_path(RECORDINGS["watch"])
    if path is None:
        raise InputError("the inertial recordings are not here yet: twinsync data fetch watch")
    return path


def watch_windows(training: bool) -> list[Int16[np.ndarray, "windows length channels"]]:
    """Successive windows of each recording, of the people trained on or of the others."""
    content = np.load(watch_file(), allow_pickle=True).item()
    runs = []
    for person, recording in zip(content["subject"], content["X"], strict=True):
        if (int(person) in TRAINING_PEOPLE) != training:
            continue
        scaled = recording * np.array([UNITS_PER_G] * 3 + [UNITS_PER_RAD_S] * 3)
        samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
        count = len(samples) // LENGTH
        runs.append(samples[: count * LENGTH].reshape(count, LENGTH, samples.shape[1]))
    return runs
