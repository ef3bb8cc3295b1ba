"""One session file: snapshots to read from, transactions to write in, any thread."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, TypeVar

from lashgraph.errors import (
    LashgraphError,
    NotSQLiteError,
    ReadOnlyStoreError,
    StoreChangedError,
    StoreClosedError,
    StoreNotFoundError,
    StoreReplacedError,
    VersionNotWrittenError,
)
from lashgraph.format.dialect import Dialect
from lashgraph.format.dialects import CURRENT
from lashgraph.format.limits import ReadLimits
from lashgraph.sqlite import place, schema, turso
from lashgraph.sqlite.connect import (
    connect,
    folded,
    immediate,
    in_read_transaction,
    speak,
    translated,
    use_wal,
)
from lashgraph.sqlite.pages import measure
from lashgraph.sqlite.recognise import of_session, recognise
from lashgraph.sqlite.trust import check_writable

Mode = Literal["r", "rw", "create"]
T = TypeVar("T")

MEMORY_FINGERPRINT = "memory"
"""Fingerprint of a store in memory, which has no file to tell its content by."""

_ATTEMPTS = 4


class Database:
    """A session file.

    Reading leaves the file and its folder as they were. Writing is one transaction at a time;
    calls from several threads wait for each other.
    """

    def __init__(
        self,
        path: str,
        mode: Mode,
        busy_timeout: float,
        *,
        allow_unknown: bool = False,
        limits: ReadLimits | None = None,
        session_id: str | None = None,
        whole: bool = False,
    ) -> None:
        self.path = path
        self.mode = mode
        self._real = path if path == place.MEMORY else place.real(path)
        self._busy_timeout = busy_timeout
        self._limits = limits or ReadLimits()
        self._session = partial(of_session, path=path, session_id=session_id, whole=whole)
        self._allow_unknown = allow_unknown and mode == "r"
        self.dialect = CURRENT
        self._lock = threading.RLock()
        self._closed = False
        self._writer: sqlite3.Connection | None = None
        self._snapshot: sqlite3.Connection | None = None
        self._held = place.Changed()
        self._copy: tuple[place.PlaceState, str] | None = None
        self._image: turso.Image | None = None
        self._finalizer: weakref.finalize[..., Database] = weakref.finalize(self, _nothing)
        self._unpin: weakref.finalize[..., Database] = weakref.finalize(self, _nothing)
        if path == place.MEMORY:
            self._identity = (0, 0)
            self.dialect = self._create()
        elif mode == "create":
            self.dialect = self._create()
            self._identity = place.place_state(self._real).identity
        else:
            place.check_path(self._real)
            if mode == "r" and (descriptor := place.pin(self._real)) is not None:
                self._unpin = weakref.finalize(self, os.close, descriptor)
            self._identity = place.place_state(self._real).identity
            try:
                self.dialect = self._recognised_with_turso()
            except BaseException:
                self.close()
                raise

    @property
    def in_memory(self) -> bool:
        """Whether the store lives in memory only."""
        return self.path == place.MEMORY

    @property
    def real_path(self) -> str:
        """The path of the file itself, links resolved."""
        return self._real

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def file_sizes(self) -> place.FileSizes:
        """Bytes of the database and of its log; of a store in memory, its pages."""
        if self.in_memory:
            return place.FileSizes(self.read(measure).file_bytes, 0)
        state = place.place_state(self._real)
        return place.FileSizes(state.database.size, state.log.size if state.log else 0)

    def fingerprint(self) -> str:
        """Digest of the file's identity, size and time of change, and of its log's."""
        if self.in_memory:
            return MEMORY_FINGERPRINT
        state = repr(place.place_state(self._real))
        return hashlib.sha256(state.encode()).hexdigest()[:16]

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        with self._lock:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._drop_copy()
            if self._image is not None:
                self._image.close()
            self._unpin()

    # Reading

    def _recognised_with_turso(self) -> Dialect:
        """Recognise the file; one that SQLite does not open may be of the Turso engine."""
        try:
            return self._open_writer() if self.mode == "rw" else self.read(self._recognised)
        except NotSQLiteError as error:
            if not turso.is_turso(self._real):
                raise
            if self.mode == "rw":
                raise NotSQLiteError(
                    f"{self.path}: written by the Turso engine (lash alpha.25 to alpha.34), whose "
                    "files SQLite does not write; mode='r' reads it",
                    path=self.path,
                ) from error
        self._image = turso.Image(self._real)
        return self.read(self._recognised)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on one consistent snapshot.

        Raises
        ------
        StoreChangedError
            The file changed during every attempt.
        """
        with self._lock:
            self._check_open()
            if self._snapshot is not None:
                return self._read_held(self._snapshot, work)
            for _ in range(_ATTEMPTS):
                changed = place.Changed()
                try:
                    with self._consistent(changed) as connection:
                        result = work(connection)
                except Exception:
                    if changed.seen:
                        continue
                    raise
                if not changed.seen:
                    return result
            raise StoreChangedError(
                f"{self.path}: the file changed during {_ATTEMPTS} attempts to read it; read a "
                "copy, or wait for the writer",
                path=self.path,
            )

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one snapshot for all reads inside the block.

        Raises
        ------
        StoreChangedError
            The file changed while the block ran; what was read may not belong together.
        """
        with self._lock:
            self._check_open()
            if self._snapshot is not None:
                yield
                return
            changed = place.Changed()
            with self._consistent(changed) as connection:
                self._snapshot, self._held = connection, changed
                try:
                    yield
                finally:
                    self._snapshot = None
            if changed.seen:
                raise self._changed_under_snapshot()

    def _read_held(self, held: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the snapshot that is held; pages torn apart would look damaged."""
        try:
            with self._translating():
                return work(held)
        except Exception as error:
            if self._held.by_now():
                raise self._changed_under_snapshot() from error
            raise

    def _changed_under_snapshot(self) -> StoreChangedError:
        return StoreChangedError(
            f"{self.path}: the file changed while its snapshot was held; read again",
            path=self.path,
        )

    @contextmanager
    def _consistent(self, changed: place.Changed) -> Iterator[sqlite3.Connection]:
        """A connection with an open read transaction; notes a change that SQLite cannot see."""
        with self._translating():
            if self._writer is not None:
                if not self.in_memory:
                    self._check_identity()
                yield from in_read_transaction(self._writer)
                return
            before = place.place_state(self._real)
            if before.identity != self._identity:
                self._raise_replaced()
            if self._image is not None:
                image = self._image.connection(before)
                speak(image, self.dialect)
                yield from in_read_transaction(image)
                return
            way = place.read_way(self._real, before)
            if way == "immutable":
                changed.by_now = lambda: place.place_state(self._real) != before
            target = self._private_copy(before, changed) if way == "copy" else self._real
            connection = connect(
                place.uri(
                    target,
                    mode="rw" if way == "copy" else "ro",
                    immutable=way == "immutable",
                ),
                busy_timeout=self._busy_timeout,
                limits=self._limits,
            )
            try:
                speak(connection, self.dialect)
                yield from in_read_transaction(connection)
            finally:
                connection.close()
                after = place.place_state(self._real)
                if after.identity != before.identity:
                    self._raise_replaced()
                if way == "immutable" and after != before:
                    changed.seen = True

    def _private_copy(self, state: place.PlaceState, changed: place.Changed) -> str:
        if self._copy is not None and self._copy[0] == state:
            return os.path.join(self._copy[1], "store.db")
        self._drop_copy()
        folder = tempfile.mkdtemp(prefix="lashgraph-")
        self._finalizer = weakref.finalize(self, _remove, folder)
        target = os.path.join(folder, "store.db")
        shutil.copyfile(self._real, target)
        for suffix in ("-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(self._real + suffix, target + suffix)
        if place.place_state(self._real) != state:
            changed.seen = True
        else:
            self._copy = (state, folder)
        return target

    def _drop_copy(self) -> None:
        self._copy = None
        self._finalizer()

    def _recognised(self, connection: sqlite3.Connection) -> Dialect:
        dialect = recognise(connection, self.path, complete=True, allow_unknown=self._allow_unknown)
        return self._session(connection, dialect)

    # Writing

    @contextmanager
    def transaction(self, operation: str) -> Iterator[sqlite3.Connection]:
        """One BEGIN IMMEDIATE transaction; whatever is raised inside undoes it.

        Raises
        ------
        ReadOnlyStoreError, StoreLockedError, StoreReplacedError
            Before anything happened.
        """
        with self._lock, self._translating():
            connection = self.writable(operation)
            with immediate(connection):
                yield connection

    @contextmanager
    def exclusive(self, operation: str) -> Iterator[sqlite3.Connection]:
        """The writing connection outside a transaction, for what SQLite allows only there."""
        with self._lock, self._translating():
            yield self.writable(operation)

    def fold_log(self) -> bool:
        """Write the log back into the file and empty it; False where a reader or the disk forbids.

        What the log holds is committed and stays so.
        """
        with self.exclusive("wal_checkpoint") as connection:
            if self.in_memory:
                return True
            return folded(connection)

    def writable(self, operation: str) -> sqlite3.Connection:
        """The writing connection, or the reason why there is none."""
        self._check_open()
        refused = self.dialect.refused(operation)
        if self._writer is not None and refused:
            raise VersionNotWrittenError(
                f"{self.path}: {operation} is refused: {refused}; nothing was changed",
                path=self.path,
                version=self.dialect.version,
                operation=operation,
            )
        if self._writer is None:
            raise ReadOnlyStoreError(
                f"{self.path}: {operation} writes, and the store was opened for reading; "
                "open it with mode='rw'",
                path=self.path,
                operation=operation,
            )
        if self._snapshot is not None:
            raise ReadOnlyStoreError(
                f"{self.path}: {operation} writes, and a snapshot is held; leave its block first",
                path=self.path,
                operation=operation,
            )
        if not self.in_memory:
            self._check_identity()
        return self._writer

    def _open_writer(self) -> Dialect:
        connection = self._connect_writer("rw")
        with self._closing_on_error(connection), self._translating():
            dialect = recognise(connection, self.path, complete=False)
            dialect = self._session(connection, dialect)
            check_writable(connection, self.path)
            schema.complete(connection, dialect)
            use_wal(connection, self._busy_timeout)
            speak(connection, dialect)
            self._writer = connection
            return dialect

    def _create(self) -> Dialect:
        if not self.in_memory:
            folder = os.path.dirname(self._real)
            if not os.path.isdir(folder):
                raise StoreNotFoundError(f"{self.path}: no folder {folder}", path=self.path)
            if os.path.exists(self._real) and not os.path.isfile(self._real):
                place.check_path(self._real)
        connection = self._connect_writer("rwc")
        with self._closing_on_error(connection), self._translating():
            if not self.in_memory:
                schema.check_new(connection, self.path)
                use_wal(connection, self._busy_timeout)
            schema.create(connection, self.path, CURRENT)
            self._writer = connection
            return CURRENT

    def _connect_writer(self, mode: str) -> sqlite3.Connection:
        with self._translating():
            target = place.MEMORY if self.in_memory else place.uri(self._real, mode=mode)
            connection = connect(
                target,
                busy_timeout=self._busy_timeout,
                uri=not self.in_memory,
                limits=self._limits,
            )
            with self._closing_on_error(connection):
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA secure_delete = OFF")
            return connection

    # Checks

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError(f"{self.path}: the store was closed; open it again")

    def _check_identity(self) -> None:
        if place.place_state(self._real).identity != self._identity:
            self._raise_replaced()

    def _raise_replaced(self) -> None:
        raise StoreReplacedError(
            f"{self.path}: another file stands there since the store was opened; open it again",
            path=self.path,
        )

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, LashgraphError, OverflowError, UnicodeError) as error:
            ours = translated(error, self.path, self._busy_timeout)
            if ours is error:
                raise
            raise ours from error

    @contextmanager
    def _closing_on_error(self, connection: sqlite3.Connection) -> Iterator[None]:
        try:
            yield
        except BaseException:
            connection.close()
            raise


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _nothing() -> None:
    return None
