"""How stale and how wrong each twin of a cell is, as far as the edge knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from twinsync.codec.ends import KINDS
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.effects import Write
from twinsync.live.running.records import SlotRecord
from twinsync.live.store.interface import Revision


class LastSlot(msgspec.Struct, frozen=True):
    """How a twin's newest ended slot went; t_dt is eq. (15) [s], phi what was applied."""

    slot: int
    outcome: str
    phi: float | None = None
    t_dt_s: float | None = None
    predicted_t_dt_s: float | None = None


class Standing(msgspec.Struct):
    """One twin, now.

    revision, slot: of its newest stored state, None before the first.
    age_s: age of information, the time since the sensing of that state began; after a start, since it was stored.
    fidelity_db: of that state to what the device sensed then, by `measure`; stale_db: of the state before it, to the
    same sample, which says how wrong the twin had become. None where the device did not say.
    misses: slots in a row that ended without a new state.
    """

    thing: str
    kind: str = ""
    measure: str = ""
    revision: int | None = None
    slot: int | None = None
    age_s: float | None = None
    fidelity_db: float | None = None
    stale_db: float | None = None
    misses: int = 0
    last: LastSlot | None = None


class Standings:
    """Follows the twins of a cell."""

    def __init__(self, things: Sequence[str], now: Callable[[], float], stored: Mapping[str, Revision]) -> None:
        """`stored`: the newest revisions when the edge begins."""
        self._now = now
        self._twins = {thing: Standing(thing) for thing in things}
        self._since_s: dict[str, float] = {}
        for thing, kept in stored.items():
            if thing in self._twins:
                self._twins[thing] = Standing(thing, revision=kept.revision, slot=kept.slot)
                self._since_s[thing] = kept.stored_at

    def stored(self, write: Write, opened_at_s: float | None, reported: say.Reported | None) -> None:
        """A twin has a new state, sensed in a slot that opened at a time; what its device said of it."""
        twin = self._twins[write.thing]
        twin.revision, twin.slot, twin.misses = write.revision, write.slot, 0
        twin.fidelity_db = None if reported is None else reported.fidelity_db
        twin.stale_db = None if reported is None else reported.stale_db
        self._since_s[write.thing] = self._now() if opened_at_s is None else opened_at_s

    def ended(self, record: SlotRecord) -> None:
        """A slot ended."""
        for thing, each in record.devices.items():
            twin = self._twins[thing]
            if each.measured is not None:
                twin.kind, twin.measure = each.kind, KINDS[each.kind].measure
            times = (None if parts is None else parts.t_dt_s for parts in (each.measured, each.predicted))
            twin.last = LastSlot(record.slot, each.outcome, each.applied_factor, *times)
            if twin.slot is None or twin.slot < record.slot:
                twin.misses += 1

    def now(self) -> list[Standing]:
        """Every twin, in the order of its device's number."""
        return [msgspec.structs.replace(twin, age_s=self._age_s(thing)) for thing, twin in self._twins.items()]

    def at(self, thing: str) -> Standing | None:
        """One twin, None for a thing that the cell has not."""
        twin = self._twins.get(thing)
        return None if twin is None else msgspec.structs.replace(twin, age_s=self._age_s(thing))

    def _age_s(self, thing: str) -> float | None:
        since_s = self._since_s.get(thing)
        return None if since_s is None else max(0.0, self._now() - since_s)
