"""A twin store in memory: the simulator's. What power loss would cost can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twinsync.live.protocol.effects import Write
from twinsync.live.store.interface import Durability, Revision, check_order


class MemoryStore:
    """Twins in dictionaries. With durability `process`, `lose_power` takes all that was not synced."""

    def __init__(self, durability: Durability = "power") -> None:
        self.durability = durability
        self._twins: dict[str, list[Revision]] = {}
        self._unsynced: list[Revision] = []

    def commit(self, writes: Sequence[Write], stored_at: float) -> None:
        """Write all or none. Raises `Conflict`."""
        check_order(writes, {thing: kept[-1].revision for thing, kept in self._twins.items() if kept})
        for write in writes:
            revision = Revision(
                *(write.thing, write.revision, write.slot, write.observed_at, stored_at, write.document)
            )
            self._twins.setdefault(write.thing, []).append(revision)
            if self.durability != "power":
                self._unsynced.append(revision)

    def sync(self) -> None:
        """Make all that was committed survive a loss of power."""
        self._unsynced.clear()

    def lose_power(self) -> None:
        """Take back what was not synced."""
        for revision in self._unsynced:
            self._twins[revision.thing].remove(revision)
        self._unsynced.clear()

    def newest(self) -> dict[str, Revision]:
        """The newest revision of each twin."""
        return {thing: kept[-1] for thing, kept in self._twins.items() if kept}

    def at(self, thing: str, revision: int) -> Revision | None:
        """One revision."""
        return next((each for each in self._twins.get(thing, ()) if each.revision == revision), None)

    def as_of(self, thing: str, time_s: float) -> Revision | None:
        """The newest revision stored by a time."""
        return next((each for each in reversed(self._twins.get(thing, ())) if each.stored_at <= time_s), None)

    def history(self, thing: str | None = None) -> Iterator[Revision]:
        """Every revision kept."""
        for name in sorted(self._twins) if thing is None else [thing]:
            yield from self._twins.get(name, ())

    def prune(self, keep: int) -> int:
        """Keep the newest so many of each twin."""
        before = sum(map(len, self._twins.values()))
        self._twins = {thing: kept[-keep:] for thing, kept in self._twins.items()}
        return before - sum(map(len, self._twins.values()))

    def close(self) -> None:
        """Nothing to release."""
