"""The edge's HTTP pages for operators."""

from __future__ import annotations

import asyncio
import socket
import struct

from twinsync.live.protocol.messages import Allocation
from twinsync.live.running.operators import Operators
from twinsync.live.running.records import Parts, SlotRecord, Synchronisation

DONE = Synchronisation(
    "committed",
    Allocation(0.02, 1e9, 0.1, 1e9),
    predicted=Parts(0.3, 0.2, 0.1, 0.05),
    measured=Parts(0.3, 0.25, 0.1, 0.05),
    overhead_s=0.003,
)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


async def ask(port: int, request: bytes) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head.splitlines()[0], body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


def test_metrics_and_health() -> None:
    now = Hand()
    operators = Operators(1.2, now)

    async def story() -> None:
        server = await operators.serve(0)
        port = server.sockets[0].getsockname()[1]
        assert await ask(port, get("/healthz")) == ("HTTP/1.1 503 Service Unavailable", "no slot opens\n")
        operators.opened()
        operators.stored("a:1")
        operators.ended(SlotRecord(0, 7, 0.002, {"a:1": DONE, "a:2": Synchronisation("no report")}))
        now.time_s += 2.0
        assert await ask(port, get("/healthz")) == ("HTTP/1.1 200 OK", "ok\n")
        status, body = await ask(port, get("/metrics"))
        assert status == "HTTP/1.1 200 OK"
        lines = body.splitlines()
        assert "twinsync_slots_total 1" in lines
        assert 'twinsync_synchronisations_total{outcome="committed"} 1' in lines
        assert 'twinsync_synchronisations_total{outcome="no report"} 1' in lines
        assert 'twinsync_part_seconds_total{part="extraction",side="measured"} 0.250000' in lines
        assert 'twinsync_part_seconds_total{part="extraction",side="predicted"} 0.200000' in lines
        assert "twinsync_overhead_seconds_total 0.003000" in lines
        assert 'twinsync_twin_age_seconds{thing="a:1"} 2.000' in lines
        now.time_s += 0.5
        assert (await ask(port, get("/healthz")))[0] == "HTTP/1.1 503 Service Unavailable"
        server.close()
        await server.wait_closed()

    asyncio.run(story())


def test_what_is_no_request_is_answered_and_harms_nobody() -> None:
    async def story() -> None:
        server = await Operators(1.2, Hand()).serve(0)
        port = server.sockets[0].getsockname()[1]
        assert (await ask(port, b"\x00\x01\x02\r\n\r\n"))[0] == "HTTP/1.1 400 Bad Request"
        assert (await ask(port, b"GET /" + b"x" * 20_000 + b"\r\n\r\n"))[0] == "HTTP/1.1 400 Bad Request"
        assert (await ask(port, b"POST /metrics HTTP/1.1\r\n\r\n"))[0] == "HTTP/1.1 405 Method Not Allowed"
        assert (await ask(port, get("/etc/passwd")))[0] == "HTTP/1.1 404 Not Found"
        server.close()
        await server.wait_closed()

    asyncio.run(story())


def test_whoever_breaks_off_harms_nobody() -> None:
    faults: list[dict] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        server = await Operators(1.2, Hand()).serve(0)
        port = server.sockets[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"GET /metr")
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by a reset
        assert (await ask(port, get("/healthz")))[0] == "HTTP/1.1 503 Service Unavailable"
        await asyncio.sleep(0.05)
        server.close()
        await server.wait_closed()

    asyncio.run(story())
    assert faults == []
