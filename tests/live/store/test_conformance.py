"""What every twin store has to do; a new one is a line in STORES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twinsync.live.protocol.effects import Write
from twinsync.live.store.interface import Conflict, TwinStore
from twinsync.live.store.memory import MemoryStore
from twinsync.live.store.postgres import PostgresStore
from twinsync.live.store.sqlite import SqliteStore

Make = Callable[[Path, pytest.FixtureRequest], TwinStore]
STORES: dict[str, Make] = {
    "memory": lambda folder, request: MemoryStore(),
    "sqlite, process": lambda folder, request: SqliteStore(folder / "twins.sqlite", "process"),
    "sqlite, power": lambda folder, request: SqliteStore(folder / "twins.sqlite", "power"),
    "postgres, process": lambda folder, request: PostgresStore(request.getfixturevalue("postgres"), "process"),
    "postgres, power": lambda folder, request: PostgresStore(request.getfixturevalue("postgres"), "power"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwinStore]:
    made = STORES[request.param](tmp_path, request)
    yield made
    made.close()


def write(thing: str, revision: int, previous: int, slot: int | None = None) -> Write:
    return Write(
        thing, revision, previous, revision if slot is None else slot, 100.0 + revision, b'{"r":%d}' % revision
    )


def test_a_new_store_holds_nothing(store: TwinStore) -> None:
    assert store.newest() == {}
    assert list(store.history()) == []
    assert store.at("a:1", 0) is None
    assert store.as_of("a:1", 1e12) is None


def test_all_twins_of_a_slot_are_one_transaction(store: TwinStore) -> None:
    store.commit([write("a:1", 0, -1), write("a:2", 3, -1, slot=0)], 5.0)
    newest = store.newest()
    assert {thing: kept.revision for thing, kept in newest.items()} == {"a:1": 0, "a:2": 3}
    kept = newest["a:2"]
    assert (kept.slot, kept.observed_at, kept.stored_at, kept.document) == (0, 103.0, 5.0, b'{"r":3}')


@pytest.mark.parametrize("second", [write("a:2", 4, 2), write("a:2", 3, 3), write("a:2", 1, 3), write("a:2", 5, -1)])
def test_a_conflict_writes_nothing_of_the_transaction(store: TwinStore, second: Write) -> None:
    store.commit([write("a:1", 0, -1), write("a:2", 3, -1)], 5.0)
    with pytest.raises(Conflict, match="a:2"):
        store.commit([write("a:1", 1, 0), second], 6.0)
    assert {thing: kept.revision for thing, kept in store.newest().items()} == {"a:1": 0, "a:2": 3}
    store.commit([write("a:1", 1, 0), write("a:2", 4, 3)], 7.0)


def test_history_by_revision_and_by_time(store: TwinStore) -> None:
    for revision, previous in ((0, -1), (2, 0), (5, 2)):
        store.commit([write("a:1", revision, previous), write("b:1", revision, previous)], 10.0 + revision)
    assert [kept.revision for kept in store.history("a:1")] == [0, 2, 5]
    assert [(kept.thing, kept.revision) for kept in store.history()] == [
        *(("a:1", 0), ("a:1", 2), ("a:1", 5)),
        *(("b:1", 0), ("b:1", 2), ("b:1", 5)),
    ]
    second = store.at("a:1", 2)
    assert second is not None
    assert second.document == b'{"r":2}'
    assert store.at("a:1", 3) is None
    for time_s, revision in ((9.9, None), (10.0, 0), (14.9, 2), (15.0, 5), (99.0, 5)):
        kept = store.as_of("a:1", time_s)
        assert (None if kept is None else kept.revision) == revision


def test_retention_keeps_the_newest_of_each_twin(store: TwinStore) -> None:
    for revision in range(5):
        store.commit([write("a:1", revision, revision - 1)], revision)
    store.commit([write("b:1", 0, -1)], 9.0)
    assert store.prune(2) == 3
    assert [(kept.thing, kept.revision) for kept in store.history()] == [("a:1", 3), ("a:1", 4), ("b:1", 0)]
    store.commit([write("a:1", 5, 4)], 10.0)
    assert store.newest()["a:1"].revision == 5


def test_a_history_is_read_while_more_is_written(store: TwinStore) -> None:
    for revision in range(3):
        store.commit([write("b:1", revision, revision - 1), write("B:1", revision, revision - 1)], revision)
    reading = store.history()
    assert (next(reading).thing, next(reading).revision) == ("B:1", 1)  # by bytes, capitals first
    store.commit([write("b:1", 3, 2)], 3.0)
    assert [kept.revision for kept in reading if kept.thing == "b:1"][:3] == [0, 1, 2]
