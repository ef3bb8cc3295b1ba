"""The frame of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lashgraph.columns import FrameSchema, closed, count, flag, maybe, text, time
from lashgraph.format.node import Node
from lashgraph.format.node_forms import NodeWithTool
from lashgraph.frames.graph import Scan, cause_columns, cause_values
from lashgraph.frames.source import Source, Table
from lashgraph.tree.forest import ABSENT, ROOT, Forest, measure, without_cycles
from lashgraph.tree.runs import runs
from lashgraph.tree.tour import tour

ROLES = ("User", "Assistant", "System", "Event")
_STATUSES = ("root", "present", "tombstoned", "missing", "cycle", "unreadable")
_KINDS = ("message", "protocol", "plugin", "tool", "unreadable")
_TOOL, _UNREADABLE = _KINDS.index("tool"), _KINDS.index("unreadable")

NODES = FrameSchema.of(
    "nodes",
    "every row of the session graph, in load order, tombstoned and unreadable ones too",
    text("node_id", "the row's id, by which rows are linked here, whatever id its JSON has"),
    count("seq", "load order; starts again when the graph is replaced"),
    text("parent_node_id", "the parent that the node names"),
    closed(
        "parent_status",
        "what that parent is: root: none is named; present; tombstoned; missing: not in the "
        "table; cycle: present, and the node is its own ancestor; unreadable: the row itself "
        "cannot be read, so its parent is not known",
        *_STATUSES,
    ),
    maybe(
        "depth",
        "steps to where the path upwards ends (at a root, at a parent that is missing or "
        "tombstoned); missing where it runs in a circle",
    ),
    count("n_children", "living nodes that name this one as parent"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("is_leaf", "whether no living node names it as parent"),
    text(
        "branch_id",
        "id of the first node of its branch, the run of living nodes without a fork that it lies "
        "on; each node of a cycle is a branch by itself; missing for tombstoned nodes",
    ),
    text("agent_frame_id", "the agent frame it belongs to"),
    time("timestamp", "when it was made"),
    closed(
        "kind",
        "what it is; tool: a call with its result in one, which releases until alpha.34 record",
        *_KINDS,
    ),
    closed("role", "role of a message; missing for other nodes", *ROLES),
    text("plugin_type", "type of a plugin node; missing for other nodes"),
    *cause_columns(),
    flag("tombstoned", "whether it waits for vacuum"),
    count("json_bytes", "bytes of its JSON as UTF-8"),
)


class _Rows:
    """What the nodes say, as far as it is wanted; None for a row that cannot be read."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wants_text = bool(wanted & {"agent_frame_id", "timestamp", "plugin_type"})
        self._wants_kind = bool(wanted & {"kind", "role", "parent_status"})
        self._wants_cause = any(name.startswith("caused_by") for name in wanted)
        self.frames: list[str | None] = []
        self.times: list[str | None] = []
        self.plugin_types: list[str | None] = []
        self.kinds: list[int] = []
        self.roles: list[int] = []
        self.causes: list[Any] = []

    def add(self, found: list[Node | None]) -> None:
        if None in found:
            for node in found:
                self._add([_NOTHING if node is None else node])
                if node is None and self._wants_kind:
                    self.kinds[-1] = _UNREADABLE
        else:
            self._add(found)  # type: ignore[arg-type]

    def _add(self, found: list[Node]) -> None:
        if self._wants_text:
            self.frames += [node.agent_frame_id for node in found]
            self.times += [node.timestamp or None for node in found]
            self.plugin_types += [node.plugin_type for node in found]
        if self._wants_cause:
            self.causes += [node.caused_by for node in found]
        if self._wants_kind:
            events = [node.event for node in found]
            messages = [None if event is None else event.conversation for event in events]
            self.roles += [-1 if one is None else _ROLE_CODES[one.role] for one in messages]
            self.kinds += [
                0 if message is not None else 1 if event is not None else 2
                for message, event in zip(messages, events, strict=True)
            ]
            if isinstance(found[0], NodeWithTool):
                start = len(self.kinds) - len(found)
                for at, node in enumerate(found, start):
                    if node.invocation is not None:
                        self.kinds[at] = _TOOL


_NOTHING = Node(node_id="", timestamp="", kind="plugin")
_ROLE_CODES = {role: code for code, role in enumerate(ROLES)}


def nodes_table(source: Source, wanted: frozenset[str]) -> Table:
    """Every row of the graph."""
    scan, rows = Scan(source, tombstoned=True), _Rows(wanted)
    for _, found in scan.chunks():
        rows.add(found)
    columns: dict[str, Any] = {
        "node_id": scan.ids,
        "seq": lambda: np.array(scan.seqs, np.int64),
        "parent_node_id": scan.parents,
        "on_active_path": lambda: scan.active,
        "agent_frame_id": rows.frames,
        "timestamp": rows.times,
        "kind": lambda: np.array(rows.kinds, np.int8),
        "role": lambda: np.array(rows.roles, np.int8),
        "plugin_type": rows.plugin_types,
        "tombstoned": lambda: scan.is_dead,
        "json_bytes": lambda: np.array(scan.sizes, np.int64),
    }
    tree = _Tree(scan)
    columns |= {
        "parent_status": lambda: _statuses(scan, tree.forest, rows.kinds),
        "depth": lambda: _depths(tree.forest),
        "n_children": lambda: tree.n_children,
        "is_leaf": lambda: tree.n_children == 0,
        "branch_id": tree.branch_ids,
    }
    return Table(columns | cause_values(rows.causes), len(scan.ids), scan.damages)


class _Tree:
    """The shape of the graph, measured when it is first asked for."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._forest: Forest | None = None

    @property
    def forest(self) -> Forest:
        """Depths and cycles; no path leads into a tombstoned parent."""
        if self._forest is None:
            self._forest = measure(self._scan.living_links)
        return self._forest

    @property
    def n_children(self) -> Any:
        """Living rows that name a row as parent."""
        links, dead = self._scan.links, self._scan.is_dead
        return np.bincount(links[(links >= 0) & ~dead], minlength=len(links)).astype(np.int64)

    def branch_ids(self) -> list[str | None]:
        """Id of the first row of each living row's branch."""
        dead = self._scan.is_dead
        if not len(dead):
            return []
        whole = self.forest
        if dead.any():
            whole = measure(np.where(dead, ROOT, whole.parents))
        inside = whole.parents[whole.parents >= 0]
        n_children = np.bincount(inside, minlength=len(whole.parents))
        of = runs(whole, n_children, tour(without_cycles(whole))).of
        ids = self._scan.ids
        return [
            None if gone else ids[first]
            for first, gone in zip(of.tolist(), dead.tolist(), strict=True)
        ]


def _depths(forest: Forest) -> Any:
    return pa.array(forest.depths, mask=forest.depths < 0).to_pandas(
        types_mapper={pa.int64(): pd.Int64Dtype()}.get
    )


def _statuses(scan: Scan, forest: Forest, kinds: list[int]) -> Any:
    code = {name: number for number, name in enumerate(_STATUSES)}
    status = np.full(len(scan.links), code["present"], np.int8)
    status[scan.links == ROOT] = code["root"]
    status[scan.links == ABSENT] = code["missing"]
    status[(scan.living_links == ABSENT) & (scan.links >= 0)] = code["tombstoned"]
    status[forest.on_cycle] = code["cycle"]
    status[np.array(kinds, np.int8) == _UNREADABLE] = code["unreadable"]
    return status
