"""The frame of one row about the session as a whole."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from lashgraph.check import GraphRows, find_problems
from lashgraph.columns import Column, FrameSchema, closed, count, maybe, text, time, times
from lashgraph.format import jsontext
from lashgraph.format.session import ROOT
from lashgraph.format.usage import TokenCounts
from lashgraph.frames.graph import Bar, cause_columns, cause_values
from lashgraph.frames.source import RowDamage, Source, Table
from lashgraph.frames.tokens import ACCOUNTING, TOKENS, token_columns
from lashgraph.reach import GcPolicy, Mark, mark
from lashgraph.sqlite import heads, usage
from lashgraph.sqlite.connect import dialect_of
from lashgraph.sqlite.place import FileSizes

SESSIONS = FrameSchema.of(
    "sessions",
    "one row for the session",
    text("name", "name of the session"),
    time("created_at", "when it was created"),
    text("model", "model in use: of the head's configuration, else of the metadata"),
    text("provider_id", "provider of the model"),
    text("cwd", "working directory"),
    closed(
        "relation",
        "root or child of another session; handoff: one that took over from another; fork: one "
        "that goes on from a node of another, its parent",
        "root",
        "child",
        "handoff",
        "fork",
    ),
    text("parent_session_id", "the parent of a child"),
    *cause_columns(),
    maybe("head_revision", "revision of the head"),
    text("leaf_node_id", "where the active path ends"),
    count("n_nodes", "nodes, tombstoned ones too"),
    count("n_tombstoned", "nodes that wait for vacuum"),
    count("n_messages", "messages of living nodes, on all branches"),
    count("n_tool_calls", "tool calls in them"),
    count("n_turns", "recorded turns"),
    count("n_branches", "branches: runs of living nodes without a fork, as in nodes()"),
    count("n_agent_frames", "agent frames that the head lists"),
    time("first_at", "the earliest time of a living node"),
    time("last_at", "the latest time of a living node"),
    *(
        Column(
            c.name, "Int64", c.meaning + ": sum of usage(); missing where rows of it are unreadable"
        )
        for c in TOKENS
    ),
    ACCOUNTING,
    count("n_blobs", "blobs"),
    count("blob_bytes", "stored bytes of all blobs"),
    count(
        "reclaimable_bytes",
        "stored bytes of blobs that the safe policy does not keep; 0 where it refuses to collect",
    ),
    count("file_bytes", "size of the database file"),
    count("wal_bytes", "size of its log"),
    count("freelist_bytes", "free pages inside the file"),
    count("schema_version", "schema version of the file"),
    text("releases", "releases of lash that write what stands in it, as docs/versions.md lists"),
    count("n_problems", "rows of problems()"),
)

_TOKEN_NAMES = frozenset(column.name for column in TOKENS)


def sessions_table(source: Source, wanted: frozenset[str], *, files: FileSizes) -> Table:
    """One row: who the session is, how much it holds, where the bytes are."""
    connection = source.connection
    meta, head = heads.load_meta(connection), _head_facts(connection)
    relation = ROOT if meta is None else meta.relation
    graph, marked = _GraphFacts(source), _MarkFacts(connection)
    tokens, odd = _ledger(connection) if wanted & _TOKEN_NAMES else (None, [])
    columns: dict[str, Any] = {
        "name": [meta.session_name if meta else None],
        "created_at": [created_at(meta.created_at) if meta else None],
        "model": [head["model"] or (meta.model if meta else None)],
        "provider_id": [head["provider_id"]],
        "cwd": [meta.cwd if meta else None],
        "relation": [relation.kind],
        "parent_session_id": [relation.parent_session_id],
        **cause_values([relation.cause]),
        "head_revision": [head["revision"]],
        "leaf_node_id": [heads.leaf(connection)],
        "n_nodes": lambda: [_count(connection, "graph_nodes")],
        "n_tombstoned": lambda: [_count(connection, "graph_nodes") - len(graph.rows.ids)],
        "n_messages": lambda: [graph.n_messages],
        "n_tool_calls": lambda: [graph.rows.n_tool_calls],
        "n_turns": [_count(connection, "runtime_turn_commits")],
        "n_branches": lambda: [graph.n_branches],
        "n_agent_frames": [head["n_agent_frames"]],
        "first_at": lambda: [graph.span[0]],
        "last_at": lambda: [graph.span[1]],
        **token_columns([tokens]),
        "accounting": [dialect_of(connection).records.usage.accounting],
        "n_blobs": lambda: [len(marked.mark.present)],
        "blob_bytes": lambda: [sum(row.stored_bytes for row in marked.mark.present)],
        "reclaimable_bytes": lambda: [marked.reclaimable_bytes],
        "file_bytes": [files.database],
        "wal_bytes": [files.log],
        "freelist_bytes": [
            _pragma(connection, "freelist_count") * _pragma(connection, "page_size")
        ],
        "schema_version": [dialect_of(connection).version],
        "releases": [dialect_of(connection).releases],
        "n_problems": lambda: [len(find_problems(connection, graph.rows))],
    }
    return Table(columns, 1, [RowDamage("usage_deltas", *one) for one in odd])


def _ledger(connection: sqlite3.Connection) -> tuple[TokenCounts | None, list[tuple[str, str]]]:
    """The sum of the ledger; None where rows of it are no usage, and these."""
    entries, odd = usage.read_rows(connection)
    total = dialect_of(connection).records.usage().counts
    for _, delta in entries:
        total = total.plus(delta.usage.counts)
    return (None if odd else total), odd


class _MarkFacts:
    """What the safe policy keeps, marked when it is first asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @cached_property
    def mark(self) -> Mark:
        """The mark."""
        return mark(self._connection, GcPolicy.safe())

    @property
    def reclaimable_bytes(self) -> int:
        """Bytes a collection would delete; none where it would be refused."""
        return 0 if self.mark.findings else sum(row.stored_bytes for row in self.mark.doomed())


class _GraphFacts:
    """What one scan of the living nodes tells, made when it is first asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def rows(self) -> GraphRows:
        """The scan."""
        with Bar(self._source, tombstoned=False) as bar:
            return GraphRows.read(self._source.connection, bar.update)

    @property
    def n_messages(self) -> int:
        """Messages."""
        return len(self.rows.messages) - self.rows.messages.count(None)

    @property
    def n_branches(self) -> int:
        """Nodes that start a branch: at roots, below forks, on cycles."""
        links, on_cycle = self.rows.forest.parents, self.rows.forest.on_cycle
        inside = np.flatnonzero(links >= 0)
        starts = (links < 0) | on_cycle
        children = np.bincount(links[inside], minlength=len(links))
        starts[inside] |= children[links[inside]] > 1
        return int(starts.sum())

    @cached_property
    def span(self) -> tuple[str | None, str | None]:
        """The earliest and the latest time, as the nodes have them."""
        found = times(self.rows.times)
        if not len(found) or found.isna().all():
            return None, None
        return self.rows.times[found.argmin()], self.rows.times[found.argmax()]


def _head_facts(connection: sqlite3.Connection) -> dict[str, Any]:
    """What the head says, as far as it can be read: it may be one that the runtime refuses."""
    found = heads.row(connection)
    head = jsontext.lenient(found.json) if found else None
    frames = jsontext.inside(head, "agent_frames")
    model = jsontext.inside(head, "config", "model", "id")
    if model is None:
        model = jsontext.inside(head, "config", "configured_model")
    provider = jsontext.inside(head, "config", "provider_id")
    return {
        "revision": found.revision if found else None,
        "model": model if isinstance(model, str) else None,
        "provider_id": provider if isinstance(provider, str) else None,
        "n_agent_frames": len(frames) if isinstance(frames, list) else 0,
    }


def _count(connection: sqlite3.Connection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def created_at(stored: str) -> str | None:
    """A time of creation as ISO text: it is kept as ``unix:SECONDS`` or in RFC 3339."""
    if not stored.startswith("unix:"):
        return stored
    try:
        return datetime.fromtimestamp(float(stored[5:]), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
