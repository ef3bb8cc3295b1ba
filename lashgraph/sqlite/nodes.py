"""The table of graph nodes: scanned in chunks, walked, appended, replaced, marked dead."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from lashgraph.errors import DuplicateNodeError
from lashgraph.format.lines import Damage, decode_rows
from lashgraph.format.names import rows_that_may_name
from lashgraph.format.node import Node, encode_node
from lashgraph.sqlite.connect import raw_text

_ROWS = 200
_PAGE = 512


class NodeChunk(NamedTuple):
    """Consecutive rows of the table.

    Attributes
    ----------
    texts : sequence of bytes
        The rows' JSON.
    nodes : list of Node or None
        None stands for a row that the runtime would drop.
    damages : list of Damage
        Why, by position in the chunk.
    keys : RowKeys or None
        The rows' other columns, if they were asked for.
    """

    texts: Sequence[bytes]
    nodes: list[Node | None]
    damages: list[Damage]
    keys: RowKeys | None


class RowKeys(NamedTuple):
    """Load order, node ids and tombstone flags of rows."""

    seqs: Sequence[int]
    ids: list[str]
    tombstoned: Sequence[int]


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
    columns = ", seq, node_id, tombstoned <> 0" if keys else ""
    with raw_text(connection):
        cursor = connection.execute(
            f"SELECT node_json, typeof(node_json) = 'text' {columns} FROM graph_nodes {where} "
            "ORDER BY seq"
        )
        while rows := cursor.fetchmany(_ROWS):
            texts, are_text, *rest = zip(*rows, strict=True)
            if all(are_text):
                nodes, damages = decode_rows(texts)
            else:
                texts = tuple(map(_as_bytes, texts))
                nodes, damages = _decode_odd(texts, are_text)
            found = RowKeys(rest[0], _id_texts(rest[1]), rest[2]) if keys else None
            yield NodeChunk(texts, nodes, damages, found)


def _decode_odd(
    texts: Sequence[bytes], are_text: Sequence[int]
) -> tuple[list[Node | None], list[Damage]]:
    """Decode rows of which some are not stored as text: the runtime drops those."""
    nodes, damages = decode_rows(texts)
    reasons = dict(damages)
    for position, is_text in enumerate(are_text):
        if not is_text:
            nodes[position] = None
            reasons[position] = "not stored as text"
    return nodes, [Damage(position, reasons[position]) for position in sorted(reasons)]


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _id_texts(ids: Sequence[Any]) -> list[str]:
    try:
        return list(map(bytes.decode, ids))
    except (UnicodeDecodeError, TypeError):
        return list(map(id_text, ids))


class Suspect(NamedTuple):
    """A row that may name a blob."""

    node_id: str
    text: bytes
    is_readable: bool


def suspects(connection: sqlite3.Connection) -> list[Suspect]:
    """Live rows that hold the key of an archive or what looks like a hash, in load order.

    The other rows are fetched and not decoded.
    """
    found: list[tuple[int, bytes]] = []
    with raw_text(connection):
        cursor = connection.execute(
            "SELECT seq, node_json FROM graph_nodes WHERE tombstoned = 0 ORDER BY seq"
        )
        while rows := cursor.fetchmany(_ROWS):
            texts = [_as_bytes(text) for _, text in rows]
            found += ((rows[at][0], texts[at]) for at in rows_that_may_name(texts))
    return [_suspect(connection, seq, text) for seq, text in found]


def _suspect(connection: sqlite3.Connection, seq: int, text: bytes) -> Suspect:
    node_id, is_text = connection.execute(
        "SELECT node_id, typeof(node_json) = 'text' FROM graph_nodes WHERE seq = ?", (seq,)
    ).fetchone()
    return Suspect(id_text(node_id), text, bool(is_text) and not decode_rows([text])[1])


def id_text(node_id: object) -> str:
    """A row's node id as text, whatever its storage class."""
    return node_id.decode("utf-8", "replace") if isinstance(node_id, bytes) else str(node_id)


def load_all(
    connection: sqlite3.Connection, *, tombstoned: bool
) -> tuple[list[Node], list[tuple[str, str]]]:
    """All nodes that can be read, in load order; of the others the row's id and why."""
    found: list[Node] = []
    with paused_collector():
        for chunk in scan(connection, tombstoned=tombstoned):
            if chunk.damages:
                break
            found += chunk.nodes  # type: ignore[arg-type]
        else:
            return found, []
        return _load_damaged(connection, tombstoned)


def _load_damaged(
    connection: sqlite3.Connection, tombstoned: bool
) -> tuple[list[Node], list[tuple[str, str]]]:
    """Once more from the start, with the ids of rows that cannot be read."""
    found: list[Node] = []
    unreadable: list[tuple[str, str]] = []
    for chunk in scan(connection, tombstoned=tombstoned, keys=True):
        found += [node for node in chunk.nodes if node is not None]
        unreadable += damaged_rows(chunk)
    return found, unreadable


def damaged_rows(chunk: NodeChunk) -> list[tuple[str, str]]:
    """Row id and reason of each row of a chunk that cannot be read."""
    ids = chunk.keys.ids if chunk.keys is not None else []
    return [(ids[position], reason) for position, reason in chunk.damages]


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
