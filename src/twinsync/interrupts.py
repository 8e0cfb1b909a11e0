"""Ctrl-C ends a command at once, with one line and exit code 130, whatever the main thread is doing.

Python's own handler runs in the main thread alone and between two of its instructions: it waits while XLA compiles or
runs, can be swallowed by an `except` of any library, and unwinds into an interpreter exit that crashes while XLA's
threads still work. Here a thread of its own waits for the signal and ends the process without unwinding. Files stay
whole because it lets a write finish first.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

EXIT_CODE = 130
NOTHING_WRITTEN = "nothing was written, run the same command again"

_PATIENCE_S = 10.0  # for a write in hand; a second Ctrl-C ends the wait

_ENDING_S = 5.0  # for other processes to end

_writing = threading.RLock()
_advice = [NOTHING_WRITTEN]
_endings: list[Callable[[], None]] = []


def watch() -> None:
    """Make Ctrl-C (SIGINT) end this process with `EXIT_CODE` and one line. Call it in the main thread, once or more.

    Does nothing where SIGINT is ignored, as in the background jobs of a shell, or has another handler already.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The interpreter writes to this pipe the moment the signal comes, even while the main thread is in compiled code.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _leave_it_to_the_thread)
    threading.Thread(target=_wait, args=(reading,), name="interrupts", daemon=True).start()


def finish() -> None:
    """The command is done and its output written: flush, and ignore a Ctrl-C that comes while the process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


@contextlib.contextmanager
def advising(advice: str) -> Iterator[None]:
    """What the line says after "interrupted; " while the block runs, such as the command that continues the work."""
    _advice.append(advice)
    try:
        yield
    finally:
        _advice.pop()


def advise(advice: str) -> None:
    """What the line says from now on, until the innermost block of `advising` ends."""
    _advice[-1] = advice


@contextlib.contextmanager
def ending(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` too if Ctrl-C comes while the block runs, from another thread: it stops other processes, quickly."""
    _endings.append(end)
    try:
        yield
    finally:
        _endings.remove(end)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A short block, such as a write, that Ctrl-C lets finish first."""
    with _writing:
        yield


def _leave_it_to_the_thread(signum: int, frame: FrameType | None) -> None:
    """The main thread's handler; not SIG_IGN, with which nothing would be written to the pipe."""


def _wait(reading: int) -> None:
    while os.read(reading, 1) != bytes([signal.SIGINT]):
        pass  # another signal's handler, set by a library
    _let_writes_finish(reading)
    ends = threading.Thread(target=_end_others, daemon=True)
    ends.start()
    ends.join(_ENDING_S)
    _leave(f"twinsync: interrupted; {_advice[-1]}\n")


def _end_others() -> None:
    for end in reversed(_endings):
        with contextlib.suppress(Exception):
            end()


def _let_writes_finish(reading: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not _writing.acquire(timeout=0.05):
        again = select.select([reading], [], [], 0)[0]
        if again or time.monotonic() > until:
            return


def _leave(line: str) -> None:
    # Not through sys.stderr, whose lock the main thread may hold. A bar is wiped away, the cursor is shown again.
    screen = "\r\x1b[2K\x1b[?25h" if os.isatty(2) else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{screen}{line}".encode())
    os._exit(EXIT_CODE)
