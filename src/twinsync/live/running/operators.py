"""What an operator's tools ask the edge for: `/healthz`, and `/metrics` in Prometheus' text format, base units."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable

from twinsync.live.running.records import SlotRecord

HEALTHY_SLOTS = 2.0  # without a new slot for longer than so many, the edge is not well
REQUEST_BYTES, REQUEST_S = 8192, 5.0
PARTS = ("sensing", "extraction", "uplink", "recovery")


class Operators:
    """Counts what happened since the edge began, and answers for it over HTTP."""

    def __init__(self, slot_s: float, now: Callable[[], float]) -> None:
        self._slot_s = slot_s
        self._now = now
        self._opened_at_s: float | None = None
        self._stored_at_s: dict[str, float] = {}
        self._slots = 0
        self._outcomes: Counter[str] = Counter()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._measured = 0

    def opened(self) -> None:
        """A slot opened."""
        self._opened_at_s = self._now()

    def stored(self, thing: str) -> None:
        """A twin has a new revision."""
        self._stored_at_s[thing] = self._now()

    def ended(self, record: SlotRecord) -> None:
        """A slot ended."""
        self._slots += 1
        for each in record.devices.values():
            self._outcomes[each.outcome] += 1
            if each.measured is None or each.predicted is None:
                continue
            self._measured += 1
            self._sums["overhead"] += each.overhead_s or 0.0
            for part in PARTS:
                self._sums[f"{part} measured"] += getattr(each.measured, f"{part}_s")
                self._sums[f"{part} predicted"] += getattr(each.predicted, f"{part}_s")

    def healthy(self) -> bool:
        """Whether slots open."""
        return self._opened_at_s is not None and self._now() - self._opened_at_s < HEALTHY_SLOTS * self._slot_s

    def metrics(self) -> str:
        """All counters."""
        lines = ["# TYPE twinsync_slots_total counter", f"twinsync_slots_total {self._slots}"]
        lines.append("# TYPE twinsync_synchronisations_total counter")
        for outcome, count in sorted(self._outcomes.items()):
            lines.append(f'twinsync_synchronisations_total{{outcome="{outcome}"}} {count}')
        lines.append("# TYPE twinsync_measured_total counter")
        lines.append(f"twinsync_measured_total {self._measured}")
        lines.append("# TYPE twinsync_part_seconds_total counter")
        for part in PARTS:
            for side in ("measured", "predicted"):
                value = self._sums[f"{part} {side}"]
                lines.append(f'twinsync_part_seconds_total{{part="{part}",side="{side}"}} {value:.6f}')
        lines.append("# TYPE twinsync_overhead_seconds_total counter")
        lines.append(f"twinsync_overhead_seconds_total {self._sums['overhead']:.6f}")
        lines.append("# TYPE twinsync_twin_age_seconds gauge")
        for thing, at in sorted(self._stored_at_s.items()):
            lines.append(f'twinsync_twin_age_seconds{{thing="{thing}"}} {self._now() - at:.3f}')
        return "\n".join(lines) + "\n"

    async def serve(self, port: int) -> asyncio.Server:
        """Answer on this machine's own address. Raises `OSError` where the port is taken."""
        return await asyncio.start_server(self._answer, "127.0.0.1", port, limit=REQUEST_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_S)
            method, path, *_ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            status, body = self._page(method, path)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            status, body = "400 Bad Request", "not a request\n"
        content = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content)
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass  # whoever asked has left

    def _page(self, method: str, path: str) -> tuple[str, str]:
        if method != "GET":
            return "405 Method Not Allowed", "only GET\n"
        if path == "/healthz":
            return ("200 OK", "ok\n") if self.healthy() else ("503 Service Unavailable", "no slot opens\n")
        if path == "/metrics":
            return "200 OK", self.metrics()
        return "404 Not Found", "/healthz, /metrics\n"
