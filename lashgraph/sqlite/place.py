"""A path and the files beside it: what may be opened, and how without leaving a trace."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from lashgraph.errors import EmptyFileError, NotAFileError, NotSQLiteError, StoreNotFoundError

MEMORY = ":memory:"
_MAGIC = b"SQLite format 3\x00"
_TURSO = b"\xff\xff"

ReadWay = Literal["immutable", "shared", "copy"]


class FileState(NamedTuple):
    """What tells one content of a file from another: device, inode, size, time of change."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class PlaceState(NamedTuple):
    """The state of a database and of the log that belongs to it."""

    database: FileState
    log: FileState | None

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: another identity means that another file stands there."""
        return self.database.device, self.database.inode


class FileSizes(NamedTuple):
    """Sizes of a database and its log in bytes."""

    database: int
    log: int


def real(path: str) -> str:
    """The path that SQLite derives the names of sidecars from."""
    return os.path.realpath(path)


def uri(path: str, *, mode: str, immutable: bool = False) -> str:
    """An SQLite URI whose path is percent-encoded."""
    tail = "&immutable=1" if immutable else ""
    return f"file:{quote(os.fsencode(path))}?mode={mode}{tail}"


def sidecar(path: str, suffix: Literal["-wal", "-shm", "-journal"]) -> str:
    """The file beside a database that SQLite gives this suffix."""
    return path + suffix


def _state(path: str) -> FileState | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def place_state(path: str) -> PlaceState:
    """Look at a database and its log.

    Raises
    ------
    StoreNotFoundError
        There is no file.
    """
    database = _state(path)
    if database is None:
        raise StoreNotFoundError(
            f"{path}: no such file; nothing was created (mode='create' makes a store)", path=path
        )
    return PlaceState(database, _state(sidecar(path, "-wal")))


def read_way(path: str, state: PlaceState) -> ReadWay:
    """How to read without leaving a trace.

    Without pending data the file is read as it lies, without locks; the caller compares states
    before and after. A log whose lock table exists is read as another connection would. What would
    need a new file beside the database is read from a private copy.
    """
    journal = _state(sidecar(path, "-journal"))
    if journal is not None and journal.size:
        return "copy"
    if state.log is None or state.log.size == 0:
        return "immutable"
    lock_table = sidecar(path, "-shm")
    folder = os.path.dirname(path) or "."
    if os.path.exists(lock_table) and os.access(lock_table, os.W_OK) and os.access(folder, os.W_OK):
        return "shared"
    return "copy"


def check_header(path: str) -> None:
    """See that a path is a file with the header of an SQLite database.

    Raises
    ------
    StoreNotFoundError, NotAFileError, EmptyFileError, NotSQLiteError
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        place_state(path)
        raise
    except NotADirectoryError:
        raise StoreNotFoundError(f"{path}: no such file", path=path) from None
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise NotAFileError(
            f"{path}: {what}; name one .db file (StoreDirectory lists those of a folder)", path=path
        )
    try:
        with Path(path).open("rb") as file:
            first = file.read(100)
    except PermissionError:
        raise NotAFileError(f"{path}: permission to read it is missing", path=path) from None
    if not first:
        raise EmptyFileError(
            f"{path}: zero bytes; mode='create' makes a store of an empty file", path=path
        )
    if not first.startswith(_MAGIC):
        raise NotSQLiteError(f"{path}: not an SQLite database", path=path)
    if first[18:20] == _TURSO:
        raise NotSQLiteError(
            f"{path}: written by the Turso engine (lash alpha.25 to alpha.34), which SQLite does "
            "not open",
            path=path,
        )
