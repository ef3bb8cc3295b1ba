"""Files of the Turso engine (alpha.25 to alpha.34): SQLite's but for two bytes of the header.

SQLite does not open them as they are. A copy in memory with these bytes set reads as any other
file, so long as nothing waits in the engine's own log.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from lashgraph.errors import PendingLogError, StoreChangedError
from lashgraph.sqlite import place
from lashgraph.sqlite.connect import connect

_MAGIC = b"SQLite format 3\x00"
_TURSO = b"\xff\xff"
_PLACE = slice(18, 20)
_SQLITE = b"\x01\x01"
"""File format of a database without a write-ahead log, which a copy in memory cannot have."""


def is_turso(path: str) -> bool:
    """Whether the engine wrote a file that SQLite did not open, so that nobody locks it here."""
    with Path(path).open("rb") as file:
        first = file.read(_PLACE.stop)
    return first.startswith(_MAGIC) and first[_PLACE] == _TURSO


class Image:
    """A file of the engine as a database in memory, made again when the file changed.

    Parameters
    ----------
    path : str
        The file, links resolved.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._made: tuple[place.PlaceState, sqlite3.Connection] | None = None

    def connection(self, state: place.PlaceState) -> sqlite3.Connection:
        """The database as of a state of the file.

        Raises
        ------
        PendingLogError
            The engine's log is not empty: the file lacks the latest commits.
        StoreChangedError
            The file is not in that state any more.
        """
        self._check_logs()
        if self._made is not None and self._made[0] == state:
            return self._made[1]
        self.close()
        stored = Path(self._path).read_bytes()
        if place.place_state(self._path) != state:
            raise StoreChangedError(f"{self._path}: the file changed while it was read; read again")
        connection = connect(place.MEMORY, busy_timeout=0, uri=False)
        try:
            connection.deserialize(stored[: _PLACE.start] + _SQLITE + stored[_PLACE.stop :])
        except BaseException:
            connection.close()
            raise
        self._made = state, connection
        return connection

    def _check_logs(self) -> None:
        stem = os.path.splitext(self._path)[0]
        for log in (f"{stem}.db-log", f"{self._path}-log", f"{stem}.db-wal", f"{self._path}-wal"):
            size = os.path.getsize(log) if os.path.exists(log) else 0
            if size:
                raise PendingLogError(
                    f"{self._path}: written by the Turso engine (lash alpha.25 to alpha.34), and "
                    f"{size:,} bytes wait in its log {log}: the file lacks the latest commits; let "
                    "that release, or Turso, fold the log in (PRAGMA wal_checkpoint(TRUNCATE)), "
                    "then read it",
                    path=self._path,
                    log=log,
                )

    def close(self) -> None:
        """Let go of the memory."""
        if self._made is not None:
            self._made[1].close()
            self._made = None
