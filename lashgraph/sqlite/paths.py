"""The active path, walked from its leaf to its root."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from lashgraph.format.node import Node
from lashgraph.sqlite.connect import dialect_of, raw_text
from lashgraph.sqlite.nodes import as_bytes, decoded, id_text, id_texts, paused_collector

_STRETCH = """
    SELECT CAST(node_id AS BLOB), node_json, typeof(node_json) = 'text' FROM graph_nodes
    WHERE seq <= (SELECT seq FROM graph_nodes WHERE node_id = ? AND tombstoned = 0)
        AND tombstoned = 0
    ORDER BY seq DESC LIMIT ?"""
_LONGEST = 256


class Walk(NamedTuple):
    """The active path, root first, and what could not be read on it."""

    nodes: list[Node]
    damages: list[tuple[str, str]]


def walk(connection: sqlite3.Connection, leaf: str) -> Walk:
    """The path from a leaf to its root, by the rows' ids and the JSON's parents.

    It stops at a parent that is missing or tombstoned, and where it would meet a node again. Rows
    that do not decode are walked through and left out; at one that is not JSON the walk stops.

    A parent mostly stands just before its child, so rows are fetched by the stretch: a longer one
    each time that the path stayed in the last.
    """
    found: list[Node] = []
    damages: list[tuple[str, str]] = []
    seen: set[str] = set()
    stretch: dict[str, Node | str] = {}
    length, used = 1, 0
    current: str | None = leaf
    with paused_collector():
        while current is not None:
            if current in seen:
                damages.append((current, "the parents form a cycle; the path ends here"))
                break
            seen.add(current)
            if current not in stretch:
                length = min(4 * length, _LONGEST) if 2 * used >= len(stretch) else 1
                stretch, used = _stretch(connection, current, length), 0
                if current not in stretch:
                    break
            used += 1
            node = stretch[current]
            if isinstance(node, Node):
                found.append(node)
                current = node.parent_node_id
            elif _is_json(connection, current):
                damages.append((current, node))
                current = _parent(connection, current)
            else:
                damages.append((current, "not JSON; the path ends here"))
                break
    return Walk(found[::-1], damages)


def _stretch(connection: sqlite3.Connection, last: str, length: int) -> dict[str, Node | str]:
    """Live rows in load order up to one of them: the node, or why it cannot be read."""
    with raw_text(connection):
        rows = connection.execute(_STRETCH, (last, length)).fetchall()
    if not rows:
        return {}
    ids, texts, are_text = zip(*rows, strict=True)
    nodes, damages = decoded(
        tuple(map(as_bytes, texts)), are_text, dialect_of(connection).records.node
    )
    made: dict[str, Any] = dict(zip(id_texts(ids), nodes, strict=True))
    made.update((id_text(ids[position]), reason) for position, reason in damages)
    return made


def _is_json(connection: sqlite3.Connection, node_id: str) -> bool:
    """Whether SQLite takes a live row for JSON."""
    valid = "SELECT json_valid(node_json) FROM graph_nodes WHERE node_id = ? AND tombstoned = 0"
    return bool(connection.execute(valid, (node_id,)).fetchone()[0])


def _parent(connection: sqlite3.Connection, node_id: str) -> str | None:
    """The parent that SQLite sees in a live row of JSON."""
    parent = connection.execute(
        "SELECT json_extract(node_json, '$.parent_node_id') FROM graph_nodes "
        "WHERE node_id = ? AND tombstoned = 0",
        (node_id,),
    ).fetchone()[0]
    return None if parent is None else str(parent)
