"""Ctrl-C ends a command at once, with one line and exit code 130, whatever the main thread is doing.

Python's own handler runs only in the main thread, between two bytecode instructions. So it waits while XLA compiles or
runs, its exception can be swallowed by any library's `except`, and the interpreter's exit crashes if XLA's threads are
still running. Here a dedicated thread waits for the signal and ends the process without unwinding. It lets a write in
progress finish first, so no file is left half written.
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

_PATIENCE_S = 10.0  # for a write in progress; a second Ctrl-C ends the wait
_ENDING_S = 5.0  # for other processes to end

_writing = threading.RLock()
_advice = [NOTHING_WRITTEN]
_endings: list[Callable[[], None]] = []


def watch() -> None:
    """Make Ctrl-C (SIGINT) end this process with one line and `EXIT_CODE`. Call from the main thread; may be repeated.

    Does nothing if SIGINT is ignored, as in a shell's background jobs, or already has another handler.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The interpreter writes to this pipe as soon as the signal arrives, even while the main thread runs compiled code.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _leave_it_to_the_thread)
    threading.Thread(target=_wait, args=(reading,), name="interrupts", daemon=True).start()


def finish() -> None:
    """Call when a command has written its output: flushes the streams, then ignores Ctrl-C until the process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


@contextlib.contextmanager
def advising(advice: str) -> Iterator[None]:
    """While the block runs, print `advice` after "interrupted; ", for example the command that continues the work."""
    _advice.append(advice)
    try:
        yield
    finally:
        _advice.pop()


def advise(advice: str) -> None:
    """Replace the advice of the innermost `advising` block, until that block ends."""
    _advice[-1] = advice


@contextlib.contextmanager
def ending(end: Callable[[], None]) -> Iterator[None]:
    """On Ctrl-C while the block runs, call `end`, from another thread. It should stop other processes, quickly."""
    _endings.append(end)
    try:
        yield
    finally:
        _endings.remove(end)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Protect a short block, such as a write: Ctrl-C lets it finish first."""
    with _writing:
        yield


def _leave_it_to_the_thread(signum: int, frame: FrameType | None) -> None:
    """The main thread's handler. It does nothing, but with SIG_IGN nothing would be written to the pipe."""


def _wait(reading: int) -> None:
    while os.read(reading, 1) != bytes([signal.SIGINT]):
        pass  # another signal, for which a library has a handler
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
    # Not sys.stderr, whose lock the main thread may hold. The codes clear a progress bar and show the cursor again.
    screen = "\r\x1b[2K\x1b[?25h" if os.isatty(2) else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{screen}{line}".encode())
    os._exit(EXIT_CODE)
