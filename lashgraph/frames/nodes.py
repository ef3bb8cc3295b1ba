"""The frame of nodes."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from lashgraph.format.node import Node
from lashgraph.frames.declared import NODES
from lashgraph.sqlite import heads, nodes
from lashgraph.tree.forest import ABSENT, ROOT, measure, parent_positions, path_to_root

_STATUS = {name: code for code, name in enumerate(NODES.columns[5].categories)}
_CAUSE_IDS = ("turn_id", "effect_id", "call_id", "process_id", "occurrence_id", "node_id")


class NodesFrame(NamedTuple):
    """The frame, and of each row that could not be read its id and why."""

    frame: pd.DataFrame
    unreadable: list[tuple[str, str]]


class _Rows:
    """Columns as they grow, chunk by chunk; no node is kept."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.ids: list[str] = []
        self.dead: list[int] = []
        self.sizes: list[int] = []
        self.parents: list[str | None] = []
        self.frames: list[str | None] = []
        self.times: list[str | None] = []
        self.kinds: list[str] = []
        self.roles: list[str | None] = []
        self.plugin_types: list[str | None] = []
        self.causes: list[Any] = []
        self.unreadable: list[tuple[str, str]] = []

    def add(self, chunk: nodes.NodeChunk) -> None:
        assert chunk.keys is not None
        self.seqs += chunk.keys.seqs
        self.ids += chunk.keys.ids
        self.dead += chunk.keys.tombstoned
        self.sizes += chunk.keys.sizes
        if chunk.damages:
            self.unreadable += nodes.damaged_rows(chunk)
            self._add_one_by_one(chunk.nodes)
        else:
            self._add_nodes(chunk.nodes)  # type: ignore[arg-type]

    def _add_nodes(self, found: list[Node]) -> None:
        self.parents += [node.parent_node_id for node in found]
        self.frames += [node.agent_frame_id for node in found]
        self.times += [node.timestamp for node in found]
        self.plugin_types += [node.plugin_type for node in found]
        self.causes += [node.caused_by for node in found]
        events = [node.event for node in found]
        messages = [None if event is None else event.conversation for event in events]
        self.roles += [None if message is None else message.role for message in messages]
        self.kinds += [
            "message" if message is not None else "protocol" if event is not None else "plugin"
            for message, event in zip(messages, events, strict=True)
        ]

    def _add_one_by_one(self, found: list[Node | None]) -> None:
        for node in found:
            if node is not None:
                self._add_nodes([node])
                continue
            self.kinds.append("unreadable")
            for column in (self.parents, self.frames, self.times, self.roles, self.plugin_types):
                column.append(None)
            self.causes.append(None)


def nodes_frame(connection: sqlite3.Connection, path: str, session_id: str) -> NodesFrame:
    """Every row of the graph as a frame."""
    rows = _Rows()
    with nodes.paused_collector():
        for chunk in nodes.scan(connection, tombstoned=True, keys=True):
            rows.add(chunk)
    data = _columns(rows) | _tree_columns(rows, heads.leaf(connection))
    return NodesFrame(NODES.build(data, len(rows.seqs), path, session_id), rows.unreadable)


def _columns(rows: _Rows) -> dict[str, Any]:
    causes = [(i, cause) for i, cause in enumerate(rows.causes) if cause is not None]
    types: list[str | None] = [None] * len(rows.causes)
    sessions, cause_ids = types.copy(), types.copy()
    for index, cause in causes:
        types[index] = cause.__struct_config__.tag
        sessions[index] = getattr(cause, "session_id", None)
        named = [getattr(cause, name, None) for name in _CAUSE_IDS]
        cause_ids[index] = [name for name in named if name is not None][-1]
    return {
        "node_id": rows.ids,
        "seq": np.array(rows.seqs, np.int64),
        "parent_node_id": rows.parents,
        "agent_frame_id": rows.frames,
        "timestamp": rows.times,
        "kind": _codes(rows.kinds, "kind"),
        "role": _codes(rows.roles, "role"),
        "plugin_type": rows.plugin_types,
        "caused_by_type": _codes(types, "caused_by_type"),
        "caused_by_session_id": sessions,
        "caused_by_id": cause_ids,
        "tombstoned": np.array(rows.dead, np.bool_),
        "json_bytes": np.array(rows.sizes, np.int64),
    }


def _codes(values: list[Any], column: str) -> Any:
    names = next(c.categories for c in NODES.columns if c.name == column)
    table: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    table[None] = -1
    return np.fromiter(map(table.__getitem__, values), np.int8, len(values))


def _tree_columns(rows: _Rows, leaf: str | None) -> dict[str, Any]:
    dead = np.array(rows.dead, np.bool_)
    parents = parent_positions(rows.ids, rows.parents)
    to_dead = np.zeros(len(parents), np.bool_)
    inside = parents >= 0
    to_dead[inside] = dead[parents[inside]]
    walked = np.where(to_dead, ABSENT, parents)
    forest = measure(walked)
    living_links = parents[inside & ~dead]
    n_children = np.bincount(living_links, minlength=len(parents)).astype(np.int64)
    active = np.zeros(len(parents), np.bool_)
    if leaf is not None:
        start = rows.ids.index(leaf) if leaf in rows.ids else None
        if start is not None and not dead[start]:
            active[path_to_root(walked, start)] = True
    status = np.full(len(parents), _STATUS["present"], np.int8)
    status[parents == ROOT] = _STATUS["root"]
    status[parents == ABSENT] = _STATUS["missing"]
    status[to_dead] = _STATUS["tombstoned"]
    status[forest.on_cycle] = _STATUS["cycle"]
    status[[kind == "unreadable" for kind in rows.kinds]] = _STATUS["unreadable"]
    return {
        "parent_status": status,
        "depth": pa.array(forest.depths, mask=forest.depths < 0).to_pandas(
            types_mapper={pa.int64(): pd.Int64Dtype()}.get
        ),
        "n_children": n_children,
        "on_active_path": active,
        "is_leaf": n_children == 0,
    }
