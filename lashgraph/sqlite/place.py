"""A path and the files beside it: what may be opened, and how without leaving a trace."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import quote

from lashgraph.errors import EmptyFileError, NotAFileError, StoreNotFoundError

MEMORY = ":memory:"

_LONGEST_PATH = 503
"""SQLite takes 511 bytes, of which the name of a journal needs eight."""

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
    """The path that SQLite derives the names of sidecars from.

    Raises
    ------
    NotAFileError
        It is longer than SQLite takes.
    """
    found = os.path.realpath(path)
    if os.name == "posix" and len(os.fsencode(found)) > _LONGEST_PATH:
        raise NotAFileError(
            f"{path}: a path of more than {_LONGEST_PATH} bytes, which SQLite does not open; move "
            "the file, or a folder above it",
            path=path,
        )
    return found


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
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _not_found(path: str) -> StoreNotFoundError:
    return StoreNotFoundError(
        f"{path}: no such file; nothing was created (mode='create' makes a store)", path=path
    )


def place_state(path: str) -> PlaceState:
    """Look at a database and its log.

    Raises
    ------
    StoreNotFoundError
        There is no file.
    """
    database = _state(path)
    if database is None:
        raise _not_found(path)
    return PlaceState(database, _state(sidecar(path, "-wal")))


def pin(path: str) -> int | None:
    """Hold a file's inode, so that a file made in its place later gets another one.

    Such a descriptor opens nothing: closing it drops none of the locks that SQLite holds.

    Returns
    -------
    int or None
        A descriptor to close; None where the system has no such thing.
    """
    flag = getattr(os, "O_PATH", None)
    return None if flag is None else os.open(path, flag)


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
    if os.path.exists(lock_table) and _may(lock_table, os.W_OK) and _may(folder, os.W_OK):
        return "shared"
    return "copy"


def _may(path: str, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def check_path(path: str) -> None:
    """See that a path is a file that may hold a database, without opening it.

    Closing any descriptor of a file drops the locks that SQLite holds on it in this process, so
    that another process could fold away a log that a writer of this one is still writing to. SQLite
    alone opens the file, then; what is no database shows when it does.

    Raises
    ------
    StoreNotFoundError, NotAFileError, EmptyFileError
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _not_found(path) from None
    except OSError as error:
        raise NotAFileError(f"{path}: cannot be reached: {error.strerror}", path=path) from None
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise NotAFileError(
            f"{path}: {what}; name one .db file (StoreDirectory lists those of a folder)", path=path
        )
    if not _may(path, os.R_OK):
        raise NotAFileError(f"{path}: permission to read it is missing", path=path)
    if not found.st_size:
        raise EmptyFileError(
            f"{path}: zero bytes; mode='create' makes a store of an empty file", path=path
        )


class Changed:
    """Whether a file changed under a reader that holds no locks: so far, and when it ended."""

    seen = False

    def __init__(self) -> None:
        self.by_now: Callable[[], bool] = lambda: False
