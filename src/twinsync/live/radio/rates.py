"""What rate a device's sub-band has: the model's with the scenario's draws, a user's function, or no limit."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from twinsync.arrays import Float
from twinsync.errors import InputError
from twinsync.live.radio.traces import Trace, read_trace
from twinsync.model.channel import rate_bps
from twinsync.model.draws import draw_slot_block
from twinsync.model.slot import Slot
from twinsync.own_code import load_attribute
from twinsync.scenario import Scenario

# (slot, device, transmit power in W, seconds since the frame began) to bit/s
Rate = Callable[[int, int, float, float], float]

STEP_S = 1e-3
BLOCKS = 3  # of draws that are kept: the present one, the one before, and the next
TRACE = "trace:"
NAMES = ("shannon", "none")  # radios that are neither a trace nor the user's own


class Draws:
    """The slots of a seed, one after another without end: those that `evaluate` and `solve` use with that seed.

    They are drawn in blocks of one size, of which the latest are kept; the next one is drawn in another thread well
    before it is needed. Safe from any thread.
    """

    def __init__(self, scenario: Scenario, seed: int, count: int = 4096) -> None:
        """`count`: how many slots to draw at once, rounded up to whole cycles."""
        self.scenario = scenario
        self._seed = seed
        self._cycles = -(-count // scenario.slot_count)
        self._size = self._cycles * scenario.slot_count
        self._blocks: dict[int, Slot] = {}  # by number, the first drawn first; replaced as a whole
        self._lock = threading.Lock()
        self._asked = -1  # the block that was last asked for ahead of its time

    def at(self, slot: int) -> Slot:
        """One slot: arrays [K] and [K, L]."""
        number, place = divmod(slot, self._size)
        block = self._blocks.get(number) or self._reach(number)
        if 2 * place >= self._size and self._asked != number + 1:
            self._asked = number + 1
            threading.Thread(target=self._reach, args=(number + 1,), daemon=True).start()
        return jax.tree.map(lambda array: array[place], block)

    def _reach(self, number: int) -> Slot:
        with self._lock:
            if number not in self._blocks:
                drawn = draw_slot_block(self.scenario, self._seed, 0, number * self._cycles, self._cycles)
                self._blocks = dict([*self._blocks.items(), (number, drawn)][-BLOCKS:])
            return self._blocks[number]


class Shannon:
    """Eq. (11) with B_k = B/K and the slot's gains; constant over a frame, also where it outlasts its slot."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._last: tuple[tuple[int, int, float], float] = ((-1, -1, 0.0), 0.0)

    def __call__(self, slot: int, device: int, transmit_power_w: float, elapsed_s: float) -> float:
        """The rate [bit/s]."""
        asked = (slot, device, transmit_power_w)
        if self._last[0] != asked:  # a frame asks once a millisecond
            self._last = (asked, self._rate(*asked))
        return self._last[1]

    def _rate(self, slot: int, device: int, transmit_power_w: float) -> float:
        gain: Float[np.ndarray, "1 L"] = self._draws.at(slot).block_gain[device : device + 1]
        with jax.enable_x64(True):
            return float(rate_bps(np.array([transmit_power_w]), gain, self._draws.scenario)[0])


def unlimited(slot: int, device: int, transmit_power_w: float, elapsed_s: float) -> float:
    """No emulated radio: a frame leaves at once, and what it then takes is the real network's."""
    return math.inf


def find_rate(name: str, draws: Draws) -> Rate:
    """`shannon`, `none`, `trace:FILE`, or a user's `file.py:function`, a `Rate`. Raises `InputError`."""
    if name == "shannon":
        return Shannon(draws)
    if name.startswith(TRACE):
        scenario = draws.scenario
        return Trace(Path(name.removeprefix(TRACE)), float(scenario.slot_s), scenario.device_count)
    return unlimited if name == "none" else own_rate(name)


def check_rate(name: str) -> None:
    """Raise `InputError` for what names no radio."""
    if name.startswith(TRACE):
        read_trace(Path(name.removeprefix(TRACE)))
    elif name not in NAMES:
        own_rate(name)


def own_rate(name: str) -> Rate:
    """A user's `file.py:function`. Raises `InputError`."""
    label = f"radio {name!r}"
    if not Path(name.rpartition(":")[0]).is_file():
        raise InputError(f"{label}: give shannon, none, trace:FILE, or file.py:function of a file that exists")
    function: Any = load_attribute(label, name)
    if not callable(function):
        raise InputError(f"{label}: not a function (slot, device, transmit_power_w, elapsed_s) -> bit/s")
    return function  # type: ignore[return-value]


def airtime_s(bits: int, rate: Callable[[float], float], longest_s: float) -> float | None:
    """When the last of `bits` has left, released in steps of 1 ms at `rate(elapsed)`; None if later than `longest_s`.

    Whole steps: a frame ends at the end of the step in which its last bit leaves, and at once at an infinite rate.
    """
    released, step = 0.0, 0
    while released < bits:
        elapsed = step * STEP_S
        if elapsed >= longest_s:
            return None
        now = rate(elapsed)
        if math.isinf(now):
            return elapsed
        released += max(0.0, now) * STEP_S
        step += 1
    return step * STEP_S
