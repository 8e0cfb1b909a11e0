"""What any bus does. All of it happens in one event loop; handlers are plain functions that return soon."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

MOST_BYTES = 4 << 20
WAITING = 1000  # messages that wait for a slow handler; beyond it the oldest are dropped
TURN = 50  # messages handled before others get their turn

Handler = Callable[[str, bytes], None]
PresenceHandler = Callable[[str, bool], None]


class BusError(Exception):
    """The bus could not connect or send; the message says why."""


class Permit(msgspec.Struct, frozen=True):
    """What one user of a bus may do: publish on topics, subscribe to patterns, be present under topics.

    The bus drops what is not permitted; the sender is not told.
    """

    publish: tuple[str, ...] = ()
    hear: tuple[str, ...] = ()
    appear: tuple[str, ...] = ()


@runtime_checkable
class Bus(Protocol):
    """A connection to a bus. Topics are words between slashes; `**` at the end of a pattern matches any rest."""

    def publish(self, topic: str, data: bytes) -> None:
        """Send; what one connection publishes arrives in order. Raises `BusError` for too much data or once closed."""
        ...

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Call `handler(topic, data)` for what is published from now on."""
        ...

    def appear(self, topic: str) -> None:
        """Be present under a topic until closed or cut off."""
        ...

    def watch(self, pattern: str, handler: PresenceHandler) -> None:
        """Call `handler(topic, present)` for who is there already and for whoever comes or goes."""
        ...

    def close(self) -> None:
        """Leave. Handlers are not called afterwards."""
        ...


class Inbox:
    """Messages for one handler, from any thread: handled in order, the oldest dropped where too many wait."""

    def __init__(self, handle: Callable[..., None]) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[object, ...]] = deque(maxlen=WAITING)
        self._scheduled = False
        self._closed = False

    def put(self, *arguments: object) -> None:
        """Take a message; safe from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever wanted this
            self._loop.call_soon_threadsafe(self._take, arguments)

    def close(self) -> None:
        """Handle nothing more."""
        self._closed = True

    def _take(self, arguments: tuple[object, ...]) -> None:
        self._waiting.append(arguments)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        for _ in range(TURN):
            if self._closed or not self._waiting:
                return
            self._handle(*self._waiting.popleft())
        if self._waiting:
            self._scheduled = True
            self._loop.call_soon(self._run)


def check(topic: str, data: bytes) -> None:
    """Raise `BusError` for data that no bus takes."""
    if len(data) > MOST_BYTES:
        raise BusError(f"{topic}: {len(data)} bytes exceed {MOST_BYTES}")
