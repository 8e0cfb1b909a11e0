"""The SQLite store as a file: it survives kill -9, migrates, and refuses what is not its own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Complaint

from twinsync.live.protocol.effects import Write
from twinsync.live.store.interface import StoreError
from twinsync.live.store.sqlite import APPLICATION, MIGRATIONS, SqliteStore, read_only

WRITER = """
import sys
from pathlib import Path
from twinsync.live.protocol.effects import Write
from twinsync.live.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
newest = store.newest()
revision = newest["a:1"].revision if newest else -1
while True:
    store.commit([Write("a:1", revision + 1, revision, 0, 0.0, b"x" * 700)], 0.0)
    revision += 1
    print(revision, flush=True)
"""


def test_nothing_that_was_committed_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "twins.sqlite"
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        acknowledged = -1
        for _ in range(20):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = int((writer.stdout.read().split() or [str(acknowledged)])[-1])
        writer.wait()
        writer.stdout.close()
        store = SqliteStore(path)
        revisions = [kept.revision for kept in store.history("a:1")]
        store.close()
        assert revisions == list(range(len(revisions)))
        assert revisions[-1] >= acknowledged


def test_a_file_of_the_first_version_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "twins.sqlite"
    old = sqlite3.connect(path)
    old.executescript(f"{MIGRATIONS[0]} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1;")
    rows = [("a:1", revision, revision, 0.0, 0.0, b"{}") for revision in range(3)]
    old.executemany("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)", rows)
    old.commit()
    old.close()
    store = SqliteStore(path)
    assert store.newest()["a:1"].revision == 2
    store.commit([Write("a:1", 3, 2, 3, 0.0, b"{}")], 0.0)
    store.close()


def test_a_later_release_s_file_is_refused(tmp_path: Path, complains: Complaint) -> None:
    path = tmp_path / "twins.sqlite"
    later = sqlite3.connect(path)
    later.executescript(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 99;")
    later.close()
    with complains(str(path), "schema version 99", f"up to {len(MIGRATIONS)}"):
        SqliteStore(path)


def test_other_files_are_refused(tmp_path: Path, complains: Complaint) -> None:
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE cookies (name TEXT)")
    other.close()
    with complains("other.sqlite", "no twin store"):
        SqliteStore(tmp_path / "other.sqlite")
    (tmp_path / "text").write_text("hello " * 1000)
    with complains("text", "cannot be opened"):
        SqliteStore(tmp_path / "text")
    with complains("nothing", "no twin store"):
        read_only(tmp_path / "nothing")


def test_a_full_disk_loses_no_earlier_state(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "twins.sqlite")
    store.commit([Write("a:1", 0, -1, 0, 0.0, b"{}")], 0.0)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        store.commit([Write("a:1", 1, 0, 1, 0.0, bytes(100_000))], 1.0)
    assert store.newest()["a:1"].revision == 0
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.commit([Write("a:1", 1, 0, 1, 0.0, bytes(100_000))], 2.0)
    store.close()


def test_a_damaged_store_is_an_error_of_the_store_s(tmp_path: Path, complains: Complaint) -> None:
    path = tmp_path / "twins.sqlite"
    store = SqliteStore(path)
    for revision in range(100):
        store.commit([Write("a:1", revision, revision - 1, 0, 0.0, b"x" * 700)], 0.0)
    store.close()
    content = bytearray(path.read_bytes())
    for page in range(2 * 4096, len(content), 4096):
        content[page : page + 200] = b"\xff" * 200
    path.write_bytes(content)
    store = read_only(path)
    with complains(str(path), "malformed"):
        list(store.history())
    with pytest.raises(StoreError):
        store.newest()
    store.close()
