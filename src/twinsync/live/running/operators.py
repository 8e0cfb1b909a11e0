"""What monitoring asks the edge for: whether it is well, and its counters in Prometheus' text format, base units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from twinsync.live.running.records import SlotRecord
from twinsync.live.running.standing import Standings

HEALTHY_SLOTS = 2.0  # without a new slot for longer than so many, the edge is not well
PARTS = ("sensing", "extraction", "uplink", "recovery")


class Operators:
    """Counts what happened since the edge began."""

    def __init__(self, slot_s: float, now: Callable[[], float], twins: Standings) -> None:
        self._slot_s = slot_s
        self._now = now
        self._twins = twins
        self._opened_at_s: float | None = None
        self._slots = 0
        self._outcomes: Counter[str] = Counter()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._measured = 0

    def opened(self) -> None:
        """A slot opened."""
        self._opened_at_s = self._now()

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
        """All counters, and of each twin its age of information and its fidelity where they are known."""
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
        gauges = ("age_seconds", "age_s"), ("fidelity_decibels", "fidelity_db"), ("stale_fidelity_decibels", "stale_db")
        for name, key in gauges:
            lines.append(f"# TYPE twinsync_twin_{name} gauge")
            for twin in self._twins.now():
                if (value := getattr(twin, key)) is not None:
                    lines.append(f'twinsync_twin_{name}{{thing="{twin.thing}"}} {value:.3f}')
        return "\n".join(lines) + "\n"
