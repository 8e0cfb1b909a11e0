"""The edge over HTTP: its twins as data and as files, counters, health, and what it refuses."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import struct
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from PIL import Image

from twinsync.codec.ends import CAMERA, KINDS, SERIES, EdgeEnd
from twinsync.codec.sources import sample_frames
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.effects import Write
from twinsync.live.running.operators import Operators
from twinsync.live.running.pages import PAGES, Pages
from twinsync.live.running.records import Parts, SlotRecord, Synchronisation
from twinsync.live.running.standing import Standings
from twinsync.live.running.state_file import state_file
from twinsync.live.store.interface import Revision

GRANTED = say.Allocation(0.02, 1e9, 0.1, 1e9)
DONE = Synchronisation(
    "committed",
    GRANTED,
    applied_factor=0.015,
    predicted=Parts(0.3, 0.2, 0.1, 0.05),
    measured=Parts(0.3, 0.25, 0.1, 0.05),
    overhead_s=0.003,
)
REPORTED = say.Reported("a:1", 1, 7, 5, GRANTED, 0.3, 0.25, 1e8, 0.1, fidelity_db=41.5, stale_db=33.25)
STORED = {"a:2": Revision("a:2", 9, 4, 50.0, 60.0, b"")}


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


class Edge:
    """What an edge's process has for its pages: two twins, one of them restored."""

    def __init__(self) -> None:
        self.now = Hand()
        self.twins = Standings(("a:1", "a:2"), self.now, STORED)
        self.operators = Operators(1.2, self.now, self.twins)
        self.decoder = EdgeEnd()
        self.pages = Pages(self.operators, self.twins, self.show)

    async def show(self, thing: str, revision: int) -> tuple[str, bytes] | None:
        return state_file(self.decoder, revision)

    def slot(self) -> None:
        """Slot 7, sensed at its opening, in which only a:1 synchronises, half a second later."""
        opened_at_s = self.now()
        self.operators.opened()
        self.now.time_s += 0.5
        self.twins.stored(Write("a:1", 5, -1, 7, 0.0, b""), opened_at_s, REPORTED)
        record = SlotRecord(7, 1, 0.002, {"a:1": DONE, "a:2": Synchronisation("no report")})
        self.operators.ended(record)
        self.twins.ended(record)


async def ask(port: int, request: bytes) -> tuple[str, bytes]:
    """Status and content type, and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status, kind, *_ = head.decode().splitlines()
    return f"{status.removeprefix('HTTP/1.1 ')}, {kind.removeprefix('Content-Type: ')}", body


def get(path: str, host: str = "127.0.0.1:9464") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def played(edge: Edge, story: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await edge.pages.serve(0)
        await story(server.sockets[0].getsockname()[1])
        server.close()
        await server.wait_closed()

    asyncio.run(run())


def test_metrics_and_health() -> None:
    edge = Edge()

    async def story(port: int) -> None:
        status, body = await ask(port, get("/healthz"))
        assert (status.partition(",")[0], body) == ("503 Service Unavailable", b"no slot opens\n")
        edge.slot()
        edge.now.time_s += 1.5
        assert (await ask(port, get("/healthz")))[1] == b"ok\n"
        status, body = await ask(port, get("/metrics"))
        assert status == "200 OK, text/plain; version=0.0.4; charset=utf-8"
        lines = body.decode().splitlines()
        assert "twinsync_slots_total 1" in lines
        assert 'twinsync_synchronisations_total{outcome="committed"} 1' in lines
        assert 'twinsync_synchronisations_total{outcome="no report"} 1' in lines
        assert 'twinsync_part_seconds_total{part="extraction",side="measured"} 0.250000' in lines
        assert 'twinsync_part_seconds_total{part="extraction",side="predicted"} 0.200000' in lines
        assert "twinsync_overhead_seconds_total 0.003000" in lines
        assert 'twinsync_twin_age_seconds{thing="a:1"} 2.000' in lines
        assert 'twinsync_twin_age_seconds{thing="a:2"} 42.000' in lines
        assert 'twinsync_twin_fidelity_decibels{thing="a:1"} 41.500' in lines
        assert 'twinsync_twin_stale_fidelity_decibels{thing="a:1"} 33.250' in lines
        assert not any("fidelity" in line and "a:2" in line for line in lines)
        edge.now.time_s += 0.5
        assert (await ask(port, get("/healthz")))[0].startswith("503 ")

    played(edge, story)


def test_each_twin_says_how_stale_and_how_wrong_it_is() -> None:
    edge = Edge()
    edge.slot()

    async def story(port: int) -> None:
        status, body = await ask(port, get("/twins"))
        assert status == "200 OK, application/json"
        fresh, restored = json.loads(body)
        times = fresh["last"].pop("t_dt_s"), fresh["last"].pop("predicted_t_dt_s")
        assert times == pytest.approx((0.4, 0.35))
        assert fresh == {
            **{"thing": "a:1", "kind": "camera", "measure": "PSNR", "revision": 5, "slot": 7, "age_s": 0.5},
            **{"fidelity_db": 41.5, "stale_db": 33.25, "misses": 0},
            "last": {"slot": 7, "outcome": "committed", "phi": 0.015},
        }
        assert (restored["revision"], restored["age_s"], restored["fidelity_db"]) == (9, 40.5, None)
        assert (restored["last"]["outcome"], restored["misses"]) == ("no report", 1)
        one = json.loads((await ask(port, get("/twins/a%3A1?again=1")))[1])
        assert (one["thing"], one["revision"]) == ("a:1", 5)

    played(edge, story)


def test_misses_are_counted_until_a_state_is_stored() -> None:
    edge = Edge()
    for slot in range(1, 4):
        edge.twins.ended(SlotRecord(slot, 7, None, {"a:1": Synchronisation("not received")}))
    assert edge.twins.now()[0].misses == 3
    edge.twins.stored(Write("a:1", 6, 5, 3, 0.0, b""), None, None)
    (twin, _) = edge.twins.now()
    assert (twin.misses, twin.age_s, twin.fidelity_db) == (0, 0.0, None)


def test_a_camera_s_state_is_a_picture_and_a_window_s_a_table() -> None:
    edge = Edge()
    frame = sample_frames()[0]
    camera, inertial = KINDS[CAMERA].device_end(), KINDS[SERIES].device_end()
    window = np.arange(96, dtype=np.int16).reshape(32, 3)
    picture = edge.decoder.decode(camera.encode(frame, 4000, 5), 5)
    samples = edge.decoder.decode(inertial.encode(window, 96, 9), 9)

    async def story(port: int) -> None:
        status, body = await ask(port, get("/twins/a:1/state"))
        assert status.startswith("404 ")  # no state yet
        edge.slot()
        status, body = await ask(port, get("/twins/a:1/state"))
        assert status == "200 OK, image/png"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(body))), picture)
        status, body = await ask(port, get("/twins/a:2/state"))
        assert status == "200 OK, text/csv"
        assert np.array_equal(np.loadtxt(io.BytesIO(body), delimiter=","), samples)
        edge.twins.stored(Write("a:2", 10, 9, 5, 0.0, b""), None, None)
        assert (await ask(port, get("/twins/a:2/state")))[0].startswith("404 ")  # not at hand

    played(edge, story)


def test_what_is_no_request_or_from_elsewhere_is_refused_and_harms_nobody() -> None:
    async def story(port: int) -> None:
        for request, status in (
            (b"\x00\x01\x02\r\n\r\n", "400 Bad Request"),
            (b"GET /" + b"x" * 20_000 + b"\r\n\r\n", "400 Bad Request"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            (get("/twins", host="cameras.example"), "403 Forbidden"),
            (get("/twins", host="localhost.example:80"), "403 Forbidden"),
        ):
            assert (await ask(port, request))[0].partition(",")[0] == status
        for path in ("/etc/passwd", "/twins/a:3", "/twins/a:1/state/more", "/twins/../twins"):
            status, body = await ask(port, get(path))
            assert (status.partition(",")[0], body.decode()) == ("404 Not Found", PAGES + "\n")
        assert (await ask(port, get("/twins", host="localhost")))[0].startswith("200 ")
        assert (await ask(port, b"GET /healthz HTTP/1.0\r\n\r\n"))[0].startswith("503 ")

    played(Edge(), story)


def test_whoever_breaks_off_harms_nobody() -> None:
    faults: list[dict] = []

    async def story(port: int) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"GET /metr")
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by a reset
        assert (await ask(port, get("/healthz")))[0].startswith("503 ")
        await asyncio.sleep(0.05)

    played(Edge(), story)
    assert faults == []
