"""Connections: settings that every one gets, and SQLite's errors in our own words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lashgraph.errors import (
    DatabaseError,
    InvalidRecordError,
    LashgraphError,
    NotSQLiteError,
    StoreLockedError,
    UnwritablePathError,
)


def connect(target: str, *, busy_timeout: float, uri: bool = True) -> sqlite3.Connection:
    """Open a connection in autocommit mode that may move between threads.

    Parameters
    ----------
    target : str
        A URI, or ``":memory:"``.
    busy_timeout : float
        Seconds to wait for a lock.
    """
    connection = sqlite3.connect(
        target, timeout=busy_timeout, isolation_level=None, check_same_thread=False, uri=uri
    )
    connection.text_factory = _lenient_text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _lenient_text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def text_of(value: object) -> str:
    """A cell as text, whatever its storage class."""
    return _lenient_text(value) if isinstance(value, bytes) else str(value)


@contextmanager
def raw_text(connection: sqlite3.Connection) -> Iterator[None]:
    """Deliver texts as bytes, undecoded."""
    before = connection.text_factory
    connection.text_factory = bytes
    try:
        yield
    finally:
        connection.text_factory = before


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that may write from its start; whatever is raised inside undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def translated(error: Exception, path: str, busy_timeout: float) -> LashgraphError:
    """The error of our tree for an error of SQLite."""
    if isinstance(error, LashgraphError):
        return error.with_path(path)
    if isinstance(error, (OverflowError, UnicodeEncodeError)):
        return InvalidRecordError(f"{path}: a value cannot be stored: {error}", path=path)
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLockedError(
            f"{path}: locked by another connection for more than {busy_timeout:g} s; nothing was "
            "changed (StoreOptions(busy_timeout=...) waits longer)",
            path=path,
        )
    if primary == sqlite3.SQLITE_NOTADB:
        return NotSQLiteError(f"{path}: not an SQLite database", path=path)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return UnwritablePathError(
            f"{path}: the file or its folder cannot be written ({error}); mode='r' reads it",
            path=path,
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return DatabaseError(
            f"{path}: the database is damaged or cut short ({error}); nothing was changed; restore "
            "it from a backup, or save what SQLite's .recover can read of it",
            path=path,
        )
    return DatabaseError(f"{path}: SQLite failed: {error}; nothing was changed", path=path)
