"""A worker process of the local executor, which reads tasks from standard input and answers on standard output."""

from __future__ import annotations

import os
import pickle
import queue
import struct
import sys
import threading
import traceback
import warnings
from typing import IO, Any

from twinsync import compilation

_LENGTH = struct.Struct("!Q")


def send(pipe: IO[bytes], message: Any) -> None:
    """Write one complete message."""
    data = pickle.dumps(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next message. Raises `EOFError` if the other side has closed the pipe."""
    return pickle.loads(_receive_bytes(pipe))


def _receive_bytes(pipe: IO[bytes]) -> bytes:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    data = pipe.read(_LENGTH.unpack(head)[0])
    if len(data) < _LENGTH.unpack(head)[0]:
        raise EOFError
    return data


def _read_tasks(pipe: IO[bytes], tasks: queue.SimpleQueue[bytes]) -> None:
    """Queue tasks as they arrive. When the driver is gone, end this process, even in the middle of a task."""
    try:
        while True:
            tasks.put(_receive_bytes(pipe))
    except EOFError:
        os._exit(0)


def connect_quietly() -> None:
    """Use the cache of compiled programs, without warnings: if it fails, the driver warns."""
    warnings.simplefilter("ignore", compilation.CacheWarning)
    compilation.connect()


def serve() -> None:
    """Answer tasks with results or a traceback, until the driver is gone."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a user's allocator prints must not mix with the answers
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(sys.stdin.buffer, tasks), daemon=True).start()
    connect_quietly()
    # Only after the thread has started, so that this process ends if the driver does while JAX is loading.
    from twinsync.experiments.compute.work import compute

    while True:
        try:
            send(answers, compute(pickle.loads(tasks.get())))
        except BrokenPipeError:
            return
        except Exception:
            send(answers, traceback.format_exc())


if __name__ == "__main__":
    serve()
