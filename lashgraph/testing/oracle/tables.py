"""The tables that matter, whole and in memory."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_LATEST_MS = (1 << 63) // 1_000_000


class NodeRow(NamedTuple):
    """A node that is not tombstoned, as it is stored."""

    node_id: str
    json: bytes
    is_text: bool


class TurnRow(NamedTuple):
    """A recorded turn, as it is stored."""

    session_id: str
    turn_id: str
    json: bytes
    at_ms: int


class Tables:
    """What stands in a store.

    Attributes
    ----------
    blobs : dict of str to bytes
        Stored bytes by key.
    odd_names : list of str
        Keys and names of blobs that are no texts.
    head : (str, bytes) or None
        The session's id and the JSON of the head's row.
    artifacts : dict of str to str
        Named blobs, in the order of their names.
    turns : list of TurnRow
        In the order of their rows.
    nodes : list of NodeRow
        In load order.
    ever_had_nodes : bool
        Whether there is a row of a node, tombstoned or not.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        self.odd_names: list[str] = []
        self.blobs: dict[str, bytes] = {}
        self.artifacts: dict[str, str] = {}
        for rowid, kind, key, content in rows(
            "SELECT rowid, typeof(hash), CAST(hash AS BLOB), CAST(content AS BLOB) FROM blobs"
        ):
            if kind == "text":
                self.blobs[_text(key)] = content or b""
            else:
                self.odd_names.append(f"the key of blob {rowid}")
        for name, kind, target in rows(
            "SELECT CAST(artifact_ref AS BLOB), typeof(blob_ref), CAST(blob_ref AS BLOB) "
            "FROM artifact_refs ORDER BY artifact_ref"
        ):
            if kind == "text":
                self.artifacts[_text(name)] = _text(target)
            else:
                self.odd_names.append(f"the target of artifact {_text(name)}")
        heads = rows(
            "SELECT CAST(session_id AS BLOB), CAST(head_json AS BLOB) FROM session_head "
            "WHERE singleton = 1"
        )
        self.head = (_text(heads[0][0]), heads[0][1] or b"") if heads else None
        self.turns = [
            TurnRow(_text(session), _text(turn), json or b"", _time(at))
            for session, turn, json, at in rows(
                "SELECT CAST(session_id AS BLOB), CAST(turn_id AS BLOB), "
                "CAST(result_json AS BLOB), committed_at_ms FROM runtime_turn_commits "
                "ORDER BY rowid"
            )
        ]
        self.nodes = [
            NodeRow(_text(node_id), json or b"", kind == "text")
            for node_id, json, kind in rows(
                "SELECT CAST(node_id AS BLOB), CAST(node_json AS BLOB), typeof(node_json) "
                "FROM graph_nodes WHERE tombstoned = 0 ORDER BY seq"
            )
        ]
        self.ever_had_nodes = rows("SELECT count(*) FROM graph_nodes")[0][0] > 0


@contextmanager
def tables_of(store: str | os.PathLike[str] | sqlite3.Connection) -> Iterator[Tables]:
    """The tables of a connection, or of a copy of a file and of its write-ahead log."""
    if isinstance(store, sqlite3.Connection):
        yield Tables(store)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store.db"
        shutil.copyfile(store, copy)
        log = Path(f"{os.fspath(store)}-wal")
        if log.exists():
            shutil.copyfile(log, f"{copy}-wal")
        connection = sqlite3.connect(copy)
        try:
            yield Tables(connection)
        finally:
            connection.close()


def _text(value: bytes | None) -> str:
    return str(value) if value is None else value.decode("utf-8", "replace")


def _time(value: Any) -> int:
    """Milliseconds since 1970; 0 where it is none that 64 bits hold as nanoseconds."""
    return value if type(value) is int and abs(value) < _LATEST_MS else 0
