"""Copies of a database, page by page, with SQLite's own backup; and the lock to write one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from lashgraph.sqlite import place
from lashgraph.sqlite.connect import connect, dialect_of, speak
from lashgraph.sqlite.database import Database

_PAGES = 2048
"""Pages of one step: between two an interrupt is heard, and a bar moves."""


def copy_pages(
    source: sqlite3.Connection, target: sqlite3.Connection, *, progress: bool = False
) -> None:
    """Make a database page by page the same as another, or leave it as it was.

    The source must not have an open write transaction of its own.

    Parameters
    ----------
    progress : bool
        Whether a bar shows how far it is.
    """
    if not progress:
        source.backup(target, pages=_PAGES, progress=_listen)
        return
    from tqdm.auto import tqdm

    with tqdm(unit="page", desc="copy") as bar:

        def show(_status: int, remaining: int, total: int) -> None:
            bar.total = total
            bar.update(total - remaining - bar.n)

        source.backup(target, pages=_PAGES, progress=show)


def _listen(_status: int, _remaining: int, _total: int) -> None:
    """An interrupt is heard only where Python runs."""


@contextmanager
def copy_in_memory(
    source: sqlite3.Connection, *, progress: bool = False
) -> Iterator[sqlite3.Connection]:
    """A copy that lives in memory inside the block."""
    with closing(connect(place.MEMORY, busy_timeout=0, uri=False)) as target:
        copy_pages(source, target, progress=progress)
        speak(target, dialect_of(source))
        yield target


@contextmanager
def copy_in_file(
    source: sqlite3.Connection, *, progress: bool = False
) -> Iterator[sqlite3.Connection]:
    """A copy in a temporary file, which is gone after the block; nothing of it is made durable."""
    with tempfile.TemporaryDirectory(prefix="lashgraph-") as folder:
        target = connect(place.uri(os.path.join(folder, "copy.db"), mode="rwc"), busy_timeout=0)
        with closing(target):
            for setting in ("synchronous = OFF", "temp_store = FILE", "journal_mode = OFF"):
                target.execute(f"PRAGMA {setting}").fetchone()
            copy_pages(source, target, progress=progress)
            target.execute("PRAGMA journal_mode = OFF").fetchone()  # the copy brings its own
            speak(target, dialect_of(source))
            yield target


def temporary_room() -> int:
    """Bytes that are free where temporary files are made."""
    return shutil.disk_usage(tempfile.gettempdir()).free


@contextmanager
def as_committed(
    database: Database, writer: sqlite3.Connection, busy_timeout: float
) -> Iterator[sqlite3.Connection]:
    """What is committed, while a transaction that has written nothing yet holds the write lock.

    SQLite copies from no connection that has such a transaction: of a file a second connection
    reads, of a store in memory, which has no second one, its image.
    """
    if database.in_memory:
        with closing(connect(place.MEMORY, busy_timeout=0, uri=False)) as reader:
            reader.deserialize(writer.serialize())
            speak(reader, database.dialect)
            yield reader
        return
    uri = place.uri(database.real_path, mode="ro")
    with closing(connect(uri, busy_timeout=busy_timeout)) as reader:
        speak(reader, database.dialect)
        reader.execute("BEGIN")
        yield reader


@contextmanager
def alone(path: str, busy_timeout: float) -> Iterator[sqlite3.Connection]:
    """The only connection to a file; others get no lock meanwhile.

    Where something is raised inside, what was half written is undone before it is passed on.

    Raises
    ------
    sqlite3.OperationalError
        Another connection holds the file.
    """
    uri = place.uri(path, mode="rw")
    try:
        with closing(connect(uri, busy_timeout=busy_timeout)) as connection:
            for setting in ("locking_mode = EXCLUSIVE", "synchronous = FULL"):
                connection.execute(f"PRAGMA {setting}").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            yield connection
            with suppress(OSError):  # its journal is done with, and nobody else has begun one
                os.unlink(place.sidecar(path, "-journal"))
    except BaseException:
        with suppress(sqlite3.Error), closing(connect(uri, busy_timeout=busy_timeout)) as again:
            again.execute(
                "SELECT count(*) FROM sqlite_master"
            ).fetchone()  # a journal is played back
        raise


def write_over(source: sqlite3.Connection, target: sqlite3.Connection, *, progress: bool) -> None:
    """Replace all of a database in one transaction; the target must be `alone`."""
    mode = target.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise sqlite3.OperationalError(f"its log cannot be folded in (mode {mode})")
    copy_pages(source, target, progress=progress)
