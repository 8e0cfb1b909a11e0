"""Twins in one SQLite file, write-ahead logged: the edge's store. Readers never wait for the writer."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from twinsync.errors import InputError
from twinsync.live.protocol.effects import Write
from twinsync.live.store.interface import Durability, Revision, StoreError, check_order
from twinsync.live.store.schema import COLUMNS, PRUNE, migrations

APPLICATION = 0x54574E53  # "TWNS": tells our files from other programs'
MIGRATIONS = migrations(text="TEXT", integer="INTEGER", real="REAL", blob="BLOB", options="WITHOUT ROWID")


class SqliteStore:
    """A twin store in one file. One process writes; any number read.

    Durability `process`: what was committed survives the process. `power`: it is on the disk before `commit` returns.
    """

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        """Open or create. Raises `InputError` for a file of another program or of a later release, and `StoreError`."""
        self.path = path
        self.durability = durability
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA busy_timeout = 5000")
            self._migrate()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be opened as a twin store: {error}") from None

    def _migrate(self) -> None:
        version, owner = self._pragma("user_version"), self._pragma("application_id")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION and (owner or version or tables):
            raise InputError(f"{self.path}: a database, but no twin store; choose another place")
        if version > len(MIGRATIONS):
            raise InputError(
                f"{self.path}: schema version {version}, this release knows up to {len(MIGRATIONS)}; "
                "use a newer twinsync"
            )
        for number in range(version, len(MIGRATIONS)):
            marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number + 1};"
            self._connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} {marks} COMMIT;")

    def _pragma(self, name: str) -> int:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def commit(self, writes: Sequence[Write], stored_at: float) -> None:
        """Write all or none. Raises `Conflict`, `StoreError`."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._write(writes, stored_at)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def _write(self, writes: Sequence[Write], stored_at: float) -> None:
        things = json.dumps([write.thing for write in writes])
        query = "SELECT thing, revision FROM twins WHERE thing IN (SELECT value FROM json_each(?))"
        stored = dict(self._connection.execute(query, (things,)))
        check_order(writes, stored)
        rows = [(w.thing, w.revision, w.slot, w.observed_at, stored_at, w.document) for w in writes]
        self._connection.executemany(f"INSERT INTO revisions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.executemany("REPLACE INTO twins VALUES (?, ?)", [(w.thing, w.revision) for w in writes])

    def newest(self) -> dict[str, Revision]:
        """The newest revision of each twin."""
        rows = self._select("JOIN twins USING (thing, revision)")
        return {revision.thing: revision for revision in rows}

    def at(self, thing: str, revision: int) -> Revision | None:
        """One revision."""
        return next(self._select("WHERE thing = ? AND revision = ?", thing, revision), None)

    def as_of(self, thing: str, time_s: float) -> Revision | None:
        """The newest revision stored by a time."""
        return next(
            self._select("WHERE thing = ? AND stored_at <= ? ORDER BY revision DESC LIMIT 1", thing, time_s), None
        )

    def history(self, thing: str | None = None) -> Iterator[Revision]:
        """Every revision kept."""
        if thing is None:
            return self._select("ORDER BY thing, revision")
        return self._select("WHERE thing = ? ORDER BY revision", thing)

    def _select(self, clause: str, *values: str | float) -> Iterator[Revision]:
        try:
            with closing(self._connection.execute(f"SELECT {COLUMNS} FROM revisions {clause}", values)) as rows:
                for row in rows:
                    yield Revision(*row)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be read: {error}") from error

    def prune(self, keep: int) -> int:
        """Keep the newest so many of each twin."""
        try:
            return self._connection.execute(PRUNE.format("?"), (keep,)).rowcount
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def read_only(path: Path) -> SqliteStore:
    """A store that exists. Raises `InputError` where there is none."""
    if not os.path.isfile(path):
        raise InputError(f"{path}: no twin store there")
    return SqliteStore(path)
