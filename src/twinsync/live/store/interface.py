"""What any twin store does. Revisions of a twin only rise; a transaction is written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from twinsync.errors import InputError
from twinsync.live.protocol.effects import Write

Durability = Literal["process", "power"]


class StoreError(InputError):
    """The store could not be read, or could not be written and is as it was; the message says why in one line."""


class Conflict(StoreError):
    """A twin's newest revision is not the one that the writer knew: another edge writes this store."""


class Revision(msgspec.Struct, frozen=True):
    """One stored state of a twin: device time `observed_at` beside server time `stored_at`, both in seconds."""

    thing: str
    revision: int
    slot: int
    observed_at: float
    stored_at: float
    document: bytes


@runtime_checkable
class TwinStore(Protocol):
    """A store of twins. What reads raises `StoreError` where the store is damaged, or cannot be reached."""

    def commit(self, writes: Sequence[Write], stored_at: float) -> None:
        """Write all or none, as durable as the store was opened for. Raises `Conflict`, `StoreError`."""
        ...

    def newest(self) -> dict[str, Revision]:
        """The newest revision of each twin."""
        ...

    def at(self, thing: str, revision: int) -> Revision | None:
        """One revision, None where it is not kept."""
        ...

    def as_of(self, thing: str, time_s: float) -> Revision | None:
        """The newest revision stored by a time on the server's clock."""
        ...

    def history(self, thing: str | None = None) -> Iterator[Revision]:
        """Every revision kept, of one twin or of all, a twin's in rising order."""
        ...

    def prune(self, keep: int) -> int:
        """Keep the newest so many revisions of each twin; how many were removed. Raises `StoreError`."""
        ...

    def close(self) -> None:
        """Release the store."""
        ...


def check_order(writes: Sequence[Write], newest: Mapping[str, int]) -> None:
    """Compare before setting: `newest` is what a store has of these twins. Raises `Conflict`."""
    for write in writes:
        stored = newest.get(write.thing, -1)
        if stored != write.previous or write.revision <= stored:
            raise Conflict(f"{write.thing}: revision {write.revision} after {write.previous}, the store has {stored}")
