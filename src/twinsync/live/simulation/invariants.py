"""What has to hold whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterable

from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.effects import Write
from twinsync.live.store.memory import MemoryStore

LOST = "an acknowledged revision is lost"
WRONG = "a twin's state is not what its device sensed"
BACKWARDS = "a twin's state went back in time"
UNFINISHED = "a slot did not end"
BLOCKED = "a slot did not open at its time"
UNHEALED = "a device does not synchronise once the faults are over"
STOPPED = "a process stopped that should not have"
RAISED = "a state machine raised an exception"

HEALED_WITHIN = 2  # slots, the last ones of a schedule


class Violation(Exception):
    """An invariant does not hold; its name, and what was seen."""

    def __init__(self, invariant: str, seen: str) -> None:
        super().__init__(f"{invariant}: {seen}")
        self.invariant = invariant


class Witness:
    """Sees what the simulated cell does, from outside. Raises `Violation`."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.acknowledged: set[tuple[str, int]] = set()
        self.commits = 0
        self.missed = 0
        self._sensed: dict[tuple[str, int, int], bytes] = {}
        self._newest_slot: dict[str, int] = {}
        self._opened: dict[tuple[int, int], bool] = {}  # whether each slot of each edge's session has ended
        self._last_opened: dict[int, int] = {}

    def sensed(self, thing: str, slot: int, revision: int, value: bytes) -> None:
        """A device codes what it sensed as a revision."""
        self._sensed[thing, slot, revision] = value

    def stored(self, writes: Iterable[Write]) -> None:
        """A transaction is in the store."""
        for write in writes:
            seen = f"{write.thing}, slot {write.slot}, revision {write.revision}"
            if self._sensed.get((write.thing, write.slot, write.revision)) != write.document:
                raise Violation(WRONG, seen)
            if write.slot <= self._newest_slot.get(write.thing, -1):
                raise Violation(BACKWARDS, f"{seen} after slot {self._newest_slot[write.thing]}")
            self._newest_slot[write.thing] = write.slot
            self.commits += 1

    def used(self, thing: str, revision: int) -> None:
        """A device takes a revision for its reference."""
        self.acknowledged.add((thing, revision))
        self.nothing_lost()

    def nothing_lost(self) -> None:
        """Every acknowledged revision is in the store."""
        for thing, revision in sorted(self.acknowledged):
            if self.store.at(thing, revision) is None:
                raise Violation(LOST, f"{thing}, revision {revision}")

    def opened(self, edge: int, slot: int, now_s: float) -> None:
        """An edge opened a slot."""
        late = now_s - self.clock.opens_s(slot)
        if abs(late) > 1e-6:
            raise Violation(BLOCKED, f"slot {slot}, {late:.3f} s")
        before = self._last_opened.get(edge, slot - 1)
        if slot != before + 1:
            raise Violation(BLOCKED, f"slot {slot} opened after slot {before}")
        self._last_opened[edge] = slot
        self._opened[edge, slot] = False

    def ended(self, edge: int, slot: int, outcomes: dict[str, str]) -> None:
        """An edge said how a slot ended."""
        if self._opened.get((edge, slot), True):
            raise Violation(UNFINISHED, f"slot {slot} ended twice, or was not open")
        self._opened[edge, slot] = True
        self.missed += sum(outcome != "committed" for outcome in outcomes.values())

    def check_end(self, edge: int, things: Iterable[str], slots: int) -> None:
        """The schedule is over; `edge` is the session that was alive to the end."""
        self.nothing_lost()
        for (session, slot), ended in self._opened.items():
            if session == edge and slot < slots and not ended:
                raise Violation(UNFINISHED, f"slot {slot}")
        if (edge, slots - 1) not in self._opened:
            raise Violation(BLOCKED, f"slot {slots - 1} did not open at all")
        for thing in things:
            newest = self._newest_slot.get(thing, -1)
            if newest < slots - HEALED_WITHIN:
                raise Violation(UNHEALED, f"{thing}: newest state of slot {newest} of {slots}")
