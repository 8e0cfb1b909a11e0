"""What every bus has to do; a new one is a line in BUSES."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from twinsync.live.bus.interface import MOST_BYTES, WAITING, Bus, BusError
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access, connect, router

USERS = {"edge": "one", "device": "two"}


class LocalCell:
    """A bus with two users, `edge` and `device`, inside this process."""

    def __init__(self, folder: Path) -> None:
        self._broker = LocalBroker(USERS)
        self.edge: Bus = self._broker.connect("edge", "one")

    def connect(self, user: str, password: str) -> Bus:
        return self._broker.connect(user, password)


class ZenohCell:
    """The same by Zenoh, over TCP."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._endpoint = f"tcp/127.0.0.1:{free.getsockname()[1]}"
        users = folder / "users"
        users.write_text("".join(f"{name}:{password}\n" for name, password in USERS.items()))
        self.edge: Bus = router(Access(self._endpoint, "edge", "one"), users)

    def connect(self, user: str, password: str) -> Bus:
        return connect(Access(self._endpoint, user, password))


BUSES: dict[str, Callable[[Path], LocalCell | ZenohCell]] = {"local": LocalCell, "zenoh": ZenohCell}
Story = Callable[[LocalCell | ZenohCell], Coroutine[Any, Any, None]]
Play = Callable[[Story], None]


@pytest.fixture(params=BUSES)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    """Runs a test's coroutine with a cell."""

    def run(story: Story) -> None:
        async def whole() -> None:
            cell = BUSES[request.param](tmp_path)
            try:
                await asyncio.wait_for(story(cell), 30)
            finally:
                cell.edge.close()

        asyncio.run(whole())

    return run


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is the case; the test's time limit ends it otherwise."""
    while not condition():
        await asyncio.sleep(0.01)


def test_what_one_connection_sends_arrives_in_order(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        received: list[tuple[str, bytes]] = []
        cell.edge.subscribe("cell/from/**", lambda topic, data: received.append((topic, data)))
        device = cell.connect("device", "two")
        await asyncio.sleep(0.1)
        for number in range(500):
            device.publish("cell/from/a:1", str(number).encode())
        device.publish("cell/to/a:1", b"not for the edge")
        await until(lambda: len(received) == 500)
        assert received == [("cell/from/a:1", str(number).encode()) for number in range(500)]
        device.close()

    play(story)


def test_both_ways_and_a_frame_of_80_kb_unchanged(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        received: list[bytes] = []
        device = cell.connect("device", "two")
        device.subscribe("cell/to/a:1", lambda topic, data: received.append(data))
        await asyncio.sleep(0.2)
        frame = bytes(range(256)) * 320
        cell.edge.publish("cell/to/a:1", frame)
        await until(lambda: bool(received))
        assert received == [frame]
        device.close()

    play(story)


def test_presence_of_who_is_there_comes_and_goes(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        seen: list[tuple[str, bool]] = []
        first, second = cell.connect("device", "two"), cell.connect("device", "two")
        first.appear("cell/present/a:1")
        await asyncio.sleep(0.1)
        cell.edge.watch("cell/present/**", lambda topic, present: seen.append((topic, present)))
        await until(lambda: seen == [("cell/present/a:1", True)])
        second.appear("cell/present/a:2")
        await until(lambda: seen[1:] == [("cell/present/a:2", True)])
        first.close()
        await until(lambda: seen[2:] == [("cell/present/a:1", False)])
        second.close()

    play(story)


def test_who_leaves_can_come_again(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        received: list[bytes] = []
        cell.edge.subscribe("cell/from/**", lambda topic, data: received.append(data))
        for word in (b"one", b"two"):
            device = cell.connect("device", "two")
            await asyncio.sleep(0.1)
            device.publish("cell/from/a:1", word)
            await until(lambda word=word: word in received)
            device.close()
            with pytest.raises(BusError):
                device.publish("cell/from/a:1", b"too late")
        assert received == [b"one", b"two"]

    play(story)


def test_a_slow_consumer_gets_the_newest_and_holds_up_nobody(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        import time

        slow: list[int] = []
        cell.edge.subscribe("cell/from/**", lambda topic, data: slow.append(int(data)))
        device = cell.connect("device", "two")
        await asyncio.sleep(0.1)
        for number in range(3 * WAITING):
            device.publish("cell/from/a:1", str(number).encode())
        time.sleep(0.5)  # the event loop is busy: nothing is handled
        await until(lambda: bool(slow) and slow[-1] == 3 * WAITING - 1)
        assert slow == sorted(slow)
        assert len(slow) <= 3 * WAITING
        device.close()

    play(story)


def test_too_large_is_refused_where_it_is_sent(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        with pytest.raises(BusError, match=f"exceed {MOST_BYTES}"):
            cell.edge.publish("cell/to/a:1", bytes(MOST_BYTES + 1))

    play(story)


@pytest.mark.parametrize(("user", "password"), [("device", "wrong"), ("nobody", "two")])
def test_wrong_credentials_are_refused(play: Play, user: str, password: str) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        with pytest.raises(BusError, match="not admitted"):
            cell.connect(user, password)

    play(story)
