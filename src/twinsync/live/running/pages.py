"""The edge over HTTP, on this machine alone: its twins, a page that shows them, and what monitoring asks for.

Only GET, one request a connection. What is asked under another host's name is refused: else any page in a browser here
could have its own name point to this machine and read what the cameras see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import unquote

import msgspec

from twinsync.live.running.operators import Operators
from twinsync.live.running.standing import Standings

REQUEST_BYTES, REQUEST_S = 8192, 5.0
HERE = ("localhost", "127.0.0.1")
TEXT, JSON, HTML = "text/plain; version=0.0.4; charset=utf-8", "application/json", "text/html; charset=utf-8"
PAGES = "/, /twins, /twins/ID, /twins/ID/state, /metrics, /healthz"
Show = Callable[[str, int], Awaitable[tuple[str, bytes] | None]]


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: bytes
    kind: str = TEXT
    status: str = "200 OK"


def _trouble(status: str, text: str) -> Answer:
    return Answer(text.encode() + b"\n", status=status)


class Pages:
    """Answers requests of a cell."""

    def __init__(self, operators: Operators, twins: Standings, show: Show) -> None:
        """`show`: the state of a thing at a revision as a file, with its media type, None if it is not at hand."""
        self._operators = operators
        self._twins = twins
        self._show = show

    async def serve(self, port: int) -> asyncio.Server:
        """Answer on this machine's own address. Raises `OSError` where the port is taken."""
        return await asyncio.start_server(self._connected, HERE[1], port, limit=REQUEST_BYTES)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_S)
            answer = await self._answer(request.decode("latin-1"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            answer = _trouble("400 Bad Request", "not a request")
        head = (
            f"HTTP/1.1 {answer.status}\r\nContent-Type: {answer.kind}\r\nCross-Origin-Resource-Policy: same-origin\r\n"
            f"Content-Length: {len(answer.body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + answer.body)
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass  # whoever asked has left

    async def _answer(self, request: str) -> Answer:
        """Raises `ValueError` for what is no request."""
        first, *fields = request.split("\r\n")
        method, target, _ = first.split(" ")
        names = [value.strip() for name, _, value in (each.partition(":") for each in fields) if name.lower() == "host"]
        if any(name.rpartition(":")[0] not in HERE and name not in HERE for name in names):
            return _trouble("403 Forbidden", f"ask for {HERE[0]} or {HERE[1]}, by that name")
        if method != "GET":
            return _trouble("405 Method Not Allowed", "only GET")
        path = [unquote(part) for part in target.partition("?")[0].strip("/").split("/")]
        return await self._page(path) or _trouble("404 Not Found", PAGES)

    async def _page(self, path: list[str]) -> Answer | None:
        match path:
            case [""]:
                return Answer(_dashboard(), HTML)
            case ["healthz"]:
                well = self._operators.healthy()
                return Answer(b"ok\n") if well else _trouble("503 Service Unavailable", "no slot opens")
            case ["metrics"]:
                return Answer(self._operators.metrics().encode())
            case ["twins"]:
                return Answer(msgspec.json.encode(self._twins.now()), JSON)
            case ["twins", thing]:
                twin = self._twins.at(thing)
                return None if twin is None else Answer(msgspec.json.encode(twin), JSON)
            case ["twins", thing, "state"]:
                twin = self._twins.at(thing)
                shown = None if twin is None or twin.revision is None else await self._show(thing, twin.revision)
                return None if shown is None else Answer(shown[1], shown[0])
        return None


@cache
def _dashboard() -> bytes:
    return (resources.files("twinsync.live.running") / "dashboard.html").read_bytes()
