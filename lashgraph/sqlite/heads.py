"""The session's head and metadata: one row each."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from lashgraph.errors import DamagedHeadError
from lashgraph.format import jsontext
from lashgraph.format.head import Head, decode_head, encode_head
from lashgraph.format.session import SessionMeta, decode_relation, encode_relation
from lashgraph.format.strict import Invalid
from lashgraph.sqlite.connect import dialect_of, text_of


class HeadRow(NamedTuple):
    """The head as it is stored."""

    session_id: str
    json: bytes
    revision: int
    is_text: bool
    has_revision: bool


def row(connection: sqlite3.Connection) -> HeadRow | None:
    """The head's row, undecoded."""
    found = connection.execute(
        "SELECT session_id, CAST(head_json AS BLOB), head_revision, typeof(head_json) = 'text' "
        "FROM session_head WHERE singleton = 1"
    ).fetchone()
    if found is None:
        return None
    session_id, json, revision, is_text = found
    counts = type(revision) is int and revision >= 0
    return HeadRow(
        text_of(session_id), json or b"", revision if counts else 0, bool(is_text), counts
    )


def texts(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """Every head of the file as it stands there, behind the id of its session."""
    if dialect_of(connection).sessions:
        rows = connection.execute(
            "SELECT session_id, CAST(head_json AS BLOB) FROM main.session_head ORDER BY session_id"
        )
        return [(text_of(session_id), json or b"") for session_id, json in rows]
    found = row(connection)
    return [] if found is None else [(found.session_id, found.json)]


def load(connection: sqlite3.Connection) -> Head | None:
    """The head as the runtime reads it.

    Raises
    ------
    DamagedHeadError
        The runtime could not read it.
    """
    found = row(connection)
    if found is None:
        return None
    try:
        if not found.is_text:
            raise Invalid("it is not stored as text")
        if not found.has_revision:
            raise Invalid("the column head_revision beside it is no count")
        return decode_head(found.json, found.revision, dialect_of(connection).records.head)
    except Invalid as error:
        raise DamagedHeadError(
            f"session_head.head_json cannot be read: {error}; the blobs it names are kept by every "
            "collection here, and store.refs() lists what can still be seen",
            table="session_head",
            key="1",
        ) from None


def save(connection: sqlite3.Connection, head: Head) -> None:
    """Write the head with the revision it holds."""
    connection.execute(
        "INSERT OR REPLACE INTO session_head (singleton, session_id, head_json, head_revision) "
        "VALUES (1, ?, ?, ?)",
        (head.session_id, encode_head(head), head.head_revision),
    )


def load_meta(connection: sqlite3.Connection) -> SessionMeta | None:
    """The session's metadata."""
    found = connection.execute(
        "SELECT session_id, session_name, created_at, model, cwd, relation_json "
        "FROM session_meta WHERE singleton = 1"
    ).fetchone()
    if found is None:
        return None
    session_id, name, created_at, model, cwd, relation = found
    return SessionMeta(
        session_id=text_of(session_id),
        session_name=text_of(name),
        created_at=text_of(created_at),
        model=text_of(model),
        cwd=None if cwd is None else text_of(cwd),
        relation=decode_relation(
            relation if isinstance(relation, (str, bytes)) else None,
            dialect_of(connection).records.relation,
        ),
    )


def save_meta(connection: sqlite3.Connection, meta: SessionMeta) -> None:
    """Write the session's metadata."""
    connection.execute(
        "INSERT OR REPLACE INTO session_meta (singleton, session_id, session_name, created_at, "
        "model, cwd, relation_json) VALUES (1, ?, ?, ?, ?, ?, ?)",
        (
            meta.session_id,
            meta.session_name,
            meta.created_at,
            meta.model,
            meta.cwd,
            encode_relation(meta.relation),
        ),
    )


def leaf(connection: sqlite3.Connection) -> str | None:
    """The leaf that the head names, also where the runtime refuses the head as a whole."""
    found = row(connection)
    if found is None:
        return None
    head = jsontext.lenient(found.json)
    named = head.get("leaf_node_id") if isinstance(head, dict) else None
    return named if isinstance(named, str) else None


def session_id(connection: sqlite3.Connection) -> str:
    """The session that the file holds: of its head, else of its metadata, else empty."""
    found = row(connection)
    if found is not None:
        head = jsontext.lenient(found.json)
        named = head.get("session_id") if isinstance(head, dict) else None
        return named if isinstance(named, str) else found.session_id
    meta = connection.execute("SELECT session_id FROM session_meta WHERE singleton = 1").fetchone()
    return text_of(meta[0]) if meta else ""
