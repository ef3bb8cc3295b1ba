"""The table of blobs: stored once under the hash of their content."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from lashgraph.format.blob import (
    PREFIX,
    BlobProfile,
    Descriptor,
    StoredBlob,
    content_hash,
    peek,
    unwrap,
    wrap,
)
from lashgraph.sqlite.connect import content_limit

_SIZES = """
    SELECT rowid, hash, CASE typeof(content)
        WHEN 'blob' THEN length(content) ELSE length(CAST(content AS BLOB)) END
    FROM blobs"""


class BlobRow(NamedTuple):
    """Key and size of a stored blob; no content is read for it."""

    rowid: int
    hash: str
    stored_bytes: int


def put(connection: sqlite3.Connection, content: bytes) -> str:
    """Store content as it is, unless its hash is there already."""
    key = content_hash(content)
    connection.execute("INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", (key, content))
    return key


def put_wrapped(
    connection: sqlite3.Connection, descriptor: Descriptor, content: bytes, profile: BlobProfile
) -> str:
    """Store content in an envelope, unless its hash is there already in whatever form."""
    key = content_hash(content)
    connection.execute(
        "INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)",
        (key, wrap(descriptor, content, profile)),
    )
    return key


def stored(connection: sqlite3.Connection, key: str) -> bytes | None:
    """The stored bytes of a blob."""
    row = connection.execute(
        "SELECT CAST(content AS BLOB) FROM blobs WHERE hash = ?", (key,)
    ).fetchone()
    return None if row is None else row[0] or b""


def stored_bytes(connection: sqlite3.Connection, key: str) -> int | None:
    """Bytes of a blob as stored; None where it is absent. No content is read."""
    row = connection.execute(
        "SELECT length(CAST(content AS BLOB)) FROM blobs WHERE hash = ?", (key,)
    ).fetchone()
    return None if row is None else int(row[0] or 0)


def load(connection: sqlite3.Connection, key: str) -> StoredBlob | None:
    """A blob, its envelope read as the runtime reads it."""
    content = stored(connection, key)
    return None if content is None else unwrap(content, content_limit(connection))


def sizes(connection: sqlite3.Connection) -> list[BlobRow]:
    """Every blob with a text key, in the order of the table, without reading contents."""
    return [BlobRow(*row) for row in connection.execute(_SIZES) if type(row[1]) is str]


def keys(connection: sqlite3.Connection) -> list[str]:
    """Every key that is a text, from the index alone."""
    return [key for (key,) in connection.execute("SELECT hash FROM blobs") if type(key) is str]


def odd_keys(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Rows whose key is no text: never named by a ref, never deleted."""
    return [
        (rowid, kind)
        for rowid, kind in connection.execute(
            "SELECT rowid, typeof(hash) FROM blobs WHERE hash IS NULL OR hash < '' OR hash >= x''"
        )
    ]


def kinds(connection: sqlite3.Connection, rowids: list[int]) -> Iterator[tuple[str, str]]:
    """Kind and compression of blobs, by their first bytes where those tell."""
    for rowid in rowids:
        seen = peek(_prefix(connection, rowid))
        if seen is None:
            whole = unwrap(_at(connection, rowid), content_limit(connection))
            seen = whole.kind, whole.compression
        yield seen


def kind_of(connection: sqlite3.Connection, key: str) -> str | None:
    """Kind of one blob; None where it is absent."""
    row = connection.execute("SELECT rowid FROM blobs WHERE hash = ?", (key,)).fetchone()
    return next(kinds(connection, [row[0]]))[0] if row else None


def _prefix(connection: sqlite3.Connection, rowid: int) -> bytes:
    try:
        with connection.blobopen("blobs", "content", rowid, readonly=True) as blob:
            return blob.read(PREFIX)
    except sqlite3.OperationalError:
        return _at(connection, rowid)


def _at(connection: sqlite3.Connection, rowid: int) -> bytes:
    """Stored bytes by rowid; empty where an index names a row that is gone."""
    row = connection.execute(
        "SELECT CAST(content AS BLOB) FROM blobs WHERE rowid = ?", (rowid,)
    ).fetchone()
    return b"" if row is None else row[0] or b""


def delete(connection: sqlite3.Connection, doomed: list[int], total: int) -> int:
    """Delete blobs by rowid, set-wise and in the order of the table.

    Parameters
    ----------
    doomed : list of int
        Rowids to delete.
    total : int
        Number of all blobs, to choose the smaller of the two sets.

    Returns
    -------
    int
        Number of deleted rows.
    """
    if not doomed:
        return 0
    connection.execute("CREATE TEMP TABLE lashgraph_chosen (id INTEGER PRIMARY KEY)")
    try:
        if 2 * len(doomed) <= total:
            _fill(connection, doomed)
            where = "rowid IN (SELECT id FROM temp.lashgraph_chosen)"
        else:
            gone = set(doomed)
            rows = connection.execute("SELECT rowid FROM blobs ORDER BY rowid")
            _fill(connection, [rowid for (rowid,) in rows if rowid not in gone])
            where = "rowid NOT IN (SELECT id FROM temp.lashgraph_chosen)"
        return connection.execute(f"DELETE FROM blobs WHERE {where}").rowcount
    finally:
        connection.execute("DROP TABLE temp.lashgraph_chosen")


def _fill(connection: sqlite3.Connection, rowids: list[int]) -> None:
    connection.executemany(
        "INSERT INTO temp.lashgraph_chosen (id) VALUES (?)", ((rowid,) for rowid in sorted(rowids))
    )
