"""The table of graph nodes: scanned in chunks, appended, replaced, marked dead."""

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
from lashgraph.sqlite.connect import dialect_of, raw_text

_ROWS = 200


class NodeChunk(NamedTuple):
    """Consecutive rows of the table.

    Attributes
    ----------
    nodes : list of Node or None
        None stands for a row that the runtime would drop.
    damages : list of Damage
        Why, by position in the chunk.
    keys : RowKeys or None
        The rows' other columns, if they were asked for.
    """

    nodes: list[Node | None]
    damages: list[Damage]
    keys: RowKeys | None


class RowKeys(NamedTuple):
    """Load order, node ids, tombstone flags and bytes of JSON of rows."""

    seqs: Sequence[int]
    ids: list[str]
    tombstoned: Sequence[int]
    sizes: Sequence[int]


def scan(
    connection: sqlite3.Connection, *, tombstoned: bool, keys: bool = False
) -> Iterator[NodeChunk]:
    """All rows in load order, decoded in chunks that stay in the processor's cache.

    Parameters
    ----------
    tombstoned : bool
        Whether tombstoned rows are delivered too.
    keys : bool
        Whether the rows' other columns are delivered.
    """
    form = dialect_of(connection).records.node
    where = "" if tombstoned else "WHERE tombstoned = 0"
    columns = ", seq, node_id, tombstoned <> 0" if keys else ""
    with raw_text(connection):
        cursor = connection.execute(
            f"SELECT node_json, typeof(node_json) = 'text' {columns} FROM graph_nodes {where} "
            "ORDER BY seq"
        )
        while rows := cursor.fetchmany(_ROWS):
            texts, are_text, *rest = zip(*rows, strict=True)
            if not all(are_text):
                texts = tuple(map(as_bytes, texts))
            found = None
            if keys:
                found = RowKeys(rest[0], id_texts(rest[1]), rest[2], list(map(len, texts)))
            yield NodeChunk(*decoded(texts, are_text, form), found)


def decoded(
    texts: Sequence[bytes], are_text: Sequence[int], form: type[Node]
) -> tuple[list[Node | None], list[Damage]]:
    """Decode rows; the runtime drops those that are not stored as text."""
    nodes, damages = decode_rows(texts, form)
    if all(are_text):
        return nodes, damages
    reasons = dict(damages)
    for position, is_text in enumerate(are_text):
        if not is_text:
            nodes[position] = None
            reasons[position] = "not stored as text"
    return nodes, [Damage(position, reasons[position]) for position in sorted(reasons)]


def as_bytes(value: object) -> bytes:
    """A cell of text as bytes, whatever its storage class."""
    return value if isinstance(value, bytes) else str(value).encode()


def id_texts(ids: Sequence[Any]) -> list[str]:
    """Row ids as text."""
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
    table = dialect_of(connection).every_node
    found: list[tuple[int, bytes]] = []
    with raw_text(connection):
        cursor = connection.execute(
            f"SELECT seq, node_json FROM {table} WHERE tombstoned = 0 ORDER BY seq"
        )
        while rows := cursor.fetchmany(_ROWS):
            seqs, texts = zip(*rows, strict=True)
            try:
                hits = rows_that_may_name(texts)
            except TypeError:
                texts = tuple(map(as_bytes, texts))
                hits = rows_that_may_name(texts)
            found += [(seqs[at], texts[at]) for at in hits]
    return [_suspect(connection, table, seq, text) for seq, text in found]


def _suspect(connection: sqlite3.Connection, table: str, seq: int, text: bytes) -> Suspect:
    row = connection.execute(
        f"SELECT node_id, typeof(node_json) = 'text' FROM {table} WHERE seq = ?", (seq,)
    ).fetchone()
    if row is None:
        raise sqlite3.DatabaseError(f"node {seq} is found by a scan and not by its number")
    node_id, is_text = row
    form = dialect_of(connection).records.node
    return Suspect(id_text(node_id), text, bool(is_text) and not decode_rows([text], form)[1])


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


def load(connection: sqlite3.Connection, node_id: str) -> Node | None:
    """One live node by its row's id; None where it is absent, tombstoned or unreadable."""
    found = connection.execute(
        "SELECT CAST(node_json AS BLOB) FROM graph_nodes "
        "WHERE node_id = ? AND tombstoned = 0 AND typeof(node_json) = 'text'",
        (node_id,),
    ).fetchone()
    form = dialect_of(connection).records.node
    return decode_rows([found[0]], form)[0][0] if found else None


def stored_json(connection: sqlite3.Connection, node_id: str) -> bytes | None:
    """The JSON of a row as it stands, be the row alive or not, readable or not."""
    found = connection.execute(
        "SELECT CAST(node_json AS BLOB) FROM graph_nodes WHERE node_id = ?", (node_id,)
    ).fetchone()
    return None if found is None else found[0] or b""


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
    """Delete the tombstoned rows and return their number; and what else the release deletes."""
    dialect = dialect_of(connection)
    deleted = connection.execute(dialect.dead_nodes).rowcount
    for statement in dialect.dead_rows:
        connection.execute(statement)
    return deleted


def count_live(connection: sqlite3.Connection) -> int:
    """Number of rows that are not tombstoned."""
    return int(
        connection.execute("SELECT count(*) FROM graph_nodes WHERE tombstoned = 0").fetchone()[0]
    )
