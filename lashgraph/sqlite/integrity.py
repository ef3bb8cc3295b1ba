"""What only a check asks of a file: SQLite's own verdict, and rows as they are stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from lashgraph.errors import UnsafeSchemaError
from lashgraph.format.blob import PREFIX
from lashgraph.sqlite.connect import dialect_of, raw_text
from lashgraph.sqlite.trust import check_writable

_WAITING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT)


def is_damage(error: Exception) -> bool:
    """Whether SQLite failed because of what stands in the file, not because of a lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return not (isinstance(code, int) and code & 0xFF in _WAITING)


def own_check(connection: sqlite3.Connection, *, full: bool) -> Iterator[str]:
    """What SQLite finds wrong with its pages, and in full with its indexes: at most 100 lines."""
    pragma = "integrity_check" if full else "quick_check"
    for (line,) in connection.execute(f"PRAGMA {pragma}"):
        if line != "ok":
            yield str(line)


def broken_foreign_keys(connection: sqlite3.Connection) -> list[tuple[str, int | None, str]]:
    """Table, rowid and the table that lacks the row named."""
    return [
        (str(table), rowid, str(parent))
        for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]


def acting_objects(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Triggers, views and virtual tables: none of them is lash's."""
    try:
        check_writable(connection, "")
    except UnsafeSchemaError as error:
        return error.objects
    return ()


class BlobCell(NamedTuple):
    """A row of blobs, told without its content; ``stored_bytes`` is None where that is null."""

    rowid: int
    key: Any
    content_type: str
    stored_bytes: int | None


def blob_cells(connection: sqlite3.Connection) -> list[BlobCell]:
    """Every row of blobs in the order of the table; no content is read for it."""
    return [
        BlobCell(*row)
        for row in connection.execute(
            "SELECT rowid, hash, typeof(content), length(content) FROM blobs"
        )
    ]


def blob_head(connection: sqlite3.Connection, rowid: int) -> bytes:
    """The first bytes of a row whose content is stored as bytes."""
    with connection.blobopen("blobs", "content", rowid, readonly=True) as blob:
        return blob.read(PREFIX)


def blob_content(connection: sqlite3.Connection, rowid: int) -> bytes:
    """All bytes of a row whose content is stored as bytes."""
    row = connection.execute("SELECT content FROM blobs WHERE rowid = ?", (rowid,)).fetchone()
    if row is None or type(row[0]) is not bytes:
        raise sqlite3.DatabaseError(f"row {rowid} is found by a scan and not by its number")
    return row[0]


def node_text(connection: sqlite3.Connection, seq: int) -> bytes:
    """The JSON of one row of the graph, whatever its storage class."""
    row = connection.execute(
        "SELECT CAST(node_json AS BLOB) FROM graph_nodes WHERE seq = ?", (seq,)
    ).fetchone()
    return bytes(row[0] or b"") if row else b""


def dead_node_ids(connection: sqlite3.Connection) -> set[str]:
    """Ids of the rows that the runtime does not load as alive."""
    with raw_text(connection):
        found = connection.execute("SELECT node_id FROM graph_nodes WHERE tombstoned IS NOT 0")
        return {
            key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            for (key,) in found.fetchall()
        }


def odd_turns(connection: sqlite3.Connection) -> list[str]:
    """Ids of recorded turns whose time is no number."""
    return [
        str(turn)
        for (turn,) in connection.execute(
            "SELECT turn_id FROM runtime_turn_commits WHERE typeof(committed_at_ms) <> 'integer'"
        )
    ]


def relation_text(connection: sqlite3.Connection) -> bytes | None:
    """The stored relation of the session to another; None where there is none."""
    row = connection.execute(
        "SELECT CAST(relation_json AS BLOB) FROM session_meta WHERE singleton = 1"
    ).fetchone()
    return row[0] if row else None


def orphaned_items(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Batch id and index of queued items whose batch is not there."""
    return [
        (str(batch), index)
        for batch, index in connection.execute(
            "SELECT batch_id, item_index FROM queued_work_items AS i WHERE NOT EXISTS "
            "(SELECT 1 FROM queued_work_batches AS b WHERE b.batch_id = i.batch_id) "
            "ORDER BY batch_id, item_index"
        )
    ]


def queue_texts(connection: sqlite3.Connection) -> Iterator[tuple[str, str, bytes]]:
    """Table, key and JSON of everything queued."""
    yield from (
        ("queued_work_batches", str(batch), text or b"")
        for batch, text in connection.execute(
            "SELECT batch_id, CAST(merge_key_json AS BLOB) FROM queued_work_batches "
            "ORDER BY enqueue_seq"
        )
    )
    yield from (
        ("queued_work_items", f"{batch}:{index}", text or b"")
        for batch, index, text in connection.execute(
            "SELECT batch_id, item_index, CAST(payload_json AS BLOB) FROM queued_work_items "
            "ORDER BY batch_id, item_index"
        )
    )
    if "pending_turn_inputs" in dialect_of(connection).tables:
        yield from (
            ("pending_turn_inputs", str(key), text or b"")
            for key, *texts in connection.execute(
                "SELECT input_id, CAST(ingress_json AS BLOB), CAST(input_json AS BLOB) "
                "FROM pending_turn_inputs ORDER BY enqueue_seq"
            )
            for text in texts
        )
