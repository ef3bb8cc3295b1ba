"""The session graph: rows, parents, the active path, message ids and times."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from lashgraph.check import reading
from lashgraph.check.finding import CheckFinding
from lashgraph.check.kinds import unknown_kind_of_node
from lashgraph.columns import NO_TIME, nanoseconds
from lashgraph.errors import DamagedHeadError
from lashgraph.format.lines import decode_rows
from lashgraph.format.node import Message
from lashgraph.sqlite import heads, integrity, nodes
from lashgraph.sqlite.connect import dialect_of
from lashgraph.tree.forest import ABSENT, Forest, measure, parent_positions, path_to_root

_TABLE = "graph_nodes"


class GraphRows:
    """What one scan of the living rows tells, column by column; no node is kept.

    Attributes
    ----------
    seqs, ids : list
        Load order and row id of each.
    parents, times, messages : list of str or None
        Parent's id, timestamp and message id; None for a row that cannot be read or has none.
    n_tool_calls : int
        Tool calls in all messages.
    damaged, misnamed : list of (int, str)
        Positions of rows that cannot be read, with the reason, and of those whose JSON has another
        id, with that.
    """

    @classmethod
    def read(
        cls, connection: sqlite3.Connection, progress: Callable[[int], object] | None = None
    ) -> GraphRows:
        """Scan the graph.

        Parameters
        ----------
        progress : callable, optional
            Is told the number of rows whenever some were read.
        """
        rows = cls()
        with nodes.paused_collector():
            for chunk in nodes.scan(connection, tombstoned=False, keys=True):
                rows._add(chunk)
                if progress is not None:
                    progress(len(chunk.nodes))
        return rows

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.ids: list[str] = []
        self.parents: list[str | None] = []
        self.times: list[str | None] = []
        self.messages: list[str | None] = []
        self.n_tool_calls = 0
        self.damaged: list[tuple[int, str]] = []
        self.misnamed: list[tuple[int, str]] = []

    def _add(self, chunk: nodes.NodeChunk) -> None:
        assert chunk.keys is not None
        start = len(self.ids)
        ids = chunk.keys.ids
        self.seqs += chunk.keys.seqs
        self.ids += ids
        self.damaged += [(start + damage.position, damage.reason) for damage in chunk.damages]
        found = [None if node is None else node.node_id for node in chunk.nodes]
        if found != ids:
            self.misnamed += [
                (start + at, inside)
                for at, (key, inside) in enumerate(zip(ids, found, strict=True))
                if inside is not None and inside != key
            ]
        self.parents += [None if node is None else node.parent_node_id for node in chunk.nodes]
        self.times += [None if node is None else node.timestamp for node in chunk.nodes]
        events = [None if node is None else node.event for node in chunk.nodes]
        messages = [None if event is None else event.conversation for event in events]
        self.messages += [None if message is None else message.id for message in messages]
        self.n_tool_calls += sum(
            [
                part.kind == "ToolCall"
                for message in messages
                if message is not None
                for part in message.parts
            ]
        )

    @cached_property
    def forest(self) -> Forest:
        """Parents, depths and cycles."""
        return measure(parent_positions(self.ids, self.parents))


def graph_findings(
    connection: sqlite3.Connection, rows: GraphRows | None = None
) -> Iterator[CheckFinding]:
    """What is wrong with the living rows of the graph: one scan, then arrays of integers.

    Parameters
    ----------
    rows : GraphRows, optional
        That scan, if it was made already.
    """
    rows = rows or GraphRows.read(connection)
    yield from _unread(connection, rows)
    forest = rows.forest
    leaf = reading.leaf(connection)
    is_whole = not (forest.parents == ABSENT).any() and (leaf is None or leaf in rows.ids)
    dead = set() if is_whole else integrity.dead_node_ids(connection)
    yield from _links(rows, forest, dead)
    yield from _active_path(rows, leaf, forest, dead)
    yield from _times(rows, forest)
    yield from _messages(connection, rows)
    yield from _count(connection, rows)


def _unread(connection: sqlite3.Connection, rows: GraphRows) -> Iterator[CheckFinding]:
    for at, reason in rows.damaged:
        newer = unknown_kind_of_node(integrity.node_text(connection, rows.seqs[at]))
        code = "node-unknown-kind" if newer else "node-unreadable"
        what = f"{newer}: {reason}" if newer else f"cannot be read: {reason}"
        yield CheckFinding(code, _TABLE, rows.ids[at], what)
    for at, inside in rows.misnamed:
        what = f"its JSON says it is {inside!r}"
        yield CheckFinding("node-key-differs", _TABLE, rows.ids[at], what)


def _links(rows: GraphRows, forest: Forest, dead: set[str]) -> Iterator[CheckFinding]:
    for at in np.flatnonzero(forest.parents == ABSENT).tolist():
        parent = rows.parents[at]
        if parent in dead:
            what = f"its parent {parent!r} is tombstoned: paths end here"
            yield CheckFinding("parent-tombstoned", _TABLE, rows.ids[at], what)
        else:
            what = f"its parent {parent!r} is missing: paths end here"
            yield CheckFinding("parent-missing", _TABLE, rows.ids[at], what)
    for at in np.flatnonzero(forest.on_cycle).tolist():
        what = "it is its own ancestor: a cycle"
        yield CheckFinding("node-cycle", _TABLE, rows.ids[at], what)


def _active_path(
    rows: GraphRows, leaf: str | None, forest: Forest, dead: set[str]
) -> Iterator[CheckFinding]:
    if leaf is None:
        return
    if leaf not in rows.ids:
        code, what = "leaf-missing", f"leaf {leaf!r} is not in the graph"
        if leaf in dead:
            code, what = "leaf-tombstoned", f"leaf {leaf!r} is tombstoned"
        yield CheckFinding(code, "session_head", "leaf_node_id", what)
        return
    top = path_to_root(forest.parents, rows.ids.index(leaf))[-1]
    if forest.parents[top] == ABSENT and rows.parents[top] not in dead:
        what = (
            f"the path from leaf {leaf!r} ends at {rows.ids[top]!r}, whose parent "
            f"{rows.parents[top]!r} is missing"
        )
        yield CheckFinding("active-path-cut", "session_head", "leaf_node_id", what)


def _times(rows: GraphRows, forest: Forest) -> Iterator[CheckFinding]:
    stamps = nanoseconds(rows.times)
    for at in np.flatnonzero(stamps == NO_TIME).tolist():
        if rows.times[at] is not None:
            what = f"its timestamp {rows.times[at]!r} is no time"
            yield CheckFinding("time-unreadable", _TABLE, rows.ids[at], what)
    children = np.flatnonzero((forest.parents >= 0) & ~forest.on_cycle & (stamps != NO_TIME))
    parents = forest.parents[children]
    for at in children[stamps[children] < stamps[parents]].tolist():
        parent = int(forest.parents[at])
        what = f"it is of {rows.times[at]}, its parent {rows.ids[parent]!r} of {rows.times[parent]}"
        yield CheckFinding("time-backwards", _TABLE, rows.ids[at], what)


def _messages(connection: sqlite3.Connection, rows: GraphRows) -> Iterator[CheckFinding]:
    """Message ids that stand in several nodes, and whether those say the same."""
    counts = Counter(rows.messages)
    repeated: dict[str, list[int]] = {
        key: [] for key, count in counts.items() if key is not None and count > 1
    }
    if not repeated:
        return
    for at, key in enumerate(rows.messages):
        if key is not None and key in repeated:
            repeated[key].append(at)
    form = dialect_of(connection).records.node
    for key, places in repeated.items():
        texts = [integrity.node_text(connection, rows.seqs[at]) for at in places]
        found = [node.message for node in decode_rows(texts, form)[0] if node is not None]
        said = {_said(message) for message in found if message is not None} - {None}
        shown = ", ".join(repr(rows.ids[at]) for at in places[:3])
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        code = "message-id-conflict" if len(said) > 1 else "message-id-repeated"
        what = f"message {key!r} stands in nodes {shown}{more}"
        yield CheckFinding(code, _TABLE, rows.ids[places[-1]], what)


def _said(message: Message) -> tuple[object, ...] | None:
    """What a message says, without the ids that a copy gets anew; None of one that was pruned."""
    if any(part.prune_state != "Intact" for part in message.parts):
        return None
    parts = [(part.kind, part.content, part.tool_call_id) for part in message.parts]
    return message.role, tuple(parts)


def _count(connection: sqlite3.Connection, rows: GraphRows) -> Iterator[CheckFinding]:
    try:
        head = heads.load(connection)
    except DamagedHeadError:
        return
    if head is not None and head.graph_node_count != len(rows.ids):
        what = f"it counts {head.graph_node_count:,} living nodes, and there are {len(rows.ids):,}"
        yield CheckFinding("head-count-differs", "session_head", "graph_node_count", what)
