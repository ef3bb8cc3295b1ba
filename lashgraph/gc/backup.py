"""Backups: a copy of the whole store in a folder, verified before anything is deleted."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from lashgraph.comparison import Contents, compare_contents, read_contents
from lashgraph.errors import BackupError, InvalidRecordError, LashgraphError
from lashgraph.format.arguments import shown
from lashgraph.sqlite import place
from lashgraph.sqlite.connect import connect
from lashgraph.sqlite.copies import copy_pages
from lashgraph.sqlite.database import Database
from lashgraph.sqlite.integrity import own_check

SUFFIX = ".backup"
"""Ending of a backup's name: no listing of ``*.db`` takes it for a session at work."""

NOTE = ".json"
"""Ending of the note beside a backup, which tells where it was made of."""

_LONGEST_NAME = 255
_FINGERPRINT = 16


class Backup(NamedTuple):
    """A backup that was made: its file, and what stands in it."""

    path: str
    contents: Contents


def as_path(value: object, name: str) -> str:
    """A path as text.

    Raises
    ------
    InvalidRecordError
        It is none.
    """
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise InvalidRecordError(f"{name} is a path, not {shown(value)}")
    text = os.fsdecode(value)
    if not text or "\0" in text:
        raise InvalidRecordError(f"{name} is a path, not {shown(text)}")
    return os.path.expanduser(text)


def make_backup(
    source: sqlite3.Connection,
    store: str,
    folder: str,
    *,
    fingerprint: str,
    now: float,
    progress: bool = False,
) -> Backup:
    """Copy a store into a folder, see that the copy holds the same, and make it durable.

    Parameters
    ----------
    source : sqlite3.Connection
        Sees the state to keep.
    store : str
        The store's own file, or ``":memory:"``.
    folder : str
        Made if it is missing.
    fingerprint : str
        Of the plan; its first digits are part of the name.
    now : float
        Seconds since 1970, UTC; the time is part of the name too.
    progress : bool
        Show a bar.

    Raises
    ------
    BackupError
        It could not be made, or did not hold the same. Nothing of it is left.
    """
    stem = name_of(store, fingerprint, now)
    with _telling(store, folder):
        os.makedirs(folder, exist_ok=True)
        with new_file(folder) as partial:
            write_copy(source, partial, progress=progress)
            contents = _same(source, partial, store)
            sync(partial)
            note = {"restores": store, "session_id": contents.session_id, "plan": fingerprint}
            target = _name_finally(partial, os.path.join(folder, stem), note)
        sync(folder)
    return Backup(os.path.abspath(target), contents)


def name_of(store: str, fingerprint: str, now: float) -> str:
    """Name of a backup without its ending: the store's file name, the time, the plan.

    Examples
    --------
    >>> name_of("/data/session.db", "0123456789abcdef01", 0.0)
    'session-19700101T000000Z-0123456789abcdef'
    """
    try:
        time = datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidRecordError(f"the clock of the store's options gives {now!r}") from None
    tail = f"-{time:%Y%m%dT%H%M%SZ}-{fingerprint[:_FINGERPRINT]}"
    name = "memory" if store == place.MEMORY else os.path.basename(store).removesuffix(".db")
    room = _LONGEST_NAME - len(tail) - len(SUFFIX) - len(NOTE) - 8
    return os.fsdecode(os.fsencode(name)[:room]) + tail


@contextmanager
def new_file(folder: str) -> Iterator[str]:
    """An empty file that is gone after the block, unless it has got another name."""
    partial = os.path.join(folder, f".lashgraph-{secrets.token_hex(8)}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield partial
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial + suffix)


def write_copy(source: sqlite3.Connection, target: str, *, progress: bool) -> None:
    """Copy a database into an empty file; what fails leaves a file to throw away."""
    connection = connect(place.uri(target, mode="rw"), busy_timeout=0)
    with closing(connection):
        for setting in ("journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {setting}").fetchone()
        copy_pages(source, connection, progress=progress)


def check_file(connection: sqlite3.Connection) -> None:
    """See that SQLite finds nothing wrong with a backup.

    Raises
    ------
    BackupError
        It does.
    """
    for line in own_check(connection, full=True):
        raise BackupError(f"SQLite's integrity check finds it damaged: {line}")


def sync(path: str) -> None:
    """Let a file or a folder's names survive a loss of power."""
    if os.name == "nt" and os.path.isdir(path):
        return  # folders cannot be opened there, and need not be
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _same(source: sqlite3.Connection, copy: str, store: str) -> Contents:
    """What both the store and its copy hold."""
    before = read_contents(source, store)
    database = Database(copy, "r", 0, whole=True)
    try:

        def look(connection: sqlite3.Connection) -> Contents:
            check_file(connection)
            return read_contents(connection, copy)

        found = compare_contents(before, database.read(look))
    finally:
        database.close()
    if not found.is_same:
        raise BackupError(f"the copy differs from the store: {found.summary()}")
    return before


def _name_finally(partial: str, stem: str, note: dict[str, str]) -> str:
    """Give a file its name, after a note beside it; what stands there already is left alone.

    The note comes first: a process that is killed leaves no backup that does not say what it is.
    """
    for number in itertools.count(1):
        target = f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}"
        try:
            file = open(target + NOTE, "x", encoding="utf-8", opener=_private)  # noqa: SIM115
        except FileExistsError:
            continue
        try:
            with file:
                json.dump(note, file, indent=1)
            sync(target + NOTE)
            give_name(partial, target)
        except BaseException as error:
            if not os.path.exists(partial) or _is_same(partial, target):
                os.unlink(target)  # an interrupt came right after it got its name
            os.unlink(target + NOTE)
            if not isinstance(error, FileExistsError):
                raise
        else:
            return target
    raise AssertionError("unreachable")


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner reads, as the backup beside it."""
    return os.open(path, flags, 0o600)


def _is_same(path: str, other: str) -> bool:
    return os.path.exists(other) and os.path.samefile(path, other)


def give_name(partial: str, target: str) -> None:
    """Name a finished file; never in the place of another.

    Raises
    ------
    FileExistsError
        Something stands there.
    """
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with open(target, "xb"):
            pass
        try:
            os.replace(partial, target)
        except BaseException:
            os.unlink(target)
            raise


@contextmanager
def _telling(store: str, folder: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, LashgraphError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BackupError(
            f"{store}: no backup could be made in {folder}: {reason}; nothing was deleted",
            path=store,
            folder=folder,
        ) from error
