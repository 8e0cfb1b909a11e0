"""Recorded links: a Mahimahi trace, a line per millisecond in which a packet of 1500 bytes may leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int

from twinsync.errors import InputError

PACKET_BITS = 8 * 1500
STEPS_PER_S = 1000


class Trace:
    """A trace as a `Rate`. Each device has the recorded link to itself and begins at another place of it.

    The trace starts again at its end. Time runs with the slots, so that two runs meet the same rates; the power of a
    transmission changes nothing.
    """

    def __init__(self, path: Path, slot_s: float, devices: int) -> None:
        """Raises `InputError` for what is no trace."""
        self.packets = read_trace(path)
        self._slot_s = slot_s
        self._shift_s = len(self.packets) / STEPS_PER_S / devices

    def __call__(self, slot: int, device: int, transmit_power_w: float, elapsed_s: float) -> float:
        """The rate [bit/s] in the millisecond `elapsed_s` after the slot's begin."""
        step = round(STEPS_PER_S * (slot * self._slot_s + device * self._shift_s + elapsed_s))
        return float(self.packets[step % len(self.packets)]) * PACKET_BITS * STEPS_PER_S


def read_trace(path: Path) -> Int[np.ndarray, milliseconds]:
    """Packets that may leave in each millisecond of a trace. Raises `InputError`."""
    try:
        lines = path.read_text("ascii").split()
        times = np.array([int(line) for line in lines])
    except OSError as error:
        raise InputError(f"radio trace {path}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"radio trace {path}: not a Mahimahi trace, a line per packet with its millisecond") from None
    if len(times) == 0 or times[0] < 0 or np.any(np.diff(times) < 0) or times[-1] == 0:
        raise InputError(f"radio trace {path}: its milliseconds have to rise from 0 on and end above it")
    # As Mahimahi has it: the last line's time is the period, and its packets leave as the trace begins again.
    return np.bincount(times % times[-1], minlength=times[-1])
