"""The table of graph nodes: scanned in chunks, walked, appended, replaced, marked dead."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from lashgraph.errors import DuplicateNodeError
from lashgraph.format.lines import Damage, decode_rows
from lashgraph.format.node import Node, encode_node
from lashgraph.sqlite.connect import raw_text

_ROWS = 200
_PAGE = 512


class NodeChunk(NamedTuple):
    """Consecutive rows of the table.

    Attributes
    ----------
    seqs : list of int
        Load order.
    texts : list of bytes
        The rows' JSON.
    nodes : list of Node or None
        None stands for a row that the runtime would drop.
    damages : list of Damage
        Why, by position in the chunk.
    ids, tombstoned : list
        The rows' node ids and whether each is tombstoned; empty unless asked for.
    """

    seqs: tuple[int, ...]
    texts: tuple[bytes, ...]
    nodes: list[Node | None]
    damages: list[Damage]
    ids: tuple[bytes, ...]
    tombstoned: tuple[int, ...]


def scan(
    connection: sqlite3.Connection, *, tombstoned: bool, keys: bool = False
) -> Iterator[NodeChunk]:
    """All rows in load order, decoded in chunks that stay in the processor's cache.

    Parameters
    ----------
    tombstoned : bool
        Whether tombstoned rows are delivered too.
    keys : bool
        Whether the rows' ids and tombstone flags are delivered.
    """
    where = "" if tombstoned else "WHERE tombstoned = 0"
    columns = ", node_id, tombstoned <> 0" if keys else ""
    with raw_text(connection):
        odd = _odd_rows(connection)
        cursor = connection.execute(
            f"SELECT seq, node_json {columns} FROM graph_nodes {where} ORDER BY seq"
        )
        while rows := cursor.fetchmany(_ROWS):
            seqs, texts, *rest = zip(*rows, strict=True)
            if odd:
                nodes, damages = _decode_odd(seqs, texts, odd)
            else:
                nodes, damages = decode_rows(texts)
            ids, flags = rest if keys else ((), ())
            yield NodeChunk(seqs, texts, nodes, damages, ids, flags)


def _odd_rows(connection: sqlite3.Connection) -> dict[int, str]:
    """Rows whose JSON is not stored as text: the runtime drops them."""
    return {
        seq: kind.decode()
        for seq, kind in connection.execute(
            "SELECT seq, typeof(node_json) FROM graph_nodes WHERE typeof(node_json) <> 'text'"
        )
    }


def _decode_odd(
    seqs: tuple[int, ...], texts: tuple[object, ...], odd: dict[int, str]
) -> tuple[list[Node | None], list[Damage]]:
    nodes, damages = decode_rows([_as_bytes(text) for text in texts])
    reasons = dict(damages)
    for position, seq in enumerate(seqs):
        if seq in odd:
            nodes[position] = None
            reasons[position] = f"stored as {odd[seq]}, not as text"
    return nodes, [Damage(position, reasons[position]) for position in sorted(reasons)]


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def id_text(node_id: object) -> str:
    """A row's node id as text, whatever its storage class."""
    return node_id.decode("utf-8", "replace") if isinstance(node_id, bytes) else str(node_id)


def load_all(
    connection: sqlite3.Connection, *, tombstoned: bool
) -> tuple[list[Node], list[tuple[str, str]]]:
    """All nodes that can be read, in load order; of the others the row's id and why."""
    found: list[Node] = []
    unreadable: list[tuple[str, str]] = []
    with paused_collector():
        for chunk in scan(connection, tombstoned=tombstoned):
            if not chunk.damages:
                found += chunk.nodes  # type: ignore[arg-type]
                continue
            found += [node for node in chunk.nodes if node is not None]
            for position, reason in chunk.damages:
                unreadable.append((_id_of(connection, chunk.seqs[position]), reason))
    return found, unreadable


def _id_of(connection: sqlite3.Connection, seq: int) -> str:
    row = connection.execute("SELECT node_id FROM graph_nodes WHERE seq = ?", (seq,)).fetchone()
    return id_text(row[0])


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause Python's garbage collector while many records are made, none of which is a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_WALK = """
    WITH RECURSIVE path(seq, parent) AS (
        SELECT seq, json_extract(node_json, '$.parent_node_id') FROM graph_nodes
        WHERE node_id = ? AND tombstoned = 0
        UNION ALL
        SELECT g.seq, json_extract(g.node_json, '$.parent_node_id')
        FROM path JOIN graph_nodes AS g ON g.node_id = path.parent AND g.tombstoned = 0
        LIMIT ?)
    SELECT g.node_json FROM path JOIN graph_nodes AS g USING (seq)"""


class Walk(NamedTuple):
    """The active path, root first, and what could not be read on it."""

    nodes: list[Node]
    damages: list[tuple[str, str]]


def walk(connection: sqlite3.Connection, leaf: str) -> Walk:
    """The path from a leaf to its root, as SQL sees it: by the rows' ids and the JSON's parents.

    It stops at a parent that is missing or tombstoned, and where it would meet a node again. Rows
    that do not decode are walked through and left out; at one that is not JSON the walk stops.
    """
    total = int(connection.execute("SELECT count(*) FROM graph_nodes").fetchone()[0])
    try:
        with raw_text(connection):
            rows = [row for (row,) in connection.execute(_WALK, (leaf, total + 1))]
    except sqlite3.OperationalError as error:
        if "JSON" not in str(error):
            raise
        rows = None
    if rows is None or len(rows) > total or not all(isinstance(row, bytes) for row in rows):
        return _walk_slowly(connection, leaf)
    rows.reverse()
    return _walked(rows, [leaf] * len(rows))


def _walked(rows: list[bytes], keys: list[str]) -> Walk:
    nodes: list[Node] = []
    damages: list[tuple[str, str]] = []
    for start in range(0, len(rows), _PAGE):
        found, broken = decode_rows(rows[start : start + _PAGE])
        nodes.extend(node for node in found if node is not None)
        damages.extend((keys[start + damage.position], damage.reason) for damage in broken)
    return Walk(nodes, damages)


def _walk_slowly(connection: sqlite3.Connection, leaf: str) -> Walk:
    """The same walk row by row, naming a cycle or a row that is not JSON."""
    rows: list[bytes] = []
    keys: list[str] = []
    ends: list[tuple[str, str]] = []
    seen: set[str] = set()
    current: str | None = leaf
    while current is not None:
        if current in seen:
            ends.append((current, "the parents form a cycle; the path ends here"))
            break
        seen.add(current)
        found = connection.execute(
            "SELECT CAST(node_json AS BLOB), json_valid(node_json), typeof(node_json) "
            "FROM graph_nodes WHERE node_id = ? AND tombstoned = 0",
            (current,),
        ).fetchone()
        if found is None:
            break
        text, valid, kind = found
        if not valid:
            ends.append((current, "not JSON; the path ends here"))
            break
        if kind == "text":
            rows.append(text)
            keys.append(current)
        parent = connection.execute(
            "SELECT json_extract(node_json, '$.parent_node_id') FROM graph_nodes WHERE node_id = ?",
            (current,),
        ).fetchone()[0]
        current = None if parent is None else str(parent)
    walked = _walked(rows[::-1], keys[::-1])
    return Walk(walked.nodes, walked.damages + ends)


def load(connection: sqlite3.Connection, node_id: str) -> Node | None:
    """One live node by its row's id; None where it is absent, tombstoned or unreadable."""
    found = connection.execute(
        "SELECT CAST(node_json AS BLOB) FROM graph_nodes "
        "WHERE node_id = ? AND tombstoned = 0 AND typeof(node_json) = 'text'",
        (node_id,),
    ).fetchone()
    return decode_rows([found[0]])[0][0] if found else None


def append(connection: sqlite3.Connection, nodes: Iterable[Node]) -> None:
    """Insert nodes at the end.

    Raises
    ------
    DuplicateNodeError
        An id stands in the table already, tombstoned or not.
    """
    for node in nodes:
        try:
            connection.execute(
                "INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)",
                (node.node_id, encode_node(node)),
            )
        except sqlite3.IntegrityError as error:
            raise DuplicateNodeError(
                f"node {node.node_id!r} is in the graph already (a tombstoned row counts until "
                "vacuum); nothing of this write was kept",
                node_id=node.node_id,
            ) from error


def replace(connection: sqlite3.Connection, nodes: Iterable[Node]) -> None:
    """Delete all nodes, tombstoned ones too, and insert these."""
    connection.execute("DELETE FROM graph_nodes")
    append(connection, nodes)


def tombstone(connection: sqlite3.Connection, node_ids: Iterable[str]) -> int:
    """Mark nodes dead and return how many were alive; unknown ids are passed over."""
    before = connection.total_changes
    connection.executemany(
        "UPDATE graph_nodes SET tombstoned = 1 WHERE node_id = ? AND tombstoned = 0",
        [(node_id,) for node_id in node_ids],
    )
    return connection.total_changes - before


def vacuum(connection: sqlite3.Connection) -> int:
    """Delete the tombstoned rows and return their number."""
    return connection.execute("DELETE FROM graph_nodes WHERE tombstoned = 1").rowcount


def count_live(connection: sqlite3.Connection) -> int:
    """Number of rows that are not tombstoned."""
    return int(
        connection.execute("SELECT count(*) FROM graph_nodes WHERE tombstoned = 0").fetchone()[0]
    )
