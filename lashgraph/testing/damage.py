"""Damage a store on purpose, one known way at a time."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from types import MappingProxyType

from lashgraph.errors import InvalidRecordError, NotSupportedError


def _head_not_json(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE session_head SET head_json = 'gone'")


def _head_row_absent(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM session_head")


def _head_checkpoint_null(connection: sqlite3.Connection) -> None:
    head = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
    head["checkpoint_ref"] = None
    connection.execute("UPDATE session_head SET head_json = ?", (json.dumps(head),))


def _live_manifest(connection: sqlite3.Connection) -> str:
    head = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
    return str(head["checkpoint_ref"])


def _manifest_absent(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM blobs WHERE hash = ?", (_live_manifest(connection),))


def _manifest_cut(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE blobs SET content = substr(content, 1, length(content) / 2) WHERE hash = ?",
        (_live_manifest(connection),),
    )


def _node_not_json(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE graph_nodes SET node_json = '{' WHERE seq = (SELECT max(seq) FROM graph_nodes)"
    )


def _node_cycle(connection: sqlite3.Connection) -> None:
    """The first node becomes the child of the last one below it."""
    rows = dict(
        connection.execute(
            "SELECT node_id, node_json FROM graph_nodes "
            "WHERE tombstoned = 0 AND json_valid(node_json)"
        )
    )
    parents = {key: json.loads(text).get("parent_node_id") for key, text in rows.items()}
    child = next(key for key, parent in parents.items() if parent in rows)
    top = parents[child]
    node = json.loads(rows[top])
    node["parent_node_id"] = child
    connection.execute(
        "UPDATE graph_nodes SET node_json = ? WHERE node_id = ?", (json.dumps(node), top)
    )


def _turn_not_json(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE runtime_turn_commits SET result_json = '[' "
        "WHERE rowid = (SELECT min(rowid) FROM runtime_turn_commits)"
    )


_DAMAGES: dict[str, tuple[str, Callable[[sqlite3.Connection], None]]] = {
    "head-not-json": ("the head does not parse", _head_not_json),
    "head-row-absent": ("there is no head, yet there are nodes", _head_row_absent),
    "head-checkpoint-null": ("the head names no checkpoint", _head_checkpoint_null),
    "manifest-absent": ("the live manifest is missing", _manifest_absent),
    "manifest-cut": ("the live manifest's envelope is cut in half", _manifest_cut),
    "node-not-json": ("the last node does not parse", _node_not_json),
    "node-cycle": ("a node is the child of its own child", _node_cycle),
    "turn-not-json": ("the first turn's record does not parse", _turn_not_json),
}

DAMAGES: Mapping[str, str] = MappingProxyType({name: what for name, (what, _) in _DAMAGES.items()})
"""Kinds of damage, and what each one is."""


def damage(path: str | os.PathLike[str], kind: str) -> None:
    """Damage a store in place.

    Parameters
    ----------
    path : path
        A store with a head, a checkpoint and linked nodes; nobody else may have it open.
    kind : str
        One of `DAMAGES`.

    Raises
    ------
    InvalidRecordError
        There is no such kind.
    NotSupportedError
        The store has not what this kind damages, or it is damaged itself.

    Examples
    --------
    >>> sorted(DAMAGES)[0]
    'head-checkpoint-null'
    """
    if kind not in _DAMAGES:
        raise InvalidRecordError(f"no damage {kind!r}; known: {', '.join(_DAMAGES)}")
    with closing(sqlite3.connect(path)) as connection:
        try:
            _DAMAGES[kind][1](connection)
        except (TypeError, KeyError, ValueError, StopIteration, sqlite3.IntegrityError) as error:
            raise NotSupportedError(f"{path}: too little in it for {kind}") from error
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
