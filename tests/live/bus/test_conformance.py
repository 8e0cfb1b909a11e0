"""What every bus has to do; a new one is a line in BUSES."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.live.certificates import make_certificates

from twinsync.live.bus.interface import MOST_BYTES, WAITING, Bus, BusError, Permit
from twinsync.live.bus.local import LocalBroker
from twinsync.live.bus.zenoh import Access, connect, router, tls_settings

USERS = {"edge": "one", "device": "two", "meter": "three"}
PERMITS = {
    "device": Permit(("cell/from/a:1",), ("cell/to/a:1",), ("cell/present/a:1", "cell/present/a:2")),
    "meter": Permit(("cell/from/m:1",), ("cell/to/m:1",), ("cell/present/m:1",)),
}


class LocalCell:
    """A bus with users `edge`, `device` and `meter` inside this process."""

    def __init__(self, folder: Path) -> None:
        self._broker = LocalBroker(USERS, PERMITS)
        self.edge: Bus = self._broker.connect("edge", "one")

    def connect(self, user: str, password: str) -> Bus:
        return self._broker.connect(user, password)


class ZenohCell:
    """The same by Zenoh, over TCP."""

    LINK = "tcp/127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._endpoint = f"{self.LINK}:{free.getsockname()[1]}"
        users = folder / "users"
        users.write_text("".join(f"{name}:{password}\n" for name, password in USERS.items()))
        self.edge: Bus = router(self.access("edge", "one"), users, PERMITS)

    def connect(self, user: str, password: str) -> Bus:
        return connect(self.access(user, password))

    def access(self, user: str, password: str) -> Access:
        return Access(self._endpoint, user, password)


class TlsCell(ZenohCell):
    """The same by Zenoh, over TLS."""

    LINK = "tls/localhost"

    def access(self, user: str, password: str) -> Access:
        certificates = self._folder / "certificates"
        if not certificates.is_dir():
            make_certificates(certificates)
        return Access(self._endpoint, user, password, dict(tls_settings(certificates, listens=user == "edge")))


BUSES: dict[str, Callable[[Path], LocalCell | ZenohCell]] = {
    "local": LocalCell,
    "zenoh": ZenohCell,
    "zenoh, tls": TlsCell,
}
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


def test_a_device_speaks_of_its_own_twin_alone(play: Play) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        received: list[tuple[str, bytes]] = []
        heard: list[bytes] = []
        seen: list[tuple[str, bool]] = []
        cell.edge.subscribe("cell/from/**", lambda topic, data: received.append((topic, data)))
        cell.edge.watch("cell/present/**", lambda topic, present: seen.append((topic, present)))
        device, meter = cell.connect("device", "two"), cell.connect("meter", "three")
        meter.subscribe("cell/to/a:1", lambda topic, data: heard.append(data))
        meter.subscribe("cell/to/m:1", lambda topic, data: heard.append(data))
        meter.appear("cell/present/a:1")
        meter.appear("cell/present/m:1")
        await asyncio.sleep(0.2)
        meter.publish("cell/from/a:1", b"forged")
        meter.publish("cell/from/m:1", b"own")
        device.publish("cell/from/a:1", b"own")
        cell.edge.publish("cell/to/a:1", b"secret")
        cell.edge.publish("cell/to/m:1", b"meant for it")
        await until(lambda: len(received) == 2 and bool(heard) and bool(seen))
        await asyncio.sleep(0.1)
        assert sorted(received) == [("cell/from/a:1", b"own"), ("cell/from/m:1", b"own")]
        assert heard == [b"meant for it"]
        assert seen == [("cell/present/m:1", True)]
        device.close()
        meter.close()

    play(story)


@pytest.mark.parametrize(("user", "password"), [("device", "wrong"), ("nobody", "two")])
def test_wrong_credentials_are_refused(play: Play, user: str, password: str) -> None:
    async def story(cell: LocalCell | ZenohCell) -> None:
        with pytest.raises(BusError, match="not admitted"):
            cell.connect(user, password)

    play(story)
