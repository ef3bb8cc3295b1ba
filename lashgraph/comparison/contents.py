"""All that a session store holds, as values that can be compared: keys, and digests of the rest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, get_args

from lashgraph.format import jsontext
from lashgraph.reach import collect_refs
from lashgraph.sqlite import heads
from lashgraph.sqlite.connect import dialect_of

Entity = Literal["node", "blob", "ref", "head", "turn", "usage", "meta", "work", "attachment"]
ENTITIES: tuple[Entity, ...] = get_args(Entity)

_TABLES: Mapping[str, Entity] = {
    "graph_nodes": "node",
    "blobs": "blob",
    "runtime_turn_commits": "turn",
    "usage_deltas": "usage",
    "session_meta": "meta",
    "queued_work_batches": "work",
    "queued_work_items": "work",
    "attachment_manifest": "attachment",
    "pending_turn_inputs": "work",
    "session_execution_leases": "work",
    "runtime_turn_checkpoints": "work",
    "runtime_effect_journal": "work",
}
"""Tables that are compared row by row; head and artifact refs are compared by what they say."""

_TABLES_OF_MANY: Mapping[str, Entity] = {
    **_TABLES,
    "session_head": "head",
    "artifact_refs": "ref",
    "node_anchors": "ref",
    "fork_lineage": "meta",
    "deleted_sessions": "meta",
}
"""Tables of a file of many sessions, which is compared as a whole."""

_KEYS = {"graph_nodes": ("node_id",), "blobs": ("hash",)}
"""Columns that name a row for lash, where these are not the primary key."""

_SHORT = 32
_DIGEST = 16

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Contents:
    """What a store holds: by entity and key the values of a row, long ones as digests.

    Attributes
    ----------
    path, session_id : str
        The store; no session of a file of many.
    rows : mapping
        Of each entity the rows by key. What a ref and a field of the head say is kept as text.
    """

    path: str
    session_id: str
    rows: Mapping[Entity, Mapping[str, Row]]


def read_contents(connection: sqlite3.Connection, path: str) -> Contents:
    """Read everything that a store holds once; of a file of many sessions, that of all."""
    rows: dict[Entity, dict[str, Row]] = {entity: {} for entity in ENTITIES}
    dialect = dialect_of(connection)
    compared = _TABLES_OF_MANY if dialect.sessions else _TABLES
    if not dialect.sessions:
        rows["head"] = _head(connection)
        rows["ref"] = _refs(connection)
    with _typed_texts(connection):
        tables = dialect.tables
        for table, entity in compared.items():
            if table not in tables:
                continue
            several = sum(other == entity for other in compared.values()) > 1
            prefix = f"{table} " if several else ""
            for key, row in _rows(connection, table, tables[table]):
                rows[entity][prefix + key] = row
    session_id = "" if dialect.sessions else heads.session_id(connection)
    return Contents(path, session_id, rows)


def _head(connection: sqlite3.Connection) -> dict[str, Row]:
    """The head's fields; all of its text where it is no object, and to tell how it is spelt."""
    found = heads.row(connection)
    if found is None:
        return {}
    fields = {"column session_id": found.session_id, "column head_revision": str(found.revision)}
    head = jsontext.lenient(found.json)
    if isinstance(head, dict):
        fields |= {str(name): _text(value) for name, value in head.items()}
    return {
        **{name: {"value": value} for name, value in fields.items()},
        HEAD_TEXT: {"value": blake2b(found.json, digest_size=_DIGEST).hexdigest()},
    }


HEAD_TEXT = "head_json"
"""Key of the head's text as a whole."""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except RecursionError:
        return "(nested too deep to be shown)"


def _refs(connection: sqlite3.Connection) -> dict[str, Row]:
    """What head, agent frames, artifacts and turns name; nodes and blobs are compared whole."""
    refs = collect_refs(connection)
    named = [
        *refs.head_roots(),
        *refs.agent_frames(),
        *refs.artifacts,
        *(ref for turn in refs.turns for ref in turn.named()),
    ]
    found: dict[str, Row] = {}
    for ref in named:
        key = ref.ref if ref.field in ("checkpoint_ref", "blob_ref") else f"{ref.ref} {ref.field}"
        earlier = found.get(key)
        value = ref.blob_hash if earlier is None else f"{earlier['value']}, {ref.blob_hash}"
        found[key] = {"value": value}
    return found


def _rows(
    connection: sqlite3.Connection, table: str, columns: Iterable[str]
) -> Iterator[tuple[str, Row]]:
    """The rows as they stand in the file, whatever a dialect makes of them."""
    keys = _KEYS.get(table) or tuple(_primary_key(connection, table))
    others = [name for name in columns if name not in keys]
    chosen = ", ".join([*keys, *others])
    width = len(keys)
    odd = 0
    for cells in connection.execute(f"SELECT {chosen} FROM main.{table}"):
        names = [_key(cell) for cell in cells[:width]]
        key = ":".join(name for name, _ in names)
        if not all(is_plain for _, is_plain in names):
            odd += 1
            key = f"{key} (key of an odd kind, number {odd})"
        yield key, dict(zip(others, map(_cell, cells[width:]), strict=True))


def _primary_key(connection: sqlite3.Connection, table: str) -> Iterable[str]:
    found = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    for row in sorted((row for row in found if row[5]), key=lambda row: int(row[5])):
        yield row[1].decode() if isinstance(row[1], (bytes, bytearray)) else str(row[1])


def _key(cell: object) -> tuple[str, bool]:
    """A key as text, and whether no other key gives the same."""
    if isinstance(cell, bytearray):
        try:
            return cell.decode(), True
        except UnicodeDecodeError:
            return repr(bytes(cell)), False
    return (str(cell), True) if isinstance(cell, int) else (repr(cell), False)


def _cell(cell: object) -> object:
    """A value that is equal only for the same bytes in the same storage class."""
    if isinstance(cell, (bytes, bytearray)):
        kind = b"t" if isinstance(cell, bytearray) else b"b"
        if len(cell) <= _SHORT:
            return kind + b"=" + bytes(cell)
        return kind + b"#" + blake2b(cell, digest_size=_DIGEST).digest()
    return repr(cell) if isinstance(cell, float) else cell


@contextmanager
def _typed_texts(connection: sqlite3.Connection) -> Iterator[None]:
    """Deliver texts as byte arrays, undecoded, so that they differ from bytes."""
    before = connection.text_factory
    connection.text_factory = bytearray
    try:
        yield
    finally:
        connection.text_factory = before
