"""The first bytes of a file: what it seems to be, without opening it as a database."""

from __future__ import annotations

import contextlib
import os
from typing import Literal, NamedTuple

HeaderKind = Literal["sqlite", "turso", "other", "empty", "unread"]

_LENGTH = 100
_MAGIC = b"SQLite format 3\x00"
_TURSO = b"\xff\xff"
_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")


class Header(NamedTuple):
    """What the first bytes say.

    Attributes
    ----------
    kind : str
        ``"unread"`` where they could not be read, or must not be by this process.
    version : int or None
        The schema version, as of the file without its log.
    """

    kind: HeaderKind
    version: int | None = None


EMPTY, UNREAD, OTHER = Header("empty"), Header("unread"), Header("other")


def read_header(path: str) -> Header:
    """The header of a regular file."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return UNREAD
    try:
        first = os.read(descriptor, _LENGTH)
    except OSError:
        return UNREAD
    finally:
        os.close(descriptor)
    if first.startswith(_MAGIC) and len(first) == _LENGTH:
        kind: HeaderKind = "turso" if first[18:20] == _TURSO else "sqlite"
        return Header(kind, int.from_bytes(first[60:64], "big"))
    return OTHER if first else EMPTY


def held_inodes() -> frozenset[tuple[int, int]] | None:
    """Device and inode of every file that this process has open.

    Closing any descriptor of a file drops the locks that SQLite holds on it in this process, so
    that another process could fold away a log that is still in use. The header of such a file is
    not read.

    Returns
    -------
    frozenset or None
        None where the system does not tell; then no header may be read.
    """
    if os.name == "nt":
        return frozenset()  # locks belong to a descriptor there
    for folder in _DESCRIPTORS:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found = set()
        for name in names:
            with contextlib.suppress(OSError, ValueError):
                state = os.fstat(int(name))
                found.add((state.st_dev, state.st_ino))
        return frozenset(found)
    return None
