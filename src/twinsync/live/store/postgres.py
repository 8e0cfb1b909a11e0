"""Twins in a PostgreSQL database, through asyncpg: for more twins than one file takes. One database per cell."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from twinsync.errors import InputError, install
from twinsync.live.protocol.effects import Write
from twinsync.live.store.interface import Conflict, Durability, Revision, StoreError, check_order
from twinsync.live.store.schema import COLUMNS, PRUNE, migrations

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "twinsync"  # tables of other programs in the same database are left alone
MIGRATIONS = migrations(text='TEXT COLLATE "C"', integer="BIGINT", real="DOUBLE PRECISION", blob="BYTEA")
LOCK = 0x54574E53  # one process at a time creates or migrates the tables
PATIENCE_S, LONG_S = 5.0, 600.0  # for a connection or a transaction, and for what goes through all revisions
PAGE = 500  # revisions that a history reads at once

Result = TypeVar("Result")


class PostgresStore:
    """A twin store in a database, at `postgresql://user@host:port/database`; libpq's variables count, `PGPASSWORD` too.

    Durability `process`: what was committed survives the edge; the newest fraction of a second may go with the database
    server. `power`: it is on the server's disk before `commit` returns. A connection that is cut is made again with the
    next call; the call that finds it cut raises `StoreError`.
    """

    def __init__(self, url: str, durability: Durability = "process") -> None:
        """Connect; create or migrate the tables. Raises `InputError`, as `StoreError` if the server does not answer."""
        self.durability = durability
        self._url = url
        self.place = without_password(url)
        self._asyncpg = _library()
        self._connection: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._run(self._migrate, LONG_S)
        except InputError:
            self.close()
            raise

    def _run(self, work: Callable[[Any], Coroutine[Any, Any, Result]], patience_s: float | None = None) -> Result:
        """Do something with the connection in the store's own thread. Raises `StoreError`."""
        patience_s = PATIENCE_S if patience_s is None else patience_s
        return asyncio.run_coroutine_threadsafe(self._with_connection(work, patience_s), self._loop).result()

    async def _with_connection(self, work: Callable[[Any], Coroutine[Any, Any, Result]], patience_s: float) -> Result:
        # A server that ends the connection within a transaction leaves asyncpg between two states of its own.
        broken = (self._asyncpg.InternalClientError, TimeoutError)
        errors = (self._asyncpg.PostgresError, self._asyncpg.InterfaceError, OSError, *broken)
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._asyncpg.connect(
                    self._url,
                    timeout=PATIENCE_S,
                    server_settings={
                        "search_path": SCHEMA,
                        "application_name": "twinsync",
                        "synchronous_commit": "on" if self.durability == "power" else "off",
                    },
                )
            return await self._in_time(work(self._connection), patience_s)
        except InputError:
            raise
        except ValueError:  # its text may hold a part of the password
            raise InputError(
                f"{self.place}: not a database's URL; write special characters of a password as %XX, / as %2F"
            ) from None
        except errors as error:
            if isinstance(error, broken) and self._connection is not None:
                self._connection.terminate()  # whatever it still does, nobody waits for it
            said = " ".join(str(error).split()) or f"no answer within {patience_s:g} s"
            raise StoreError(f"{self.place}: {said}") from error

    async def _in_time(self, work: Coroutine[Any, Any, Result], patience_s: float) -> Result:
        """What the work gives. Raises `TimeoutError`; the connection is then cut."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task}, timeout=patience_s)
        if not task.done():
            # First of all: to cancel a transaction asyncpg asks the server, and waits for its answer.
            self._connection.terminate()
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE_S)
            raise TimeoutError
        return task.result()

    async def _migrate(self, connection: Any) -> None:
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            ours = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{SCHEMA}.schema_version")
            if not ours:
                if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", SCHEMA):
                    raise InputError(f"{self.place}: its schema {SCHEMA} is no twin store; choose another database")
                await connection.execute(
                    f"CREATE SCHEMA {SCHEMA}; CREATE TABLE schema_version (version INTEGER NOT NULL); "
                    "INSERT INTO schema_version VALUES (0)"
                )
            version = await connection.fetchval("SELECT version FROM schema_version")
            if version > len(MIGRATIONS):
                raise InputError(
                    f"{self.place}: schema version {version}, this release knows up to {len(MIGRATIONS)}; "
                    "use a newer twinsync"
                )
            for statements in MIGRATIONS[version:]:
                await connection.execute(statements)
            await connection.execute("UPDATE schema_version SET version = $1", len(MIGRATIONS))

    def commit(self, writes: Sequence[Write], stored_at: float) -> None:
        """Write all or none. Raises `Conflict`, `StoreError`."""
        self._run(lambda connection: self._commit(connection, writes, stored_at))

    async def _commit(self, connection: Any, writes: Sequence[Write], stored_at: float) -> None:
        things = sorted(write.thing for write in writes)
        revisions = [(w.thing, w.revision, w.slot, w.observed_at, stored_at, w.document) for w in writes]
        columns = [list(column) for column in zip(*revisions, strict=True)] or [[]] * 6
        try:
            async with connection.transaction():
                # Rows are locked in one order, so that two edges on one store cannot wait for each other.
                query = "SELECT thing, revision FROM twins WHERE thing = ANY($1) ORDER BY thing FOR UPDATE"
                check_order(writes, dict(await connection.fetch(query, things)))
                await connection.execute(
                    f"INSERT INTO revisions ({COLUMNS}) SELECT * FROM "
                    "unnest($1::text[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::bytea[])",
                    *columns,
                )
                await connection.execute(
                    "INSERT INTO twins SELECT * FROM unnest($1::text[], $2::bigint[]) "
                    "ON CONFLICT (thing) DO UPDATE SET revision = excluded.revision",
                    *columns[:2],
                )
        except self._asyncpg.UniqueViolationError as error:
            raise Conflict(f"{self.place}: {error}") from None

    def newest(self) -> dict[str, Revision]:
        """The newest revision of each twin."""
        return {kept.thing: kept for kept in self._select("JOIN twins USING (thing, revision)")}

    def at(self, thing: str, revision: int) -> Revision | None:
        """One revision."""
        return next(iter(self._select("WHERE thing = $1 AND revision = $2", thing, revision)), None)

    def as_of(self, thing: str, time_s: float) -> Revision | None:
        """The newest revision stored by a time."""
        clause = "WHERE thing = $1 AND stored_at <= $2 ORDER BY revision DESC LIMIT 1"
        return next(iter(self._select(clause, thing, time_s)), None)

    def history(self, thing: str | None = None) -> Iterator[Revision]:
        """Every revision kept, read in pages."""
        after, revision = ("", -1) if thing is None else (thing, -1)
        one = "" if thing is None else "AND thing = $1"
        clause = f"WHERE (thing, revision) > ($1, $2) {one} ORDER BY thing, revision LIMIT {PAGE}"
        while True:
            page = self._select(clause, after, revision)
            yield from page
            if len(page) < PAGE:
                return
            after, revision = page[-1].thing, page[-1].revision

    def _select(self, clause: str, *values: str | float) -> list[Revision]:
        query = f"SELECT {COLUMNS} FROM revisions {clause}"
        return [Revision(*row) for row in self._run(lambda connection: connection.fetch(query, *values))]

    def prune(self, keep: int) -> int:
        """Keep the newest so many of each twin."""
        done = self._run(lambda connection: connection.execute(PRUNE.format("$1"), keep), LONG_S)
        return int(done.split()[-1])

    def close(self) -> None:
        """Release the connection."""
        if self._connection is not None and not self._connection.is_closed():
            asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave(self) -> None:
        try:
            await self._connection.close(timeout=PATIENCE_S)
        except (OSError, TimeoutError, self._asyncpg.PostgresError, self._asyncpg.InterfaceError):
            self._connection.terminate()


def without_password(url: str) -> str:
    """The URL as it may be shown, also one that is not well formed: a password may hold any character."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    user, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{user.partition(':')[0]}{at}{place.partition('?')[0]}"


def _library() -> Any:
    try:
        import asyncpg
    except ImportError:
        raise InputError(f"a store in PostgreSQL needs asyncpg: {install('postgres')}") from None
    return asyncpg
