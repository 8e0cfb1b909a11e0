"""Which store a cell has: one in its folder, or one in a database."""

from __future__ import annotations

from pathlib import Path

from twinsync.errors import InputError
from twinsync.live.store.interface import Durability, TwinStore
from twinsync.live.store.postgres import SCHEMES, PostgresStore, without_password
from twinsync.live.store.sqlite import SqliteStore, read_only

STORE_FILE = "twins.sqlite"


def open_store(folder: Path, url: str, durability: Durability) -> TwinStore:
    """The store at `url`, `postgresql://...`, or the one in the folder where it is empty.

    Raises `InputError`, as `StoreError` if a database does not answer.
    """
    if not url:
        return SqliteStore(folder / STORE_FILE, durability)
    check_url(url)
    return PostgresStore(url, durability)


def open_existing(folder: Path, url: str) -> TwinStore:
    """The store of a cell that has run, to read. Raises `InputError` where there is none."""
    return open_store(folder, url, "process") if url else read_only(folder / STORE_FILE)


def check_url(url: str) -> None:
    """Raise `InputError` for what names no store."""
    if url and not url.startswith(SCHEMES):
        raise InputError(f"--store {without_password(url)!r}: give postgresql://user@host:port/database")
