"""Connections: settings that every one gets, and SQLite's errors in our own words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lashgraph.errors import (
    DatabaseError,
    InvalidRecordError,
    LashgraphError,
    NotSQLiteError,
    StoreLockedError,
    TooLargeError,
    UnwritablePathError,
)
from lashgraph.format.dialect import Dialect
from lashgraph.format.dialects import CURRENT
from lashgraph.format.limits import MAX_VALUE_BYTES, ReadLimits

_JOURNAL_RETRIES = 200


class Connection(sqlite3.Connection):
    """A connection that knows in which dialect its file is written; `speak` tells it.

    It also knows how much is read of the file.
    """

    dialect: Dialect = CURRENT
    limits: ReadLimits = ReadLimits()


def dialect_of(connection: sqlite3.Connection) -> Dialect:
    """The dialect of a connection's file; of a connection from elsewhere the current one."""
    return connection.dialect if isinstance(connection, Connection) else CURRENT


def content_limit(connection: sqlite3.Connection) -> int:
    """Bytes of the longest content that a blob of this connection's file is inflated to."""
    limits = connection.limits if isinstance(connection, Connection) else ReadLimits()
    return limits.content_bytes


@contextmanager
def any_length(connection: sqlite3.Connection) -> Iterator[None]:
    """Let SQLite move values of any length, as it must to write a file anew."""
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def speak(connection: sqlite3.Connection, dialect: Dialect) -> None:
    """Let a connection read a file of a dialect by the tables of schema version 3.

    Where the dialect keeps a table otherwise, a temporary view of that name gives it the columns
    it has in version 3; for names without ``main.`` it stands before the table. A file of version 3
    gets no view, so that it is read by exactly the statements that stand in the code.
    """
    if not isinstance(connection, Connection):
        raise TypeError("a connection that `connect` made is needed")
    connection.dialect = dialect
    for table in dialect.views.keys() - CURRENT.tables.keys():
        connection.execute(f"CREATE TEMP VIEW IF NOT EXISTS {table} AS {dialect.views[table]}")
    for table, columns in CURRENT.tables.items():
        select = dialect.views.get(table)
        if select is None and table not in dialect.tables:
            nothing = ", ".join(f"NULL AS {column}" for column in ("rowid", *columns))
            select = f"SELECT {nothing} WHERE 0"
        if select is not None:
            connection.execute(f"CREATE TEMP VIEW IF NOT EXISTS {table} AS {select}")


@contextmanager
def as_it_stands(connection: sqlite3.Connection) -> Iterator[None]:
    """Take away the views of a dialect, before which SQLite cannot make indexes anew."""
    views = connection.execute("SELECT name FROM sqlite_temp_master WHERE type = 'view'").fetchall()
    for (name,) in views:
        connection.execute(f"DROP VIEW temp.{name}")
    try:
        yield
    finally:
        if views:
            speak(connection, dialect_of(connection))


def connect(
    target: str, *, busy_timeout: float, uri: bool = True, limits: ReadLimits | None = None
) -> Connection:
    """Open a connection in autocommit mode that may move between threads.

    Parameters
    ----------
    target : str
        A URI, or ``":memory:"``.
    busy_timeout : float
        Seconds to wait for a lock.
    limits : ReadLimits, optional
        How much is read; without them SQLite moves values of any length.
    """
    connection = sqlite3.connect(
        target,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
        uri=uri,
        factory=Connection,
    )
    connection.text_factory = _lenient_text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    if limits is not None:
        connection.limits = limits
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.value_bytes)
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
    """One transaction that may write from its start; whatever is raised inside undoes it.

    An interrupt is heard right after the transaction has begun, too.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def folded(connection: sqlite3.Connection) -> bool:
    """Write the log back and empty it; False where another reads, or the disk is full or fails."""
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return False
        raise
    return not busy


def in_read_transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Give the connection while one snapshot of the file is held."""
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        yield connection
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


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
    if primary == sqlite3.SQLITE_TOOBIG:
        return TooLargeError(
            f"{path}: a text or blob is longer than ReadLimits.value_bytes; nothing was changed "
            "(StoreOptions(read_limits=ReadLimits(value_bytes=...)) takes longer ones, up to "
            f"{MAX_VALUE_BYTES:,})",
            path=path,
        )
    if primary == sqlite3.SQLITE_CORRUPT or isinstance(error, UnicodeDecodeError):
        # what SQLite says of a damaged schema may hold bytes of it
        return DatabaseError(
            f"{path}: the database is damaged or cut short ({error}); nothing was changed; restore "
            "it from a backup, or save what SQLite's .recover can read of it",
            path=path,
        )
    return DatabaseError(f"{path}: SQLite failed: {error}; nothing was changed", path=path)


def use_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch to the write-ahead log; a change of mode does not wait for locks by itself."""
    wait = threading.Event()
    for attempt in range(_JOURNAL_RETRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or attempt == _JOURNAL_RETRIES - 1:
                raise
            wait.wait(busy_timeout / _JOURNAL_RETRIES)
