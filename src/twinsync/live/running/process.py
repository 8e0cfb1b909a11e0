"""What device and edge processes share: the event loop around a state machine, its timers, its end, its log."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.messages import Message
from twinsync.live.running.cell import Clock

ORPHAN_CHECK_S = 1.0
POLLED_S = 2e-3
DROPPED_S = 10.0  # within which further messages dropped from one source are counted instead of logged
PARENT = "TWINSYNC_PARENT"  # environment variable: the process that is to be outlived by none of its children
STOPPED_BY_PROTOCOL = 3  # exit code: the other end said stop, so starting again is of no use


def write_log(process: str, time_s: float, text: str, **fields: Any) -> None:
    """One line for the operator, as JSON on standard error."""
    line = {"time": round(time_s, 3), "process": process, **fields, "text": text}
    with contextlib.suppress(OSError):
        print(json.dumps(line), file=sys.stderr, flush=True)


class Process:
    """One process with one state machine. Subclasses say how each effect is done."""

    def __init__(self, name: str, core: Any) -> None:
        self.name = name
        self.core = core
        self.now = Clock()
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self.loop.create_future()
        self.effects: dict[type, Callable[[Any], object]] = {do.SetTimer: self._set_timer, do.Log: self._log_effect}
        self._dropped: dict[tuple[str, str], int] = {}
        # The parent may be gone by now, and another process have adopted this one.
        self._parent: int | None = int(os.environ.get(PARENT, os.getppid()))
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.stop)
        self.loop.call_later(ORPHAN_CHECK_S, self._check_parent)

    def tell(self, event: do.Event | Message) -> None:
        """Give the state machine an event and do what follows."""
        self.do(self.core.handle(event, self.now()))

    def do(self, effects: Sequence[do.Effect]) -> None:
        """Do what a state machine wants done."""
        for effect in effects:
            self.effects[type(effect)](effect)

    def outlive_parent(self) -> None:
        """Go on when whoever started this process ends."""
        self._parent = None

    def stop(self) -> None:
        """End cleanly."""
        self.end(0)

    def end(self, code: int) -> None:
        """End with an exit code."""
        for key in list(self._dropped):
            self._tell_dropped(key)
        if not self.ended.done():
            self.ended.set_result(code)

    def log(self, text: str, **fields: Any) -> None:
        """One line for the operator."""
        write_log(self.name, self.now(), text, **fields)

    def settle(self) -> None:
        """Exclude what is loaded by now from garbage collections, which would take tens of milliseconds each."""
        gc.collect()
        gc.freeze()

    def log_dropped(self, reason: str, source: str, *, kind: str = "") -> None:
        """A message could not be taken: a line for the first of its kind from a source, then one for how many more."""
        key = source, kind
        if key in self._dropped:
            self._dropped[key] += 1
            return
        self._dropped[key] = 0
        self.log(f"a message was dropped: {reason}", source=source)
        self.loop.call_later(DROPPED_S, self._tell_dropped, key)

    def _tell_dropped(self, key: tuple[str, str]) -> None:
        if more := self._dropped.pop(key, 0):
            self.log(f"{more} more messages were dropped within {DROPPED_S:g} s", source=key[0])

    def received(self, data: bytes, kinds: Any = Message) -> None:
        """Take a control message from the bus; what is none is one line in the log."""
        try:
            message = say.decode(data)
        except ValueError as error:
            self.log_dropped(str(error), "edge")
            return
        if isinstance(message, kinds):
            self.tell(message)

    async def sleep_until(self, at_s: float) -> None:
        """Sleep to within a fraction of a millisecond; the event loop alone rounds up to whole ones."""
        await asyncio.sleep(max(0.0, at_s - self.now() - POLLED_S))
        while self.now() < at_s:
            await asyncio.sleep(0)

    def later(self, task: Any) -> asyncio.Task[Any]:
        """Run a coroutine; what it raises ends the process."""
        made = self.loop.create_task(task)
        made.add_done_callback(self._check_task)
        return made

    def _check_task(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log(f"internal error: {type(error).__name__}: {error}")
            self.loop.call_exception_handler({"message": "task failed", "exception": error, "task": task})
            self.end(1)

    def _set_timer(self, effect: do.SetTimer) -> None:
        event = do.TimerFired(effect.name, effect.slot)
        self.loop.call_later(max(0.0, effect.at_s - self.now()), self._fire, effect.at_s, event)

    def _fire(self, at_s: float, event: do.TimerFired) -> None:
        if self.now() < at_s:  # the loop's clock has a resolution of its own
            self.loop.call_later(at_s - self.now() + 1e-4, self._fire, at_s, event)
        else:
            self.tell(event)

    def _log_effect(self, effect: do.Log) -> None:
        if effect.dropped_from:
            self.log_dropped(effect.text, effect.dropped_from, kind=re.sub(r"[\d.]+", "", effect.text))
        else:
            self.log(effect.text)

    def _check_parent(self) -> None:
        if self._parent not in (None, os.getppid()):
            self.stop()
        self.loop.call_later(ORPHAN_CHECK_S, self._check_parent)
