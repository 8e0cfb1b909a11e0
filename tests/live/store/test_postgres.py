"""The PostgreSQL store: passwords, cuts, durability, migration, other programs' tables."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import Complaint
from tests.live.postgres_server import PASSWORD, PostgresServer

from twinsync.errors import InputError
from twinsync.live.protocol.effects import Write
from twinsync.live.store import postgres as module
from twinsync.live.store.interface import Conflict, StoreError
from twinsync.live.store.opening import open_store
from twinsync.live.store.postgres import MIGRATIONS, PostgresStore, without_password


def write(revision: int, thing: str = "a:1") -> Write:
    return Write(thing, revision, revision - 1, revision, 0.0, b"{}")


def execute(url: str, statements: str) -> None:
    async def whole() -> None:
        import asyncpg

        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(whole())


@pytest.fixture
def store(postgres: str) -> Iterator[PostgresStore]:
    made = PostgresStore(postgres, "power")
    yield made
    made.close()


def test_a_cut_database_is_one_clear_error_and_then_goes_on(store: PostgresStore, server: PostgresServer) -> None:
    store.commit([write(0)], 0.0)
    server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{server.port}/postgres: ") as raised:
                store.commit([write(1)], 1.0)
            assert "\n" not in str(raised.value)
            assert not isinstance(raised.value, Conflict)
    finally:
        server.start()
    assert store.newest()["a:1"].revision == 0  # what was committed outlived the server's processes
    store.commit([write(1)], 2.0)
    assert [kept.revision for kept in store.history()] == [0, 1]


def test_a_connection_that_the_server_ends_is_made_again(store: PostgresStore, postgres: str) -> None:
    store.commit([write(0)], 0.0)
    execute(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twinsync'")
    with suppress(StoreError):  # where the cut was not noticed before
        store.commit([write(1)], 1.0)
    if store.newest()["a:1"].revision == 0:
        store.commit([write(1)], 1.0)
    store.commit([write(2)], 1.0)


def test_a_statement_that_waits_too_long_is_given_up(
    store: PostgresStore, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PostgresStore(postgres)
    other._run(lambda connection: connection.execute("BEGIN; LOCK TABLE twins"))
    with monkeypatch.context() as patch:
        patch.setattr(module, "PATIENCE_S", 0.3)
        with pytest.raises(StoreError, match=r"no answer within 0\.3 s"):
            store.commit([write(0)], 0.0)
    other._run(lambda connection: connection.execute("ROLLBACK"))
    store.commit([write(0)], 0.0)
    other.close()


def test_a_server_that_falls_silent_is_given_up(
    store: PostgresStore, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = (server.process, store._run(lambda connection: connection.fetchval("SELECT pg_backend_pid()")))
    try:
        for process in silent:
            os.kill(process, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr(module, "PATIENCE_S", 0.3)
            with pytest.raises(StoreError, match=r"no answer within 0\.3 s"):
                store.commit([write(0)], 0.0)
    finally:
        for process in silent:
            os.kill(process, signal.SIGCONT)
    store.commit([write(0)], 0.0)


def test_of_two_edges_that_write_one_twin_one_is_refused(store: PostgresStore, postgres: str) -> None:
    other = PostgresStore(postgres)
    store.commit([write(0)], 0.0)
    results: list[str] = []

    def race(one: PostgresStore) -> None:
        try:
            one.commit([write(1), write(0, "a:2")], 1.0)
            results.append("stored")
        except Conflict:
            results.append("refused")

    threads = [threading.Thread(target=race, args=(one,)) for one in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused", "stored"]
    other.close()


def test_durability_is_what_the_server_is_told(postgres: str) -> None:
    for durability, told in (("process", "off"), ("power", "on")):
        store = PostgresStore(postgres, durability)
        assert store._run(lambda connection: connection.fetchval("SHOW synchronous_commit")) == told
        store.close()


def test_the_password_is_in_the_url_or_the_environment_and_never_shown(
    postgres: str, monkeypatch: pytest.MonkeyPatch, complains: Complaint
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    with complains("127.0.0.1", "/postgres: ", "password"):
        PostgresStore(postgres)
    wrong = postgres.replace("@", ":guessed@")
    with complains("password authentication failed"):
        PostgresStore(wrong)
    assert "guessed" not in without_password(wrong)
    assert without_password(wrong) == postgres
    PostgresStore(postgres.replace("@", f":{PASSWORD.replace(' ', '%20')}@")).close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@host:1/db?password=secret", "postgresql://u@host:1/db"),
        ("postgresql://u:secret/@host/db", "postgresql://u@host/db"),
        ("postgresql://u:sec#ret?@secret@host/db", "postgresql://u@host/db"),
        ("postgresql://u:[secret@host/db", "postgresql://u@host/db"),
        ("Postgres+async://u:secret@host/db", "Postgres+async://u@host/db"),
        ("u:secret@host/db", "u@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
    ],
)
def test_no_url_shows_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url", ["postgresql://u:[secret@127.0.0.1:1/db", "Postgresql://u:secret@127.0.0.1/db", "u:secret@h"]
)
def test_a_url_that_is_refused_shows_no_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError) as refused:
        open_store(tmp_path, url, "process")
    assert "u@" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_tables_of_the_first_version_are_migrated(postgres: str) -> None:
    execute(
        postgres,
        "CREATE SCHEMA twinsync; SET search_path = twinsync; CREATE TABLE schema_version (version INTEGER NOT NULL);"
        f"INSERT INTO schema_version VALUES (1); {MIGRATIONS[0]}"
        "INSERT INTO revisions VALUES ('a:1', 0, 0, 0, 0, '{}'), ('a:1', 2, 2, 0, 0, '{}')",
    )
    store = PostgresStore(postgres)
    assert store.newest()["a:1"].revision == 2
    store.commit([write(3)], 0.0)
    store.close()


def test_other_tables_are_refused(postgres: str, complains: Complaint) -> None:
    execute(postgres, "CREATE SCHEMA twinsync; CREATE TABLE twinsync.cookies (name TEXT)")
    with complains("127.0.0.1", "no twin store", "another database"):
        PostgresStore(postgres)
    later = "CREATE TABLE twinsync.schema_version (version INTEGER NOT NULL); INSERT INTO twinsync.schema_version"
    execute(postgres, f"{later} VALUES (99)")
    with complains("schema version 99", f"up to {len(MIGRATIONS)}"):
        PostgresStore(postgres)


def test_nothing_there_is_said_at_once() -> None:
    with pytest.raises(StoreError, match=r"postgresql://nobody@127\.0\.0\.1:1/none: "):
        PostgresStore("postgresql://nobody:secret@127.0.0.1:1/none")


def test_a_history_longer_than_a_page_is_whole(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    for revision in range(6):
        store.commit([write(revision), write(revision, "b:1")], 0.0)
    both = [("a:1", revision) for revision in range(6)] + [("b:1", revision) for revision in range(6)]
    assert [(kept.thing, kept.revision) for kept in store.history()] == both
    assert [kept.revision for kept in store.history("b:1")] == list(range(6))
