"""Looking at stores without the package: what they hold, and whether they are sound."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from lashgraph.testing import oracle
from lashgraph.testing.torture.trial import require

ABSENT = "absent"
"""What stands for the content of a file that is not there, or has no table yet."""

_WAIT = 30.0


def content(connection: sqlite3.Connection) -> str:
    """A digest of every row of every table, whatever the pages look like."""
    tables = [
        str(name)
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )
    ]
    if not tables:
        return ABSENT
    digest = hashlib.sha256()
    for name in tables:
        digest.update(name.encode())
        rows = connection.execute(f"SELECT rowid, * FROM {name}").fetchall()
        for row in sorted(rows, key=repr):
            digest.update(repr(row).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def content_of(path: Path) -> str:
    """The digest of a copy of a file and its log, so that nothing is repaired by looking."""
    copy = path.with_name(f"{path.name}.looked-at")
    if not path.exists():
        return ABSENT
    try:
        for suffix in ("", "-wal", "-journal"):
            if Path(f"{path}{suffix}").exists():
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as connection:
            return content(connection)
    finally:
        for suffix in ("", "-wal", "-journal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def check_sound(path: Path) -> None:
    """See that SQLite opens a file, repairs it if it must, and finds nothing wrong with it.

    Raises
    ------
    Failed
        It does.
    """
    with closing(sqlite3.connect(path, timeout=_WAIT)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        require(found == [("ok",)], f"{path}: integrity check: {found[:3]}")
        found = connection.execute("PRAGMA foreign_key_check").fetchall()
        require(not found, f"{path}: foreign keys: {found[:3]}")


def live(path: Path) -> frozenset[str]:
    """What the careful policy keeps, by the oracle, of which everything must be there.

    Raises
    ------
    Failed
        A root, or what it reaches, is missing.
    """
    judged = oracle.judge(path, "safe")
    require(judged.verdict == "sweep", f"{path}: {judged.reasons}")
    missing = judged.retained_blob_count - len(judged.kept)
    require(not missing, f"{path}: {missing} live blobs are missing")
    return judged.kept


def check_unlocked(path: Path) -> None:
    """See that nobody holds a lock: a transaction that writes can begin at once.

    Raises
    ------
    Failed
        Somebody does.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            require(False, f"{path}: {error}")
