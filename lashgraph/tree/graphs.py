"""Session graphs as graphs of networkx, with plain attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.format import jsontext
from lashgraph.sqlite.nodes import paused_collector
from lashgraph.tree.base import NodeGraph
from lashgraph.tree.branches import branch_columns
from lashgraph.tree.find import texts_of
from lashgraph.tree.messages import message_text, message_tree

if TYPE_CHECKING:
    import networkx as nx

Level = Literal["nodes", "messages", "branches"]
Columns = dict[str, Callable[[], Iterable[Any]]]

NODE_ATTRIBUTES = (
    "kind",
    "timestamp",
    "role",
    "plugin_id",
    "plugin_type",
    "agent_frame_id",
    "on_active_path",
    "parent_status",
)
"""What a node of level "nodes" has unless attributes are chosen."""

MESSAGE_ATTRIBUTES = ("role", "timestamp", "message_id", "depth", "on_active_path")
"""What a node of level "messages" has unless attributes are chosen."""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def to_networkx(
    graph: NodeGraph, level: Level, attributes: Sequence[str] | None
) -> nx.DiGraph[str]:
    """A DiGraph of nodes, messages or branches, with edges from parent to child."""
    if level not in get_args(Level):
        raise InvalidRecordError(f"level {level!r}; known: {', '.join(get_args(Level))}")
    make = {"nodes": _nodes, "messages": _messages, "branches": _branches}[level]
    names, edges, columns, default = make(graph)
    return _digraph(graph, names, edges, _chosen(columns, attributes, default))


Parts = tuple[list[str], list[tuple[str, str]], Columns, Sequence[str]]


def _nodes(graph: NodeGraph) -> Parts:
    shown = np.flatnonzero(graph._shown).tolist()
    names = graph._names(shown)
    parents = graph._links.parents.tolist()
    nodes = graph.nodes
    edges = [
        (nodes[parents[at]].node_id, name)
        for at, name in zip(shown, names, strict=True)
        if parents[at] >= 0
    ]
    return names, edges, _node_columns(graph, shown), NODE_ATTRIBUTES


def _node_columns(graph: NodeGraph, at: list[int]) -> Columns:
    nodes = [graph.nodes[position] for position in at]
    messages = [node.message for node in nodes]
    protocols = [node.event.protocol if node.event is not None else None for node in nodes]

    def taken(values: Any) -> list[Any]:
        chosen: list[Any] = np.asarray(values)[at].tolist() if at else []
        return chosen

    return {
        "kind": lambda: [node.kind for node in nodes],
        "timestamp": lambda: [node.timestamp for node in nodes],
        "role": lambda: [None if found is None else found.role for found in messages],
        "plugin_id": lambda: [None if found is None else found.plugin_id for found in protocols],
        "plugin_type": lambda: [node.plugin_type for node in nodes],
        "agent_frame_id": lambda: [node.agent_frame_id for node in nodes],
        "on_active_path": lambda: taken(graph._active()),
        "parent_status": lambda: taken(graph.parent_status()),
        "parent_node_id": lambda: [node.parent_node_id for node in nodes],
        "position": lambda: at,
        "depth": lambda: [None if depth < 0 else depth for depth in taken(graph._forest.depths)],
        "n_children": lambda: taken(graph._children.counts),
        "branch_id": lambda: graph._names(taken(graph._runs.of)),
        "message_id": lambda: [None if found is None else found.id for found in messages],
        "text": lambda: [
            "\n".join(texts_of(node)) if node.message is None else message_text(node.message)
            for node in nodes
        ],
        "json": lambda: [
            jsontext.encode(node).decode().replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")
            for node in nodes
        ],
    }


def _messages(graph: NodeGraph) -> Parts:
    tree = message_tree(graph)
    shown = graph._shown.tolist()
    rows = [
        (at, parent, depth)
        for at, parent, depth in zip(tree.at, tree.parents, tree.depths, strict=True)
        if shown[at]
    ]
    names = graph._names(at for at, _, _ in rows)
    nodes = graph.nodes
    edges = [
        (nodes[parent].node_id, name)
        for name, (_, parent, _) in zip(names, rows, strict=True)
        if parent >= 0
    ]
    columns = _node_columns(graph, [at for at, _, _ in rows])
    columns["depth"] = lambda: [depth for _, _, depth in rows]
    return names, edges, columns, MESSAGE_ATTRIBUTES


def _branches(graph: NodeGraph) -> Parts:
    data = branch_columns(graph)
    names = data.pop("branch_id")
    edges = [
        (parent, name)
        for parent, name in zip(data["parent_branch_id"], names, strict=True)
        if parent is not None
    ]
    columns: Columns = {name: values.copy for name, values in data.items()}
    return names, edges, columns, tuple(data)


def _chosen(columns: Columns, asked: Sequence[str] | None, default: Sequence[str]) -> Columns:
    names = default if asked is None else [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if not isinstance(name, str) or name not in columns:
            raise UnknownColumnError(f"no attribute {name!r}; known: {', '.join(columns)}")
    return {name: columns[name] for name in names}


def _digraph(
    graph: NodeGraph, names: list[str], edges: list[tuple[str, str]], columns: Columns
) -> nx.DiGraph[str]:
    import networkx as nx

    made: nx.DiGraph[str] = nx.DiGraph()
    facts = {"leaf": graph.leaf, "session_id": graph.session_id or None}
    made.graph.update({name: value for name, value in facts.items() if value is not None})
    with paused_collector():
        _fill(made, names, edges, columns)
    return made


def _fill(
    made: nx.DiGraph[str], names: list[str], edges: list[tuple[str, str]], columns: Columns
) -> None:
    rows: list[dict[str, Any]] = [{} for _ in names]
    for column, values in columns.items():
        clean = str if column == "json" else _plain
        for row, value in zip(rows, values(), strict=True):
            if value is not None:
                row[column] = clean(value) if type(value) is str else value
    made.add_nodes_from(zip(names, rows, strict=True))
    made.add_edges_from(edges)


def _plain(text: str) -> str:
    """A text that XML can hold."""
    return text if text.isprintable() else _NOT_IN_XML.sub("\ufffd", text)
