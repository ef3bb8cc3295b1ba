"""Reading what may be anything: JSON that is no JSON, texts that are no UTF-8, rows half there."""

from __future__ import annotations

import sqlite3
from typing import Any

from lashgraph.format import jsontext
from lashgraph.format.blob import peek, unwrap
from lashgraph.sqlite import heads, integrity
from lashgraph.sqlite.connect import content_limit


def value_of(text: str | bytes) -> Any:
    """The value of a JSON text, or the text itself where it is not JSON."""
    readable = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return jsontext.lenient(readable)


def leaf(connection: sqlite3.Connection) -> str | None:
    """The leaf that the head names, as far as it can be read."""
    row = heads.row(connection)
    head = value_of(row.json) if row else None
    named = head.get("leaf_node_id") if isinstance(head, dict) else None
    return named if isinstance(named, str) else None


def session_id(connection: sqlite3.Connection) -> str:
    """The session that the file holds; empty where that cannot be read."""
    try:
        row = heads.row(connection)
        if row is None:
            return heads.session_id(connection)
    except sqlite3.Error as error:
        if not integrity.is_damage(error):
            raise
        return ""
    head = value_of(row.json)
    named = head.get("session_id") if isinstance(head, dict) else None
    return named if isinstance(named, str) else row.session_id


def blob_kind(connection: sqlite3.Connection, rowid: int) -> str:
    """Kind of a blob by its first bytes, or by all of them where those do not tell."""
    seen = peek(integrity.blob_head(connection, rowid))
    if seen is not None:
        return seen[0]
    return unwrap(integrity.blob_content(connection, rowid), content_limit(connection)).kind
