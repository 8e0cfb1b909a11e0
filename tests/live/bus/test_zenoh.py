"""What Zenoh is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import zenoh
from tests.live.certificates import make_certificates

from twinsync.live.bus.interface import BusError
from twinsync.live.bus.zenoh import Access, connect, router, tls_settings


@pytest.mark.parametrize("join", [router, connect])
def test_nothing_passes_by_the_radio(join: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared memory between two processes of a machine would carry frames past an emulated link."""
    told: list[Any] = []
    monkeypatch.setattr(zenoh, "open", told.append)
    join(Access("tcp/127.0.0.1:1"))
    assert told[0].get_json("transport/shared_memory/enabled") == "false"
    assert told[0].get_json("scouting/multicast/enabled") == "false"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_an_edge_whose_certificate_nobody_trusted_signed_is_no_edge(tmp_path: Path) -> None:
    ours, theirs = (make_certificates(tmp_path / name) for name in ("ours", "theirs"))

    async def story() -> None:
        endpoint = f"tls/localhost:{free_port()}"
        edge = router(Access(endpoint, tls=dict(tls_settings(ours, listens=True))))
        with pytest.raises(BusError, match="no connection, or not admitted"):
            connect(Access(endpoint, tls=dict(tls_settings(theirs, listens=False))))
        connect(Access(endpoint, tls=dict(tls_settings(ours, listens=False)))).close()
        edge.close()

    asyncio.run(story())


class Cable:
    """A TCP connection's way to a port, that can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def cut(self) -> None:
        """Break what is connected; new connections are carried again."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()


def test_a_connection_that_is_cut_is_made_again_by_itself() -> None:
    async def story() -> None:
        port = free_port()
        edge = router(Access(f"tcp/127.0.0.1:{port}"))
        cable = Cable(port)
        device = connect(Access(f"tcp/127.0.0.1:{cable.port}"))
        received: set[bytes] = set()
        heard: set[bytes] = set()
        seen: list[bool] = []
        edge.subscribe("cell/from/**", lambda topic, data: received.add(data))
        edge.watch("cell/present/**", lambda topic, present: seen.append(present))
        device.subscribe("cell/to/a:1", lambda topic, data: heard.add(data))
        device.appear("cell/present/a:1")
        for word in (b"before", b"after"):
            while not (word in received and word in heard):
                device.publish("cell/from/a:1", word)
                edge.publish("cell/to/a:1", word)
                await asyncio.sleep(0.1)
            if word == b"before":
                cable.cut()
        assert seen == [True, False, True]
        device.close()
        edge.close()

    asyncio.run(asyncio.wait_for(story(), 60))


DENIED = """
import asyncio, sys
from pathlib import Path
from twinsync.live.bus.interface import Permit
from twinsync.live.bus.zenoh import Access, connect, router

async def main():
    address, users = sys.argv[1], Path(sys.argv[2])
    edge = router(Access(address, "edge", "e"), users, {"device": Permit(("mine",))})
    heard = asyncio.Event()
    edge.subscribe("mine", lambda topic, data: heard.set())
    bus = connect(Access(address, "device", "d"))
    while not heard.is_set():
        bus.publish("theirs", b"")
        bus.publish("mine", b"")
        await asyncio.sleep(0.05)
    bus.close()
    edge.close()

asyncio.run(main())
"""


def test_the_library_tells_what_it_drops_where_an_operator_asks_for_it(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("edge:e\ndevice:d\n")
    command = [sys.executable, "-c", DENIED, f"tcp/127.0.0.1:{free_port()}", str(users)]
    for asked, told in (("", False), ("zenoh::net::routing::interceptor::access_control=trace", True)):
        environment = {**os.environ, "RUST_LOG": asked}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert any("is unauthorized to Put" in line and "theirs" in line for line in _lines(done)) is told


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return (done.stdout + done.stderr).splitlines()
